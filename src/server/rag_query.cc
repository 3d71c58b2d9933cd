// One request of /v1/rag/query or /v1/search: its fields, and the work for it.
// SPDX-License-Identifier: Apache-2.0
#include "server/rag_query.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/hash.h"
#include "base/text.h"
#include "cache/answer_directory.h"
#include "server/answer_json.h"
#include "server/json_fields.h"
#include "server/send.h"
#include "server/sse.h"

namespace docmind::server {
namespace {

constexpr int64_t kMaxPassages = 100;
constexpr size_t kMaxSessionBytes = 256;
constexpr size_t kMaxLanguageBytes = 32;

HeaderList rag_headers(const pipeline::Answer& answer) {
  return {{"x-docmind-trace", trace_header(answer)}, {"x-docmind-cache", std::string(cache_label(answer))}};
}

// It stands in the prompt, so it is a name and nothing else.
bool is_language(std::string_view text) {
  return text.size() <= kMaxLanguageBytes && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return c >= 0x80 || c == '-' || c == ' ' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
         });
}

// An answer as events, from the first piece on.
class RagStream {
 public:
  explicit RagStream(const RagCall& call) : call_(call) {}

  bool write_delta(std::string_view text) {
    if (!begun_) begin({});
    return call_.exchange->write(sse_event("delta", json::serialize(json::object{{"text", to_valid_utf8(text)}})));
  }
  void finish(const pipeline::Answer& answer) {
    if (!begun_) begin(rag_headers(answer));
    const json::object object = answer_object(answer, call_.query.collection, call_.query.explain);
    if (call_.exchange->write(sse_event("answer", json::serialize(object)))) call_.exchange->finish();
  }
  // Before the first piece a failure still has its own status.
  void fail(const ApiError& error) {
    if (!begun_) return send_error(call_.exchange, error, Dialect::kOpenAi);
    if (call_.exchange->write(sse_event("error", error_body(error, Dialect::kOpenAi)))) call_.exchange->finish();
  }

 private:
  void begin(HeaderList headers) {
    begun_ = true;
    headers.emplace_back("cache-control", "no-cache");
    call_.exchange->begin({.content_type = std::string(kSseContentType), .headers = std::move(headers)});
  }

  const RagCall& call_;
  bool begun_ = false;
};

void refresh_behind(const RagCall& call) {
  const std::string key = to_hex(FieldHasher()
                                     .add(call.exchange->caller().tenant)
                                     .add(call.query.collection)
                                     .add(call.query.question)
                                     .finish());
  if (!call.refreshes->begin(key)) return;
  pipeline::AskOptions ask = call.query.ask;
  ask.refresh = true;
  const Status posted = call.service->post(
      [collection = call.collection, question = call.query.question, ask, key, refreshes = call.refreshes] {
        // Whoever asks next gets it; should it fail, he asks anew.
        [[maybe_unused]] const auto ignored =
            collection->ask(question, ask, [](std::string_view) { return true; }, CancelToken());
        refreshes->end(key);
      });
  if (!posted.ok()) call.refreshes->end(key);
}

ApiError too_late(int64_t timeout_ms) {
  return {.status = 504,
          .message = fmt::format("the answer was not ready within {}", format_ms(static_cast<double>(timeout_ms))),
          .type = "timeout",
          .code = "deadline_exceeded"};
}

}  // namespace

bool Refreshes::begin(const std::string& key) {
  const std::lock_guard lock(mutex_);
  return keys_.insert(key).second;
}

void Refreshes::end(const std::string& key) {
  const std::lock_guard lock(mutex_);
  keys_.erase(key);
}

std::optional<RagQuery> read_rag_query(std::string_view body, pipeline::AskOptions ask, int64_t max_tokens,
                                       ApiError& error) {
  const std::optional<json::object> object = parse_body(body, error);
  if (!object) return std::nullopt;
  JsonFields fields(*object);
  RagQuery query;
  query.ask = std::move(ask);
  query.question = fields.required_text("question", cache::kMaxQuestionBytes);
  if (fields.ok() && trim(query.question).empty()) fields.fail("question", "is empty");
  if (auto name = fields.text("collection", 64)) query.collection = *std::move(name);
  query.stream = fields.boolean("stream").value_or(false);
  query.explain = fields.boolean("explain").value_or(false);
  pipeline::AskOptions& wanted = query.ask;
  if (const auto top_k = fields.integer("top_k", 1, kMaxPassages)) {
    wanted.retrieve.top_k = static_cast<size_t>(*top_k);
    wanted.retrieve.rerank_depth = std::max(wanted.retrieve.rerank_depth, wanted.retrieve.top_k);
  }
  if (const auto limit = fields.integer("max_tokens", 1, max_tokens)) wanted.max_tokens = static_cast<int>(*limit);
  wanted.session = fields.text("session", kMaxSessionBytes).value_or("");
  wanted.language = fields.text("language", kMaxLanguageBytes).value_or("");
  if (!is_language(wanted.language)) {
    fields.fail("language", "must be a language's name or code, like 'German' or 'de'");
  }
  wanted.use_cache = fields.boolean("use_cache").value_or(true) && wanted.use_cache;
  wanted.refresh = fields.boolean("refresh").value_or(false);
  if (fields.ok()) return query;
  error = *fields.error();
  return std::nullopt;
}

void respond_with_answer(const RagCall& call, const pipeline::Answer& answer) {
  if (call.query.stream) {
    RagStream stream(call);
    if (stream.write_delta(answer.text)) stream.finish(answer);
  } else {
    send_json(call.exchange, answer_object(answer, call.query.collection, call.query.explain), rag_headers(answer));
  }
  if (answer.stale) refresh_behind(call);
}

void answer_rag_query(const RagCall& call) {
  call.service->metrics().record(monitor::Stage::kQueue, call.exchange->elapsed_ms());
  const auto late = [&] { return call.exchange->elapsed_ms() > static_cast<double>(call.timeout_ms); };
  // What nobody waits for any more costs nothing.
  if (late()) return send_error(call.exchange, too_late(call.timeout_ms), Dialect::kOpenAi);
  RagStream stream(call);
  const bool streams = call.query.stream;
  const auto sink = [&](std::string_view text) { return !late() && (!streams || stream.write_delta(text)); };
  const Result<pipeline::Answer> answer =
      call.collection->ask(call.query.question, call.query.ask, sink, call.exchange->cancel());
  if (!answer.ok()) {
    if (call.exchange->cancel().cancelled()) return;
    return stream.fail(late() ? too_late(call.timeout_ms)
                              : engine_error(answer.error(), call.service->retry_after_ms()));
  }
  if (streams) {
    stream.finish(*answer);
  } else {
    send_json(call.exchange, answer_object(*answer, call.query.collection, call.query.explain), rag_headers(*answer));
  }
  if (answer->stale) refresh_behind(call);
}

}  // namespace docmind::server

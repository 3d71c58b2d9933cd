// A chat that is answered from a collection of documents.
// SPDX-License-Identifier: Apache-2.0
#include "server/documents_chat.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/hash.h"
#include "base/text.h"
#include "server/answer_json.h"
#include "server/request_time.h"
#include "server/send.h"

namespace docmind::server {
namespace {

// Enough of a SHA-256 to tell conversations apart.
constexpr size_t kSessionDigits = 32;

std::string session_of(const std::vector<ChatTurn>& turns, size_t n_before) {
  FieldHasher hasher;
  size_t n_counted = 0;
  for (size_t i = 0; i < n_before; ++i) {
    if (turns[i].role == "system") continue;
    hasher.add(turns[i].role).add(turns[i].content);
    ++n_counted;
  }
  return n_counted == 0 ? std::string() : to_hex(hasher.finish()).substr(0, kSessionDigits);
}

// The first field that asks for something a collection cannot do.
std::string_view unoffered_field(const ChatRequest& request) {
  const engine::GenerateOptions& options = request.generation.options;
  if (request.generation.n > 1) return "n";
  if (!request.tools.empty() && request.tool_choice != ToolChoice::kNone) return "tools";
  if (request.format != OutputFormat::kText) return "response_format";
  if (options.sampling.n_top_logprobs) return "logprobs";
  if (!options.sampling.biases.empty()) return "logit_bias";
  if (!options.stop.empty()) return "stop";
  return {};
}

ApiError out_of_time() {
  return {.status = 504, .message = "the question was not answered within the time that the request allows",
          .type = "timeout", .code = "deadline_exceeded"};
}

void answer_on_worker(pipeline::Service& service, const pipeline::CollectionPtr& collection,
                      const pipeline::AskOptions& options, const DocumentsQuestion& question,
                      engine::SteadyTime deadline, const ExchangePtr& exchange, AnswerReader& reader) {
  const auto late = [deadline] { return std::chrono::steady_clock::now() >= deadline; };
  if (late()) return reader.on_error(out_of_time());
  const auto sink = [&](std::string_view text) { return !late() && reader.on_delta(text); };
  const Result<pipeline::Answer> answer = collection->ask(question.question, options, sink, exchange->cancel());
  if (answer.ok()) return reader.on_answer(*answer);
  if (exchange->cancel().cancelled()) return;
  reader.on_error(late() ? out_of_time() : engine_error(answer.error(), service.retry_after_ms()));
}

}  // namespace

std::optional<DocumentsQuestion> documents_question(const ChatRequest& request, std::string_view collection,
                                                    ApiError& error) {
  if (const std::string_view field = unoffered_field(request); !field.empty()) {
    error = bad_field(field, "is not offered where a collection of documents answers; ask the language model for it");
    return std::nullopt;
  }
  const auto last = std::find_if(request.turns.rbegin(), request.turns.rend(),
                                 [](const ChatTurn& turn) { return turn.role == "user"; });
  if (last == request.turns.rend() || trim(last->content).empty()) {
    error = bad_field("messages", "has no message of the user with a question in it");
    return std::nullopt;
  }
  const auto n_before = static_cast<size_t>(std::distance(last, request.turns.rend())) - 1;
  return DocumentsQuestion{.collection = std::string(collection),
                           .question = std::string(trim(last->content)),
                           .session = session_of(request.turns, n_before),
                           .max_tokens = request.generation.options.max_tokens};
}

void ask_documents(pipeline::Service& service, const RouteOptions& options, const ExchangePtr& exchange,
                   DocumentsQuestion question, std::shared_ptr<AnswerReader> reader) {
  ApiError error;
  const auto left_ms = time_left_ms(*exchange, options.request_timeout_ms, error);
  if (!left_ms) return reader->on_error(error);
  const std::string& tenant = exchange->caller().tenant;
  const Result<pipeline::CollectionPtr> collection =
      service.collection(tenant, question.collection, question.collection == "default");
  if (!collection.ok()) {
    error = api_error(collection.error());
    error.param = "collection";
    return reader->on_error(error);
  }
  pipeline::AskOptions ask = service.ask_options(tenant);
  ask.tenant = tenant;
  ask.session = question.session;
  ask.max_tokens = static_cast<int>(std::min<int64_t>(ask.max_tokens, question.max_tokens));
  if (const auto answer = (*collection)->ask_memory(question.question, ask)) {
    if (reader->on_delta(answer->text)) reader->on_answer(*answer);
    return;
  }
  const Status posted =
      service.post([&service, collection = *collection, ask = std::move(ask), question = std::move(question),
                    deadline = deadline_in(*left_ms), exchange, reader] {
        if (exchange->cancel().cancelled()) return;
        answer_on_worker(service, collection, ask, question, deadline, exchange, *reader);
      });
  if (!posted.ok()) reader->on_error(engine_error(posted.error(), service.retry_after_ms()));
}

json::object documents_extension(const pipeline::Answer& answer, std::string_view collection) {
  const json::object whole = answer_object(answer, collection, false);
  json::object made;
  for (const std::string_view name :
       {"collection", "answered", "citations", "provider", "route", "cache", "cached", "trace"}) {
    if (const json::value* value = whole.if_contains(name)) made[name] = *value;
  }
  return made;
}

HeaderList answer_headers(const pipeline::Answer& answer) {
  return {{"x-docmind-cache", std::string(cache_label(answer))}, {"x-docmind-trace", trace_header(answer)}};
}

}  // namespace docmind::server

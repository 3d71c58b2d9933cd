// The body of Ollama's /api/chat, and the reader of its stream of lines.
// SPDX-License-Identifier: Apache-2.0
#include "providers/ollama_chat.h"

#include <fmt/format.h>

#include "base/json.h"
#include "providers/upstream_errors.h"
#include "providers/upstream_json.h"

namespace docmind::providers {
namespace {

constexpr size_t kLargestLineBytes = 1 << 20;
constexpr size_t kMaxLineDepth = 32;

}  // namespace

std::string ollama_chat_body(const UpstreamOptions& options, const UpstreamCapabilities& known, int64_t n_context,
                             const Upstream::ChatRequest& request) {
  json::object sampling{{"num_ctx", n_context},
                        {"num_predict", request.max_tokens},
                        {"temperature", options.temperature},
                        {"repeat_penalty", 1},  // its own default of 1.1 would change the words
                        {"seed", options.seed}};
  if (options.temperature > 0) {
    sampling["top_p"] = options.top_p;
    sampling["top_k"] = options.top_k;
    sampling["min_p"] = options.min_p;
  }
  json::object body{{"model", known.model},
                    {"messages", json::array{json::object{{"role", "system"}, {"content", request.system}},
                                             json::object{{"role", "user"}, {"content", request.user}}}},
                    {"stream", true},
                    {"truncate", false},
                    {"shift", false},
                    {"options", std::move(sampling)}};
  if (known.thinks) body["think"] = options.thinking;
  return json::serialize(body);
}

OllamaChatReader::OllamaChatReader(const UpstreamOptions& options, const TextSink& sink)
    : options_(options), sink_(sink), lines_(kLargestLineBytes) {}

void OllamaChatReader::begin_try() {
  lines_ = NdjsonReader(kLargestLineBytes);
  any_line_ = begun_ = done_ = false;
  result_ = {};
}

Status OllamaChatReader::take(std::string_view piece) {
  Status status = lines_.feed(piece, [this](std::string_view line) { return take_line(line); });
  return lines_.overflowed() ? upstream_malformed(options_, "sent " + status.error().message) : std::move(status);
}

Status OllamaChatReader::take_line(std::string_view line) {
  if (done_) return {};
  if (line.starts_with('<')) {
    return upstream_malformed(options_, "answered with a web page; check that the address is that of such a server");
  }
  const Result<json::value> value = parse_json(line, kMaxLineDepth, kLargestLineBytes);
  if (!value.ok()) {
    return upstream_malformed(options_, fmt::format("sent a line that is not JSON: {}", value.error().message));
  }
  any_line_ = true;
  if (json_at(*value, {"error"}) != nullptr) {
    return upstream_stream_error(options_, static_cast<int>(json_count(*value, {"status"}).value_or(0)), line);
  }
  begun_ = begun_ || !json_text(*value, {"message", "thinking"}).empty();
  DM_TRY(give(json_text(*value, {"message", "content"})));
  if (!json_true(*value, {"done"})) return {};
  begun_ = done_ = true;
  const std::string_view reason = json_text(*value, {"done_reason"});
  result_.finish_reason = reason.empty() ? "stop" : reason;
  result_.n_prompt_tokens = json_count(*value, {"prompt_eval_count"}).value_or(0);
  result_.n_completion_tokens = json_count(*value, {"eval_count"}).value_or(0);
  return {};
}

Status OllamaChatReader::give(std::string_view text) {
  if (text.empty()) return {};
  begun_ = gave_text_ = true;
  if (!sink_ || sink_(text)) return {};
  return Error{ErrorCode::kCancelled, "the answer was stopped"};
}

Status OllamaChatReader::finish(const HttpAnswer&) {
  DM_TRY(lines_.finish([this](std::string_view line) { return take_line(line); }));
  if (done_) return {};
  if (!any_line_) return upstream_malformed(options_, "answered with nothing");
  return Error{ErrorCode::kIo, fmt::format("{} ended its answer in the middle, without its end mark; its log may say "
                                           "why",
                                           upstream_name(options_.spec))};
}

}  // namespace docmind::providers

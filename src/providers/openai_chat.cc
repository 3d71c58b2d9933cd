// The body of an OpenAI chat completion, and the reader of its stream.
// SPDX-License-Identifier: Apache-2.0
#include "providers/openai_chat.h"

#include <fmt/format.h>

#include "base/text.h"
#include "providers/upstream_errors.h"
#include "providers/upstream_json.h"

namespace docmind::providers {
namespace {

constexpr size_t kLargestEventBytes = 1 << 20;
constexpr size_t kMaxChunkDepth = 32;
constexpr std::string_view kStreamEnd = "[DONE]";

// llama.cpp and vLLM have the whole chain of samplers, and their templates can be told not to think.
void add_dialect_fields(json::object& body, const UpstreamOptions& options, UpstreamKind dialect) {
  if (dialect == UpstreamKind::kOpenAi && !options.spec.lm_studio) return;
  if (options.temperature > 0) {
    body["top_k"] = options.top_k;
    body["min_p"] = options.min_p;
  }
  if (dialect == UpstreamKind::kLlamaCpp || dialect == UpstreamKind::kVllm) {
    body["chat_template_kwargs"] = json::object{{"enable_thinking", options.thinking}};
  }
}

int status_of(const json::value& error) {
  return static_cast<int>(json_count(error, {"code"}).value_or(json_count(error, {"status"}).value_or(0)));
}

}  // namespace

std::string openai_chat_body(const UpstreamOptions& options, UpstreamKind dialect, std::string_view model,
                             const Upstream::ChatRequest& request) {
  json::object body{{"model", model},
                    {"messages", json::array{json::object{{"role", "system"}, {"content", request.system}},
                                             json::object{{"role", "user"}, {"content", request.user}}}},
                    {"max_tokens", request.max_tokens},
                    {"temperature", options.temperature},
                    {"seed", options.seed},
                    {"stream", true},
                    {"stream_options", json::object{{"include_usage", true}}}};
  if (options.temperature > 0) body["top_p"] = options.top_p;
  add_dialect_fields(body, options, dialect);
  return json::serialize(body);
}

OpenAiChatReader::OpenAiChatReader(const UpstreamOptions& options, const TextSink& sink)
    : options_(options), sink_(sink), events_(kLargestEventBytes) {}

void OpenAiChatReader::begin_try() {
  events_ = SseReader(kLargestEventBytes);
  form_ = Form::kUnknown;
  body_.clear();
  any_event_ = begun_ = done_ = false;
  result_ = {};
}

Status OpenAiChatReader::take(std::string_view piece) {
  if (form_ == Form::kUnknown) {
    body_ += piece;  // white space so far
    const std::string_view start = trim(body_);
    if (start.empty()) return {};
    form_ = start.front() == '{' ? Form::kObject : start.front() == '<' ? Form::kPage : Form::kEvents;
    if (form_ != Form::kEvents) return {};
    const std::string all = std::exchange(body_, {});
    return take(all);
  }
  if (form_ != Form::kEvents) return body_.append(piece), Status();
  Status status = events_.feed(piece, [this](const SseEvent& event) { return take_event(event); });
  return events_.overflowed() ? upstream_malformed(options_, "sent " + status.error().message) : std::move(status);
}

Status OpenAiChatReader::take_event(const SseEvent& event) {
  any_event_ = true;
  if (done_) return {};
  if (trim(event.data) == kStreamEnd) {
    done_ = true;
    return {};
  }
  Result<json::value> chunk = parse_json(event.data, kMaxChunkDepth, kLargestEventBytes);
  if (event.name == "error") return upstream_stream_error(options_, chunk.ok() ? status_of(*chunk) : 0, event.data);
  if (!chunk.ok()) {
    return upstream_malformed(options_, fmt::format("sent an event that is not JSON: {}", chunk.error().message));
  }
  return take_chunk(*chunk, event.data);
}

Status OpenAiChatReader::take_chunk(const json::value& chunk, std::string_view text) {
  if (const json::value* error = json_at(chunk, {"error"}); error != nullptr && !error->is_null()) {
    return upstream_stream_error(options_, status_of(*error), text);
  }
  read_usage(chunk);
  const json::array* choices = json_list(chunk, {"choices"});
  if (choices == nullptr || choices->empty()) return {};
  const json::value& choice = choices->front();
  const std::string_view finish = json_text(choice, {"finish_reason"});
  if (!finish.empty()) result_.finish_reason = finish;
  const bool thought = !json_text(choice, {"delta", "reasoning_content"}).empty() ||
                       !json_text(choice, {"delta", "reasoning"}).empty();
  begun_ = begun_ || thought || !finish.empty();
  return give(json_text(choice, {"delta", "content"}));
}

Status OpenAiChatReader::give(std::string_view text) {
  if (text.empty()) return {};
  begun_ = gave_text_ = true;
  if (!sink_ || sink_(text)) return {};
  return Error{ErrorCode::kCancelled, "the answer was stopped"};
}

void OpenAiChatReader::read_usage(const json::value& chunk) {
  if (const auto n = json_count(chunk, {"usage", "prompt_tokens"})) result_.n_prompt_tokens = *n;
  if (const auto n = json_count(chunk, {"usage", "completion_tokens"})) result_.n_completion_tokens = *n;
}

Status OpenAiChatReader::take_object(const HttpAnswer& answer) {
  DM_ASSIGN(const json::value value, upstream_json(options_, answer, body_));
  if (const json::value* error = json_at(value, {"error"}); error != nullptr && !error->is_null()) {
    return upstream_stream_error(options_, status_of(*error), body_);
  }
  const json::array* choices = json_list(value, {"choices"});
  if (choices == nullptr || choices->empty()) {
    return upstream_malformed(options_, "answered with JSON that is no chat completion");
  }
  read_usage(value);
  result_.finish_reason = json_text(choices->front(), {"finish_reason"});
  return give(json_text(choices->front(), {"message", "content"}));
}

Status OpenAiChatReader::finish(const HttpAnswer& answer) {
  if (form_ == Form::kObject) return take_object(answer);
  if (form_ == Form::kPage) {
    return upstream_malformed(options_, "answered with a web page; check that the address is that of such a server");
  }
  if (done_ || !result_.finish_reason.empty()) return {};
  if (!any_event_) return upstream_malformed(options_, "answered with something else than a stream of events");
  return Error{ErrorCode::kIo, fmt::format("{} ended its answer in the middle, without its end mark; its log may say "
                                           "why",
                                           upstream_name(options_.spec))};
}

}  // namespace docmind::providers

// OllamaLines: the objects of Ollama's chat and generate, with all that stays the same built once.
// SPDX-License-Identifier: Apache-2.0
#include "server/ollama_lines.h"

#include "server/response_text.h"

namespace docmind::server {
namespace {

constexpr double kNsPerMs = 1e6;

int64_t to_ns(double ms) { return static_cast<int64_t>(ms * kNsPerMs); }

// Ollama gives arguments as an object, where OpenAI gives its text.
json::value arguments_value(const std::string& text) {
  Result<json::value> value = parse_json(text, 64, text.size());
  return value.ok() ? *std::move(value) : json::value(text);
}

}  // namespace

OllamaLines::OllamaLines(std::string_view model, bool chat) : model_(model), chat_(chat) {
  head_ = "{\"model\":";
  append_json_string(head_, model);
  head_ += ",\"created_at\":\"";
}

void OllamaLines::part(std::string& out, const ChoiceText::Parts& parts) const {
  out += head_;
  out += rfc3339(unix_time_us());
  if (parts.thought.empty() && parts.calls.empty()) {
    out += chat_ ? "\",\"message\":{\"role\":\"assistant\",\"content\":" : "\",\"response\":";
    append_json_string(out, parts.answer);
    out += chat_ ? "},\"done\":false}\n" : ",\"done\":false}\n";
    return;
  }
  json::object rest;
  add_parts(rest, parts);
  rest["done"] = false;
  out += "\",";
  out += json::serialize(rest).substr(1);
  out += '\n';
}

json::object OllamaLines::last(const ChoiceText::Parts& parts, const OllamaTotals& totals,
                               const json::object& extension) const {
  json::object object{{"model", model_}, {"created_at", rfc3339(unix_time_us())}};
  add_parts(object, parts);
  object["done"] = true;
  object["done_reason"] = totals.done_reason;
  object["total_duration"] = to_ns(totals.total_ms);
  object["load_duration"] = 0;
  object["prompt_eval_count"] = totals.n_prompt;
  object["prompt_eval_duration"] = to_ns(totals.prefill_ms);
  object["eval_count"] = totals.n_completion;
  object["eval_duration"] = to_ns(totals.decode_ms);
  for (const auto& [name, value] : extension) object[name] = value;
  return object;
}

void OllamaLines::add_parts(json::object& object, const ChoiceText::Parts& parts) const {
  json::object message{{"role", "assistant"}, {"content", parts.answer}};
  json::object& holder = chat_ ? message : object;
  if (!chat_) object["response"] = parts.answer;
  if (!parts.thought.empty()) holder["thinking"] = parts.thought;
  if (!parts.calls.empty()) {
    json::array calls;
    for (const MadeToolCall& call : parts.calls) {
      calls.push_back(json::object{
          {"id", call.id},
          {"function", json::object{{"name", call.name}, {"arguments", arguments_value(call.arguments)}}}});
    }
    holder["tool_calls"] = std::move(calls);
  }
  if (chat_) object["message"] = std::move(message);
}

}  // namespace docmind::server

// OpenAiChunks: the events of a streamed chat or completion, with all that stays the same built once.
// SPDX-License-Identifier: Apache-2.0
#include "server/openai_chunks.h"

#include <fmt/format.h>

#include "server/response_text.h"

namespace docmind::server {

json::object usage_object(const TokenUsage& usage) {
  json::object object{{"prompt_tokens", usage.n_prompt},
                      {"completion_tokens", usage.n_completion},
                      {"total_tokens", usage.n_prompt + usage.n_completion},
                      {"prompt_tokens_details", json::object{{"cached_tokens", usage.n_cached}}}};
  if (usage.n_thought > 0) {
    object["completion_tokens_details"] = json::object{{"reasoning_tokens", usage.n_thought}};
  }
  return object;
}

json::object head_object(const ResponseHead& head) {
  json::object object{{"id", head.id}, {"object", head.object}, {"created", head.created}, {"model", head.model}};
  if (!head.fingerprint.empty()) object["system_fingerprint"] = head.fingerprint;
  return object;
}

json::array tool_calls_array(std::span<const MadeToolCall> calls, int64_t first_index, bool with_index) {
  json::array all;
  for (const MadeToolCall& call : calls) {
    json::object object;
    if (with_index) object["index"] = first_index++;
    object["id"] = call.id;
    object["type"] = "function";
    object["function"] = json::object{{"name", call.name}, {"arguments", call.arguments}};
    all.push_back(std::move(object));
  }
  return all;
}

OpenAiChunks::OpenAiChunks(const ResponseHead& head, bool include_usage) : include_usage_(include_usage) {
  std::string object = json::serialize(head_object(head));
  object.pop_back();  // the brace; members follow
  bare_ = "data: " + object + ",\"choices\":[";
  head_ = bare_ + "{\"index\":";
  tail_ = include_usage ? "],\"usage\":null}\n\n" : "]}\n\n";
}

void OpenAiChunks::begin(std::string& out, size_t choice) const {
  out += head_;
  fmt::format_to(std::back_inserter(out), "{}", choice);
}

void OpenAiChunks::role(std::string& out, size_t choice) const {
  begin(out, choice);
  out += ",\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}";
  out += tail_;
}

void OpenAiChunks::content(std::string& out, size_t choice, std::string_view text, std::string_view logprobs) const {
  begin(out, choice);
  out += ",\"delta\":{\"content\":";
  append_json_string(out, text);
  out += "},\"logprobs\":";
  out += logprobs;
  out += ",\"finish_reason\":null}";
  out += tail_;
}

void OpenAiChunks::thought(std::string& out, size_t choice, std::string_view text) const {
  begin(out, choice);
  out += ",\"delta\":{\"reasoning_content\":";
  append_json_string(out, text);
  out += "},\"logprobs\":null,\"finish_reason\":null}";
  out += tail_;
}

void OpenAiChunks::tool_calls(std::string& out, size_t choice, std::span<const MadeToolCall> calls,
                              int64_t first_index) const {
  begin(out, choice);
  out += ",\"delta\":{\"tool_calls\":" + json::serialize(tool_calls_array(calls, first_index, true));
  out += "},\"logprobs\":null,\"finish_reason\":null}";
  out += tail_;
}

void OpenAiChunks::end(std::string& out, size_t choice, std::string_view finish_reason,
                       std::string_view extension) const {
  begin(out, choice);
  out += ",\"delta\":{},\"logprobs\":null,\"finish_reason\":";
  append_json_string(out, finish_reason);
  out += "}]";
  out += extension;
  out += std::string_view(tail_).substr(1);  // without the bracket
}

void OpenAiChunks::text(std::string& out, size_t choice, std::string_view text, std::string_view logprobs,
                        std::string_view finish_reason, std::string_view extension) const {
  begin(out, choice);
  out += ",\"text\":";
  append_json_string(out, text);
  out += ",\"logprobs\":";
  out += logprobs;
  out += ",\"finish_reason\":";
  if (finish_reason.empty()) out += "null";
  else append_json_string(out, finish_reason);
  out += "}]";
  out += extension;
  out += std::string_view(tail_).substr(1);
}

void OpenAiChunks::usage(std::string& out, const TokenUsage& usage) const {
  if (!include_usage_) return;
  out += bare_;
  out += "],\"usage\":" + json::serialize(usage_object(usage)) + "}\n\n";
}

}  // namespace docmind::server

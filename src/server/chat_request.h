// ChatRequest: the body of POST /v1/chat/completions, checked; free of any model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "server/generation_fields.h"

namespace docmind::server {

struct GivenToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // JSON text
};

struct ChatTurn {
  std::string role;  // "system", "user", "assistant", "tool"
  std::string content;
  std::string thought = {};                      // of an assistant's turn; not shown to the model again
  std::vector<GivenToolCall> tool_calls = {};    // of an assistant's turn
  std::string tool_call_id = {}, tool_name = {};  // of a tool's turn
};

struct GivenTool {
  std::string name;
  std::string description;
  json::object parameters;  // JSON Schema
};

enum class ToolChoice { kNone, kAuto, kRequired, kNamed };
enum class OutputFormat { kText, kJsonObject, kJsonSchema };

struct ChatRequest {
  std::string model;                      // empty: the only one
  std::optional<std::string> collection;  // answered from its documents
  std::vector<ChatTurn> turns;
  GenerationFields generation;
  OutputFormat format = OutputFormat::kText;
  json::value schema = {};
  std::vector<GivenTool> tools = {};
  ToolChoice tool_choice = ToolChoice::kAuto;
  std::string tool_name = {};  // of kNamed
  bool parallel_tool_calls = true;
  std::optional<bool> thinking = {};
};

// Nothing, and `error` says what is wrong. `max_tokens` as in read_generation_fields().
[[nodiscard]] std::optional<ChatRequest> parse_chat_request(std::string_view body, int64_t max_tokens, ApiError& error);

// Parts that other dialects have in common with it.
[[nodiscard]] std::vector<GivenTool> read_tools(JsonFields& fields);
// A message's "content": a text, a list of text parts, or nothing (empty).
[[nodiscard]] std::string read_content(JsonFields& message);

}  // namespace docmind::server

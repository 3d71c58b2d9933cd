// ChatRequest: the body of POST /v1/chat/completions, checked; free of any model.
// SPDX-License-Identifier: Apache-2.0
#include "server/chat_request.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace docmind::server {
namespace {

constexpr size_t kMaxTurns = 4'096;
constexpr size_t kMaxParts = 4'096;
constexpr size_t kMaxTools = 128;
constexpr size_t kMaxToolNameBytes = 256;
constexpr int64_t kMaxTopLogprobs = 20;

// "developer" is OpenAI's newer name of "system", "function" the older one of "tool".
std::string role_of(JsonFields& message) {
  const std::string role = message.required_text("role", 32);
  if (!message.ok()) return {};
  if (role == "developer") return "system";
  if (role == "function") return "tool";
  for (const std::string_view known : {"system", "user", "assistant", "tool"}) {
    if (role == known) return role;
  }
  message.fail("role", fmt::format("is '{}'; it must be system, developer, user, assistant, tool or function", role));
  return {};
}

std::vector<GivenToolCall> read_calls(JsonFields& message, const std::string& prefix) {
  std::vector<GivenToolCall> calls;
  const json::array* given = message.array("tool_calls", kMaxTools);
  if (given == nullptr) return calls;
  for (size_t i = 0; i < given->size(); ++i) {
    const json::object* call = (*given)[i].if_object();
    if (call == nullptr) {
      message.fail(fmt::format("tool_calls[{}]", i), "must be an object");
      break;
    }
    JsonFields fields(*call, fmt::format("{}tool_calls[{}].", prefix, i));
    GivenToolCall made{.id = fields.text("id").value_or(""), .name = {}, .arguments = {}};
    if (const json::object* function = fields.object("function")) {
      JsonFields inner(*function, fmt::format("{}tool_calls[{}].function.", prefix, i));
      made.name = inner.required_text("name", kMaxToolNameBytes);
      made.arguments = inner.text("arguments").value_or("{}");
      fields.adopt(inner);
    } else {
      fields.fail("function", "is missing; it must be an object");
    }
    message.adopt(fields);
    if (!message.ok()) break;
    calls.push_back(std::move(made));
  }
  return calls;
}

std::optional<ChatTurn> read_turn(const json::value& value, const std::string& prefix, JsonFields& request) {
  const json::object* given = value.if_object();
  if (given == nullptr) {
    request.fail(prefix.substr(0, prefix.size() - 1), "must be an object with role and content");
    return std::nullopt;
  }
  JsonFields message(*given, prefix);
  ChatTurn turn{.role = role_of(message), .content = read_content(message)};
  if (turn.role == "assistant") {
    turn.tool_calls = read_calls(message, prefix);
    turn.thought = message.text("reasoning_content").value_or("");
  }
  if (turn.role == "tool") {
    turn.tool_call_id = message.text("tool_call_id").value_or("");
    turn.tool_name = message.text("name", kMaxToolNameBytes).value_or("");
  }
  const bool may_be_empty = turn.role == "tool" || (turn.role == "assistant" && !turn.tool_calls.empty());
  if (!may_be_empty && message.any("content") == nullptr) message.fail("content", "is missing");
  request.adopt(message);
  return turn;
}

// Who answers a call is told by its id; some models want the tool's name.
void name_tool_turns(std::vector<ChatTurn>& turns) {
  for (size_t i = 0; i < turns.size(); ++i) {
    if (turns[i].role != "tool" || !turns[i].tool_name.empty()) continue;
    for (size_t before = i; before-- > 0 && turns[i].tool_name.empty();) {
      for (const GivenToolCall& call : turns[before].tool_calls) {
        if (!call.id.empty() && call.id == turns[i].tool_call_id) turns[i].tool_name = call.name;
      }
    }
  }
}

void read_turns(JsonFields& fields, ChatRequest& request) {
  const json::array* messages = fields.array("messages", kMaxTurns);
  if (messages == nullptr || messages->empty()) {
    fields.fail("messages", "is missing or empty; it must be a list of at least one message");
    return;
  }
  for (size_t i = 0; i < messages->size(); ++i) {
    std::optional<ChatTurn> turn = read_turn((*messages)[i], fmt::format("messages[{}].", i), fields);
    if (!fields.ok()) return;
    request.turns.push_back(*std::move(turn));
  }
  name_tool_turns(request.turns);
}

void read_format(JsonFields& fields, ChatRequest& request) {
  const json::object* given = fields.object("response_format");
  if (given == nullptr) return;
  JsonFields format(*given, "response_format.");
  const std::string type = format.required_text("type", 64);
  if (type == "json_object") {
    request.format = OutputFormat::kJsonObject;
  } else if (type == "json_schema") {
    request.format = OutputFormat::kJsonSchema;
    const json::object* holder = format.object("json_schema");
    const json::value* schema = holder == nullptr ? nullptr : holder->if_contains("schema");
    if (schema == nullptr || !schema->is_object())
      format.fail("json_schema.schema", "is missing; it must be an object");
    else request.schema = *schema;
  } else if (format.ok() && type != "text") {
    format.fail("type", fmt::format("is '{}'; it must be text, json_object or json_schema", type));
  }
  fields.adopt(format);
}

void read_tool_choice(JsonFields& fields, ChatRequest& request) {
  const json::value* choice = fields.any("tool_choice");
  if (choice == nullptr) return;
  if (const json::object* named = choice->if_object()) {
    JsonFields inner(*named, "tool_choice.");
    if (const json::object* function = inner.object("function")) {
      JsonFields of_function(*function, "tool_choice.function.");
      request.tool_name = of_function.required_text("name", kMaxToolNameBytes);
      inner.adopt(of_function);
    } else {
      inner.fail("function", "is missing; it must be an object with the tool's name");
    }
    request.tool_choice = ToolChoice::kNamed;
    fields.adopt(inner);
    const bool known = std::any_of(request.tools.begin(), request.tools.end(),
                                   [&](const GivenTool& tool) { return tool.name == request.tool_name; });
    if (!known)
      fields.fail("tool_choice", fmt::format("names the tool '{}', which tools does not have", request.tool_name));
    return;
  }
  const std::string word = fields.required_text("tool_choice", 64);
  if (word == "none") request.tool_choice = ToolChoice::kNone;
  else if (word == "auto") request.tool_choice = ToolChoice::kAuto;
  else if (word == "required") request.tool_choice = ToolChoice::kRequired;
  else fields.fail("tool_choice", fmt::format("is '{}'; it must be none, auto, required or an object", word));
  if (request.tool_choice == ToolChoice::kRequired && request.tools.empty()) {
    fields.fail("tool_choice", "is 'required', but there are no tools");
  }
}

void read_logprobs(JsonFields& fields, ChatRequest& request) {
  const bool wanted = fields.boolean("logprobs").value_or(false);
  const auto top = fields.integer("top_logprobs", 0, kMaxTopLogprobs);
  if (top && *top > 0 && !wanted) fields.fail("top_logprobs", "needs logprobs to be true");
  if (wanted) request.generation.options.sampling.n_top_logprobs = static_cast<size_t>(top.value_or(0));
}

// Several spellings of one wish: OpenAI's, that of Qwen's hosts and that of servers that pass it to the template.
void read_thinking(JsonFields& fields, ChatRequest& request) {
  if (const auto effort = fields.text("reasoning_effort", 32)) {
    const bool known =
        std::ranges::any_of(std::to_array<std::string_view>({"none", "minimal", "low", "medium", "high", "xhigh"}),
                            [&](std::string_view name) { return name == *effort; });
    if (!known)
      fields.fail("reasoning_effort", fmt::format("is '{}'; it must be none, minimal, low, medium or high", *effort));
    request.thinking = *effort != "none" && *effort != "minimal";
  }
  if (const auto enabled = fields.boolean("enable_thinking")) request.thinking = *enabled;
  if (const json::object* given = fields.object("chat_template_kwargs")) {
    JsonFields inner(*given, "chat_template_kwargs.");
    if (const auto enabled = inner.boolean("enable_thinking")) request.thinking = *enabled;
    fields.adopt(inner);
  }
}

}  // namespace

std::string read_content(JsonFields& message) {
  const json::value* value = message.any("content");
  if (value == nullptr) return {};
  if (value->is_string()) return message.text("content").value_or("");
  const json::array* parts = message.array("content", kMaxParts);
  if (parts == nullptr) return {};
  std::string all;
  for (size_t i = 0; i < parts->size(); ++i) {
    const std::string field = fmt::format("content[{}]", i);
    const json::object* part = (*parts)[i].if_object();
    const json::value* type = part == nullptr ? nullptr : part->if_contains("type");
    if (type == nullptr || !type->is_string()) {
      message.fail(field, "must be an object with a type");
      return {};
    }
    const std::string_view name(type->get_string().data(), type->get_string().size());
    if (name != "text" && name != "input_text" && name != "output_text") {
      message.fail(field, fmt::format("is of type '{}'; the models here read text only", name.substr(0, 40)));
      return {};
    }
    const json::value* text = part->if_contains("text");
    if (text == nullptr || !text->is_string()) {
      message.fail(field + ".text", "must be a text");
      return {};
    }
    if (!all.empty()) all += '\n';
    all.append(text->get_string().data(), text->get_string().size());
  }
  return all;
}

std::vector<GivenTool> read_tools(JsonFields& fields) {
  std::vector<GivenTool> tools;
  const json::array* given = fields.array("tools", kMaxTools);
  if (given == nullptr) return tools;
  for (size_t i = 0; i < given->size(); ++i) {
    const json::object* tool = (*given)[i].if_object();
    const json::value* function = tool == nullptr ? nullptr : tool->if_contains("function");
    if (function == nullptr || !function->is_object()) {
      fields.fail(fmt::format("tools[{}]", i), "must be an object with type 'function' and a function");
      break;
    }
    JsonFields inner(function->get_object(), fmt::format("tools[{}].function.", i));
    GivenTool made{.name = inner.required_text("name", kMaxToolNameBytes),
                   .description = inner.text("description").value_or(""), .parameters = {}};
    if (const json::object* parameters = inner.object("parameters")) made.parameters = *parameters;
    fields.adopt(inner);
    if (!fields.ok()) break;
    tools.push_back(std::move(made));
  }
  return tools;
}

std::optional<ChatRequest> parse_chat_request(std::string_view body, int64_t max_tokens, ApiError& error) {
  const std::optional<json::object> object = parse_body(body, error);
  if (!object) return std::nullopt;
  JsonFields fields(*object);
  ChatRequest request;
  request.model = fields.text("model", kMaxModelNameBytes).value_or("");
  request.collection = fields.text("collection", kMaxModelNameBytes);
  read_turns(fields, request);
  request.generation = read_generation_fields(fields, max_tokens);
  read_logprobs(fields, request);
  read_format(fields, request);
  request.tools = read_tools(fields);
  read_tool_choice(fields, request);
  request.parallel_tool_calls = fields.boolean("parallel_tool_calls").value_or(true);
  read_thinking(fields, request);
  if (fields.any("functions") != nullptr) fields.fail("functions", "is no longer offered; send the same as tools");
  if (fields.any("audio") != nullptr) fields.fail("audio", "is not offered; the models here write text only");
  if (!fields.ok()) {
    error = *fields.error();
    return std::nullopt;
  }
  return request;
}

}  // namespace docmind::server

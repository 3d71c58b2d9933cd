// Requests of Ollama's native interface, checked; free of any model.
// SPDX-License-Identifier: Apache-2.0
#include "server/ollama_request.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "server/response_text.h"

namespace docmind::server {
namespace {

constexpr size_t kMaxOllamaTurns = 4'096;
constexpr int64_t kMost = 1 << 30;

// Ollama's own defaults.
constexpr double kOllamaTemperature = 0.8;
constexpr double kOllamaTopP = 0.9;
constexpr int64_t kOllamaTopK = 40;
constexpr double kOllamaRepeatPenalty = 1.1;

void read_options(JsonFields& fields, int64_t max_tokens, ChatRequest& chat, OllamaOptions& out) {
  static const json::object kNone;
  const json::object* given = fields.object("options");
  JsonFields options(given == nullptr ? kNone : *given, "options.");
  engine::GenerateOptions& generate = chat.generation.options;
  engine::SamplingOptions& sampling = generate.sampling;
  // -1 and -2 are "without end" and "to the end of the context".
  const int64_t n_predict = options.integer("num_predict", -2, kMost).value_or(-1);
  if (n_predict == 0) options.fail("num_predict", "is 0; it must be at least 1, or -1 for no limit");
  generate.max_tokens = n_predict > 0 ? std::min(n_predict, max_tokens) : max_tokens;
  sampling.temperature = options.real("temperature", 0, 100).value_or(kOllamaTemperature);
  sampling.top_p = options.real("top_p", 0, 1).value_or(kOllamaTopP);
  sampling.top_k = static_cast<size_t>(std::max<int64_t>(0, options.integer("top_k", -1, kMost).value_or(kOllamaTopK)));
  sampling.min_p = options.real("min_p", 0, 1).value_or(0);
  sampling.repetition_penalty = options.real("repeat_penalty", 0.01, 10).value_or(kOllamaRepeatPenalty);
  sampling.presence_penalty = options.real("presence_penalty", -2, 2).value_or(0);
  sampling.frequency_penalty = options.real("frequency_penalty", -2, 2).value_or(0);
  const auto window = options.integer("repeat_last_n", -1, kMost);
  if (window && *window > 0) sampling.penalty_window = static_cast<size_t>(*window);
  if (window && *window < 0) sampling.penalty_window = 0;  // all of the text
  if (window && *window == 0) sampling.repetition_penalty = 1;
  const auto seed = options.integer("seed", std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
  sampling.seed = seed ? static_cast<uint64_t>(*seed) : random_seed();
  generate.stop = read_stop(options);
  out.n_ctx = options.integer("num_ctx", 1, kMost);
  fields.adopt(options);
}

// "json", a schema, or nothing.
void read_ollama_format(JsonFields& fields, ChatRequest& chat) {
  const json::value* format = fields.any("format");
  if (format == nullptr) return;
  if (format->is_object()) {
    chat.format = OutputFormat::kJsonSchema;
    chat.schema = *format;
    return;
  }
  const std::string name = fields.text("format", 64).value_or("");
  if (name == "json") chat.format = OutputFormat::kJsonObject;
  else if (!name.empty()) fields.fail("format", fmt::format("is '{}'; it must be \"json\" or a JSON schema", name));
}

// true, false, or how hard ("low", "medium", "high").
void read_think(JsonFields& fields, ChatRequest& chat) {
  const json::value* think = fields.any("think");
  if (think == nullptr) return;
  if (!think->is_string()) {
    chat.thinking = fields.boolean("think");
    return;
  }
  const std::string level = fields.text("think", 32).value_or("");
  if (level != "low" && level != "medium" && level != "high") {
    fields.fail("think", fmt::format("is '{}'; it must be true, false, low, medium or high", level));
  }
  chat.thinking = true;
}

// A number of seconds or a duration; models stay loaded, so only 0 is told apart: "unload" with nothing to do.
void read_keep_alive(JsonFields& fields, OllamaOptions& out) {
  const json::value* keep = fields.any("keep_alive");
  if (keep == nullptr) return;
  if (keep->is_number()) out.unload = keep->to_number<double>() == 0;
  else if (keep->is_string()) out.unload = keep->get_string() == "0" || keep->get_string() == "0s";
  else fields.fail("keep_alive", "must be a number of seconds or a duration such as \"5m\"");
}

void refuse_images(JsonFields& fields) {
  const json::array* images = fields.array("images", kMaxOllamaTurns);
  if (images != nullptr && !images->empty()) fields.fail("images", "is not offered; the models here read text only");
}

void read_common(JsonFields& fields, int64_t max_tokens, ChatRequest& chat, OllamaOptions& options) {
  chat.model = fields.text("model", kMaxModelNameBytes).value_or("");
  chat.generation.stream = fields.boolean("stream").value_or(true);
  read_options(fields, max_tokens, chat, options);
  read_ollama_format(fields, chat);
  read_think(fields, chat);
  read_keep_alive(fields, options);
  const auto own_template = fields.text("template");
  if (own_template && !own_template->empty()) {
    fields.fail("template",
                "is not offered: prompts are made by the model's own template; send raw with a whole prompt");
  }
}

// {"function": {"name", "arguments": {...}}}
std::vector<GivenToolCall> read_ollama_calls(JsonFields& message) {
  std::vector<GivenToolCall> calls;
  const json::array* given = message.array("tool_calls", 128);
  for (size_t i = 0; given != nullptr && i < given->size(); ++i) {
    const json::object* call = (*given)[i].if_object();
    const json::value* function = call == nullptr ? nullptr : call->if_contains("function");
    const json::value* name =
        function == nullptr || !function->is_object() ? nullptr : function->get_object().if_contains("name");
    if (name == nullptr || !name->is_string()) {
      message.fail(fmt::format("tool_calls[{}]", i), "must be an object with a function that has a name");
      break;
    }
    const json::value* arguments = function->get_object().if_contains("arguments");
    calls.push_back({.id = {}, .name = std::string(name->get_string()),
                     .arguments = arguments == nullptr ? std::string("{}") : json::serialize(*arguments)});
  }
  return calls;
}

void read_ollama_turns(JsonFields& fields, ChatRequest& chat) {
  const json::array* messages = fields.array("messages", kMaxOllamaTurns);
  for (size_t i = 0; messages != nullptr && i < messages->size() && fields.ok(); ++i) {
    const json::object* given = (*messages)[i].if_object();
    if (given == nullptr) return fields.fail(fmt::format("messages[{}]", i), "must be an object with role and content");
    JsonFields message(*given, fmt::format("messages[{}].", i));
    ChatTurn turn{.role = message.required_text("role", 32), .content = message.text("content").value_or("")};
    const bool known = turn.role == "system" || turn.role == "user" || turn.role == "assistant" || turn.role == "tool";
    if (message.ok() && !known) {
      message.fail("role", fmt::format("is '{}'; it must be system, user, assistant or tool", turn.role));
    }
    refuse_images(message);
    turn.thought = message.text("thinking").value_or("");
    turn.tool_calls = read_ollama_calls(message);
    turn.tool_name = message.text("tool_name", 256).value_or("");
    fields.adopt(message);
    chat.turns.push_back(std::move(turn));
  }
}

}  // namespace

std::optional<OllamaChat> parse_ollama_chat(std::string_view body, int64_t max_tokens, ApiError& error) {
  const std::optional<json::object> object = parse_body(body, error);
  if (!object) return std::nullopt;
  JsonFields fields(*object);
  OllamaChat made;
  read_common(fields, max_tokens, made.chat, made.options);
  made.chat.collection = fields.text("collection", kMaxModelNameBytes);
  read_ollama_turns(fields, made.chat);
  made.chat.tools = read_tools(fields);
  if (fields.ok()) return made;
  error = *fields.error();
  return std::nullopt;
}

std::optional<OllamaGenerate> parse_ollama_generate(std::string_view body, int64_t max_tokens, ApiError& error) {
  const std::optional<json::object> object = parse_body(body, error);
  if (!object) return std::nullopt;
  JsonFields fields(*object);
  OllamaGenerate made;
  read_common(fields, max_tokens, made.chat, made.options);
  made.prompt = fields.text("prompt").value_or("");
  made.raw = fields.boolean("raw").value_or(false);
  const std::string system = fields.text("system").value_or("");
  refuse_images(fields);
  const json::array* context = fields.array("context", 1 << 24);
  if (context != nullptr && !context->empty()) {
    fields.fail("context", "is not offered; send the earlier turns to /api/chat, whose beginnings are kept");
  }
  const auto suffix = fields.text("suffix");
  if (suffix && !suffix->empty()) fields.fail("suffix", "is not offered: the models here write forward only");
  if (!system.empty()) made.chat.turns.push_back({.role = "system", .content = system});
  if (!made.prompt.empty()) made.chat.turns.push_back({.role = "user", .content = made.prompt});
  if (fields.ok()) return made;
  error = *fields.error();
  return std::nullopt;
}

}  // namespace docmind::server

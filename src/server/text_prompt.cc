// Prompts: from a checked request to what the engine is given, with everything that depends on the model.
// SPDX-License-Identifier: Apache-2.0
#include "server/text_prompt.h"

#include <utility>

#include <fmt/format.h>

#include "engine/grammar.h"
#include "server/send.h"

namespace docmind::server {
namespace {

bool check_length(const engine::TextModel& model, const PreparedText& prepared, std::string_view field,
                  ApiError& error) {
  const auto n = static_cast<int64_t>(prepared.prompt.size());
  if (n == 0) {
    error = bad_field(field, "gives an empty prompt");
    return false;
  }
  if (n < model.n_context()) return true;
  error = too_long("the prompt", n, model.n_context(), field);
  return false;
}

// The ids are the model's.
bool check_biases(const engine::TextModel& model, const engine::SamplingOptions& sampling, ApiError& error) {
  for (const engine::TokenBias& bias : sampling.biases) {
    if (static_cast<size_t>(bias.token) < model.tokenizer().n_tokens()) continue;
    error = bad_field("logit_bias", fmt::format("has the token {}; the model's are 0 to {}", bias.token,
                                                model.tokenizer().n_tokens() - 1));
    return false;
  }
  return true;
}

bool set_grammar(Result<std::shared_ptr<const engine::Grammar>> grammar, std::string_view field,
                 engine::GenerateOptions& options, ApiError& error) {
  if (grammar.ok()) {
    options.grammar = *std::move(grammar);
    return true;
  }
  error = api_error(grammar.error());
  error.status = 400;
  error.param = field;
  return false;
}

bool set_format(const ChatRequest& request, engine::GenerateOptions& options, ApiError& error) {
  if (request.format == OutputFormat::kText) return true;
  return set_grammar(request.format == OutputFormat::kJsonObject ? engine::Grammar::json_object()
                                                                 : engine::Grammar::from_json_schema(request.schema),
                     "response_format", options, error);
}

// As ChatOptions::tools has them.
std::vector<std::string> declarations(const ChatRequest& request) {
  std::vector<std::string> all;
  for (const GivenTool& tool : request.tools) {
    json::object function{{"name", tool.name}};
    if (!tool.description.empty()) function["description"] = tool.description;
    function["parameters"] = tool.parameters;
    all.push_back(json::serialize(json::object{{"type", "function"}, {"function", std::move(function)}}));
  }
  return all;
}

// A tool that must be called: nothing else can be written.
bool set_forced_call(const engine::TextModel& model, const ChatRequest& request, std::span<const std::string> tools,
                     engine::GenerateOptions& options, ApiError& error) {
  return set_grammar(
      engine::Grammar::tool_call(*model.chat_family(), tools, request.parallel_tool_calls, request.tool_name),
      "tools", options, error);
}

bool knows_tools(const engine::TextModel& model, ApiError& error) {
  if (model.chat_family() && model.can_use_tools()) return true;
  error = bad_field("tools", model.chat_family()
                                 ? fmt::format("are not offered: the template of '{}' ({}) has no place for them",
                                               model.info().name, tokenizer::chat_family_name(*model.chat_family()))
                                 : fmt::format("are not offered: '{}' has no chat template that is known here",
                                               model.info().name));
  return false;
}

// Those at the beginning become one: templates know a single system message.
std::vector<ChatTurn> merge_system_turns(const std::vector<ChatTurn>& turns) {
  std::vector<ChatTurn> merged;
  for (const ChatTurn& turn : turns) {
    const bool joins = turn.role == "system" && merged.size() == 1 && merged.front().role == "system";
    if (joins) merged.front().content += "\n\n" + turn.content;
    else merged.push_back(turn);
  }
  return merged;
}

bool encode_turns(const engine::TextModel& model, const ChatRequest& request, const tokenizer::ChatOptions& options,
                  PreparedText& prepared, ApiError& error) {
  const std::vector<ChatTurn> turns = merge_system_turns(request.turns);
  std::vector<std::vector<tokenizer::ChatToolCall>> calls(turns.size());
  std::vector<tokenizer::ChatMessage> messages;
  for (size_t i = 0; i < turns.size(); ++i) {
    for (const GivenToolCall& call : turns[i].tool_calls) calls[i].push_back({call.name, call.arguments});
    messages.push_back({turns[i].role, turns[i].content, calls[i]});
  }
  Result<std::vector<engine::TokenId>> tokens = model.encode_chat(messages, options);
  if (tokens.ok()) {
    prepared.prompt = *std::move(tokens);
    return true;
  }
  error = api_error(tokens.error());
  error.status = 400;  // every cause lies in the request, or in a model that cannot do what it asks for
  error.param = tokens.error().code == ErrorCode::kUnsupported && !options.tools.empty() ? "tools" : "messages";
  return false;
}

bool decide_thinking(const engine::TextModel& model, const ChatRequest& request, bool constrained, ApiError& error) {
  if (!request.thinking.value_or(false)) return true;
  if (!model.can_think()) return true;  // nothing to switch on
  if (!constrained) return true;
  error = bad_field("response_format", "cannot be held to while the model thinks; switch thinking off");
  return false;
}

}  // namespace

std::optional<PreparedText> prepare_chat(const engine::TextModel& model, const ChatRequest& request, ApiError& error) {
  PreparedText prepared;
  prepared.options = request.generation.options;
  const bool with_tools = !request.tools.empty() && request.tool_choice != ToolChoice::kNone;
  const bool forced = with_tools && request.tool_choice != ToolChoice::kAuto;
  if (forced && request.format != OutputFormat::kText) {
    error = bad_field("response_format", "cannot be combined with a tool that must be called");
    return std::nullopt;
  }
  if (with_tools && !knows_tools(model, error)) return std::nullopt;
  if (!check_biases(model, prepared.options.sampling, error)) return std::nullopt;
  if (!set_format(request, prepared.options, error)) return std::nullopt;
  const std::vector<std::string> tools = with_tools ? declarations(request) : std::vector<std::string>();
  if (forced && !set_forced_call(model, request, tools, prepared.options, error)) return std::nullopt;
  const bool constrained = prepared.options.grammar != nullptr;
  if (!decide_thinking(model, request, constrained, error)) return std::nullopt;
  const bool thinking = request.thinking.value_or(false) && model.can_think();

  if (!encode_turns(model, request, {.add_generation_prompt = true, .thinking = thinking, .tools = tools}, prepared,
                    error)) {
    return std::nullopt;
  }
  prepared.form.thoughts = thinking;
  prepared.form.family = model.chat_family();
  if (with_tools) {
    for (const GivenTool& tool : request.tools) prepared.form.tools.push_back(tool.name);
  }
  if (!check_length(model, prepared, "messages", error)) return std::nullopt;
  return prepared;
}

std::optional<PreparedText> prepare_plain(const engine::TextModel& model, std::string_view text,
                                          const engine::GenerateOptions& options, std::string_view field,
                                          ApiError& error) {
  PreparedText prepared{.prompt = model.tokenizer().encode(text, {.add_special = true, .parse_special = false}),
                        .options = options, .form = {}};
  if (!check_biases(model, options.sampling, error)) return std::nullopt;
  if (!check_length(model, prepared, field, error)) return std::nullopt;
  return prepared;
}

std::optional<PreparedText> prepare_raw(const engine::TextModel& model, const ChatRequest& request,
                                        std::string_view prompt, ApiError& error) {
  PreparedText prepared{.prompt = model.tokenizer().encode(prompt, {.add_special = true, .parse_special = true}),
                        .options = request.generation.options, .form = {}};
  if (!set_format(request, prepared.options, error)) return std::nullopt;
  if (!check_length(model, prepared, "prompt", error)) return std::nullopt;
  return prepared;
}

}  // namespace docmind::server

// Grammar: what the public constructors compile.
// SPDX-License-Identifier: Apache-2.0
#include "engine/grammar.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "engine/grammar_impl.h"
#include "engine/grammar_json.h"
#include "engine/grammar_schema.h"
#include "tokenizer/tool_calls.h"

namespace docmind::engine {
namespace {

using GrammarResult = Result<std::shared_ptr<const Grammar>>;

// Vocabularies with a space before each word would make models begin with an odd token, so that one is allowed.
GrammarResult finish_grammar(GrammarBuilder&& builder, NodeId root, std::string source, const GrammarLimits& limits) {
  root = builder.split({root, builder.byte(' ', root)});
  DM_ASSIGN(GrammarProgram program, std::move(builder).finish(root));
  source += fmt::format("\n{}", limits.max_text_depth);
  return std::shared_ptr<const Grammar>(std::make_shared<CompiledGrammar>(
      std::move(source), std::move(program), static_cast<uint32_t>(limits.max_text_depth)));
}

Status check_schema_size(const std::string& text, const GrammarLimits& limits) {
  if (text.size() <= limits.max_schema_bytes) return {};
  return Error{ErrorCode::kLimit, fmt::format("the schema has {} bytes, more than the {} allowed", text.size(),
                                              limits.max_schema_bytes)};
}

// The arguments of a tool, as a rule; a tool without parameters takes an empty object.
Result<NodeId> arguments_rule(const json::value& parameters, const GrammarLimits& limits, GrammarBuilder& builder,
                              JsonRules& json) {
  SchemaCompiler compiler(parameters, limits, builder, json);
  return compiler.compile();
}

json::value parameters_of(const json::object& declaration) {
  const json::value* function = declaration.if_contains("function");
  const json::object& holder = function != nullptr && function->is_object() ? function->get_object() : declaration;
  const json::value* parameters = holder.if_contains("parameters");
  if (parameters != nullptr && parameters->is_object() && !parameters->get_object().empty()) return *parameters;
  return json::object{{"type", "object"}, {"properties", json::object()}};
}

}  // namespace

GrammarResult Grammar::json_object() {
  const GrammarLimits limits;
  GrammarBuilder builder(limits.max_nodes);
  JsonRules json(builder);
  const NodeId root = json.object();
  return finish_grammar(std::move(builder), root, "json_object", limits);
}

GrammarResult Grammar::from_json_schema(const json::value& schema, const GrammarLimits& limits) {
  std::string source = json::serialize(schema);
  DM_TRY(check_schema_size(source, limits));
  GrammarBuilder builder(limits.max_nodes);
  JsonRules json(builder);
  SchemaCompiler compiler(schema, limits, builder, json);
  DM_ASSIGN(const NodeId root, compiler.compile());
  return finish_grammar(std::move(builder), root, "json_schema\n" + source, limits);
}

GrammarResult Grammar::tool_call(tokenizer::ChatFamily family, std::span<const std::string> tools, bool parallel,
                                 std::string_view only, const GrammarLimits& limits) {
  if (!tokenizer::supports_tools(family)) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("models of the family {} know no tools", tokenizer::chat_family_name(family))};
  }
  DM_ASSIGN(const std::vector<std::string> names, tokenizer::tool_names(tools));
  const bool tagged = family != tokenizer::ChatFamily::kLlama3;
  GrammarBuilder builder(limits.max_nodes);
  JsonRules json(builder);
  const NodeId end = builder.end();
  const NodeId again = builder.reserve();
  const NodeId after = tagged ? builder.literal("}\n</tool_call>", again) : builder.byte('}', end);
  std::string source = fmt::format("tool_call\n{}\n{}\n{}", tokenizer::chat_family_name(family), parallel, only);
  std::vector<NodeId> arms;
  for (size_t i = 0; i < tools.size(); ++i) {
    if (!only.empty() && names[i] != only) continue;
    source += "\n" + tools[i];
    DM_ASSIGN(const json::value declared, parse_json(tools[i], 2 * limits.max_depth + 2, limits.max_schema_bytes));
    const json::value parameters = parameters_of(declared.get_object());
    Result<NodeId> arguments = arguments_rule(parameters, limits, builder, json);
    if (!arguments.ok()) return std::move(arguments).error().with_context(fmt::format("tool '{}'", names[i]));
    const std::string_view key = tagged ? "arguments" : "parameters";
    const std::string begin = fmt::format("{{\"name\": \"{}\", \"{}\": ", names[i], key);
    arms.push_back(builder.literal(begin, builder.call(*arguments, after)));
  }
  if (arms.empty()) {
    return Error{ErrorCode::kInvalidArgument, only.empty() ? "no tools are declared to be called"
                                                           : fmt::format("no tool '{}' is declared", printable(only))};
  }
  NodeId root = builder.split(arms);
  if (tagged) root = builder.literal("<tool_call>\n", root);
  builder.bind(again, parallel ? builder.split({end, builder.byte('\n', root)}) : end);
  return finish_grammar(std::move(builder), root, std::move(source), limits);
}

}  // namespace docmind::engine

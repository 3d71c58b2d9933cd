// Fuzzes JSON Schema on its way to a grammar: never a crash, and what a grammar writes is JSON.
// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "engine/grammar.h"
#include "engine/grammar_impl.h"
#include "engine/grammar_states.h"
#include "fuzz/check.h"

namespace docmind::fuzz {
namespace {

constexpr size_t kMaxDepth = 40;
constexpr size_t kMaxTextDepth = 16;
constexpr size_t kMaxSteps = 2'000;
constexpr size_t kMaxNodes = 20'000;
constexpr size_t kLong = 100;  // bytes, from where on ends are preferred

using engine::GrammarStates;

// Goes on as the choices say, then towards the end. Empty when no end is found in time.
std::string write_text(const engine::CompiledGrammar& grammar, std::string_view choices) {
  GrammarStates states(grammar.program(), grammar.max_levels());
  GrammarStates::State state = states.start();
  std::string text;
  for (size_t step = 0; step < kMaxSteps; ++step) {
    if (states.complete(state) && step >= choices.size()) return text;
    std::string next, ending;
    for (int byte = 0; byte < 256; ++byte) {
      if (states.step(state, static_cast<uint8_t>(byte)) == GrammarStates::kDead) continue;
      next += static_cast<char>(byte);
      if (std::string_view("\"]}").find(static_cast<char>(byte)) != std::string_view::npos)
        ending += static_cast<char>(byte);
    }
    if (states.overflowed()) return {};
    if (next.empty()) {
      // Only nesting that has no room left can stop a text before it is whole.
      require(states.complete(state) || text.size() >= kMaxTextDepth, "a text can always go on");
      return states.complete(state) ? text : std::string();
    }
    const std::string& from = step >= kLong && !ending.empty() ? ending : next;
    const auto choice = step < choices.size() ? static_cast<uint8_t>(choices[step]) : 0u;
    text += from[choice % from.size()];
    state = states.step(state, static_cast<uint8_t>(text.back()));
  }
  return {};
}

}  // namespace
}  // namespace docmind::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace docmind;
  std::string_view rest = fuzz::as_text(data, size);
  const std::string_view schema_text = fuzz::take_part(rest, fuzz::kPartSeparator);
  const auto schema = parse_json(schema_text, fuzz::kMaxDepth, size);
  if (!schema.ok()) return 0;
  const engine::GrammarLimits limits{.max_text_depth = fuzz::kMaxTextDepth, .max_nodes = fuzz::kMaxNodes};
  const auto grammar = engine::Grammar::from_json_schema(*schema, limits);
  if (!grammar.ok()) {
    fuzz::require(!grammar.error().message.empty(), "a refusal says why");
    return 0;
  }
  const std::string text = fuzz::write_text(engine::compiled(**grammar), rest.substr(0, fuzz::kMaxSteps));
  if (text.empty()) return 0;
  fuzz::require(parse_json(text, 2 * fuzz::kMaxTextDepth, text.size()).ok(), "what is written is JSON");
  return 0;
}

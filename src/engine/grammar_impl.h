// CompiledGrammar: what is behind a Grammar.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "engine/grammar.h"
#include "engine/grammar_program.h"

namespace docmind::engine {

class CompiledGrammar final : public Grammar {
 public:
  CompiledGrammar(std::string source, GrammarProgram program, uint32_t max_levels)
      : source_(std::move(source)), program_(std::move(program)), max_levels_(max_levels) {}

  // Grammars of equal sources are equal.
  [[nodiscard]] const std::string& source() const { return source_; }
  [[nodiscard]] const GrammarProgram& program() const { return program_; }
  [[nodiscard]] uint32_t max_levels() const { return max_levels_; }

 private:
  std::string source_;
  GrammarProgram program_;
  uint32_t max_levels_;
};

// Every Grammar is one.
[[nodiscard]] inline const CompiledGrammar& compiled(const Grammar& grammar) {
  return static_cast<const CompiledGrammar&>(grammar);
}

}  // namespace docmind::engine

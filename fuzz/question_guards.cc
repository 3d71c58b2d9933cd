// Fuzzes the guards: symmetrical on any bytes, and silent on equal questions.
// SPDX-License-Identifier: Apache-2.0
#include "cache/question_guards.h"
#include "fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace docmind;
  std::string_view rest = fuzz::as_text(data, size);
  const std::string_view asked = fuzz::take_part(rest, fuzz::kPartSeparator);
  const cache::GuardVerdict one = cache::QuestionGuards::compare(asked, rest);
  const cache::GuardVerdict other = cache::QuestionGuards::compare(rest, asked);
  fuzz::require(one.fired == other.fired, "the guards are symmetrical");
  fuzz::require(one.likeness == other.likeness, "the likeness is symmetrical");
  fuzz::require(one.passed() == one.reason.empty(), "what fired has a reason");
  fuzz::require(cache::QuestionGuards::compare(asked, asked).passed(), "equal questions pass");
  return 0;
}

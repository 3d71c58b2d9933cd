// OllamaLines: the objects of Ollama's chat and generate, with all that stays the same built once.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "server/choice_text.h"

namespace docmind::server {

// Counts and times of a whole response; durations are told in nanoseconds.
struct OllamaTotals {
  std::string_view done_reason;  // "stop", "length", "load"
  double total_ms = 0, prefill_ms = 0, decode_ms = 0;
  int64_t n_prompt = 0, n_completion = 0;
};

class OllamaLines {
 public:
  OllamaLines(std::string_view model, bool chat);
  // Appends a line with what can be shown now.
  void part(std::string& out, const ChoiceText::Parts& parts) const;
  // The last object, with text where it is the only one. `extension` has members that are added.
  [[nodiscard]] json::object last(const ChoiceText::Parts& parts, const OllamaTotals& totals,
                                  const json::object& extension = {}) const;

 private:
  void add_parts(json::object& object, const ChoiceText::Parts& parts) const;
  std::string model_;
  std::string head_;  // up to the time
  bool chat_ = true;
};

}  // namespace docmind::server

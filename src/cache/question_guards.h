// Guards: differences of wording that make two questions ask for different things.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace docmind::cache {

// Why two questions, near as their vectors may be, must not share an answer.
enum class Guard : uint8_t {
  kNumbers,    // numbers, dates, versions, units: "in 2023" against "in 2024"
  kNegation,   // one says not, never, without
  kQuotes,     // quoted strings and code differ
  kNames,      // a name or rare term stands in one and no form of it in the other
  kDirection,  // the same words, the other way round: "convert A to B" against "B to A"
  kAsksFor,    // how against why, who against when
  kAntonyms,   // enable against disable, increase against decrease
};
inline constexpr size_t kGuardCount = 7;
[[nodiscard]] std::string_view guard_name(Guard guard);  // "numbers"


// Two questions compared.
struct GuardVerdict {
  uint8_t fired = 0;          // bit i: Guard(i)
  std::string reason;         // of the first that fired, for people: "numbers differ: 2023, 2024"
  double word_overlap = 0;    // Jaccard of the content words' stems, 0..1
  double length_ratio = 0;    // words of the shorter over words of the longer, 0..1
  [[nodiscard]] bool passed() const { return fired == 0; }
  [[nodiscard]] bool has(Guard guard) const { return (fired >> static_cast<int>(guard)) & 1; }
};

// Pure functions; any thread. Questions may be any bytes of any length up to some KiB; linear time.
class QuestionGuards {
 public:
  // `asked` against `cached`, symmetrical but for the wording of `reason`.
  [[nodiscard]] static GuardVerdict compare(std::string_view asked, std::string_view cached);
};

}  // namespace docmind::cache

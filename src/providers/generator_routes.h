// Generators made of generators: fail-over in an order, the least loaded of several, the right one for a question.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "providers/provider.h"

namespace docmind::providers {

// One of several. `available` may be empty: always. The generator is never null.
struct RoutedGenerator {
  std::shared_ptr<const Generator> generator;
  std::function<bool()> available = {};
};

// Called when another than the first was taken, with the reason; any thread.
using RouteLog = std::function<void(std::string_view sentence)>;

// At least one is given to each of these. All threads may use what they make.

// Tries them in order: the next one when one fails with kIo, kBusy, kMalformed or kNotFound before its first piece of
// text; after that the error stands. One that is not available is passed over, unless none is. GenerateResult says who
// answered and why. All failed: the error of the first, with what the others said.
[[nodiscard]] std::unique_ptr<Generator> make_failover(std::vector<RoutedGenerator> generators, RouteLog log);
// The one with the fewest requests in flight among those available, in turn among equals; another one when it fails as
// above. All must be of the same model: the identity is that of the first, who answers or not.
[[nodiscard]] std::unique_ptr<Generator> make_pool(std::vector<RoutedGenerator> generators, RouteLog log);

// Whether a question is hard, or short and factual. The rules are fixed: see the table in question_complexity.cc, which
// `docmind ask --explain` quotes. Part of identities, so it changes with the rules.
inline constexpr int kComplexityRulesVersion = 1;
struct Complexity {
  bool hard = false;
  std::string reason;  // "asks for a comparison ('compare')", "is short and factual"
};
[[nodiscard]] Complexity judge_complexity(std::string_view question, size_t n_passages, size_t passage_bytes);
// Short factual questions to `small`, hard ones to `large`. Where `small` fails as above, `large` answers. The identity
// is that of the pair: the same question over the same passages always goes the same way.
[[nodiscard]] std::unique_ptr<Generator> make_complexity_router(std::shared_ptr<const Generator> small,
                                                                std::shared_ptr<const Generator> large, RouteLog log);

}  // namespace docmind::providers

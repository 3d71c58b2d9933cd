// Oracle: llama.cpp in a process of its own, asked for the numbers that our engine must reach.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"
#include "support/process.h"

namespace docmind::test {

// At its most exact: keys and values as floats, no flash attention. Requests throw std::runtime_error with the oracle's sentence when they fail, which fails the test.
class Oracle {
 public:
  using Ids = std::span<const int32_t>;

  // Why there is none here: no Node.js, or scripts/setup.sh did not install the package.
  [[nodiscard]] static std::optional<std::string> missing();
  Oracle();

  // `vocabulary_only` is enough for tokenize() and works for files without tensors.
  void load(const std::string& path, bool vocabulary_only = false);
  // Without BOS and EOS; `special`: text of control tokens becomes those tokens.
  [[nodiscard]] std::vector<int32_t> tokenize(std::string_view text, bool special);
  // The logits after each of `positions` of `tokens`, [positions.size(), n_vocab].
  [[nodiscard]] std::vector<double> logits(Ids tokens, Ids positions);
  // The `n` likeliest tokens in a row after `tokens`; they may go past an end mark.
  [[nodiscard]] std::vector<int32_t> greedy(Ids tokens, int64_t n);
  // The pooled vector, not normalised.
  [[nodiscard]] std::vector<double> embed(Ids tokens);
  // The classifier's raw output.
  [[nodiscard]] double rank(Ids tokens);

 private:
  json::object ask(json::object request);

  std::unique_ptr<Process> process_;
};

// A test that compares with llama.cpp. Skipped with the reason where there is no oracle, unless
// DOCMIND_REQUIRE_ORACLE is set: then it fails.
class ParityTest : public testing::Test {
 protected:
  void SetUp() override;

  [[nodiscard]] Oracle& oracle() { return *oracle_; }

 private:
  std::optional<Oracle> oracle_;
};

}  // namespace docmind::test

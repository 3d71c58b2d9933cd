// Batches of token sequences for encoders, and cutting sequences to a context.
// SPDX-License-Identifier: Apache-2.0
#include "engine/token_batches.h"

#include <algorithm>
#include <numeric>

namespace docmind::engine {

std::vector<std::vector<size_t>> make_batches(std::span<const std::vector<model::TokenId>> sequences,
                                              int64_t budget) {
  std::vector<size_t> order(sequences.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return sequences[a].size() > sequences[b].size();
  });
  std::vector<std::vector<size_t>> batches;
  int64_t n_left = 0;
  for (const size_t i : order) {
    const auto n = static_cast<int64_t>(sequences[i].size());
    if (batches.empty() || n > n_left) {
      batches.emplace_back();
      n_left = budget;
    }
    batches.back().push_back(i);
    n_left -= n;
  }
  return batches;
}

int64_t cut_to(int64_t limit, const tokenizer::Vocabulary& vocabulary,
               std::vector<model::TokenId>& tokens) {
  const int64_t n_cut = static_cast<int64_t>(tokens.size()) - limit;
  if (n_cut <= 0) return 0;
  const model::TokenId last = tokens.back();
  tokens.resize(static_cast<size_t>(limit));
  const bool ends = last == vocabulary.eos || last == vocabulary.separator;
  if (ends && !tokens.empty()) tokens.back() = last;
  return n_cut;
}

}  // namespace docmind::engine

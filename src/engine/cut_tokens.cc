// cut_to: cuts a token sequence to a context.
// SPDX-License-Identifier: Apache-2.0
#include "engine/cut_tokens.h"

namespace docmind::engine {

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

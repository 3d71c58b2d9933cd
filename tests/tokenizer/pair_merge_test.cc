// Pair merging against the definition: the best pair first, the leftmost of equal ones, until none is left.
// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/pair_merge.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>

namespace docmind::tokenizer {
namespace {

// Merges of two ids; several may share a rank, as pieces of SentencePiece share a score.
using Rules = std::map<std::pair<int32_t, int32_t>, Merge>;

std::vector<int32_t> merge_by_definition(std::vector<int32_t> ids, const Rules& rules) {
  for (;;) {
    Merge best;
    size_t place = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto rule = rules.find({ids[i], ids[i + 1]});
      if (rule == rules.end() || rule->second.rank >= best.rank) continue;
      best = rule->second;
      place = i;
    }
    if (best.rank == Merge::kNever) return ids;
    ids[place] = best.id;
    ids.erase(ids.begin() + static_cast<ptrdiff_t>(place) + 1);
  }
}

std::vector<int32_t> merge(const std::vector<int32_t>& ids, const Rules& rules, PairMerger& merger) {
  std::vector<Symbol> symbols;
  for (uint32_t i = 0; i < ids.size(); ++i) symbols.push_back({i, i + 1, ids[i]});
  merger.merge(symbols, [&](const Symbol& left, const Symbol& right) {
    const auto rule = rules.find({left.id, right.id});
    return rule == rules.end() ? Merge{} : rule->second;
  });
  std::vector<int32_t> merged;
  uint32_t end = 0;
  for (const Symbol& symbol : symbols) {
    RC_ASSERT(symbol.begin == end);  // they still cover the word
    end = symbol.end;
    merged.push_back(symbol.id);
  }
  RC_ASSERT(end == ids.size());
  return merged;
}

TEST(PairMerge, FollowsTheDefinitionForWordsOfAnyLength) {
  rc::check([] {
    Rules rules;
    const int n_rules = *rc::gen::inRange(0, 40);
    for (int i = 0; i < n_rules; ++i) {
      const auto pair = *rc::gen::pair(rc::gen::inRange(0, 12), rc::gen::inRange(0, 12));
      rules[pair] = {static_cast<uint32_t>(*rc::gen::inRange(0, 10)), *rc::gen::inRange(0, 12)};
    }
    PairMerger merger;  // of two words, so that nothing of the first may stay
    for (int i = 0; i < 2; ++i) {
      const auto n = static_cast<size_t>(*rc::gen::inRange(0, 120));  // on both sides of the heap's border
      const auto ids = *rc::gen::container<std::vector<int32_t>>(n, rc::gen::inRange(0, 4));
      RC_ASSERT(merge(ids, rules, merger) == merge_by_definition(ids, rules));
    }
  });
}

}  // namespace
}  // namespace docmind::tokenizer

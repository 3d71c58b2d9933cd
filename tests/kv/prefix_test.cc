// Shared prefixes: what a new sequence takes over, what is copied, kept and given up.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "kv/cache.h"
#include "kv_pass.h"

namespace docmind::kv {
namespace {

class PrefixOf : public testing::TestWithParam<Format> {};
INSTANTIATE_TEST_SUITE_P(Formats, PrefixOf,
                         testing::Values(Format::kF16, Format::kInt8, Format::kInt4, Format::kMixed),
                         [](const auto& of) { return std::string(format_name(of.param)); });

// How many of `n` tokens can be taken over where all are held exactly.
int64_t usable(Format format, int64_t n) { return format == Format::kMixed ? n / 16 * 16 : n; }

TEST_P(PrefixOf, ALaterPromptTakesOverWhatItSharesWithOneThatEnded) {
  const auto cache = make_cache(options_of(GetParam()));
  const std::vector<TokenId> text = some_tokens(1'000, 1);
  ASSERT_TRUE(run_text(*new_sequence(*cache, text, 1'000), text, 300).ok());
  EXPECT_EQ(cache->stats().referenced_bytes, 0U);
  for (const int64_t n : {1'000, 990, 970, 940, 900, 880}) {  // near its end all is exact
    const std::vector<TokenId> prompt = joined(first(text, n), some_tokens(50, 2));
    EXPECT_GE(cache->held_prefix(prompt), n / 16 * 16);
    const auto sequence = new_sequence(*cache, prompt, 1'200);
    // A block that is not full can be taken over in part, but for mixed.
    EXPECT_EQ(sequence->n_shared_tokens(), usable(GetParam(), n)) << n;
    EXPECT_EQ(content_fault(*sequence), "") << n;
    ASSERT_TRUE(run_text(*sequence, prompt, 100).ok());
    EXPECT_EQ(content_fault(*sequence), "") << n;
  }
  for (const int64_t n : {500, 64, 63, 10, 1}) {
    const std::vector<TokenId> prompt = joined(first(text, n), some_tokens(50, 3));
    const auto sequence = new_sequence(*cache, prompt, 1'200);
    if (n >= 64 && GetParam() != Format::kF16) {
      EXPECT_EQ(sequence->n_shared_tokens(), n / 64 * 64) << n;  // only sealed
    } else {
      EXPECT_EQ(sequence->n_shared_tokens(), usable(GetParam(), n)) << n;
    }
    ASSERT_TRUE(run_text(*sequence, prompt, 100).ok());
    EXPECT_EQ(content_fault(*sequence), "") << n;
  }
}

TEST_P(PrefixOf, OneTokenIsAlwaysLeftToCompute) {
  const auto cache = make_cache(options_of(GetParam()));
  const std::vector<TokenId> text = some_tokens(160, 4);
  ASSERT_TRUE(run_text(*new_sequence(*cache, text, 160), text, 160).ok());
  EXPECT_EQ(cache->held_prefix(text), 160);
  EXPECT_EQ(new_sequence(*cache, text, 200)->n_shared_tokens(), GetParam() == Format::kMixed ? 144 : 159);
}

TEST_P(PrefixOf, PromptsThatArriveDuringPrefillShare) {
  const auto cache = make_cache(options_of(GetParam()));
  const std::vector<TokenId> text = some_tokens(600, 5);
  const auto a = new_sequence(*cache, text, 700);
  ASSERT_TRUE(run_text(*a, first(text, 400), 100).ok());
  const auto b = new_sequence(*cache, text, 700);
  EXPECT_EQ(b->n_shared_tokens(), 400);
  const size_t both = cache->stats().referenced_bytes;
  EXPECT_LT(both, a->memory_bytes() + b->memory_bytes());
  ASSERT_TRUE(run_text(*b, text, 100).ok());
  ASSERT_TRUE(run_text(*a, text, 100).ok());
  EXPECT_EQ(content_fault(*a) + content_fault(*b), "");
}

TEST_P(PrefixOf, WritingIntoASharedBlockCopiesIt) {
  if (GetParam() == Format::kMixed) return;  // shares whole blocks only
  const auto cache = make_cache(options_of(GetParam()));
  const std::vector<TokenId> text = some_tokens(100, 6);
  const auto a = new_sequence(*cache, text, 200);
  ASSERT_TRUE(run_text(*a, text, 100).ok());
  const std::vector<TokenId> b_text = joined(first(text, 90), some_tokens(40, 7));
  const auto b = new_sequence(*cache, b_text, 200);
  EXPECT_EQ(b->n_shared_tokens(), 90);
  EXPECT_EQ(cache->stats().n_copied_blocks, 0);
  ASSERT_TRUE(run_text(*b, b_text, 40).ok());
  EXPECT_EQ(cache->stats().n_copied_blocks, 1);
  EXPECT_EQ(content_fault(*a) + content_fault(*b), "");
}

TEST_P(PrefixOf, ExactReuseSharesOnlyWhereTheNewestTokensAreExact) {
  auto options = options_of(GetParam());
  options.exact_reuse = true;
  const auto cache = make_cache(options);
  const std::vector<TokenId> text = some_tokens(1'000, 8);
  ASSERT_TRUE(run_text(*new_sequence(*cache, text, 1'000), text, 250).ok());
  for (int64_t n = 1; n <= 1'000; n += 37) {
    const std::vector<TokenId> prompt = joined(first(text, n), some_tokens(9, 9));
    const auto sequence = new_sequence(*cache, prompt, 1'100);
    const std::vector<bool> exact = exact_tokens(*sequence);
    const int64_t shared = sequence->n_shared_tokens();
    for (int64_t t = 0; t < shared; ++t) {
      const bool is_read_exactly = t < 64 || !kernels::kv_reads_sealed(shared, t / 64, 128);
      ASSERT_TRUE(exact[static_cast<size_t>(t)] || !is_read_exactly) << n << " " << t;
    }
    if (GetParam() == Format::kF16 || n > 900 || n < 64) {
      EXPECT_EQ(shared, usable(GetParam(), n)) << n;
    }
    ASSERT_TRUE(run_text(*sequence, prompt, 100).ok());
    ASSERT_EQ(content_fault(*sequence), "") << n;
  }
}

TEST_P(PrefixOf, EndsOfPromptsStayExactWhileTheirAnswersGoOn) {
  const auto cache = make_cache(options_of(GetParam()));
  const std::vector<TokenId> prompt = some_tokens(600, 10), answer = some_tokens(900, 11);
  const auto sequence = new_sequence(*cache, prompt, 1'500);
  ASSERT_TRUE(run_text(*sequence, joined(prompt, answer), 300).ok());
  const std::vector<TokenId> sibling = joined(first(prompt, 585), some_tokens(30, 12));
  EXPECT_EQ(new_sequence(*cache, sibling, 700)->n_shared_tokens(), usable(GetParam(), 585));
}

TEST_P(PrefixOf, HeldPrefixesMakeRoomLeastRecentlyUsedFirst) {
  const Layout layout = *Layout::create(kNano, options_of(GetParam()).format);
  const auto cache = make_cache(options_of(GetParam(), 3 * layout.sequence_bytes(400) + 16 * layout.block_bytes()));
  std::vector<std::vector<TokenId>> texts;
  for (uint64_t i = 0; i < 3; ++i) {
    texts.push_back(some_tokens(400, 20 + i));
    ASSERT_TRUE(run_text(*new_sequence(*cache, texts.back(), 400), texts.back(), 100).ok());
  }
  for (const size_t i : {0, 2}) static_cast<void>(new_sequence(*cache, texts[i], 400));  // used again
  const std::vector<TokenId> other = some_tokens(330, 30);
  ASSERT_TRUE(run_text(*new_sequence(*cache, other, 400), other, 50).ok());
  const CacheStats stats = cache->stats();
  EXPECT_GT(stats.n_evicted_blocks, 0);
  EXPECT_LE(stats.peak_bytes, stats.budget_bytes);
  EXPECT_LE(stats.resident_bytes, stats.budget_bytes);
  EXPECT_LT(cache->held_prefix(texts[1]), cache->held_prefix(texts[0]));
  EXPECT_LT(cache->held_prefix(texts[1]), cache->held_prefix(texts[2]));
}

TEST_P(PrefixOf, AllHeldBytesAreAvailable) {
  const Layout layout = *Layout::create(kNano, options_of(GetParam()).format);
  const auto cache = make_cache(options_of(GetParam(), 2 * layout.sequence_bytes(640)));
  const std::vector<TokenId> text = some_tokens(300, 40);
  // Two that compute the same text side by side, and one of them ends.
  auto a = new_sequence(*cache, 640);
  const auto b = new_sequence(*cache, 640);
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(run_text(*a, first(text, 100 * i), 100).ok());
    ASSERT_TRUE(run_text(*b, first(text, 100 * i), 100).ok());
  }
  a.reset();
  EXPECT_EQ(cache->available_bytes() + cache->stats().referenced_bytes, cache->stats().budget_bytes);
  EXPECT_EQ(b->memory_bytes(), cache->stats().referenced_bytes);
  const auto c = new_sequence(*cache, 2'000);
  const auto n_more = static_cast<int64_t>(cache->available_bytes() / layout.block_bytes()) * 16;
  EXPECT_TRUE(c->reserve(std::min<int64_t>(n_more, 192)).ok());
  EXPECT_EQ(content_fault(*b), "");
  ASSERT_TRUE(run_text(*b, joined(text, some_tokens(40, 41)), 20).ok());
  EXPECT_EQ(content_fault(*b), "");
}

TEST_P(PrefixOf, EvictGivesBackDownToWhatIsKept) {
  const auto cache = make_cache(options_of(GetParam()));
  for (uint64_t i = 0; i < 4; ++i) {
    const std::vector<TokenId> text = some_tokens(300, 50 + i);
    ASSERT_TRUE(run_text(*new_sequence(*cache, text, 300), text, 300).ok());
  }
  const size_t held = cache->stats().held_bytes;
  cache->evict(held / 2);
  EXPECT_LE(cache->stats().held_bytes, held / 2);
  EXPECT_GT(cache->stats().held_bytes, held / 4);
  EXPECT_EQ(cache->held_prefix(some_tokens(300, 53)), usable(GetParam(), 300));
  cache->evict();
  const CacheStats stats = cache->stats();
  EXPECT_EQ(stats.held_bytes + stats.resident_bytes, 0U);
  EXPECT_EQ(stats.n_tree_nodes, 0);
}

TEST(Prefix, LookupsAreCounted) {
  const auto cache = make_cache(options_of(Format::kF16));
  const std::vector<TokenId> text = some_tokens(100, 60);
  ASSERT_TRUE(run_text(*new_sequence(*cache, text, 100), text, 100).ok());
  static_cast<void>(new_sequence(*cache, first(text, 50), 100));
  const CacheStats stats = cache->stats();
  EXPECT_EQ(stats.n_lookups, 2);
  EXPECT_EQ(stats.n_hits, 1);
  EXPECT_EQ(stats.n_lookup_tokens, 150);
  EXPECT_EQ(stats.n_hit_tokens, 49);
  EXPECT_GT(stats.overhead_bytes, 0U);
}

TEST(Prefix, NothingIsHeldWhereNothingIsShared) {
  auto options = options_of(Format::kInt4);
  options.share_prefixes = false;
  const auto cache = make_cache(options);
  const std::vector<TokenId> text = some_tokens(300, 61);
  ASSERT_TRUE(run_text(*new_sequence(*cache, text, 300), text, 300).ok());
  EXPECT_EQ(cache->held_prefix(text), 0);
  EXPECT_EQ(cache->stats().held_bytes, 0U);
}

}  // namespace
}  // namespace docmind::kv

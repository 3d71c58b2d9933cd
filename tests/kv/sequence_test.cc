// Sequences: what they hold, when they take it and when they give it back.
// SPDX-License-Identifier: Apache-2.0
#include "kv/sequence.h"

#include <gtest/gtest.h>

#include <cstring>

#include "kv_pass.h"

namespace docmind::kv {
namespace {

class SequenceOf : public testing::TestWithParam<Format> {};
INSTANTIATE_TEST_SUITE_P(Formats, SequenceOf,
                         testing::Values(Format::kF16, Format::kInt8, Format::kInt4, Format::kK8V4, Format::kMixed),
                         [](const auto& of) { return std::string(format_name(of.param)); });

TEST_P(SequenceOf, HoldsWhatWasWrittenHoweverItWasCut) {
  const auto cache = make_cache(options_of(GetParam()));
  const std::vector<TokenId> text = some_tokens(700, 1);
  for (const int64_t piece : {700, 64, 37, 1}) {
    cache->evict();
    const auto sequence = new_sequence(*cache, 700);
    const Status ran = run_text(*sequence, text, piece);
    ASSERT_TRUE(ran.ok()) << ran.error().message;
    EXPECT_EQ(content_fault(*sequence), "") << "pieces of " << piece;
    EXPECT_EQ(sequence->n_tokens(), 700);
    EXPECT_EQ(sequence->memory_bytes(), cache->layout().sequence_bytes(700));
  }
}

TEST_P(SequenceOf, TakesAtEveryLengthWhatTheLayoutSays) {
  const auto cache = make_cache(options_of(GetParam()));
  const std::vector<TokenId> text = some_tokens(420, 2);
  const auto sequence = new_sequence(*cache, 420);
  for (int64_t n = 1; n <= 420; ++n) {
    ASSERT_TRUE(run_text(*sequence, std::span(text).first(static_cast<size_t>(n)), 1).ok());
    ASSERT_EQ(sequence->memory_bytes(), cache->layout().sequence_bytes(n)) << n;
    ASSERT_EQ(cache->stats().referenced_bytes, sequence->memory_bytes());
  }
  EXPECT_EQ(content_fault(*sequence), "");
}

TEST_P(SequenceOf, APassThatIsGivenUpChangesNothing) {
  const auto cache = make_cache(options_of(GetParam()));
  const std::vector<TokenId> text = some_tokens(500, 3), other = some_tokens(300, 4);
  const auto plain = new_sequence(*cache, 500), disturbed = new_sequence(*cache, 500);
  ASSERT_TRUE(run_text(*plain, text, 50).ok());
  while (disturbed->n_tokens() < 500) {
    for (const int64_t n : {100, 7, 150}) {
      if (disturbed->reserve(n).ok()) write_pass(*disturbed, std::span(other).first(static_cast<size_t>(n)));
    }
    ASSERT_TRUE(run_pass(*disturbed, std::span(text).subspan(static_cast<size_t>(disturbed->n_tokens()), 50)).ok());
  }
  EXPECT_EQ(content_fault(*disturbed), "");
  EXPECT_EQ(disturbed->memory_bytes(), plain->memory_bytes());
  for (int64_t layer = 0; layer < kNano.n_layers; ++layer) {
    const kernels::KvView a = plain->view(layer), b = disturbed->view(layer);
    for (size_t page = 1; a.pages != nullptr && page < 7; ++page) {
      ASSERT_EQ(a.pages[page] == nullptr, b.pages[page] == nullptr);
      if (a.pages[page] == nullptr) continue;
      EXPECT_EQ(std::memcmp(a.pages[page], b.pages[page], sizeof(kernels::KvPageLayer) * kNano.n_layers), 0) << page;
    }
  }
}

TEST_P(SequenceOf, EverythingGoesBack) {
  auto options = options_of(GetParam());
  options.share_prefixes = false;
  const auto cache = make_cache(options);
  {
    const auto sequence = new_sequence(*cache, 400);
    ASSERT_TRUE(run_text(*sequence, some_tokens(400, 5), 100).ok());
    ASSERT_GT(cache->stats().referenced_bytes, 0U);
    EXPECT_EQ(sequence->truncate(0), 0);
    EXPECT_EQ(cache->stats().referenced_bytes, 0U);
    ASSERT_TRUE(run_text(*sequence, some_tokens(300, 6), 100).ok());
    EXPECT_EQ(content_fault(*sequence), "");
  }
  const CacheStats stats = cache->stats();
  EXPECT_EQ(stats.referenced_bytes + stats.held_bytes, 0U);
  EXPECT_EQ(stats.n_blocks + stats.n_pages + stats.n_sequences + stats.n_tree_nodes, 0);
  EXPECT_GT(stats.resident_bytes, 0U);
  cache->evict();
  EXPECT_EQ(cache->stats().resident_bytes, 0U);
}

TEST_P(SequenceOf, ReserveIsAllOrNothing) {
  const Layout layout = *Layout::create(kNano, options_of(GetParam()).format);
  const size_t budget = layout.sequence_bytes(200) + layout.page_bytes();
  const auto cache = make_cache(options_of(GetParam(), budget));
  const auto sequence = new_sequence(*cache, 2'000);
  const std::vector<TokenId> text = some_tokens(2'000, 7);
  ASSERT_TRUE(run_text(*sequence, std::span(text).first(130), 130).ok());
  const size_t before = sequence->memory_bytes();
  const Status refused = sequence->reserve(1'500);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kLimit);
  EXPECT_NE(refused.error().message.find(std::to_string(budget)), std::string::npos) << refused.error().message;
  EXPECT_EQ(sequence->memory_bytes(), before);
  EXPECT_EQ(content_fault(*sequence), "");
  EXPECT_TRUE(run_pass(*sequence, std::span(text).subspan(130, 20)).ok());
  EXPECT_EQ(sequence->reserve(1'900).error().code, ErrorCode::kLimit);  // beyond its capacity
  EXPECT_EQ(sequence->reserve(0).error().code, ErrorCode::kInvalidArgument);
}

TEST_P(SequenceOf, TruncateGoesBackToWhereItCanGoOn) {
  for (const bool exact_reuse : {false, true}) {
    auto options = options_of(GetParam());
    options.exact_reuse = exact_reuse;
    const auto cache = make_cache(options);
    const std::vector<TokenId> text = some_tokens(1'000, 8);
    for (int64_t n = 0; n <= 1'000; n += 67) {
      const auto sequence = new_sequence(*cache, 1'000);
      ASSERT_TRUE(run_text(*sequence, text, 250).ok());
      const int64_t left = sequence->truncate(n);
      ASSERT_EQ(left, sequence->n_tokens());
      ASSERT_LE(left, n);
      if (GetParam() == Format::kF16) {
        ASSERT_EQ(left, n);
      } else if (!exact_reuse) {
        ASSERT_GE(left, n / 64 * 64) << n;
      } else if (n >= 960) {
        ASSERT_GE(left, n / 16 * 16) << n;
      }
      ASSERT_EQ(content_fault(*sequence), "") << n;
      ASSERT_TRUE(run_text(*sequence, some_tokens(1'000, 9), 200).ok());
      ASSERT_EQ(content_fault(*sequence), "") << n;
    }
  }
}

TEST(Sequence, NewestTokensAndTheFirstPageStayExact) {
  const auto cache = make_cache(options_of(Format::kInt4));
  const auto sequence = new_sequence(*cache, 1'000);
  ASSERT_TRUE(run_text(*sequence, some_tokens(1'000, 10), 333).ok());
  const std::vector<bool> exact = exact_tokens(*sequence);
  for (size_t t = 0; t < exact.size(); ++t) EXPECT_EQ(exact[t], t < 64 || t >= 832) << t;
}

}  // namespace
}  // namespace docmind::kv

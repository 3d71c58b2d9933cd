// FormatCaches: sequences of several formats under one budget.
// SPDX-License-Identifier: Apache-2.0
#include "kv/format_caches.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <string>

#include "kv_pass.h"
#include "support/temp_folder.h"

namespace docmind::kv {
namespace {

using enum Format;

constexpr Geometry kTiny = {.n_layers = 1, .n_kv_heads = 1, .head_dim = 16};

CacheOptions small_options(Format configured, int64_t n_blocks) {
  CacheOptions options = options_of(configured);
  options.format.residual_tokens = 64;
  options.format.mixed_bits = 5;
  options.budget_bytes = static_cast<size_t>(n_blocks) * Layout::create(kTiny, options.format)->block_bytes();
  return options;
}

std::unique_ptr<FormatCaches> make_caches(Format configured, int64_t n_blocks) {
  return *FormatCaches::create(kTiny, small_options(configured, n_blocks), scalar_table());
}

std::unique_ptr<Sequence> run_in(FormatCaches& caches, Format format, std::span<const TokenId> text) {
  auto sequence = new_sequence(**caches.cache(format), text, std::ssize(text) + 8);
  EXPECT_TRUE(run_text(*sequence, text, 40).ok());
  EXPECT_EQ(content_fault(*sequence), "");
  return sequence;
}

TEST(FormatCaches, OnlyFormatsThatTakeNoMoreThanTheConfiguredOneCanBeHad) {
  const auto caches = make_caches(kInt8, 64);
  for (const Format format : {kInt8, kInt4, kK8V4, kMixed}) EXPECT_TRUE(caches->cache(format).ok());
  const Result<Cache*> refused = caches->cache(kF16);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(refused.error().message.find("as f16"), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().message.find("the configured int8"), std::string::npos) << refused.error().message;

  const Geometry odd = {.n_layers = 1, .n_kv_heads = 1, .head_dim = 6};
  const auto exact_only = *FormatCaches::create(odd, options_of(kF16), scalar_table());
  EXPECT_TRUE(exact_only->cache(kF16).ok());
  EXPECT_EQ(exact_only->layout(kInt8).error().code, ErrorCode::kUnsupported);
}

TEST(FormatCaches, PrefixesAreSharedWithinAFormat) {
  const auto caches = make_caches(kF16, 64);
  const std::vector<TokenId> text = some_tokens(300, 1);
  run_in(*caches, kF16, text).reset();
  EXPECT_EQ((*caches->cache(kF16))->held_prefix(text), 300);
  EXPECT_EQ((*caches->cache(kInt4))->held_prefix(text), 0);
  run_in(*caches, kInt4, text).reset();
  EXPECT_GT((*caches->cache(kInt4))->held_prefix(text), 200);
  EXPECT_EQ(caches->stats().n_hits, 0);
  EXPECT_EQ(caches->stats().n_lookups, 2);
}

TEST(FormatCaches, ASequenceTakesTheRoomOfAnotherFormatsHeldPrefixes) {
  const auto caches = make_caches(kF16, 24);
  run_in(*caches, kF16, some_tokens(22 * 16, 1)).reset();
  const CacheStats before = caches->stats();
  EXPECT_EQ(before.held_bytes, 22 * (*caches->layout(kF16))->block_bytes());
  const auto sequence = run_in(*caches, kInt4, some_tokens(300, 2));
  const CacheStats after = caches->stats();
  EXPECT_LT(after.held_bytes, before.held_bytes);
  EXPECT_EQ(after.referenced_bytes, sequence->memory_bytes());
  EXPECT_LE(after.peak_bytes, after.budget_bytes);
  EXPECT_LE(after.resident_bytes, after.budget_bytes) << "memory of free blocks was not given back";
}

TEST(FormatCaches, WhatRunsIsNeverEvicted) {
  const auto caches = make_caches(kF16, 24);
  const auto running = run_in(*caches, kF16, some_tokens(20 * 16, 1));
  auto other = new_sequence(**caches->cache(kInt4), 400);
  const Status refused = run_text(*other, some_tokens(6 * 16, 2), 6 * 16);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kLimit);
  EXPECT_EQ(content_fault(*running), "");
  EXPECT_TRUE(run_text(*other, some_tokens(4 * 16, 2), 64).ok());
}

TEST(FormatCaches, TheLeastRecentlyUsedPrefixGoesFirstWhateverItsFormat) {
  const auto caches = make_caches(kF16, 40);
  const std::vector<TokenId> a = some_tokens(10 * 16, 1), b = some_tokens(10 * 16, 2), c = some_tokens(10 * 16, 3);
  run_in(*caches, kF16, a).reset();
  run_in(*caches, kInt8, b).reset();
  run_in(*caches, kF16, c).reset();
  run_in(*caches, kF16, a).reset();  // used again
  const auto next = run_in(*caches, kInt4, some_tokens(20 * 16, 4));
  EXPECT_LT((*caches->cache(kInt8))->held_prefix(b), 10 * 16);
  EXPECT_EQ(caches->configured().held_prefix(a), 10 * 16);
}

TEST(FormatCaches, CountsEachFormatAndAllTogether) {
  const auto caches = make_caches(kF16, 64);
  const auto exact = run_in(*caches, kF16, some_tokens(100, 1));
  const auto small = run_in(*caches, kInt4, some_tokens(300, 2));
  run_in(*caches, kInt4, some_tokens(100, 3)).reset();
  const std::vector<FormatUse> uses = caches->uses();
  ASSERT_EQ(uses.size(), 2U);
  EXPECT_EQ(uses[0].format, kF16);
  EXPECT_EQ(uses[0].n_sequences, 1);
  EXPECT_EQ(uses[0].referenced_bytes, exact->memory_bytes());
  EXPECT_EQ(uses[1].format, kInt4);
  EXPECT_EQ(uses[1].n_sequences, 1);
  EXPECT_EQ(uses[1].referenced_bytes, small->memory_bytes());
  const CacheStats sum = caches->stats();
  EXPECT_EQ(sum.referenced_bytes, exact->memory_bytes() + small->memory_bytes());
  EXPECT_EQ(sum.held_bytes, uses[0].held_bytes + uses[1].held_bytes);
  EXPECT_EQ(sum.n_sequences, 2);
  EXPECT_EQ(caches->available_bytes(), sum.budget_bytes - sum.referenced_bytes);
}

// --- any operations in any formats ---

struct Act {
  enum class Kind { kNew, kAppend, kEnd, kSpill, kUnspill, kEvict, kSaveLoad };
  Kind kind = Kind::kNew;
  int64_t which = 0;
  Format format = kF16;
  int64_t n = 0;
  int64_t seed = 0;  // few, so that texts meet
};

std::vector<Act> any_acts() {
  using rc::gen::inRange;
  using enum Act::Kind;
  const auto kind = rc::gen::weightedElement<Act::Kind>(
      {{8, kNew}, {12, kAppend}, {4, kEnd}, {3, kSpill}, {4, kUnspill}, {1, kEvict}, {1, kSaveLoad}});
  const auto act = rc::gen::build<Act>(
      rc::gen::set(&Act::kind, kind), rc::gen::set(&Act::which, inRange<int64_t>(0, 6)),
      rc::gen::set(&Act::format, rc::gen::element(kF16, kInt8, kInt4, kK8V4, kMixed)),
      rc::gen::set(&Act::n, inRange<int64_t>(1, 200)), rc::gen::set(&Act::seed, inRange<int64_t>(0, 3)));
  return *rc::gen::container<std::vector<Act>>(act);
}

class Formats {
 public:
  Formats(int64_t n_blocks, const test::TempFolder& box) : box_(box), caches_(make_caches(kF16, n_blocks)) {}

  void take(const Act& act) {
    using enum Act::Kind;
    Live& live = live_[static_cast<size_t>(act.which)];
    const std::string file = box_.path(std::to_string(act.which));
    if (act.kind == kEvict) return caches_->evict(static_cast<size_t>(act.n) * 64);
    if (act.kind == kSaveLoad) return save_and_load();
    if (act.kind == kNew) return begin(live, act);
    if (live.sequence == nullptr) return;
    Cache& cache = **caches_->cache(live.format);
    if (act.kind == kEnd) live = {};
    if (act.kind == kAppend && !live.is_out) append(live, some_tokens(act.n, static_cast<uint64_t>(act.seed)));
    if (act.kind == kSpill && !live.is_out) {
      RC_ASSERT(cache.spill(*live.sequence, file).ok());
      live.is_out = true;
    } else if (act.kind == kUnspill && live.is_out) {
      const Status back = cache.unspill(*live.sequence, file);
      RC_ASSERT((back.ok() || back.error().code == ErrorCode::kLimit));
      live.is_out = !back.ok();
    }
  }

  void check() const {
    const CacheStats sum = caches_->stats();
    size_t referenced = 0, held = 0;
    for (const FormatUse& use : caches_->uses()) {
      referenced += use.referenced_bytes;
      held += use.held_bytes;
    }
    RC_ASSERT(sum.referenced_bytes == referenced);
    RC_ASSERT(sum.held_bytes == held);
    RC_ASSERT(sum.peak_bytes <= sum.budget_bytes);
    RC_ASSERT(referenced + held <= sum.resident_bytes);
    RC_ASSERT(sum.resident_bytes <= sum.budget_bytes);
    for (const Live& live : live_) {
      if (live.sequence == nullptr || live.is_out) continue;
      RC_ASSERT(std::ranges::equal(live.sequence->tokens(), live.text));
      RC_ASSERT(content_fault(*live.sequence) == "");
    }
  }

  void finish() {
    for (Live& live : live_) live = {};
    RC_ASSERT(caches_->stats().referenced_bytes == 0U);
    caches_->evict();
    const CacheStats end = caches_->stats();
    RC_ASSERT(end.held_bytes + end.resident_bytes == 0U);
    RC_ASSERT(end.n_blocks + end.n_pages + end.n_tree_nodes + end.n_sequences == 0);
  }

 private:
  struct Live {
    std::unique_ptr<Sequence> sequence;
    Format format = kF16;
    std::vector<TokenId> text;
    bool is_out = false;
  };

  void begin(Live& live, const Act& act) {
    live = {};
    const std::vector<TokenId> text = some_tokens(act.n, static_cast<uint64_t>(act.seed));
    live = {.sequence = new_sequence(**caches_->cache(act.format), text, 400), .format = act.format, .text = {}};
    const Status ran = run_text(*live.sequence, text, 40);
    RC_ASSERT((ran.ok() || ran.error().code == ErrorCode::kLimit));
    live.text.assign(live.sequence->tokens().begin(), live.sequence->tokens().end());
    RC_ASSERT(std::ranges::equal(live.text, std::span(text).first(live.text.size())));
  }
  void append(Live& live, const std::vector<TokenId>& more) {
    const Status ran = run_pass(*live.sequence, more);
    RC_ASSERT((ran.ok() || ran.error().code == ErrorCode::kLimit));
    if (ran.ok()) live.text = joined(live.text, more);
  }
  void save_and_load() {
    Cache& cache = caches_->configured();
    RC_ASSERT(cache.save(box_.path("p"), SIZE_MAX).ok());
    caches_->evict(caches_->stats().held_bytes / 2);
    RC_ASSERT(cache.load(box_.path("p")).ok());
  }

  const test::TempFolder& box_;
  std::unique_ptr<FormatCaches> caches_;
  std::array<Live, 6> live_;
};

TEST(FormatCachesProperty, AnyOperationsKeepTheBudgetAndEveryText) {
  const test::TempFolder box;
  const bool holds = rc::check("any operations in any formats keep the budget and every text", [&box] {
    Formats formats(*rc::gen::inRange(12, 80), box);
    for (const Act& act : any_acts()) {
      formats.take(act);
      formats.check();
    }
    formats.finish();
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace docmind::kv

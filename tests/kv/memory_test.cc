// The budget and the accounting: what is counted is what the process uses, and no shortage loses anything.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <fstream>

#include "kv/cache.h"
#include "kv_pass.h"
#include "support/temp_folder.h"

namespace docmind::kv {
namespace {

size_t process_bytes() {
  std::ifstream file("/proc/self/statm");
  size_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

// Touches everything a pass of 64 tokens writes.
void touch_pass(Sequence& sequence) {
  const Layout& layout = sequence.layout();
  const Geometry& g = layout.geometry();
  const int64_t n = sequence.n_tokens();
  ASSERT_TRUE(sequence.reserve(64).ok());
  for (int64_t layer = 0; layer < g.n_layers; ++layer) {
    for (int64_t head = 0; head < g.n_kv_heads; ++head) {
      for (int64_t t = n; t < n + 64; t += 16) {
        std::memset(sequence.keys(layer, head, t), 0, static_cast<size_t>(2 * 16 * 2 * g.head_dim));
        if (!layout.has_query_energy()) continue;
        const std::vector<float> query(static_cast<size_t>(g.head_dim), 1.0f);
        sequence.add_query_energy(layer, head, t, query.data(), 1);
      }
    }
    sequence.prepare_seal(layer);
  }
  const std::byte* const* pages = sequence.view(0).pages;
  // As sealing does, in less time; the header was written above.
  const auto header = static_cast<size_t>(kernels::kv_page_header_bytes(g.n_layers));
  if (sequence.n_due_pages() > 0) {
    const int64_t page = layout.sealed_pages(n + 63) - 1;
    std::memset(const_cast<std::byte*>(pages[page]) + header, 0, layout.page_bytes() - header);
  }
  sequence.commit(std::vector<TokenId>(64, 1));
}

class MemoryOf : public testing::TestWithParam<Format> {};
INSTANTIATE_TEST_SUITE_P(Formats, MemoryOf,
                         testing::Values(Format::kF16, Format::kInt8, Format::kInt4, Format::kK8V4, Format::kMixed),
                         [](const auto& of) { return std::string(format_name(of.param)); });

TEST_P(MemoryOf, CountsWhatTheProcessUses) {
  CacheOptions options;
  options.format.format = GetParam();
  options.budget_bytes = size_t{300} << 20;
  const kernels::KernelTable& table = **kernels::kernel_table(kernels::best_isa());
  const size_t before = process_bytes();
  const auto cache = std::move(Cache::create({28, 8, 128}, options, table)).value();
  const auto sequence = new_sequence(*cache, 16'384);
  constexpr size_t kFill = size_t{210} << 20;
  while (sequence->memory_bytes() < kFill) ASSERT_NO_FATAL_FAILURE(touch_pass(*sequence));
  const CacheStats full = cache->stats();
  EXPECT_GE(full.resident_bytes, kFill);
  EXPECT_LE(full.resident_bytes, full.budget_bytes);
  const auto grown = static_cast<double>(process_bytes() - before);
  const auto counted = static_cast<double>(full.resident_bytes + full.overhead_bytes);
  EXPECT_NEAR(grown / counted, 1, 0.03);
  RecordProperty("grown_over_counted", std::to_string(grown / counted));

  EXPECT_EQ(sequence->truncate(0), 0);
  cache->evict();
  EXPECT_EQ(cache->stats().resident_bytes, 0U);
  EXPECT_LT(static_cast<double>(process_bytes()) - static_cast<double>(before), 0.03 * counted);
}

TEST_P(MemoryOf, FreeSlotsOfOneKindMakeRoomForTheOther) {
  const Layout layout = *Layout::create(kNano, options_of(GetParam()).format);
  const auto cache = make_cache(options_of(GetParam(), layout.sequence_bytes(700) + 24 * layout.block_bytes()));
  for (uint64_t i = 0; i < 4; ++i) {
    const auto sequence = new_sequence(*cache, 700);
    // Many blocks at once, then many pages.
    ASSERT_TRUE(run_text(*sequence, some_tokens(300, i), 300).ok());
    ASSERT_TRUE(run_text(*sequence, some_tokens(700, i), 16).ok());
    EXPECT_EQ(content_fault(*sequence), "");
    EXPECT_LE(cache->stats().resident_bytes, cache->stats().budget_bytes);
  }
}

// A day in the life of a cache; stops at the first refusal of each sequence, and checks the others.
void live(Cache& cache, const std::string& path) {
  const std::vector<TokenId> text = some_tokens(420, 1);
  const auto expect_whole = [](const Sequence& sequence) { ASSERT_EQ(content_fault(sequence), ""); };
  const auto go_on = [](Sequence& sequence, std::span<const TokenId> to, int64_t piece) {
    const Status status = run_text(sequence, to, piece);
    ASSERT_TRUE(status.ok() || status.error().code == ErrorCode::kLimit);
  };
  const auto a = new_sequence(cache, text, 500);
  ASSERT_NO_FATAL_FAILURE(go_on(*a, text, 90));
  const std::vector<TokenId> b_text = joined(first(text, 230), some_tokens(120, 2));
  auto b = new_sequence(cache, b_text, 500);
  ASSERT_NO_FATAL_FAILURE(go_on(*b, b_text, 1));
  ASSERT_NO_FATAL_FAILURE(expect_whole(*a));
  ASSERT_NO_FATAL_FAILURE(expect_whole(*b));
  const int64_t n_a = a->n_tokens();
  ASSERT_TRUE(cache.spill(*a, path).ok());
  const std::vector<TokenId> c_text = joined(first(b_text, 300), some_tokens(60, 3));
  const auto c = new_sequence(cache, c_text, 500);
  ASSERT_NO_FATAL_FAILURE(go_on(*c, c_text, 33));
  ASSERT_NO_FATAL_FAILURE(expect_whole(*b));
  const Status back = cache.unspill(*a, path);
  if (!back.ok()) {
    ASSERT_EQ(back.error().code, ErrorCode::kLimit);
    ASSERT_EQ(a->n_tokens(), 0);
    b.reset();
    c->truncate(0);
    const Status again = cache.unspill(*a, path);
    ASSERT_TRUE(again.ok()) << again.error().message;
  }
  ASSERT_EQ(a->n_tokens(), n_a);
  ASSERT_NO_FATAL_FAILURE(expect_whole(*a));
  ASSERT_NO_FATAL_FAILURE(expect_whole(*c));
  a->truncate(100);
  ASSERT_NO_FATAL_FAILURE(go_on(*a, joined(first(text, a->n_tokens()), some_tokens(150, 4)), 20));
  ASSERT_NO_FATAL_FAILURE(expect_whole(*a));
}

TEST_P(MemoryOf, NoBudgetHoweverSmallLosesAnything) {
  const Layout layout = *Layout::create(kNano, options_of(GetParam()).format);
  const size_t least = 4 * layout.block_bytes() + layout.page_bytes();
  const test::TempFolder box;
  auto refused = options_of(GetParam(), least - 1);
  EXPECT_EQ(Cache::create(kNano, refused, scalar_table()).error().code, ErrorCode::kInvalidArgument);
  // Every allocation fails at some budget.
  const size_t step = layout.seals() ? std::min(layout.page_bytes(), layout.block_bytes()) : layout.block_bytes();
  for (size_t budget = least; budget < least + 80 * layout.block_bytes(); budget += step) {
    const auto cache = make_cache(options_of(GetParam(), budget));
    ASSERT_NO_FATAL_FAILURE(live(*cache, box.path("s"))) << budget / layout.block_bytes() << " blocks";
    const CacheStats stats = cache->stats();
    ASSERT_EQ(stats.referenced_bytes, 0U);
    ASSERT_LE(stats.peak_bytes, budget);
    ASSERT_LE(stats.resident_bytes, budget);
    cache->evict();
    ASSERT_EQ(cache->stats().held_bytes + cache->stats().resident_bytes, 0U);
    ASSERT_EQ(cache->stats().n_blocks + cache->stats().n_pages + cache->stats().n_tree_nodes, 0);
  }
}

}  // namespace
}  // namespace docmind::kv

// Properties of a cache under any operations: every sequence reads its own text, the budget holds, all goes back.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>

#include "kv/cache.h"
#include "kv_pass.h"
#include "support/temp_folder.h"

namespace docmind::kv {
namespace {

constexpr Geometry kTiny = {.n_layers = 1, .n_kv_heads = 1, .head_dim = 4};
constexpr int64_t kCapacity = 600;

struct Step {
  enum class Kind { kNew, kFork, kAppend, kAbandon, kTruncate, kEnd, kEvict, kSpill, kUnspill, kSaveLoad };
  Kind kind = Kind::kNew;
  int64_t which = 0;
  int64_t n = 0;
  int64_t seed = 0;  // few, so that texts meet
};

std::vector<Step> any_steps() {
  using rc::gen::inRange;
  using enum Step::Kind;
  const auto kind = rc::gen::weightedElement<Step::Kind>({{4, kNew}, {5, kFork}, {12, kAppend}, {2, kAbandon},
                                                          {3, kTruncate}, {4, kEnd}, {1, kEvict}, {2, kSpill},
                                                          {3, kUnspill}, {1, kSaveLoad}});
  const auto n = rc::gen::weightedOneOf<int64_t>({{3, inRange<int64_t>(1, 24)}, {2, inRange<int64_t>(1, 260)}});
  const auto step =
      rc::gen::build<Step>(rc::gen::set(&Step::kind, kind), rc::gen::set(&Step::which, inRange<int64_t>(0, 6)),
                           rc::gen::set(&Step::n, n), rc::gen::set(&Step::seed, inRange<int64_t>(0, 3)));
  return *rc::gen::container<std::vector<Step>>(step);
}

class World {
 public:
  World(const CacheOptions& options, const test::TempFolder& box) : box_(box), cache_(make_cache(options, kTiny)) {}

  void take(const Step& step) {
    using enum Step::Kind;
    const auto which = static_cast<size_t>(step.which);
    if (step.kind == kNew) return begin(which, some_tokens(step.n, static_cast<uint64_t>(step.seed)));
    if (step.kind == kEvict) return cache_->evict(static_cast<size_t>(step.n) * 64);
    if (step.kind == kSaveLoad) return save_and_load();
    if (live_[which].sequence == nullptr) return;
    switch (step.kind) {
      case kFork: return begin((which + 1) % live_.size(), joined(live_[which].text, some_tokens(step.n, 9)));
      case kAppend: return append(live_[which], step);
      case kAbandon: return abandon(live_[which], step);
      case kTruncate: return truncate(live_[which], step.n);
      case kEnd: return end(which);
      case kSpill: return spill(which);
      case kUnspill: return unspill(which);
      default: return;
    }
  }

  void check() const {
    const CacheStats stats = cache_->stats();
    size_t referenced = 0;
    for (const Live& live : live_) {
      if (live.sequence == nullptr) continue;
      const std::span<const TokenId> expected = live.is_out ? std::span<const TokenId>() : std::span(live.text);
      RC_ASSERT(std::ranges::equal(live.sequence->tokens(), expected));
      RC_ASSERT(content_fault(*live.sequence) == "");
      referenced += live.sequence->memory_bytes();
    }
    RC_ASSERT(stats.referenced_bytes <= referenced);
    RC_ASSERT(stats.peak_bytes <= stats.budget_bytes);
    RC_ASSERT(stats.referenced_bytes + stats.held_bytes <= stats.resident_bytes);
    RC_ASSERT(stats.resident_bytes <= stats.budget_bytes);
    const Layout& layout = cache_->layout();
    const size_t counted = static_cast<size_t>(stats.n_blocks) * layout.block_bytes() +
                           static_cast<size_t>(stats.n_pages) * layout.page_bytes();
    RC_ASSERT(stats.referenced_bytes + stats.held_bytes == counted);
  }

  void finish() {
    for (size_t i = 0; i < live_.size(); ++i) end(i);
    RC_ASSERT(cache_->stats().referenced_bytes == 0U);
    cache_->evict();
    const CacheStats stats = cache_->stats();
    RC_ASSERT(stats.held_bytes + stats.resident_bytes == 0U);
    RC_ASSERT(stats.n_blocks + stats.n_pages + stats.n_tree_nodes + stats.n_sequences == 0);
  }

 private:
  struct Live {
    std::unique_ptr<Sequence> sequence;
    std::vector<TokenId> text;
    bool is_out = false;  // spilled
  };

  void begin(size_t which, std::vector<TokenId> text) {
    if (std::ssize(text) > kCapacity) return;
    live_[which] = {};
    auto sequence = new_sequence(*cache_, text, kCapacity);
    const int64_t held = sequence->n_shared_tokens();
    RC_ASSERT((held == sequence->n_tokens() && held < std::ssize(text)));
    const Status ran = run_text(*sequence, text, 40);
    text.resize(static_cast<size_t>(sequence->n_tokens()));
    RC_ASSERT((ran.ok() || ran.error().code == ErrorCode::kLimit));
    live_[which] = {.sequence = std::move(sequence), .text = std::move(text), .is_out = false};
  }
  void append(Live& live, const Step& step) {
    if (live.is_out) return;
    const std::vector<TokenId> more = some_tokens(step.n, static_cast<uint64_t>(step.seed));
    const size_t before = live.sequence->memory_bytes();
    const Status ran = run_pass(*live.sequence, more);
    if (ran.ok()) live.text = joined(live.text, more);
    RC_ASSERT((ran.ok() || (ran.error().code == ErrorCode::kLimit && live.sequence->memory_bytes() >= before)));
  }
  void abandon(Live& live, const Step& step) {
    if (live.is_out || !live.sequence->reserve(step.n).ok()) return;
    write_pass(*live.sequence, some_tokens(step.n, 77));
    live.sequence->truncate(live.sequence->n_tokens());
  }
  void truncate(Live& live, int64_t n) {
    if (live.is_out) return;
    const int64_t left = live.sequence->truncate(n);
    RC_ASSERT((left <= std::max<int64_t>(n, 0) || left == std::ssize(live.text)));
    live.text.resize(static_cast<size_t>(left));
  }
  void end(size_t which) { live_[which] = {}; }
  void spill(size_t which) {
    if (live_[which].is_out) return;
    RC_ASSERT(cache_->spill(*live_[which].sequence, box_.path(std::to_string(which))).ok());
    live_[which].is_out = true;
  }
  void unspill(size_t which) {
    if (!live_[which].is_out) return;
    const Status back = cache_->unspill(*live_[which].sequence, box_.path(std::to_string(which)));
    RC_ASSERT((back.ok() || back.error().code == ErrorCode::kLimit));
    live_[which].is_out = !back.ok();
  }
  void save_and_load() {
    RC_ASSERT(cache_->save(box_.path("p"), SIZE_MAX).ok());
    RC_ASSERT(*cache_->load(box_.path("p")) == 0);  // all is there
    cache_->evict(cache_->stats().held_bytes / 2);
    RC_ASSERT(cache_->load(box_.path("p")).ok());
  }

  const test::TempFolder& box_;
  std::unique_ptr<Cache> cache_;
  std::array<Live, 6> live_;
};

TEST(CacheProperty, AnyOperationsLeaveEveryTextWhole) {
  const test::TempFolder box;
  const bool held = rc::check("any operations leave every text whole", [&box] {
    CacheOptions options = options_of(*rc::gen::element(Format::kF16, Format::kInt4, Format::kInt8, Format::kMixed));
    options.format.mixed_bits = 8;
    options.format.residual_tokens = *rc::gen::element<int64_t>(64, 128);
    options.exact_reuse = *rc::gen::arbitrary<bool>();
    const Layout layout = *Layout::create(kTiny, options.format);
    options.budget_bytes = static_cast<size_t>(*rc::gen::inRange(8, 120)) * layout.block_bytes() + layout.page_bytes();
    World world(options, box);
    for (const Step& step : any_steps()) {
      world.take(step);
      world.check();
    }
    world.finish();
  });
  EXPECT_TRUE(held);
}

}  // namespace
}  // namespace docmind::kv

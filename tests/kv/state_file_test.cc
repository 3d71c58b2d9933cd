// Files: sequences and prefixes come back as they were, and no damage goes unnoticed.
// SPDX-License-Identifier: Apache-2.0
#include "kv/state_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "kv/cache.h"
#include "kv_pass.h"
#include "support/temp_folder.h"

namespace docmind::kv {
namespace {

class FileOf : public testing::TestWithParam<Format> {
 protected:
  size_t n_files() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(box_.path()), {}));
  }
  test::TempFolder box_;
};
INSTANTIATE_TEST_SUITE_P(Formats, FileOf,
                         testing::Values(Format::kF16, Format::kInt8, Format::kK8V4, Format::kMixed),
                         [](const auto& of) { return std::string(format_name(of.param)); });

TEST_P(FileOf, ASpilledSequenceComesBackAndGoesOn) {
  const auto cache = make_cache(options_of(GetParam()));
  for (const int64_t n : {1, 64, 333, 700}) {
    const std::vector<TokenId> text = joined(some_tokens(n, 1), some_tokens(200, 2));
    const auto sequence = new_sequence(*cache, text, 1'000), twin = new_sequence(*cache, 1'000);
    ASSERT_TRUE(run_text(*sequence, first(text, n), 100).ok());
    ASSERT_TRUE(run_text(*twin, first(text, n), 100).ok());
    ASSERT_TRUE(sequence->reserve(30).ok());
    write_pass(*sequence, some_tokens(30, 3));  // a pass that is never committed
    const Status spilled = cache->spill(*sequence, box_.path("s"));
    ASSERT_TRUE(spilled.ok()) << spilled.error().message;
    EXPECT_EQ(sequence->n_tokens(), 0);
    EXPECT_EQ(sequence->memory_bytes(), 0U);
    cache->evict();
    const Status back = cache->unspill(*sequence, box_.path("s"));
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(sequence->n_tokens(), n);
    EXPECT_EQ(sequence->memory_bytes(), cache->layout().sequence_bytes(n));
    EXPECT_EQ(content_fault(*sequence), "");
    ASSERT_TRUE(run_text(*sequence, text, 30).ok());
    ASSERT_TRUE(run_text(*twin, text, 100).ok());
    EXPECT_EQ(content_fault(*sequence), "");
    EXPECT_EQ(exact_tokens(*sequence), exact_tokens(*twin));
    EXPECT_EQ(cache->unspill(*sequence, box_.path("s")).error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(n_files(), 1U);
}

TEST_P(FileOf, ASequenceComesBackOnlyWhereThereIsRoom) {
  const Layout layout = *Layout::create(kNano, options_of(GetParam()).format);
  const auto cache = make_cache(options_of(GetParam(), layout.sequence_bytes(300) + 6 * layout.block_bytes()));
  const auto a = new_sequence(*cache, 300), b = new_sequence(*cache, 300);
  ASSERT_TRUE(run_text(*a, some_tokens(300, 4), 20).ok());
  ASSERT_TRUE(cache->spill(*a, box_.path("s")).ok());
  ASSERT_TRUE(run_text(*b, some_tokens(200, 5), 20).ok());
  EXPECT_EQ(cache->unspill(*a, box_.path("s")).error().code, ErrorCode::kLimit);
  EXPECT_EQ(a->n_tokens(), 0);
  EXPECT_EQ(content_fault(*b), "");
  EXPECT_EQ(b->truncate(0), 0);
  ASSERT_TRUE(cache->unspill(*a, box_.path("s")).ok());
  EXPECT_EQ(content_fault(*a), "");
  const auto small = new_sequence(*cache, 200);
  EXPECT_EQ(cache->unspill(*small, box_.path("s")).error().code, ErrorCode::kLimit);
}

TEST_P(FileOf, AnyChangedByteIsFound) {
  const auto cache = make_cache(options_of(GetParam()), {1, 1, 8});
  const auto sequence = new_sequence(*cache, 300);
  ASSERT_TRUE(run_text(*sequence, some_tokens(270, 6), 100).ok());
  ASSERT_TRUE(cache->save(box_.path("p"), SIZE_MAX).ok());
  ASSERT_TRUE(cache->spill(*sequence, box_.path("s")).ok());
  cache->evict();
  const auto expect_refused = [&](const std::string& bytes) {
    const std::string path = box_.write("damaged", bytes);
    for (const Status& status : {cache->unspill(*sequence, path), [&]() -> Status {
           const auto loaded = cache->load(path);
           if (!loaded.ok()) return loaded.error();
           return {};
         }()}) {
      ASSERT_FALSE(status.ok());
      ASSERT_TRUE(status.error().code == ErrorCode::kMalformed || status.error().code == ErrorCode::kMismatch)
          << status.error().message;
    }
    ASSERT_EQ(sequence->n_tokens(), 0);
    ASSERT_EQ(cache->stats().n_blocks + cache->stats().n_pages + cache->stats().n_tree_nodes, 0);
  };
  for (const char* name : {"s", "p"}) {
    const std::string whole = box_.read(name);
    for (size_t i = 0; i < whole.size(); i += i < 500 ? 1 : 331) {
      std::string bytes = whole;
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << i % 8));
      ASSERT_NO_FATAL_FAILURE(expect_refused(bytes)) << name << " at " << i;
      if (i % 5 != 0) continue;
      ASSERT_NO_FATAL_FAILURE(expect_refused(whole.substr(0, i))) << name << " to " << i;
    }
    ASSERT_NO_FATAL_FAILURE(expect_refused(whole + "x"));
  }
  EXPECT_TRUE(cache->unspill(*sequence, box_.path("s")).ok());
  EXPECT_EQ(content_fault(*sequence), "");
}

TEST_P(FileOf, AnotherCachesFileIsRefusedAndNamed) {
  const auto cache = make_cache(options_of(GetParam()));
  const auto sequence = new_sequence(*cache, 100);
  ASSERT_TRUE(run_text(*sequence, some_tokens(100, 7), 100).ok());
  ASSERT_TRUE(cache->save(box_.path("p"), SIZE_MAX).ok());
  ASSERT_TRUE(cache->spill(*sequence, box_.path("s")).ok());
  auto other_model = options_of(GetParam()), other_format = options_of(Format::kInt4);
  other_model.identity = "another model";
  for (const auto& [options, geometry] : {std::pair{other_model, kNano}, std::pair{other_format, kNano},
                                          std::pair{options_of(GetParam()), Geometry{3, 2, 16}}}) {
    const auto other = make_cache(options, geometry);
    const Error loaded = other->load(box_.path("p")).error();
    const Error unspilled = other->unspill(*new_sequence(*other, 100), box_.path("s")).error();
    EXPECT_EQ(loaded.code, ErrorCode::kMismatch);
    EXPECT_EQ(unspilled.code, ErrorCode::kMismatch);
    for (const std::string& binding : {state_binding(cache->layout(), "a model"),
                                       state_binding(other->layout(), options.identity)}) {
      EXPECT_NE(loaded.message.find(binding), std::string::npos) << loaded.message;
    }
  }
  EXPECT_EQ(cache->load(box_.path("s")).error().code, ErrorCode::kMismatch);  // a sequence
  EXPECT_EQ(cache->load(box_.path("none")).error().code, ErrorCode::kNotFound);
}

TEST_P(FileOf, AFullDiskLeavesTheSequenceAndNoFile) {
  const auto cache = make_cache(options_of(GetParam()));
  const std::vector<TokenId> text = some_tokens(400, 8);
  const auto sequence = new_sequence(*cache, text, 400);
  ASSERT_TRUE(run_text(*sequence, text, 100).ok());
  struct rlimit before {};
  ::getrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, SIG_IGN);
  for (const rlim_t most : {0, 10, 100, 5'000, 20'000}) {
    const struct rlimit limit {most, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const Status spilled = cache->spill(*sequence, box_.path("s")), saved = cache->save(box_.path("p"), SIZE_MAX);
    ::setrlimit(RLIMIT_FSIZE, &before);
    ASSERT_FALSE(spilled.ok());
    EXPECT_EQ(spilled.error().code, ErrorCode::kIo) << spilled.error().message;
    EXPECT_FALSE(saved.ok());
    EXPECT_EQ(n_files(), 0U) << most;
    EXPECT_EQ(content_fault(*sequence), "");
  }
  std::signal(SIGXFSZ, SIG_DFL);
  EXPECT_EQ(sequence->n_tokens(), 400);
  EXPECT_TRUE(cache->spill(*sequence, box_.path("s")).ok());
}

TEST_P(FileOf, PrefixesComeBackAfterARestart) {
  const std::vector<TokenId> a = some_tokens(500, 9), b = joined(first(a, 200), some_tokens(130, 10));
  int64_t held_a = 0, held_b = 0;
  {
    const auto cache = make_cache(options_of(GetParam()));
    for (const auto& text : {a, b}) ASSERT_TRUE(run_text(*new_sequence(*cache, text, 500), text, 100).ok());
    held_a = cache->held_prefix(a);
    held_b = cache->held_prefix(b);
    ASSERT_TRUE(cache->save(box_.path("p"), SIZE_MAX).ok());
  }
  const auto cache = make_cache(options_of(GetParam()));
  const auto loaded = cache->load(box_.path("p"));
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_GE(*loaded, 500);
  EXPECT_EQ(cache->held_prefix(a), held_a);
  EXPECT_EQ(cache->held_prefix(b), held_b);
  const int64_t n_nodes = cache->stats().n_tree_nodes;
  EXPECT_EQ(*cache->load(box_.path("p")), 0);  // all is there
  EXPECT_EQ(cache->stats().n_tree_nodes, n_nodes);
  for (const auto& text : {a, b}) {
    const std::vector<TokenId> prompt = joined(text, some_tokens(100, 11));
    const auto sequence = new_sequence(*cache, prompt, 700);
    EXPECT_GE(sequence->n_shared_tokens(), std::ssize(text) / 16 * 16);
    ASSERT_TRUE(run_text(*sequence, prompt, 70).ok());
    EXPECT_EQ(content_fault(*sequence), "");
  }
}

TEST_P(FileOf, OnlySoMuchIsSavedAndLoadedAsThereIsRoom) {
  const Layout layout = *Layout::create(kNano, options_of(GetParam()).format);
  const std::vector<TokenId> old_text = some_tokens(300, 12), new_text = some_tokens(150, 13);
  const auto cache = make_cache(options_of(GetParam()));
  for (const auto& text : {old_text, new_text}) ASSERT_TRUE(run_text(*new_sequence(*cache, text, 300), text, 100).ok());
  ASSERT_TRUE(cache->save(box_.path("half"), layout.sequence_bytes(160)).ok());
  ASSERT_TRUE(cache->save(box_.path("all"), SIZE_MAX).ok());
  const auto fresh = make_cache(options_of(GetParam()));
  ASSERT_TRUE(fresh->load(box_.path("half")).ok());
  EXPECT_GE(fresh->held_prefix(new_text), 144);
  EXPECT_LT(fresh->held_prefix(old_text), 64);
  const auto small = make_cache(options_of(GetParam(), layout.sequence_bytes(160)));
  ASSERT_TRUE(small->load(box_.path("all")).ok());
  EXPECT_GE(small->held_prefix(new_text), 128);
  EXPECT_EQ(small->stats().n_evicted_blocks, 0);
  EXPECT_LE(small->stats().peak_bytes, small->stats().budget_bytes);
}

}  // namespace
}  // namespace docmind::kv

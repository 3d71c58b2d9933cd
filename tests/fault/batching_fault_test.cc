// Batching under faults: readers that vanish, poisoned requests, damaged and impossible spill files, no memory at all.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "support/random_blocks.h"
#include "support/scheduler_run.h"
#include "support/temp_folder.h"

namespace docmind::test {
namespace {

using engine::Generation;
using engine::TextRequest;

constexpr int64_t kTokens = 80;
constexpr uint64_t kTexts = 6;

TextRequest request_of(uint64_t i) { return fake_request(20 + static_cast<int64_t>(i), kTokens, i); }

class BatchingFault : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    expected_.clear();
    for (uint64_t i = 0; i < kTexts; ++i) expected_.push_back(alone(request_of(i)).text);
  }
  void submit_all(SchedulerRun& run) {
    for (uint64_t i = 0; i < kTexts; ++i) run.submit(request_of(i));
  }
  static void expect_text(SchedulerRun& run, size_t i) {
    const Result<Generation> made = run.streams[i]->finish();
    ASSERT_TRUE(made.ok()) << made.error().message;
    EXPECT_EQ(made->text, expected_[i]) << i;
  }
  static void expect_nothing_held(const SchedulerRun& run) {
    const kv::CacheStats kv = run.core->caches().stats();
    EXPECT_EQ(kv.referenced_bytes, 0U);
    EXPECT_EQ(kv.n_sequences, 0);
    EXPECT_LE(kv.peak_bytes, kv.budget_bytes);
    run.core->caches().evict();
    EXPECT_EQ(run.core->caches().stats().held_bytes, 0U);
  }
  static std::vector<std::string> expected_;
};
std::vector<std::string> BatchingFault::expected_;

TEST_F(BatchingFault, ReadersThatVanishCostTheOthersNothing) {
  SchedulerRun run;
  submit_all(run);
  for (int step = 0; run.core->step(); ++step) {
    if (step == 10) run.streams[1].reset();
    if (step == 25) run.streams[4].reset();
  }
  for (const size_t i : {0, 2, 3, 5}) expect_text(run, i);
  EXPECT_EQ(run.stats().n_cancelled, 2);
  expect_nothing_held(run);
}

TEST_F(BatchingFault, APoisonedRequestFailsAndItsNeighboursFinish) {
  SchedulerRun run({.model = {.nan_after = 40}});
  // A generated token poisons its text, so those are hit in the middle that happen to make it.
  submit_all(run);
  run.run();
  int n_failed = 0;
  for (size_t i = 0; i < kTexts; ++i) {
    const Result<Generation> made = run.streams[i]->finish();
    const bool hit = expected_[i].find(static_cast<char>('0' + 40)) != std::string::npos;
    n_failed += !made.ok();
    if (made.ok()) EXPECT_EQ(made->text, expected_[i]);
    else EXPECT_EQ(made.error().code, ErrorCode::kMalformed);
    EXPECT_TRUE(made.ok() || hit);
  }
  EXPECT_GT(n_failed, 0);
  EXPECT_LT(n_failed, static_cast<int>(kTexts));
  expect_nothing_held(run);
}

// Flips a bit of every file that is there.
void damage_files(const std::string& folder, Random& random) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    const auto at = static_cast<std::streamoff>(random.next() % std::filesystem::file_size(entry.path()));
    file.seekg(at);
    const char byte = static_cast<char>(file.get() ^ (1 << random.between(0, 7)));
    file.seekp(at);
    file.put(byte);
  }
}

TEST_F(BatchingFault, DamagedSpillFilesAreComputedAnew) {
  Random random(3);
  for (int i = 0; i < 20; ++i) {
    const TempFolder folder;
    SchedulerRun run({.n_blocks = 14, .spill_folder = folder.path()});
    submit_all(run);
    int64_t n_damaged = 0;
    while (run.core->step()) {
      const engine::SchedulerStats stats = run.stats();
      if (stats.n_spilled == n_damaged) continue;
      n_damaged = stats.n_spilled;
      damage_files(folder.path(), random);
    }
    for (size_t k = 0; k < kTexts; ++k) expect_text(run, k);
    EXPECT_GT(run.stats().n_spill_failures, 0);
    EXPECT_EQ(run.stats().n_recomputed + run.stats().n_restored, run.stats().n_spilled);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
    expect_nothing_held(run);
  }
}

TEST_F(BatchingFault, SpillFilesThatAreGoneOrCutAreComputedAnew) {
  for (const bool cut : {false, true}) {
    const TempFolder folder;
    SchedulerRun run({.n_blocks = 14, .spill_folder = folder.path()});
    submit_all(run);
    while (run.core->step()) {
      for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
        if (cut) std::filesystem::resize_file(entry.path(), 100);
        else std::filesystem::remove(entry.path());
      }
    }
    for (size_t k = 0; k < kTexts; ++k) expect_text(run, k);
    EXPECT_GT(run.stats().n_spilled, 0);
    EXPECT_EQ(run.stats().n_restored, 0);
    expect_nothing_held(run);
  }
}

// While it lives, no file of this process grows beyond `bytes`: the disk is full.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_limit_);
    const struct rlimit limit {bytes, old_limit_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &old_limit_);
    std::signal(SIGXFSZ, old_handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  void (*old_handler_)(int);
  struct rlimit old_limit_ {};
};

TEST_F(BatchingFault, AFullDiskMeansComputingAnew) {
  for (const rlim_t bytes : {0, 10, 1'000, 3'000}) {
    const TempFolder folder;
    SchedulerRun run({.n_blocks = 14, .spill_folder = folder.path()});
    submit_all(run);
    {
      const FullDisk disk(bytes);
      run.run();
    }
    for (size_t k = 0; k < kTexts; ++k) expect_text(run, k);
    EXPECT_GT(run.stats().n_preempted, 0);
    EXPECT_EQ(run.stats().n_spilled, 0) << bytes;
    EXPECT_EQ(run.stats().n_spill_failures, run.stats().n_preempted);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
    expect_nothing_held(run);
  }
}

TEST_F(BatchingFault, FilesOfDeadProcessesAreRemovedAndOthersStay) {
  const TempFolder folder;
  folder.write("docmind-kv-999999999-1-1.spill", "left");
  folder.write("docmind-kv-1-1-1.spill", "of a living process");
  folder.write("notes.txt", "a user's");
  const SchedulerRun run({.spill_folder = folder.path()});
  EXPECT_FALSE(folder.exists("docmind-kv-999999999-1-1.spill"));
  EXPECT_TRUE(folder.exists("docmind-kv-1-1-1.spill"));
  EXPECT_TRUE(folder.exists("notes.txt"));
}

// Every budget from the least on, so that memory ends at every point of a schedule.
TEST_F(BatchingFault, WhereverMemoryEndsTextsAreRightOrRefused) {
  const TempFolder folder;
  for (const bool spill : {false, true}) {
    for (int64_t n_blocks = 4; n_blocks < 48; ++n_blocks) {
      SchedulerRun run({.n_blocks = n_blocks, .spill_folder = spill ? folder.path() : ""});
      submit_all(run);
      run.run();
      for (size_t i = 0; i < kTexts; ++i) {
        const int64_t n_needed = (20 + static_cast<int64_t>(i) + kTokens - 1 + 15) / 16;
        if (n_needed <= n_blocks) {
          expect_text(run, i);
          continue;
        }
        const Result<Generation> made = run.streams[i]->finish();
        ASSERT_FALSE(made.ok());
        EXPECT_EQ(made.error().code, ErrorCode::kLimit);
      }
      expect_nothing_held(run);
    }
  }
}

// Passes that find no room though everything was reserved, at every moment.
TEST_F(BatchingFault, APassMayFailAtAnyMoment) {
  for (int at = 0; at < 200; at += 3) {
    SchedulerRun run({.n_blocks = 20});
    submit_all(run);
    for (int step = 0; run.core->step(); ++step) {
      if (step == at) run.decoder.n_limits = 1;
    }
    for (size_t i = 0; i < kTexts; ++i) expect_text(run, i);
    expect_nothing_held(run);
  }
}

}  // namespace
}  // namespace docmind::test

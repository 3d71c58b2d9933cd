// ThreadTeam and the memory that comes from the system.
// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "base/aligned_buffer.h"
#include "base/file.h"
#include "base/mapped_file.h"
#include "base/thread_team.h"
#include "support/temp_folder.h"

namespace docmind {
namespace {

TEST(ThreadTeam, CoversEachIndexOnceForAnySize) {
  for (const size_t n_threads : {1, 2, 3, 8}) {
    ThreadTeam team(n_threads);
    EXPECT_EQ(team.n_threads(), n_threads);
    for (const int64_t n : {0, 1, 2, 7, 64, 1'000}) {
      for (const int64_t grain : {1, 3, 64, 5'000}) {
        std::vector<std::atomic<int>> seen(static_cast<size_t>(n));
        team.parallel_for(n, grain, [&](int64_t begin, int64_t end, size_t thread) {
          EXPECT_LT(thread, n_threads);
          EXPECT_LE(end - begin, grain);
          for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
        });
        for (const auto& count : seen) ASSERT_EQ(count.load(), 1);
      }
    }
  }
}

// Loop after loop, with pauses in which the members fall asleep: results of one loop are visible to
// the next.
TEST(ThreadTeam, ManyLoopsSeeEachOthersResults) {
  ThreadTeam team(4);
  std::vector<int64_t> values(64, 0);
  for (int round = 1; round <= 2'000; ++round) {
    if (round % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    team.parallel_for(64, 1, [&](int64_t begin, int64_t, size_t) { values[static_cast<size_t>(begin)] += begin; });
    int64_t sum = 0;
    for (const int64_t value : values) sum += value;
    ASSERT_EQ(sum, round * 63 * 32);
  }
}

TEST(AlignedBuffer, IsZeroedAlignedAndMovable) {
  auto buffer = AlignedBuffer::allocate(5'000'000);
  ASSERT_TRUE(buffer.ok());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer->data()) % 64, 0u);
  for (const std::byte byte : buffer->as<std::byte>()) ASSERT_EQ(byte, std::byte{0});
  const std::byte* data = buffer->data();
  AlignedBuffer moved = std::move(*buffer);
  EXPECT_EQ(moved.data(), data);
  EXPECT_EQ(moved.size(), 5'000'000u);
}

TEST(AlignedBuffer, MoreThanTheSystemHasIsAnError) {
  const auto buffer = AlignedBuffer::allocate(size_t{1} << 60);
  ASSERT_FALSE(buffer.ok());
  EXPECT_EQ(buffer.error().code, ErrorCode::kLimit);
}

TEST(MappedFile, ShowsTheBytesAlsoAfterDropping) {
  test::TempFolder folder;
  const std::string path = folder.path() + "/data";
  const std::string bytes(50'000, 'x');
  ASSERT_TRUE(write_file_atomic(path, bytes).ok());
  auto file = MappedFile::open(path);
  ASSERT_TRUE(file.ok());
  ASSERT_EQ(file->bytes().size(), bytes.size());
  file->drop(100, 40'000);
  file->prefetch(0, 50'000);
  EXPECT_EQ(std::memcmp(file->bytes().data(), bytes.data(), bytes.size()), 0);
}

TEST(MappedFile, EmptyMissingAndFolder) {
  test::TempFolder folder;
  ASSERT_TRUE(write_file_atomic(folder.path() + "/empty", "").ok());
  const auto empty = MappedFile::open(folder.path() + "/empty");
  ASSERT_TRUE(empty.ok());
  EXPECT_TRUE(empty->bytes().empty());
  EXPECT_EQ(MappedFile::open(folder.path() + "/none").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(MappedFile::open(folder.path()).error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace docmind

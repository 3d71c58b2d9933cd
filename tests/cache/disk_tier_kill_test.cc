// DiskTier under kill -9 and on a full disk: nothing that was put is lost, nothing half written read.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "cache/disk_tier.h"
#include "cache/memory_tier.h"
#include "cache/tiered_cache.h"
#include "cache_test_support.h"
#include "support/temp_folder.h"

namespace docmind::cache {
namespace {

// Recognisable by itself, of a size that differs from number to number.
std::string value_of(int64_t n) {
  std::string value = "value " + std::to_string(n) + ":";
  const auto size = static_cast<size_t>(n * 977 % 20'000);
  // Every other one can be compressed.
  value += n % 2 == 0 ? noise(size, static_cast<uint64_t>(n)) : std::string(size, 'x');
  return value;
}

// Puts numbered values and reports each finished put through the pipe, until it is killed.
[[noreturn]] void put_for_ever(const std::string& path, int64_t limit_bytes, int64_t first, int fd) {
  auto tier = DiskTier::open({.path = path, .limit_bytes = limit_bytes});
  if (!tier.ok()) ::_exit(1);
  for (int64_t n = first;; ++n) {
    if (!(*tier)->put(test_key(n), make_entry(value_of(n))).ok()) ::_exit(2);
    if (::write(fd, &n, sizeof(n)) != sizeof(n)) ::_exit(3);
  }
}

// Runs `child` in a process with a pipe for the numbers that it reports; kills it once it reported
// one of `kill_at` or more. Returns the last number that it reported.
template <typename Child>
int64_t run_until_killed(int64_t kill_at, Child&& run_child) {
  int ends[2];
  if (::pipe(ends) != 0) return -1;
  UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) run_child(write_end.get());
  write_end.reset();
  int64_t last = -1;
  bool killed = false;
  // After the kill the pipe still holds what was put before it.
  for (int64_t n = 0; ::read(read_end.get(), &n, sizeof(n)) == sizeof(n);) {
    last = n;
    if (!killed && n >= kill_at) {
      ::kill(child, SIGKILL);
      killed = true;
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself with " << WEXITSTATUS(status);
  return last;
}

int64_t put_until_killed(const std::string& path, int64_t limit_bytes, int64_t first,
                         int64_t n_puts) {
  return run_until_killed(first + n_puts - 1, [&](int fd) {
    put_for_ever(path, limit_bytes, first, fd);
  });
}

TEST(DiskTierKill, LosesNothingThatWasPut) {
  const test::TempFolder folder;
  const std::string path = folder.path("cache.db");
  int64_t next = 0;
  for (int round = 0; round < 5; ++round) {
    const int64_t last = put_until_killed(path, 64 << 20, next, 20 + round * 15);
    ASSERT_GE(last, next);
    next = last + 1;
    auto tier = DiskTier::open({.path = path, .limit_bytes = 64 << 20});
    ASSERT_TRUE(tier.ok()) << tier.error().message;
    EXPECT_EQ((*tier)->take_warning(), "");
    for (int64_t n = 0; n < next; ++n) ASSERT_EQ(value_in(**tier, test_key(n)), value_of(n)) << n;
    EXPECT_EQ((*tier)->stats().errors, 0u);
    // The put that the kill hit is there as a whole or not at all.
    const std::string cut = value_in(**tier, test_key(next));
    EXPECT_TRUE(cut == "(none)" || cut == value_of(next)) << cut.substr(0, 40);
  }
}

TEST(DiskTierKill, KeepsWholeEntriesWhileItEvicts) {
  const test::TempFolder folder;
  const std::string path = folder.path("cache.db");
  constexpr int64_t kLimit = 1 << 20;
  int64_t next = 0;
  for (int round = 0; round < 5; ++round) {
    const int64_t last = put_until_killed(path, kLimit, next, 150 + round * 7);
    ASSERT_GE(last, next);
    next = last + 1;
    auto tier = DiskTier::open({.path = path, .limit_bytes = kLimit});
    ASSERT_TRUE(tier.ok()) << tier.error().message;
    EXPECT_EQ((*tier)->take_warning(), "");
    int64_t n_found = 0;
    for (int64_t n = 0; n <= next; ++n) {
      const std::string value = value_in(**tier, test_key(n));
      if (value == "(none)") continue;
      ASSERT_EQ(value, value_of(n)) << n;
      ++n_found;
    }
    EXPECT_GT(n_found, 20);
    EXPECT_EQ((*tier)->stats().errors, 0u);
    EXPECT_LE((*tier)->stats().size_bytes, kLimit);
  }
}

// Rewrites 20 keys with rising numbers, the disk written behind; reports every number that a flush
// has seen on its way, until it is killed.
[[noreturn]] void put_behind_for_ever(const std::string& path, int64_t first, int fd) {
  auto disk = DiskTier::open({.path = path});
  if (!disk.ok()) ::_exit(1);
  std::vector<std::unique_ptr<Tier>> tiers;
  tiers.push_back(std::make_unique<MemoryTier>(MemoryTierOptions{.limit_bytes = 100'000}));
  tiers.push_back(*std::move(disk));
  TieredCache cache(std::move(tiers), {.write_behind = true, .queue_bytes = 200'000});
  for (int64_t n = first;; ++n) {
    if (!cache.put(test_key(n % 20), make_entry(value_of(n), n)).ok()) ::_exit(2);
    if (n % 30 != 0) continue;
    if (!cache.flush().ok()) ::_exit(3);
    if (::write(fd, &n, sizeof(n)) != sizeof(n)) ::_exit(4);
  }
}

TEST(DiskTierKill, LosesOnlyWhatWasNotFlushedWhenItWritesBehind) {
  const test::TempFolder folder;
  const std::string path = folder.path("cache.db");
  int64_t next = 0;
  for (int round = 0; round < 20; ++round) {
    const int64_t flushed = run_until_killed(
        next + 31 + round * 7, [&](int fd) { put_behind_for_ever(path, next, fd); });
    ASSERT_GE(flushed, next);
    auto tier = DiskTier::open({.path = path});
    ASSERT_TRUE(tier.ok()) << tier.error().message;
    EXPECT_EQ((*tier)->take_warning(), "");
    int64_t newest = flushed;
    for (int64_t key = 0; key < 20 && key <= flushed; ++key) {
      const auto entry = (*tier)->get(test_key(key));
      ASSERT_TRUE(entry.ok() && entry->has_value()) << key;
      const int64_t n = (*entry)->created_unix_ms;
      EXPECT_GT(n, flushed - 20) << "an older put came back";
      EXPECT_EQ(n % 20, key);
      EXPECT_EQ(*(*entry)->value, value_of(n));
      newest = std::max(newest, n);
    }
    EXPECT_EQ((*tier)->stats().errors, 0u);
    next = newest + 1;
  }
}

// Puts until a write fails for want of space, which a limit on the size of files gives too; the exit
// code is the number of puts before that, or above 200 when something else went wrong.
[[noreturn]] void put_until_full(const std::string& path) {
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit = {400'000, 400'000};
  if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(201);
  auto tier = DiskTier::open({.path = path});
  if (!tier.ok()) ::_exit(202);
  int n_puts = 0;
  while (n_puts < 100 && (*tier)->put(test_key(n_puts), make_entry(noise(30'000))).ok()) ++n_puts;
  if (n_puts == 100) ::_exit(203);
  // What was put before is served still.
  for (int n = 0; n < n_puts; ++n) {
    if (value_in(**tier, test_key(n)) != noise(30'000)) ::_exit(204);
  }
  if ((*tier)->stats().errors == 0) ::_exit(205);
  ::_exit(n_puts);
}

TEST(DiskTierKill, SurvivesAFullDisk) {
  const test::TempFolder folder;
  const std::string path = folder.path("cache.db");
  const pid_t child = ::fork();
  if (child == 0) put_until_full(path);
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  const int n_puts = WEXITSTATUS(status);
  ASSERT_LE(n_puts, 200);
  ASSERT_GT(n_puts, 2);
  auto tier = DiskTier::open({.path = path});
  ASSERT_TRUE(tier.ok()) << tier.error().message;
  EXPECT_EQ((*tier)->take_warning(), "");
  for (int n = 0; n < n_puts; ++n) EXPECT_EQ(value_in(**tier, test_key(n)), noise(30'000)) << n;
  ASSERT_TRUE((*tier)->put(test_key(500), make_entry(noise(30'000))).ok());
  EXPECT_EQ(value_in(**tier, test_key(500)), noise(30'000));
}

}  // namespace
}  // namespace docmind::cache

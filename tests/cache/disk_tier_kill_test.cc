// DiskTier under kill -9: nothing that was put is lost, nothing half written is read.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "base/file.h"
#include "cache/disk_tier.h"
#include "cache_test_support.h"
#include "support/temp_folder.h"

namespace docmind::cache {
namespace {

// Recognisable by itself, of a size that differs from number to number.
std::string value_of(int64_t n) {
  std::string value = "value " + std::to_string(n) + ":";
  value.append(static_cast<size_t>(n * 977 % 20'000), static_cast<char>('a' + n % 26));
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

// Runs a child that puts from `first` on, kills it after `n_puts`; returns the last number that the
// child reported.
int64_t put_until_killed(const std::string& path, int64_t limit_bytes, int64_t first,
                         int64_t n_puts) {
  int ends[2];
  if (::pipe(ends) != 0) return -1;
  UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) put_for_ever(path, limit_bytes, first, write_end.get());
  write_end.reset();
  int64_t last = -1;
  bool killed = false;
  // After the kill the pipe still holds what was put before it.
  for (int64_t n = 0; ::read(read_end.get(), &n, sizeof(n)) == sizeof(n);) {
    last = n;
    if (!killed && n + 1 >= first + n_puts) {
      ::kill(child, SIGKILL);
      killed = true;
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself with " << WEXITSTATUS(status);
  return last;
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
  for (int round = 0; round < 4; ++round) {
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

}  // namespace
}  // namespace docmind::cache

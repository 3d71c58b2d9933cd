// The answer directory without room on its disk: an error in words, what was kept stays, then it goes on.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "cache/answer_directory.h"
#include "support/temp_folder.h"

namespace docmind::cache {
namespace {

AnswerRecord record_of(int64_t n) {
  AnswerRecord record;
  record.key = FieldHasher().add(n).finish();
  record.question = std::to_string(n) + std::string(20'000, 'q');
  record.dependencies = {{"docs/" + std::to_string(n), "h"}};
  return record;
}

// Inserts until an insert fails. Returns how many were kept; the failure's text goes to `*why`.
int64_t fill(AnswerDirectory& directory, std::string* why) {
  for (int64_t n = 0; n < 2'000; ++n) {
    const auto id = directory.insert(record_of(n));
    if (id.ok()) continue;
    *why = std::string(error_code_name(id.error().code)) + ": " + id.error().message;
    return n;
  }
  return 2'000;
}

void expect_holds(AnswerDirectory& directory, int64_t n_kept) {
  EXPECT_EQ(directory.take_warning(), "");
  for (int64_t n = 0; n < n_kept + 3; ++n) {
    const auto found = directory.find(record_of(n).key);
    ASSERT_TRUE(found.ok()) << found.error().message;
    ASSERT_EQ(found->has_value(), n < n_kept) << n;
    if (n < n_kept) {
      EXPECT_EQ((*found)->question, record_of(n).question);
    }
  }
}

TEST(AnswerDirectoryFault, AFileThatMayNotGrowIsAnError) {
  const test::TempFolder folder;
  const std::string path = folder.path("answers.db");
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);  // the write fails instead
    const struct rlimit limit {1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    auto directory = AnswerDirectory::open({.path = path});
    if (!directory.ok()) ::_exit(1);
    std::string why;
    const int64_t n_kept = fill(**directory, &why);
    const bool written = ::write(ends[1], &n_kept, sizeof(n_kept)) == sizeof(n_kept) &&
                         ::write(ends[1], why.data(), why.size()) == static_cast<ssize_t>(why.size());
    // It still reads, and removes what is there.
    const auto found = (*directory)->find(record_of(0).key);
    ::_exit(written && found.ok() && found->has_value() ? 0 : 2);
  }
  ::close(ends[1]);
  int64_t n_kept = 0;
  ASSERT_EQ(::read(ends[0], &n_kept, sizeof(n_kept)), static_cast<ssize_t>(sizeof(n_kept)));
  std::string why(4'000, '\0');
  why.resize(static_cast<size_t>(std::max<ssize_t>(0, ::read(ends[0], why.data(), why.size()))));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_TRUE(why.starts_with("io: ")) << why;
  EXPECT_NE(why.find(path), std::string::npos) << why;
  EXPECT_GT(n_kept, 10);
  EXPECT_LT(n_kept, 2'000);
  auto directory = AnswerDirectory::open({.path = path});
  ASSERT_TRUE(directory.ok()) << directory.error().message;
  expect_holds(**directory, n_kept);
  EXPECT_TRUE((*directory)->insert(record_of(n_kept)).ok());
}

TEST(AnswerDirectoryFault, AFullDiskIsAnError) {
  const test::TempFolder folder;
  const std::string disk = folder.mkdir("small-disk");
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=1m") != 0) {
    GTEST_SKIP() << "this test may not mount a file system";
  }
  {
    auto directory = AnswerDirectory::open({.path = disk + "/answers.db"});
    EXPECT_TRUE(directory.ok()) << directory.error().message;
    std::string why;
    const int64_t n_kept = fill(**directory, &why);
    EXPECT_TRUE(why.starts_with("io: ")) << why;
    EXPECT_NE(why.find("full"), std::string::npos) << why;
    expect_holds(**directory, n_kept);
    EXPECT_TRUE((*directory)->foreign_version().ok());
    (*directory)->note_hit(1);
    EXPECT_EQ(::mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT, "size=50m"), 0);
    EXPECT_TRUE((*directory)->insert(record_of(n_kept)).ok());
    expect_holds(**directory, n_kept + 1);
    EXPECT_EQ((*(*directory)->find(record_of(0).key))->n_hits, 1) << "noted while the disk was full";
  }
  ::umount2(disk.c_str(), MNT_DETACH);
}

TEST(AnswerDirectoryFault, AFolderWithoutRoomForTheFileIsAnError) {
  const test::TempFolder folder;
  const std::string disk = folder.mkdir("small-disk");
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=16k") != 0) {
    GTEST_SKIP() << "this test may not mount a file system";
  }
  {
    const auto refused = AnswerDirectory::open({.path = disk + "/answers.db"});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kIo) << refused.error().message;
    EXPECT_EQ(::mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT, "size=5m"), 0);
    auto directory = AnswerDirectory::open({.path = disk + "/answers.db"});
    ASSERT_TRUE(directory.ok()) << directory.error().message;
    EXPECT_TRUE((*directory)->insert(record_of(1)).ok());
  }
  ::umount2(disk.c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace docmind::cache

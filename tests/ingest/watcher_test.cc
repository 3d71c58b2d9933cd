// The watcher on real folders. Nothing here waits to see that nothing happens: a later change under
// a second root shows that the earlier one was not counted.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/watcher.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "support/temp_folder.h"

namespace docmind::ingest {
namespace {

using test::TempFolder;
namespace fs = std::filesystem;
using Names = std::vector<std::string>;

constexpr int kQuietMs = 20;

class WatcherTest : public testing::Test {
 protected:
  WatcherTest() : a_(folder_.mkdir("a")), b_(folder_.mkdir("b")) {}

  Watcher watch(const Names& roots) {
    Result<Watcher> watcher = Watcher::create(roots);
    if (!watcher.ok()) throw std::runtime_error(watcher.error().message);
    return std::move(watcher).value();
  }
  Names changed(Watcher& watcher) {
    Result<Names> roots = watcher.wait(kQuietMs, CancelToken());
    EXPECT_TRUE(roots.ok()) << (roots.ok() ? "" : roots.error().message);
    return roots.ok() ? *roots : Names{};
  }
  // That the changes made so far do not count.
  void expect_unchanged(Watcher& watcher) {
    folder_.write("b/probe.md", std::to_string(++probe_));
    EXPECT_EQ(changed(watcher), Names{b_});
  }

  TempFolder folder_;
  std::string a_;
  std::string b_;
  int probe_ = 0;
};

TEST_F(WatcherTest, ReportsEveryKindOfChange) {
  folder_.write("a/old.md", "1");
  Watcher watcher = watch({a_, b_});
  folder_.write("a/new.md", "1");
  EXPECT_EQ(changed(watcher), Names{a_});
  folder_.write("a/old.md", "2");
  EXPECT_EQ(changed(watcher), Names{a_});
  ASSERT_EQ(::chmod(folder_.path("a/old.md").c_str(), 0600), 0);
  EXPECT_EQ(changed(watcher), Names{a_});
  fs::rename(folder_.path("a/old.md"), folder_.path("a/moved.md"));
  EXPECT_EQ(changed(watcher), Names{a_});
  folder_.remove("a/moved.md");
  EXPECT_EQ(changed(watcher), Names{a_});
  fs::rename(folder_.path("a/new.md"), folder_.path("b/new.md"));
  EXPECT_EQ(changed(watcher), (Names{a_, b_}));
}

TEST_F(WatcherTest, ReportsAFileThatIsStillOpen) {
  Watcher watcher = watch({a_, b_});
  std::ofstream out(folder_.path("a/log.txt"));
  EXPECT_EQ(changed(watcher), Names{a_});
  out << "line" << std::flush;
  EXPECT_EQ(changed(watcher), Names{a_});
}

TEST_F(WatcherTest, FollowsNewFoldersToAnyDepth) {
  Watcher watcher = watch({a_, b_});
  folder_.mkdir("a/x/y/z");
  EXPECT_EQ(changed(watcher), Names{a_});
  folder_.write("a/x/y/z/f.md", "1");
  EXPECT_EQ(changed(watcher), Names{a_});
  folder_.mkdir("outside/p/q");
  fs::rename(folder_.path("outside/p"), folder_.path("a/p"));
  EXPECT_EQ(changed(watcher), Names{a_});
  folder_.write("a/p/q/f.md", "1");
  EXPECT_EQ(changed(watcher), Names{a_});
}

TEST_F(WatcherTest, DropsFoldersThatWereMovedAway) {
  folder_.mkdir("a/p/q");
  folder_.mkdir("a/p-sibling");
  folder_.mkdir("outside");
  Watcher watcher = watch({a_, b_});
  fs::rename(folder_.path("a/p"), folder_.path("outside/p"));
  EXPECT_EQ(changed(watcher), Names{a_});
  folder_.write("outside/p/f.md", "1");
  folder_.write("outside/p/q/f.md", "1");
  expect_unchanged(watcher);
  folder_.write("a/p-sibling/f.md", "1");
  EXPECT_EQ(changed(watcher), Names{a_});
}

TEST_F(WatcherTest, KeepsFoldersThatWereRenamedInside) {
  folder_.mkdir("a/p/q");
  Watcher watcher = watch({a_, b_});
  fs::rename(folder_.path("a/p"), folder_.path("a/r"));
  EXPECT_EQ(changed(watcher), Names{a_});
  folder_.write("a/r/q/f.md", "1");
  EXPECT_EQ(changed(watcher), Names{a_});
}

TEST_F(WatcherTest, IgnoresHiddenThings) {
  folder_.mkdir("a/.git/objects");
  Watcher watcher = watch({a_, b_});
  folder_.write("a/.git/objects/x", "1");
  folder_.write("a/.a.md.swp", "1");
  folder_.mkdir("a/.new");
  folder_.write("a/.new/x.md", "1");
  expect_unchanged(watcher);
}

TEST_F(WatcherTest, IgnoresReading) {
  folder_.write("a/x/f.md", "1");
  Watcher watcher = watch({a_, b_});
  EXPECT_EQ(folder_.read("a/x/f.md"), "1");
  for (const auto& entry : fs::recursive_directory_iterator(a_)) (void)entry;
  expect_unchanged(watcher);
}

TEST_F(WatcherTest, WatchesASingleFileThroughReplacement) {
  const std::string file = folder_.write("a/one.md", "1");
  Watcher watcher = watch({file, b_});
  folder_.write("a/two.md", "1");
  expect_unchanged(watcher);
  folder_.write("a/one.md", "2");
  EXPECT_EQ(changed(watcher), Names{file});
  for (int i = 0; i < 2; ++i) {  // as editors save
    folder_.write("a/.one.tmp", "3");
    fs::rename(folder_.path("a/.one.tmp"), file);
    EXPECT_EQ(changed(watcher), Names{file});
  }
}

TEST_F(WatcherTest, FollowsLinkedRoots) {
  folder_.write("a/sub/one.md", "1");
  const std::string file_link = folder_.symlink("a/sub/one.md", "file-link");
  const std::string link = folder_.symlink("a/sub", "link");
  Watcher watcher = watch({link, file_link, b_});
  folder_.write("a/sub/one.md", "2");
  EXPECT_EQ(changed(watcher), (Names{link, file_link}));
  folder_.write("a/sub/two.md", "2");
  EXPECT_EQ(changed(watcher), Names{link});
}

TEST_F(WatcherTest, FindsARootThatIsMadeAgain) {
  Watcher watcher = watch({a_, b_});
  folder_.remove("a");
  EXPECT_EQ(changed(watcher), Names{a_});
  folder_.mkdir("a/x");
  EXPECT_EQ(changed(watcher), Names{a_});
  folder_.write("a/x/f.md", "1");
  EXPECT_EQ(changed(watcher), Names{a_});
}

TEST_F(WatcherTest, ReportsAllRootsThatAFolderBelongsTo) {
  const std::string inner = folder_.mkdir("a/inner");
  Watcher watcher = watch({inner, a_});
  folder_.write("a/inner/f.md", "1");
  EXPECT_EQ(changed(watcher), (Names{inner, a_}));
  folder_.write("a/f.md", "1");
  EXPECT_EQ(changed(watcher), Names{a_});
}

TEST_F(WatcherTest, LostEventsCountAsAChangeOfEveryRoot) {
  std::ifstream setting("/proc/sys/fs/inotify/max_queued_events");
  int max_events = 0;
  if (!(setting >> max_events) || max_events > 200'000) GTEST_SKIP() << "the queue is too long";
  const std::string one = folder_.write("a/one.md", "1");
  const std::string two = folder_.write("a/two.md", "1");
  Watcher watcher = watch({a_, b_});
  // Events that repeat the one before are merged, so two files take turns.
  for (int i = 0; i <= max_events; ++i) {
    ASSERT_EQ(::chmod((i % 2 == 0 ? one : two).c_str(), 0600), 0);
  }
  folder_.mkdir("a/unseen");
  EXPECT_EQ(changed(watcher), (Names{a_, b_}));
  folder_.write("a/unseen/f.md", "1");
  EXPECT_EQ(changed(watcher), Names{a_});
}

TEST_F(WatcherTest, ReportsABusyFolderAllTheSame) {
  Watcher watcher = watch({a_, b_});
  folder_.write("a/f.md", "1");
  // The quiet that is asked for would take ten minutes.
  Result<Names> roots = watcher.wait(600'000, CancelToken());
  ASSERT_TRUE(roots.ok());
  EXPECT_EQ(*roots, Names{a_});
}

TEST_F(WatcherTest, CancelEndsTheWaitAndLosesNothing) {
  Watcher watcher = watch({a_, b_});
  const CancelToken cancel;
  std::thread other([&] { cancel.cancel(); });
  Result<Names> roots = watcher.wait(kQuietMs, cancel);
  other.join();
  ASSERT_FALSE(roots.ok());
  EXPECT_EQ(roots.error().code, ErrorCode::kCancelled);
  folder_.write("a/f.md", "1");
  EXPECT_FALSE(watcher.wait(kQuietMs, cancel).ok());
  EXPECT_EQ(changed(watcher), Names{a_});
}

TEST_F(WatcherTest, ReportsRootsThatDoNotWork) {
  Result<Watcher> missing = Watcher::create({a_, folder_.path("missing")});
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_NE(missing.error().message.find(folder_.path("missing")), std::string::npos);
  Result<Watcher> none = Watcher::create({});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, ErrorCode::kInvalidArgument);
}

// In a user namespace of its own the child may lower the limit for itself alone.
int create_with_few_watches(const std::string& root) {
  constexpr int kSkip = 77;
  if (::unshare(CLONE_NEWUSER) != 0) return kSkip;
  const int fd = ::open("/proc/sys/user/max_inotify_watches", O_WRONLY | O_CLOEXEC);
  if (fd < 0 || ::write(fd, "3", 1) != 1) return kSkip;
  ::close(fd);
  Result<Watcher> watcher = Watcher::create({root});
  if (watcher.ok()) return 1;
  if (watcher.error().code != ErrorCode::kLimit) return 2;
  return watcher.error().message.find("fs.inotify.max_user_watches") == std::string::npos ? 3 : 0;
}

TEST_F(WatcherTest, NamesTheSettingWhenWatchesRunOut) {
  for (int i = 0; i < 8; ++i) folder_.mkdir("a/" + std::to_string(i));
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(create_with_few_watches(a_));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "cannot lower the limit here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace docmind::ingest

// The scanner on real folders: names, links, loops, depth, permission, order.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/scanner.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "support/temp_folder.h"

namespace docmind::ingest {
namespace {

using test::TempFolder;

ScanResult scan(const std::string& root, const ScanOptions& options = {}) {
  Result<ScanResult> result = scan_root(root, options, CancelToken());
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
  return result.ok() ? std::move(result).value() : ScanResult{};
}

// Paths below the folder, as found.
std::vector<std::string> names(const ScanResult& result, const std::string& root) {
  std::vector<std::string> found;
  for (const FoundFile& file : result.files) {
    EXPECT_TRUE(file.path.starts_with(root + "/")) << file.path;
    found.push_back(file.path.substr(std::min(root.size() + 1, file.path.size())));
  }
  return found;
}

using Names = std::vector<std::string>;

TEST(Scanner, FindsKnownFilesInOrderWithTheirStamps) {
  const TempFolder folder;
  folder.write("b.md", "12345");
  folder.write("a/z.txt", "");
  folder.write("a/b/c.html", "x");
  folder.write("image.png", "x");
  folder.write("a.md", "x");
  const ScanResult result = scan(folder.path());
  EXPECT_EQ(names(result, folder.path()), (Names{"a.md", "a/b/c.html", "a/z.txt", "b.md"}));
  EXPECT_EQ(result.n_ignored, 1U);
  EXPECT_TRUE(result.skipped.empty());
  EXPECT_EQ(result.files[3].stamp.size_bytes, 5);
  Result<FileStamp> stamp = stat_regular_file(folder.path("b.md"));
  ASSERT_TRUE(stamp.ok());
  EXPECT_EQ(result.files[3].stamp, *stamp);
}

TEST(Scanner, AppliesGlobsAndLeavesHiddenThingsOut) {
  const TempFolder folder;
  for (const char* name : {"a.md", "a.cfg", "docs/x.md", "docs/build/y.md", ".git/z.md", ".h.md",
                           ".github/w.md", "docs/.x/v.md"}) {
    folder.write(name, "x");
  }
  EXPECT_EQ(names(scan(folder.path()), folder.path()),
            (Names{"a.md", "docs/build/y.md", "docs/x.md"}));
  EXPECT_EQ(names(scan(folder.path(), {.include = {"*.cfg", ".github/**", "docs/**"},
                                       .exclude = {"build/"}}),
                  folder.path()),
            (Names{".github/w.md", "a.cfg", "docs/x.md"}));
}

TEST(Scanner, WhatItFindsIsWhatWantedSays) {
  const TempFolder folder;
  const Names all = {"a.md", "b.txt", "x/a.md", "x/y/b.md", "x/y/c.bin", ".q/a.md", "x/.r/b.md"};
  for (const std::string& name : all) folder.write(name, "x");
  for (const ScanOptions& options :
       {ScanOptions{}, ScanOptions{.include = {"x/**"}, .exclude = {}},
        ScanOptions{.include = {"**/.r/*", "b.*"}, .exclude = {"x/y/"}},
        ScanOptions{.include = {"*"}, .exclude = {"*.md"}}}) {
    Names expected;
    for (const std::string& name : all) {
      if (wanted(name, options)) expected.push_back(name);
    }
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(names(scan(folder.path(), options), folder.path()), expected);
  }
}

TEST(Scanner, TakesNamesOfAnyBytes) {
  const TempFolder folder;
  const Names odd = {"\xFF\xFE.md", "line\nbreak.md", "q'\"$(x).md", std::string(252, 'n') + ".md"};
  for (const std::string& name : odd) folder.write(name, "x");
  folder.write("d\xFF\n/a.md", "x");
  Names expected = odd;
  expected.push_back("d\xFF\n/a.md");
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(names(scan(folder.path()), folder.path()), expected);
}

TEST(Scanner, FollowsInsideLinksOnceAndEndsLoops) {
  const TempFolder folder;
  folder.write("a/x.md", "x");
  folder.symlink("..", "a/up");
  folder.symlink(".", "a/here");
  folder.symlink("a", "b");
  folder.symlink("a/x.md", "again.md");
  folder.symlink("loop.md", "loop.md");
  const ScanResult result = scan(folder.path());
  EXPECT_EQ(names(result, folder.path()), (Names{"a/x.md"}));
  ASSERT_EQ(result.skipped.size(), 1U);
  EXPECT_EQ(result.skipped[0].path, folder.path("loop.md"));
}

TEST(Scanner, LinksShowWhatTheirOwnNameWants) {
  const TempFolder folder;
  folder.write(".store/one", "x");
  folder.write(".store/deep/two.md", "x");
  folder.write("private/three.md", "x");
  folder.symlink(".store/one", "one.md");
  folder.symlink(".store/deep", "deep");
  folder.symlink("private/three.md", "three.md");
  folder.symlink("private", "open");
  folder.symlink(".store/one", ".hidden.md");
  EXPECT_EQ(names(scan(folder.path(), {.include = {}, .exclude = {"private/"}}), folder.path()),
            (Names{".store/deep/two.md", ".store/one"}));
}

TEST(Scanner, SkipsLinksThatLeaveTheRoot) {
  const TempFolder folder;
  // "root-other" begins with the root's path but is not inside it.
  folder.write("root-other/secret.md", "x");
  folder.write("root/a.md", "x");
  folder.symlink("../root-other/secret.md", "root/out.md");
  folder.symlink("../root-other", "root/outdir");
  folder.symlink("/etc/passwd", "root/passwd.txt");
  folder.symlink("../root-other/secret.md", "root/image.png");
  folder.symlink("../missing.md", "root/broken.md");
  const ScanResult result = scan(folder.path("root"));
  EXPECT_EQ(names(result, folder.path("root")), (Names{"a.md"}));
  Names skipped;
  for (const SkippedFile& skip : result.skipped) {
    skipped.push_back(skip.path.substr(folder.path("root/").size()));
    EXPECT_FALSE(skip.error.message.empty());
  }
  EXPECT_EQ(skipped, (Names{"broken.md", "out.md", "outdir", "passwd.txt"}));
  EXPECT_EQ(result.skipped[0].error.code, ErrorCode::kNotFound);
  EXPECT_EQ(result.skipped[1].error.code, ErrorCode::kUnsupported);
  EXPECT_NE(result.skipped[1].error.message.find("root-other/secret.md"), std::string::npos);
}

TEST(Scanner, TheRootItselfMayBeALink) {
  const TempFolder folder;
  folder.write("real/a.md", "x");
  folder.symlink("a.md", "real/.b.md");
  folder.symlink(".b.md", "real/c.md");
  folder.write("real/.d", "x");
  folder.symlink(".d", "real/d.md");
  folder.symlink("real", "link");
  EXPECT_EQ(names(scan(folder.path("link")), folder.path("link")), (Names{".d", "a.md"}));
  EXPECT_EQ(names(scan(folder.path("link/")), folder.path("link")), (Names{".d", "a.md"}));
  EXPECT_EQ(names(scan(folder.path("x/../link/.")), folder.path("link")), (Names{".d", "a.md"}));
}

TEST(Scanner, ASingleFileIsTakenWhateverItsName) {
  const TempFolder folder;
  folder.write(".odd.bin", "xyz");
  folder.symlink(".odd.bin", "link");
  for (const char* name : {".odd.bin", "link"}) {
    const ScanResult result = scan(folder.path(name), {.include = {"*.md"}, .exclude = {}});
    ASSERT_EQ(result.files.size(), 1U);
    EXPECT_EQ(result.files[0].path, folder.path(".odd.bin"));
    EXPECT_EQ(result.files[0].stamp.size_bytes, 3);
  }
}

TEST(Scanner, IgnoresPipesSocketsAndFoldersThatLookLikeFiles) {
  const TempFolder folder;
  ASSERT_EQ(::mkfifo(folder.path("pipe.md").c_str(), 0600), 0);
  folder.mkdir("folder.md");
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder.path("s.md");
  ASSERT_LT(path.size(), sizeof(address.sun_path));
  std::memcpy(address.sun_path, path.data(), path.size());
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ::close(fd);
  const ScanResult result = scan(folder.path());
  EXPECT_TRUE(result.files.empty());
  EXPECT_TRUE(result.skipped.empty());
  EXPECT_EQ(result.n_ignored, 2U);
  Result<ScanResult> pipe = scan_root(folder.path("pipe.md"), {}, CancelToken());
  ASSERT_FALSE(pipe.ok());
  EXPECT_EQ(pipe.error().code, ErrorCode::kUnsupported);
}

// Root reads everything, so permission is tested as somebody else.
class Unprivileged {
 public:
  Unprivileged() : root_(::geteuid() == 0) {
    if (root_) works_ = ::seteuid(65534) == 0;
  }
  ~Unprivileged() {
    if (root_) {
      EXPECT_EQ(::seteuid(0), 0);
    }
  }
  bool works() const { return works_; }

 private:
  bool root_;
  bool works_ = true;
};

TEST(Scanner, SkipsFoldersThatItMayNotReadWithAReason) {
  const TempFolder folder;
  folder.write("open/a.md", "x");
  folder.write("closed/b.md", "x");
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  ASSERT_EQ(::chmod(folder.path("closed").c_str(), 0), 0);
  {
    const Unprivileged nobody;
    if (!nobody.works() || ::access(folder.path().c_str(), F_OK) != 0) {
      GTEST_SKIP() << "cannot act as another user here";
    }
    const ScanResult result = scan(folder.path());
    EXPECT_EQ(names(result, folder.path()), (Names{"open/a.md"}));
    ASSERT_EQ(result.skipped.size(), 1U);
    EXPECT_EQ(result.skipped[0].path, folder.path("closed"));
    EXPECT_EQ(result.skipped[0].error.code, ErrorCode::kPermission);
    Result<ScanResult> closed = scan_root(folder.path("closed"), {}, CancelToken());
    ASSERT_FALSE(closed.ok());
    EXPECT_EQ(closed.error().code, ErrorCode::kPermission);
  }
  ASSERT_EQ(::chmod(folder.path("closed").c_str(), 0700), 0);
}

// Ten thousand folders inside each other; too deep for paths, so they are made and removed bit by
// bit.
class DeepTree {
 public:
  explicit DeepTree(std::string top) : top_(std::move(top)) {
    int fd = ::open(top_.c_str(), O_RDONLY | O_DIRECTORY);
    for (int level = 0; level < 10'000 && fd >= 0; ++level) {
      EXPECT_EQ(::mkdirat(fd, "d", 0700), 0);
      const int next = ::openat(fd, "d", O_RDONLY | O_DIRECTORY);
      ::close(fd);
      fd = next;
    }
    EXPECT_GE(fd, 0);
    ::close(fd);
  }
  ~DeepTree() {
    const std::string first = top_ + "/d";
    const std::string rest = top_ + "/rest";
    while (::rename((first + "/d").c_str(), rest.c_str()) == 0) {
      EXPECT_EQ(::rmdir(first.c_str()), 0);
      EXPECT_EQ(::rename(rest.c_str(), first.c_str()), 0);
    }
  }

 private:
  std::string top_;
};

TEST(Scanner, SkipsWhatIsTooDeepForAPath) {
  const TempFolder folder;
  folder.write("a.md", "x");
  folder.mkdir("deep");
  const DeepTree tree(folder.path("deep"));
  const ScanResult result = scan(folder.path());
  EXPECT_EQ(names(result, folder.path()), (Names{"a.md"}));
  ASSERT_EQ(result.skipped.size(), 1U);
  EXPECT_TRUE(result.skipped[0].path.starts_with(folder.path("deep/d/d/d/")));
  EXPECT_FALSE(result.skipped[0].error.message.empty());
}

TEST(Scanner, ReportsRootsThatDoNotWork) {
  const TempFolder folder;
  folder.symlink("missing", "broken");
  for (const std::string& root : {folder.path("none"), folder.path("broken")}) {
    Result<ScanResult> result = scan_root(root, {}, CancelToken());
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, ErrorCode::kNotFound);
    EXPECT_NE(result.error().message.find(root), std::string::npos);
  }
  for (const std::string& root : {std::string(), std::string("a\0b", 3)}) {
    Result<ScanResult> result = scan_root(root, {}, CancelToken());
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(scan_root(folder.path(), {.include = {"["}, .exclude = {}}, CancelToken()).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(Scanner, StopsWhenCancelled) {
  const TempFolder folder;
  folder.write("a.md", "x");
  const CancelToken cancel;
  cancel.cancel();
  Result<ScanResult> result = scan_root(folder.path(), {}, cancel);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace docmind::ingest

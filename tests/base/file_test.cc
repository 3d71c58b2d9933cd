// Files: bounded reads, refused kinds, atomic replacement, folders, stamps and locks.
// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "support/temp_folder.h"

namespace docmind {
namespace {

constexpr int64_t kLimit = 1 << 20;

class FileTest : public testing::Test {
 protected:
  static ErrorCode read_code(const std::string& path, int64_t limit = kLimit) {
    const Result<std::string> bytes = read_file(path, limit);
    EXPECT_FALSE(bytes.ok()) << path;
    if (bytes.ok()) return ErrorCode::kInternal;
    EXPECT_NE(bytes.error().message.find(path), std::string::npos) << bytes.error().message;
    return bytes.error().code;
  }
  size_t n_entries() const {
    size_t n = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_.path())) ++n;
    return n;
  }
  test::TempFolder folder_;
};

TEST_F(FileTest, ReadsWhatIsThere) {
  const std::string bytes("a\0b\n\xff", 5);
  EXPECT_EQ(*read_file(folder_.write("f", bytes), kLimit), bytes);
  EXPECT_EQ(*read_file(folder_.write("empty", ""), kLimit), "");
  EXPECT_EQ(*read_file(folder_.write("exact", "12345"), 5), "12345");
}

TEST_F(FileTest, RefusesWhatIsNoReadableFileAndSaysWhy) {
  EXPECT_EQ(read_code(folder_.path("missing")), ErrorCode::kNotFound);
  EXPECT_EQ(read_code(folder_.write("file", "x") + "/below"), ErrorCode::kNotFound);
  EXPECT_EQ(read_code(folder_.mkdir("folder")), ErrorCode::kUnsupported);
  EXPECT_EQ(read_code(folder_.symlink(folder_.path("file"), "link")), ErrorCode::kUnsupported);
  const std::string pipe = folder_.path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(read_code(pipe), ErrorCode::kUnsupported);  // and does not wait for a writer
}

TEST_F(FileTest, RefusesMoreThanTheLimitNamingBothSizes) {
  const std::string path = folder_.write("large", std::string(11, 'x'));
  EXPECT_EQ(read_code(path, 10), ErrorCode::kLimit);
  const std::string message = read_file(path, 10).error().message;
  EXPECT_NE(message.find("11 bytes"), std::string::npos) << message;
  EXPECT_NE(message.find("limit of 10"), std::string::npos) << message;
}

TEST_F(FileTest, AFileWithoutPermissionIsNamed) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const std::string path = folder_.write("secret", "x");
  ASSERT_EQ(::chmod(path.c_str(), 0), 0);
  EXPECT_EQ(read_code(path), ErrorCode::kPermission);
}

TEST_F(FileTest, TheStampTellsVersionsApart) {
  const std::string path = folder_.write("f", "one");
  const FileStamp before = *stat_regular_file(path);
  EXPECT_EQ(before.size_bytes, 3);
  EXPECT_EQ(*stat_regular_file(path), before);
  folder_.write("f", "three");
  EXPECT_NE(*stat_regular_file(path), before);
  // The same bytes under the same name, but another file.
  folder_.write("g", "one");
  std::filesystem::rename(folder_.path("g"), path);
  EXPECT_NE(stat_regular_file(path)->inode, before.inode);

  EXPECT_EQ(stat_regular_file(folder_.path()).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(stat_regular_file(folder_.symlink("f", "link")).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(stat_regular_file(folder_.path("none")).error().code, ErrorCode::kNotFound);
}

TEST_F(FileTest, AStampSeesAWriteWhoseTimeWasSetBack) {
  const std::string path = folder_.write("f", "one");
  const FileStamp before = *stat_regular_file(path);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // more than a tick of the clock
  folder_.write("f", "two");
  const struct timespec times[2] = {{0, UTIME_OMIT},
                                    {before.mtime_ns / 1'000'000'000, before.mtime_ns % 1'000'000'000}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  const FileStamp after = *stat_regular_file(path);
  EXPECT_EQ(after.mtime_ns, before.mtime_ns);
  EXPECT_EQ(after.size_bytes, before.size_bytes);
  EXPECT_NE(after, before);
}

TEST_F(FileTest, AnAtomicWriteReplacesTheWholeFileAndLeavesNothingBeside) {
  const std::string path = folder_.path("f");
  ASSERT_TRUE(write_file_atomic(path, std::string(5'000, 'a')).ok());
  ASSERT_TRUE(write_file_atomic(path, std::string("b\0", 2)).ok());
  EXPECT_EQ(folder_.read("f"), std::string("b\0", 2));
  ASSERT_TRUE(write_file_atomic(path, "").ok());
  EXPECT_EQ(folder_.read("f"), "");
  EXPECT_EQ(n_entries(), 1u);
}

TEST_F(FileTest, AReaderThatOpenedTheOldFileKeepsItsBytes) {
  const std::string path = folder_.write("f", "old");
  UniqueFd reader(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(write_file_atomic(path, "newer").ok());
  char bytes[16] = {};
  EXPECT_EQ(::read(reader.get(), bytes, sizeof(bytes)), 3);
  EXPECT_STREQ(bytes, "old");
}

TEST_F(FileTest, AFailedAtomicWriteKeepsTheOldFileAndLeavesNothingBeside) {
  EXPECT_EQ(write_file_atomic(folder_.path("none/f"), "x").error().code, ErrorCode::kNotFound);
  folder_.write("taken/inner", "kept");
  const Status refused = write_file_atomic(folder_.path("taken"), "x");
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("taken"), std::string::npos);
  EXPECT_EQ(folder_.read("taken/inner"), "kept");
  EXPECT_EQ(n_entries(), 1u);
}

TEST_F(FileTest, MakesFoldersWithTheirParentsForTheOwnerOnly) {
  const std::string path = folder_.path("a/b/c");
  ASSERT_TRUE(make_folders(path).ok());
  ASSERT_TRUE(make_folders(path).ok());
  ASSERT_TRUE(make_folders(path + "/d/").ok());
  struct stat st {};
  ASSERT_EQ(::stat(path.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0700u);

  const std::string file = folder_.write("file", "x");
  EXPECT_EQ(make_folders(file).error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(make_folders(file + "/below").ok());
  EXPECT_EQ(folder_.read("file"), "x");
}

TEST_F(FileTest, ALockIsExclusiveAndNamesItsHolder) {
  const std::string path = folder_.path("lock");
  {
    Result<FileLock> held = FileLock::acquire(path);
    ASSERT_TRUE(held.ok());
    EXPECT_EQ(folder_.read("lock"), std::to_string(::getpid()) + "\n");
    int waited_for = -1;
    const auto second = FileLock::acquire(path, {.wait_ms = 50, .on_wait = [&](int pid) { waited_for = pid; }});
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, ErrorCode::kBusy);
    EXPECT_EQ(waited_for, ::getpid());
    EXPECT_NE(second.error().message.find("process " + std::to_string(::getpid())),
              std::string::npos) << second.error().message;
  }
  EXPECT_TRUE(FileLock::acquire(path).ok());
  EXPECT_EQ(FileLock::acquire(folder_.path("none/lock")).error().code, ErrorCode::kNotFound);
}

TEST_F(FileTest, WhoWaitsGetsTheLockWhenItIsReleased) {
  const std::string path = folder_.path("lock");
  std::optional<FileLock> held;
  held.emplace(*FileLock::acquire(path));
  // The holder lets go only after the other was told to wait.
  const auto waited = FileLock::acquire(path, {.wait_ms = 60'000, .on_wait = [&](int) { held.reset(); }});
  EXPECT_TRUE(waited.ok());
}

TEST_F(FileTest, WaitingForALockCanBeCancelled) {
  const std::string path = folder_.path("lock");
  const auto held = FileLock::acquire(path);
  ASSERT_TRUE(held.ok());
  CancelToken cancel;
  const auto waited = FileLock::acquire(
      path, {.wait_ms = 600'000, .on_wait = [&](int) { cancel.cancel(); }, .cancel = cancel});
  ASSERT_FALSE(waited.ok());
  EXPECT_EQ(waited.error().code, ErrorCode::kCancelled);
  EXPECT_NE(waited.error().message.find(std::to_string(::getpid())), std::string::npos);
}

TEST_F(FileTest, ADescriptorIsClosedOnceByItsLastOwner) {
  const std::string path = folder_.write("f", "x");
  UniqueFd first(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const int number = first.get();
  UniqueFd second = std::move(first);
  EXPECT_FALSE(first.valid());
  EXPECT_EQ(second.get(), number);
  EXPECT_NE(::fcntl(number, F_GETFD), -1);
  second.reset();
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

}  // namespace
}  // namespace docmind

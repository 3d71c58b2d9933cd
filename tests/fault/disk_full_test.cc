// No room left: a sentence and exit code 1, the store stays readable, and the next run completes.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <csignal>

#include "fault_support.h"
#include "support/sample_docs.h"

namespace docmind::test {
namespace {

class DiskFull : public testing::Test {
 protected:
  void SetUp() override {
    write_sample_docs(box_);
    box_.index();
    for (int i = 0; i < 120; ++i) {
      box_.doc("bulk/" + std::to_string(i) + ".txt", filler_text(static_cast<uint64_t>(i), 3'000));
    }
  }
  static void expect_sentence(const ProcessResult& result) {
    EXPECT_EQ(result.code, 1) << result.out << result.err;
    const std::vector<std::string> lines = lines_of(result.err);
    ASSERT_EQ(lines.size(), 1U) << result.err;
    EXPECT_TRUE(lines[0].starts_with("docmind: ")) << result.err;
    EXPECT_TRUE(contains(lines[0], "disk")) << result.err;
  }
  Sandbox box_;
};

TEST_F(DiskFull, AFileThatMayNotGrowIsAnError) {
  ProcessOptions options = box_.command({"index", "docs"});
  options.before_exec = [] {
    std::signal(SIGXFSZ, SIG_IGN);  // the write fails instead
    const struct rlimit limit {1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  };
  expect_sentence(run_process(options));
  EXPECT_GE(expect_usable(box_, "How often must the pump be greased?"), kNSampleDocs);
  ASSERT_NO_THROW(check_store_in(box_.store()));
  const ProcessResult again = box_.run({"index", "docs"});
  EXPECT_EQ(again.code, 0) << again.err;
  expect_like_undisturbed(box_);
}

// A small file system at store/, for as long as the test runs.
class SmallDisk {
 public:
  SmallDisk(std::string path, const std::string& size) : path_(std::move(path)) {
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }
  bool resize(const std::string& size) const {
    return ::mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT, ("size=" + size).c_str()) == 0;
  }

 private:
  std::string path_;
  bool mounted_ = false;
};

TEST_F(DiskFull, AFullDiskIsAnError) {
  const std::string store = box_.folder.mkdir("small-disk");
  const SmallDisk disk(store, "2m");
  if (!disk.mounted()) GTEST_SKIP() << "this test may not mount a file system";
  box_.env["DOCMIND_STORE"] = store;
  ASSERT_EQ(box_.run({"index", "docs", "--exclude", "bulk/"}).code, 0);
  expect_sentence(box_.run({"index", "docs"}));
  EXPECT_EQ(expect_usable(box_, "How often must the pump be greased?"), kNSampleDocs);
  // Not one byte free: SQLite may not get room for its index of the log, then a sentence says so.
  const std::string filler(3u << 20, 'x');
  std::FILE* file = std::fopen((store + "/filler").c_str(), "wb");
  ASSERT_NE(file, nullptr);
  std::fwrite(filler.data(), 1, filler.size(), file);
  std::fclose(file);
  const ProcessResult ask = box_.run({"ask", "How often must the pump be greased?"});
  if (ask.code == 0) {
    EXPECT_TRUE(contains(ask.out, "every six weeks")) << ask.out;
  } else {
    expect_sentence(ask);
    EXPECT_TRUE(contains(ask.err, store)) << ask.err;
  }
  box_.folder.remove("small-disk/filler");
  ASSERT_TRUE(disk.resize("100m"));
  ASSERT_NO_THROW(check_store_in(store));
  const ProcessResult again = box_.run({"index", "docs"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(store_content(store).size(), 125U);
}

TEST_F(DiskFull, AFirstRunThatFailsLeavesNothingInTheWay) {
  ProcessOptions options = box_.command({"index", "docs", "--store", "first"});
  options.before_exec = [] {
    std::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit {20'000, 20'000};  // not even the schema fits
    ::setrlimit(RLIMIT_FSIZE, &limit);
  };
  expect_sentence(run_process(options));
  const ProcessResult again = box_.run({"index", "docs", "--store", "first"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_TRUE(contains(again.out, "125 added")) << again.out;
}

}  // namespace
}  // namespace docmind::test

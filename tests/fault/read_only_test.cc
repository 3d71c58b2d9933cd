// A store on a file system that is mounted read-only answers; one in a folder that may not be written
// says what a reader needs.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>

#include "fault_support.h"
#include "support/sample_docs.h"

namespace docmind::test {
namespace {

constexpr const char* kQuestion = "How often must the pump be greased?";

// `store` seen a second time at `path`, read-only, for as long as the test runs.
class ReadOnlyView {
 public:
  ReadOnlyView(const std::string& store, std::string path) : path_(std::move(path)) {
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=16m") == 0;
    if (!mounted_) return;
    std::filesystem::copy(store, path_, std::filesystem::copy_options::recursive);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr) == 0;
  }
  ~ReadOnlyView() { ::umount2(path_.c_str(), MNT_DETACH); }
  ReadOnlyView(const ReadOnlyView&) = delete;
  ReadOnlyView& operator=(const ReadOnlyView&) = delete;
  bool mounted() const { return mounted_; }

 private:
  std::string path_;
  bool mounted_ = false;
};

TEST(ReadOnly, AStoreOnReadOnlyMediaAnswers) {
  Sandbox box;
  write_sample_docs(box);
  box.index();
  // A "?" in the path must not become part of the address under which SQLite opens the file.
  const std::string path = box.folder.mkdir("read only?mode=rw");
  const ReadOnlyView view(box.store(), path);
  if (!view.mounted()) GTEST_SKIP() << "this test may not mount a file system";
  box.env["DOCMIND_STORE"] = path;
  const ProcessResult answer = box.run({"ask", kQuestion});
  EXPECT_EQ(answer.code, 0) << answer.err;
  EXPECT_TRUE(contains(answer.out, "every six weeks")) << answer.out;
  EXPECT_TRUE(contains(answer.err, "answers are not cached")) << answer.err;
  EXPECT_EQ(box.run({"search", "pump"}).code, 0);
  const ProcessResult refused = box.run({"index", "docs"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_TRUE(contains(refused.err, path)) << refused.err;
}

}  // namespace
}  // namespace docmind::test

// docmind index --watch: what is edited is answered from soon after; it ends when told to.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <signal.h>

#include "index/store_writer.h"
#include "support/docmind.h"

namespace docmind::test {
namespace {

class Watch : public testing::Test {
 protected:
  void SetUp() override { box_.doc("fees.md", "# Fees\n\nThe entrance fee is nine euros.\n"); }

  static bool ready(Process& watch) { return watch.wait_for("watching for changes"); }
  std::string answer(const std::string& question) const {
    return text(box_.json_of({"ask", "--json", question}), "answer");
  }
  Sandbox box_;
};

TEST_F(Watch, FollowsEditsNewFilesAndRemovals) {
  Process watch(box_.command({"index", "--watch", "docs"}));
  ASSERT_TRUE(ready(watch));
  EXPECT_TRUE(contains(answer("What is the entrance fee?"), "nine euros"));
  box_.doc("fees.md", "# Fees\n\nThe entrance fee is twelve euros.\n");
  ASSERT_TRUE(watch.wait_for("1 updated"));
  ASSERT_TRUE(ready(watch));
  EXPECT_TRUE(contains(answer("What is the entrance fee?"), "twelve euros"));
  box_.doc("new/hours.md", "# Hours\n\nThe museum opens at ten o'clock.\n");
  ASSERT_TRUE(watch.wait_for("1 added"));
  ASSERT_TRUE(ready(watch));
  EXPECT_TRUE(contains(answer("When does the museum open?"), "ten o'clock"));
  box_.folder.remove("docs/fees.md");
  ASSERT_TRUE(watch.wait_for("1 removed"));
  ASSERT_TRUE(ready(watch));
  EXPECT_FALSE(contains(answer("What is the entrance fee?"), "euros"));
  // While it waits, others may write.
  EXPECT_EQ(box_.run({"remove", "docs/new"}).code, 0);
  watch.kill(SIGINT);
  EXPECT_EQ(watch.wait().code, 0) << "as the help says";
}

TEST_F(Watch, TakesUpTheRootsOfEarlierRuns) {
  box_.index();
  Process watch(box_.command({"index", "-w"}));
  ASSERT_TRUE(ready(watch));
  box_.doc("more.md", "# More\n\nDogs are welcome.\n");
  ASSERT_TRUE(watch.wait_for("1 added"));
  watch.kill(SIGTERM);
  EXPECT_EQ(watch.wait().code, 0);
}

TEST_F(Watch, NamesABrokenFileAndGoesOn) {
  Process watch(box_.command({"index", "--watch", "docs"}));
  ASSERT_TRUE(ready(watch));
  box_.doc("broken.pdf", "%PDF-1.7 and no more");
  ASSERT_TRUE(watch.wait_for("docs/broken.pdf: "));
  ASSERT_TRUE(ready(watch));
  box_.doc("fine.md", "# Fine\n\nAll is well.\n");
  ASSERT_TRUE(watch.wait_for("1 added"));
  watch.kill(SIGINT);
  EXPECT_EQ(watch.wait().code, 0);
}

TEST_F(Watch, OutlastsAnotherWriter) {
  box_.env["DOCMIND_STORE_LOCK_WAIT_MS"] = "0";
  Process watch(box_.command({"index", "--watch", "docs"}));
  ASSERT_TRUE(ready(watch));
  {
    const auto writer = index::StoreWriter::open(box_.store(), {});
    ASSERT_TRUE(writer.ok()) << writer.error().message;
    box_.doc("fees.md", "# Fees\n\nThe entrance fee is twelve euros.\n");
    ASSERT_TRUE(watch.wait_for("try again when it has finished"));
  }
  ASSERT_TRUE(watch.wait_for("1 updated"));
  watch.kill(SIGINT);
  EXPECT_EQ(watch.wait().code, 0);
}

TEST_F(Watch, NeedsSomethingToWatch) {
  const ProcessResult nothing = box_.run({"index", "--watch"});
  EXPECT_EQ(nothing.code, 1);
  EXPECT_TRUE(contains(nothing.err, "docmind index PATH")) << nothing.err;
  const ProcessResult absent = box_.run({"index", "--watch", "absent"});
  EXPECT_EQ(absent.code, 1);
  EXPECT_TRUE(contains(absent.err, "absent")) << absent.err;
}

}  // namespace
}  // namespace docmind::test

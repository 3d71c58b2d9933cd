// Ctrl-C and SIGTERM while indexing: it ends soon, keeps what is committed, and goes on next time.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <signal.h>

#include "fault_support.h"
#include "support/sample_docs.h"

namespace docmind::test {
namespace {

constexpr int kTexts = 400;
constexpr int kFiles = kTexts + kTexts / 20;  // with the PDFs

class Interrupt : public testing::Test {
 protected:
  void SetUp() override {
    for (int file = 0; file < kTexts; ++file) {
      box_.doc(std::to_string(file) + ".txt", filler_text(static_cast<uint64_t>(file), 3'000));
      if (file % 20 == 0) box_.doc(std::to_string(file) + ".pdf", pump_pdf());
    }
  }
  // The next run finishes what an interrupted one began.
  void expect_goes_on(int64_t n_kept) const {
    const json::value report = box_.json_of({"index", "--json"});  // the root is remembered
    EXPECT_EQ(number(report, "found"), kFiles);
    EXPECT_EQ(number(report, "added") + number(report, "unchanged"), kFiles);
    EXPECT_GE(number(report, "unchanged"), n_kept);
    expect_like_undisturbed(box_);
  }
  Sandbox box_;
};

TEST_F(Interrupt, CtrlCOnATerminalKeepsWhatWasRead) {
  ProcessOptions options = box_.command({"index", "docs", "--threads", "1"});
  options.terminal = true;  // so that the worker process gets the signal as well
  Process index(options);
  ASSERT_TRUE(index.wait_for("reading"));
  index.write("\x03");
  const ProcessResult result = index.wait();
  EXPECT_EQ(result.code, 130) << result.out;
  EXPECT_TRUE(contains(result.out, "what was read is kept")) << result.out;
  const int64_t n_kept = expect_usable(box_, "pump weight in kilograms");
  EXPECT_GT(n_kept, 0);
  EXPECT_LT(n_kept, kFiles) << "it was over before the signal";
  expect_goes_on(n_kept);
}

TEST_F(Interrupt, SigtermDoesTheSame) {
  ProcessOptions options = box_.command({"index", "docs", "--threads", "1"});
  options.terminal = true;
  Process index(options);
  ASSERT_TRUE(index.wait_for("reading"));
  index.kill(SIGTERM);
  EXPECT_EQ(index.wait().code, 130);
  expect_goes_on(expect_usable(box_, "pump weight in kilograms"));
}

TEST_F(Interrupt, WhileVectorsAreMadeAsWell) {
  ProcessOptions options = box_.command({"index", "docs", "--threads", "1"});
  options.terminal = true;
  Process index(options);
  if (!index.wait_for("embedding") && index.wait().code == 0) {
    GTEST_SKIP() << "vectors were made too fast to be shown";
  }
  index.write("\x03");
  const int code = index.wait().code;
  EXPECT_TRUE(code == 130 || code == 0) << code;
  const int64_t n_kept = expect_usable(box_, "pump weight in kilograms");
  EXPECT_EQ(n_kept, kFiles) << "all text was committed before";
  expect_goes_on(n_kept);
}

}  // namespace
}  // namespace docmind::test

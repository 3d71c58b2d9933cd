// Terminals and pipes: colour, progress, Ctrl-C at a prompt, readers that go away.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include "support/docmind.h"
#include "support/sample_docs.h"

namespace docmind::test {
namespace {

constexpr char kEscape = '\x1b';

ProcessResult on_terminal(ProcessOptions options) {
  options.terminal = true;
  return run_process(options);
}

TEST(Color, IsForTerminalsThatWantIt) {
  Sandbox box;
  write_sample_docs(box);
  box.index();
  const std::vector<std::string> args{"search", "pump"};
  const auto colored = [](const ProcessResult& result) {
    EXPECT_EQ(result.code, 0) << result.out << result.err;
    EXPECT_TRUE(contains(result.out, "pump.pdf")) << result.out;
    return result.out.find(kEscape) != std::string::npos;
  };
  EXPECT_TRUE(colored(on_terminal(box.command(args))));
  EXPECT_FALSE(colored(box.run(args))) << "a pipe";
  EXPECT_TRUE(colored(box.run({"--color", "always", "search", "pump"})));
  EXPECT_FALSE(colored(on_terminal(box.command({"--color", "never", "search", "pump"}))));
  ProcessOptions no_color = box.command(args);
  no_color.env["NO_COLOR"] = "1";
  EXPECT_FALSE(colored(on_terminal(no_color)));
  ProcessOptions dumb = box.command(args);
  dumb.env["TERM"] = "dumb";
  EXPECT_FALSE(colored(on_terminal(dumb)));
  // Errors are coloured by where they go, not by where results go.
  const ProcessResult error = on_terminal(box.command({"search", "x", "--store", "absent"}));
  EXPECT_EQ(error.code, 1);
  EXPECT_TRUE(contains(error.out, "\x1b[31mdocmind:")) << error.out;
}

// Enough documents for several redraws of the bar.
void write_many_docs(const Sandbox& box) {
  for (int i = 0; i < 600; ++i) box.doc(std::to_string(i) + ".txt", filler_text(i, 4'000));
}

TEST(Progress, RedrawsOneLineOnATerminal) {
  Sandbox box;
  write_many_docs(box);
  const ProcessResult result = on_terminal(box.command({"index", "docs", "--threads", "1"}));
  EXPECT_EQ(result.code, 0) << result.out;
  const std::string redraw = "\r\x1b[K";
  EXPECT_TRUE(contains(result.out, redraw + "reading")) << result.out;
  EXPECT_TRUE(contains(result.out, "█")) << result.out;
  EXPECT_TRUE(contains(result.out, "/600 files")) << result.out;
  // At the end the line is cleared, and the summary stands alone.
  const size_t last = result.out.rfind(redraw);
  EXPECT_TRUE(contains(result.out.substr(last), "600 added")) << result.out.substr(last);
  EXPECT_FALSE(contains(result.out.substr(last), "░"));
}

TEST(Progress, LeavesAPipeAlone) {
  Sandbox box;
  write_many_docs(box);
  const ProcessResult result = box.run({"index", "docs"});
  EXPECT_EQ(result.code, 0);
  EXPECT_FALSE(contains(result.err, "\r")) << result.err;
  EXPECT_FALSE(contains(result.err, "\x1b")) << result.err;
  EXPECT_EQ(lines_of(result.out).size(), 2U) << result.out;
}

class Streams : public testing::Test {
 protected:
  void SetUp() override {
    write_sample_docs(box_);
    box_.index();
  }
  Sandbox box_;
};

TEST_F(Streams, AnswersQuestionsAsTheyAreTyped) {
  ProcessOptions options = box_.command({"ask"});
  options.terminal = true;
  Process ask(options);
  ask.write("When do unused leave days expire?\n");
  EXPECT_TRUE(ask.wait_for("last day of March."));
  EXPECT_TRUE(ask.wait_for("leave.md"));
  ask.write("How often must the pump be greased?\n");
  EXPECT_TRUE(ask.wait_for("every six weeks."));
  ask.write("\x04");
  EXPECT_EQ(ask.wait().code, 0);
}

TEST_F(Streams, CtrlCEndsTheWaitForAQuestion) {
  ProcessOptions options = box_.command({"ask"});
  options.terminal = true;
  Process ask(options);
  ask.write("How often must the pump be greased?\n");
  EXPECT_TRUE(ask.wait_for("extractive"));
  EXPECT_TRUE(ask.runs_for_ms(200)) << "it waits for the next question";
  ask.write("\x03");
  EXPECT_EQ(ask.wait().code, 130);
}

TEST_F(Streams, AReaderThatGoesAwayIsNoFailure) {
  std::string queries;
  for (int i = 0; i < 3'000; ++i) queries += std::to_string(i) + "\tpump lease espresso leave days\n";
  box_.folder.write("q.tsv", queries);
  const ProcessResult head = box_.shell("docmind search --queries q.tsv | head -1");
  EXPECT_EQ(head.code, 0) << head.err;
  EXPECT_EQ(lines_of(head.out).size(), 1U);
  EXPECT_EQ(head.err, "");
  const ProcessResult ask = box_.shell("yes 'How heavy is the pump?' | docmind ask --json | head -1");
  EXPECT_EQ(lines_of(ask.out).size(), 1U) << ask.err;  // yes itself is killed
  EXPECT_FALSE(contains(ask.err, "docmind:")) << ask.err;
  const ProcessResult help = box_.shell("docmind --help | head -1");
  EXPECT_EQ(lines_of(help.out).size(), 1U);
}

TEST_F(Streams, OutputThatIsLostIsAFailure) {
  struct stat full {};
  if (::stat("/dev/full", &full) != 0 || !S_ISCHR(full.st_mode)) GTEST_SKIP() << "no /dev/full";
  for (const char* line : {"docmind search pump > /dev/full", "docmind ask pump > /dev/full",
                           "docmind config > /dev/full", "docmind index docs > /dev/full",
                           "docmind status > /dev/full"}) {
    const ProcessResult result = box_.shell(line);
    EXPECT_EQ(result.code, 1) << line;
    EXPECT_TRUE(contains(result.err, "cannot write the output: No space left")) << result.err;
  }
}

TEST_F(Streams, WorksWithClosedStreams) {
  EXPECT_EQ(box_.shell("docmind search pump <&-").code, 0);
  EXPECT_EQ(box_.shell("docmind index docs 2>&-").code, 0);
  EXPECT_NE(box_.shell("docmind search pump >&-").code, 0);
  EXPECT_EQ(box_.shell("docmind ask <&-").code, 0);
  EXPECT_EQ(box_.run({"doctor"}).code, box_.shell("docmind doctor <&- >doctor.txt 2>&-").code);
  // No descriptor of the store may have ended up where messages go.
  EXPECT_EQ(number(box_.json_of({"status", "--json"}), "documents"), kNSampleDocs);
}

}  // namespace
}  // namespace docmind::test

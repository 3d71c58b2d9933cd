// Terminal and progress bar, with pseudo-terminals and pipes in place of the standard streams.
// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "base/file.h"
#include "base/text.h"
#include "cli/progress_bar.h"
#include "support/docmind.h"

namespace docmind::cli {
namespace {

using test::contains;

// One standard stream redirected for a while.
class Redirect {
 public:
  Redirect(std::FILE* stream, int fd) : stream_(stream), saved_(::dup(::fileno(stream))) {
    std::fflush(stream_);
    ::dup2(fd, ::fileno(stream_));
  }
  ~Redirect() {
    std::fflush(stream_);
    std::clearerr(stream_);
    ::dup2(saved_.get(), ::fileno(stream_));
  }
  Redirect(const Redirect&) = delete;
  Redirect& operator=(const Redirect&) = delete;

 private:
  std::FILE* stream_;
  UniqueFd saved_;
};

// Both ends of a pseudo-terminal of so many columns, or of a pipe if `columns` is 0.
struct Ends {
  explicit Ends(unsigned short columns) {
    if (columns == 0) {
      int fds[2];
      EXPECT_EQ(::pipe(fds), 0);
      read = UniqueFd(fds[0]);
      write = UniqueFd(fds[1]);
      return;
    }
    read = UniqueFd(::posix_openpt(O_RDWR | O_NOCTTY));
    EXPECT_EQ(::grantpt(read.get()), 0);
    EXPECT_EQ(::unlockpt(read.get()), 0);
    write = UniqueFd(::open(::ptsname(read.get()), O_RDWR | O_NOCTTY));
    struct winsize size {};
    size.ws_col = columns;
    ::ioctl(write.get(), TIOCSWINSZ, &size);
  }
  // What has arrived so far.
  std::string text() const {
    std::string all;
    struct pollfd poll {read.get(), POLLIN, 0};
    while (::poll(&poll, 1, 20) == 1 && (poll.revents & POLLIN) != 0) {
      char buffer[4096];
      const ssize_t n = ::read(read.get(), buffer, sizeof(buffer));
      if (n <= 0) break;
      all.append(buffer, static_cast<size_t>(n));
    }
    return all;
  }
  UniqueFd read{-1};
  UniqueFd write{-1};
};

class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* old = ::getenv(name)) old_ = old;
    value != nullptr ? ::setenv(name, value, 1) : ::unsetenv(name);
  }
  ~Variable() { old_ ? ::setenv(name_, old_->c_str(), 1) : ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

TEST(Terminal, ColoursEachStreamForItself) {
  const Variable no_color("NO_COLOR", nullptr);
  const Variable term("TERM", "xterm");
  const Ends tty(80);
  const Ends pipe(0);
  const Redirect out(stdout, tty.write.get());
  const Redirect err(stderr, pipe.write.get());
  const Terminal terminal("auto");
  EXPECT_TRUE(terminal.out_is_tty());
  EXPECT_FALSE(terminal.err_is_tty());
  EXPECT_EQ(terminal.styled(Style::kRed, "x"), "\x1b[31mx\x1b[0m");
  EXPECT_EQ(terminal.styled_note(Style::kRed, "x"), "x");
  EXPECT_EQ(Terminal("never").styled(Style::kBold, "x"), "x");
  EXPECT_EQ(Terminal("always").styled_note(Style::kBold, "x"), "\x1b[1mx\x1b[0m");
}

TEST(Terminal, HonoursNoColorAndDumbTerminals) {
  const Ends tty(80);
  const Redirect out(stdout, tty.write.get());
  const Variable term("TERM", "xterm");
  {
    const Variable no_color("NO_COLOR", "1");
    EXPECT_EQ(Terminal("auto").styled(Style::kRed, "x"), "x");
    EXPECT_NE(Terminal("always").styled(Style::kRed, "x"), "x");
  }
  const Variable empty("NO_COLOR", "");
  EXPECT_NE(Terminal("auto").styled(Style::kRed, "x"), "x") << "empty counts as unset";
  const Variable dumb("TERM", "dumb");
  EXPECT_EQ(Terminal("auto").styled(Style::kRed, "x"), "x");
}

TEST(Terminal, KeepsResultsAndNotesApart) {
  const Ends out_pipe(0);
  const Ends err_pipe(0);
  {
    const Redirect out(stdout, out_pipe.write.get());
    const Redirect err(stderr, err_pipe.write.get());
    const Terminal terminal("auto");
    terminal.out("result\n");
    terminal.note("a note");
    terminal.error("it failed");
  }
  EXPECT_EQ(out_pipe.text(), "result\n");
  EXPECT_EQ(err_pipe.text(), "a note\ndocmind: it failed\n");
}

TEST(Terminal, RemembersThatOutputWasLost) {
  const UniqueFd full(::open("/dev/full", O_WRONLY));
  if (!full.valid()) GTEST_SKIP() << "no /dev/full";
  int first = 0;
  int after = 0;
  {
    const Redirect out(stdout, full.get());
    const Terminal terminal("auto");
    terminal.out("result\n");
    terminal.flush();
    first = terminal.out_error();
    terminal.flush();
    after = terminal.out_error();
  }
  EXPECT_EQ(first, ENOSPC);
  EXPECT_EQ(after, ENOSPC);
}

TEST(Terminal, ShowsPathsFromHereAndWithoutControlCharacters) {
  const std::string here = std::filesystem::current_path().string();
  EXPECT_EQ(display_path(here + "/a/b.md"), "a/b.md");
  EXPECT_EQ(display_path(here), here);
  EXPECT_EQ(display_path(here + "x/b.md"), here + "x/b.md");
  EXPECT_EQ(display_path("/a\n\x1b[31m\xff"), "/a\\n\\x1b[31m\xEF\xBF\xBD");
}

// What the bar shows for `progress` on a terminal of so many columns; 0 for a pipe.
std::string shown(unsigned short columns, const pipeline::IndexProgress& progress) {
  const Ends ends(columns);
  const Redirect err(stderr, ends.write.get());
  const Terminal terminal("never");
  ProgressBar bar(terminal);
  bar.show(progress);  // too early for a redraw
  ::usleep(120'000);
  bar.show(progress);
  const std::string text = ends.text();
  bar.finish();
  EXPECT_EQ(ends.text(), columns > 0 ? "\r\x1b[K" : "") << "the line is cleared";
  return text;
}

pipeline::IndexProgress half_read() {
  return {.phase = pipeline::IndexProgress::Phase::kRead,
          .n_done = 1'500,
          .n_total = 3'000,
          .done_bytes = 50,
          .total_bytes = 100,
          .path = "/documents/of/somebody/report.pdf"};
}

TEST(ProgressBar, DrawsPhaseBarAndCount) {
  const std::string text = shown(120, half_read());
  EXPECT_TRUE(text.starts_with("\r\x1b[Kreading")) << text;
  EXPECT_TRUE(contains(text, " 50%  1,500/3,000 files")) << text;
  EXPECT_TRUE(contains(text, "█░")) << text;
  EXPECT_TRUE(contains(text, "report.pdf")) << "there is room for the path: " << text;
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const std::string embedding = shown(120, {.phase = pipeline::IndexProgress::Phase::kEmbed,
                                            .n_done = 1,
                                            .n_total = 4});
  EXPECT_TRUE(contains(embedding, "embedding")) << embedding;
  EXPECT_TRUE(contains(embedding, " 25%  1/4 chunks")) << embedding;
}

TEST(ProgressBar, FitsTheLine) {
  for (const unsigned short columns : {20, 40, 72, 80, 90, 100, 140}) {
    std::string text = shown(columns, half_read());
    text = text.substr(std::string("\r\x1b[K").size());
    EXPECT_LT(display_width(text), columns) << text;
  }
}

TEST(ProgressBar, IsSilentInAPipeAtFirst) { EXPECT_EQ(shown(0, half_read()), ""); }

}  // namespace
}  // namespace docmind::cli

// Terminal: where output goes, whether it may have colour, and how wide it is.
// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/text.h"

namespace docmind::cli {
namespace {

bool may_color(std::string_view color, bool is_tty) {
  if (color == "always") return true;
  if (color == "never") return false;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool dumb = term != nullptr && std::string_view(term) == "dumb";
  return is_tty && !dumb && (no_color == nullptr || *no_color == '\0');
}

std::string wrap(Style style, std::string_view text) {
  const char* code = "0";
  switch (style) {
    case Style::kBold: code = "1"; break;
    case Style::kDim: code = "2"; break;
    case Style::kRed: code = "31"; break;
    case Style::kGreen: code = "32"; break;
    case Style::kYellow: code = "33"; break;
    case Style::kCyan: code = "36"; break;
  }
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

bool write(FILE* file, std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), file) == text.size();
}

}  // namespace

Terminal::Terminal(std::string_view color)
    : out_is_tty_(::isatty(STDOUT_FILENO) == 1),
      err_is_tty_(::isatty(STDERR_FILENO) == 1),
      out_color_(may_color(color, out_is_tty_)),
      err_color_(may_color(color, err_is_tty_)) {}

void Terminal::out(std::string_view text) const {
  if (!write(stdout, text) && out_error_ == 0) out_error_ = errno;
}

void Terminal::note(std::string_view line) const {
  write(stderr, line);
  write(stderr, "\n");
}

void Terminal::error(std::string_view line) const {
  flush();
  note(styled_note(Style::kRed, "docmind:") + " " + std::string(line));
}

void Terminal::flush() const {
  if (std::fflush(stdout) != 0 && out_error_ == 0) out_error_ = errno;
}

std::string Terminal::styled(Style style, std::string_view text) const {
  return out_color_ ? wrap(style, text) : std::string(text);
}

std::string Terminal::styled_note(Style style, std::string_view text) const {
  return err_color_ ? wrap(style, text) : std::string(text);
}

size_t Terminal::width() const {
  struct winsize size {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

std::string display_path(std::string_view path) {
  std::error_code failure;
  const std::string here = std::filesystem::current_path(failure).string() + "/";
  if (!failure && path.size() > here.size() && path.starts_with(here)) {
    path.remove_prefix(here.size());
  }
  return printable(path);
}

}  // namespace docmind::cli

// Terminal: where output goes, whether it may have colour, and how wide it is.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace docmind::cli {

enum class Style { kBold, kDim, kRed, kGreen, kYellow, kCyan };

// Results go to standard output; progress, notes and errors to standard error, so that a pipe gets
// results only.
class Terminal {
 public:
  // `color` is auto, always or never; auto asks the terminal, NO_COLOR and TERM=dumb.
  explicit Terminal(std::string_view color);

  void out(std::string_view text) const;      // no line end is added
  void note(std::string_view line) const;     // a line on standard error
  void error(std::string_view line) const;    // "docmind: ..." on standard error
  void flush() const;
  // errno of the first thing written to standard output that was lost (EPIPE: the reader is gone);
  // 0 while all of it arrived.
  [[nodiscard]] int out_error() const { return out_error_; }

  // `text` in a style if standard output (or error) may have colour, else unchanged.
  [[nodiscard]] std::string styled(Style style, std::string_view text) const;
  [[nodiscard]] std::string styled_note(Style style, std::string_view text) const;

  bool out_is_tty() const { return out_is_tty_; }
  bool err_is_tty() const { return err_is_tty_; }
  size_t width() const;  // columns of standard error, 80 when unknown

 private:
  bool out_is_tty_;
  bool err_is_tty_;
  bool out_color_;
  bool err_color_;
  mutable int out_error_ = 0;
};

// A path for people: relative to the working folder when it lies below it, control characters
// escaped.
[[nodiscard]] std::string display_path(std::string_view path);

}  // namespace docmind::cli

// ProgressBar: a line on a terminal that redraws itself, plain lines in a pipe.
// SPDX-License-Identifier: Apache-2.0
#include "cli/progress_bar.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::cli {
namespace {

using pipeline::IndexProgress;

constexpr double kRedrawMs = 100;
constexpr double kPlainLineMs = 5'000;
constexpr int kBarCells = 24;

const char* phase_name(IndexProgress::Phase phase) {
  switch (phase) {
    case IndexProgress::Phase::kScan: return "scanning";
    case IndexProgress::Phase::kRead: return "reading";
    case IndexProgress::Phase::kTrain: return "training";
    case IndexProgress::Phase::kEmbed: return "embedding";
    case IndexProgress::Phase::kFinish: return "finishing";
  }
  return "";
}

std::string bar_of(double fraction) {
  const int filled = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * kBarCells + 0.5);
  std::string bar;
  for (int cell = 0; cell < kBarCells; ++cell) bar += cell < filled ? "█" : "░";
  return bar;
}

}  // namespace

std::string ProgressBar::line(const IndexProgress& progress) const {
  std::string text = fmt::format("{:<9}", phase_name(progress.phase));
  if (progress.n_total > 0) {
    const double done = progress.total_bytes > 0
                            ? static_cast<double>(progress.done_bytes) /
                                  static_cast<double>(progress.total_bytes)
                            : static_cast<double>(progress.n_done) /
                                  static_cast<double>(progress.n_total);
    if (terminal_.err_is_tty()) text += " " + bar_of(done);
    text += fmt::format(" {:3.0f}%  {}/{} {}", done * 100, format_count(progress.n_done),
                        format_count(progress.n_total),
                        progress.phase == IndexProgress::Phase::kRead ? "files" : "chunks");
    const double seconds = since_start_.elapsed_ms() / 1000;
    if (const double s = since_embedding_.elapsed_ms() / 1000; progress.n_tokens > 0 && s > 0.2) {
      text += fmt::format("  {:.0f} tokens/s", static_cast<double>(progress.n_tokens) / s);
    }
    if (progress.done_bytes > 0 && seconds > 0.2) {
      text += fmt::format("  {}/s", format_bytes(static_cast<int64_t>(
                                        static_cast<double>(progress.done_bytes) / seconds)));
    }
  }
  const size_t width = terminal_.width();
  if (terminal_.err_is_tty() && !progress.path.empty() && width > display_width(text) + 12) {
    text += "  " + ellipsize(display_path(progress.path), width - display_width(text) - 3);
  }
  return text;
}

bool ProgressBar::is_due() {
  const double now_ms = since_start_.elapsed_ms();
  const double gap_ms = terminal_.err_is_tty() ? kRedrawMs : kPlainLineMs;
  if (now_ms - last_ms_ < gap_ms) return false;
  last_ms_ = now_ms;
  return true;
}

void ProgressBar::draw(const std::string& line) {
  if (terminal_.err_is_tty()) {
    // A line that wraps could not be cleared again.
    std::fprintf(stderr, "\r\x1b[K%s", ellipsize(line, terminal_.width() - 1).c_str());
    std::fflush(stderr);
    drawn_ = true;
  } else {
    terminal_.note(line);
  }
}

void ProgressBar::show(const IndexProgress& progress) {
  if (progress.n_tokens == 0) since_embedding_.restart();
  if (is_due()) draw(line(progress));
}

void ProgressBar::show_bytes(std::string_view what, int64_t n_done, int64_t n_total) {
  if (what != what_ || n_done < first_bytes_) {  // the rate is of what came since then
    what_ = what;
    first_bytes_ = n_done;
    since_first_.restart();
  }
  if (!is_due()) return;
  std::string text(what);
  if (n_total > 0) {
    const double share = static_cast<double>(n_done) / static_cast<double>(n_total);
    if (terminal_.err_is_tty()) text += " " + bar_of(share);
    text += fmt::format(" {:3.0f}%  {} of {}", share * 100, format_bytes(n_done), format_bytes(n_total));
  } else {
    text += " " + format_bytes(n_done);
  }
  const double seconds = since_first_.elapsed_ms() / 1000;
  if (seconds > 0.5) {
    const double rate = static_cast<double>(n_done - first_bytes_) / seconds;
    text += fmt::format("  {}/s", format_bytes(static_cast<int64_t>(rate)));
    if (n_total > n_done && rate > 0) {
      text += fmt::format("  {} left", format_ms(static_cast<double>(n_total - n_done) / rate * 1000));
    }
  }
  draw(text);
}

void ProgressBar::show_count(std::string_view what, int64_t n_done, int64_t n_total) {
  if (!is_due() || n_total <= 0) return;
  const double share = static_cast<double>(n_done) / static_cast<double>(n_total);
  std::string text;
  if (terminal_.err_is_tty()) text = bar_of(share) + " ";
  draw(text + fmt::format("{:3.0f}%  {}/{} {}", share * 100, format_count(n_done),
                          format_count(n_total), what));
}

void ProgressBar::finish() {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace docmind::cli

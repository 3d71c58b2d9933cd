// Divides extracted document text into blocks: prose, list items, table rows, code, headings.
// SPDX-License-Identifier: Apache-2.0
#include "providers/text_blocks.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/ascii.h"
#include "base/words.h"

namespace docmind::providers {
namespace {

constexpr std::string_view kWhite = " \t\r\n\f\v";


struct Line {
  size_t begin = 0;       // of the first visible character
  size_t end = 0;         // behind the last
  size_t indent = 0;      // columns, a tab being four
  std::string_view text;  // [begin, end)
};

std::vector<Line> split_lines(std::string_view text) {
  std::vector<Line> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t stop = std::min(text.find('\n', at), text.size());
    const std::string_view raw = text.substr(at, stop - at);
    Line line;
    line.begin = line.end = at;
    if (const size_t first = raw.find_first_not_of(kWhite); first != std::string_view::npos) {
      line.begin = at + first;
      line.end = at + raw.find_last_not_of(kWhite) + 1;
      const std::string_view margin = raw.substr(0, first);
      line.indent = first + 3 * static_cast<size_t>(std::count(margin.begin(), margin.end(), '\t'));
    }
    line.text = text.substr(line.begin, line.end - line.begin);
    lines.push_back(line);
    at = stop + 1;
  }
  return lines;
}

// Columns, counting code points.
size_t width_of(std::string_view line) {
  return static_cast<size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

bool is_table_row(std::string_view line) {
  return line.find(" | ") != std::string_view::npos || line.starts_with("| ");
}

bool ends_sentence(std::string_view line) {
  while (!line.empty() && (line.back() == ')' || line.back() == '"' || line.back() == '\'')) {
    line.remove_suffix(1);
  }
  if (line.empty()) return false;
  return line.back() == '.' || line.back() == '?' || line.back() == '!' || line.back() == ':' ||
         line.ends_with("\u3002") || line.ends_with("\u2026");
}

// What counts of a line tell code from prose.
struct LineForm {
  size_t n_visible = 0;
  size_t n_symbols = 0;
  size_t n_plain_words = 0;  // lower-case letters only, apart from a comma or full stop behind
};

LineForm form_of(std::string_view line) {
  constexpr std::string_view kSymbols = "{}()[]<>=;$|&_/\\\"'`*+#@%^~";
  LineForm form;
  size_t n_letters = 0;
  bool plain = true;
  const auto close_word = [&] {
    form.n_plain_words += plain && n_letters > 1 ? 1 : 0;
    n_letters = 0;
    plain = true;
  };
  for (const char c : line) {
    if (c == ' ' || c == '\t') {
      close_word();
      continue;
    }
    ++form.n_visible;
    form.n_symbols += kSymbols.find(c) != std::string_view::npos ? 1 : 0;
    if (is_lower(c)) {
      ++n_letters;
    } else if (c != ',' && c != '.' && c != ';' && c != ':') {
      plain = false;
    }
  }
  close_word();
  return form;
}

// A shell or interpreter prompt, or a comment.
bool has_prompt(std::string_view line) {
  constexpr std::array<std::string_view, 9> kPrompts = {"$ ",    ">>> ", "... ", "=> ", "=# ",
                                                        "C:\\>", "-- ",  "// ",  "/* "};
  if (std::any_of(kPrompts.begin(), kPrompts.end(),
                  [&](std::string_view prompt) { return line.starts_with(prompt); })) {
    return true;
  }
  const std::string_view head = line.substr(0, 24);
  return head.find("=# ") != std::string_view::npos || head.find("=> ") != std::string_view::npos;
}

// "CREATE INDEX name", "SELECT count(*)": a first word in capitals, as in SQL.
bool starts_in_capitals(std::string_view line) {
  const size_t end = std::min(line.find(' '), line.size());
  if (end < 3 || end == line.size()) return false;
  return std::all_of(line.begin(), line.begin() + static_cast<ptrdiff_t>(end), is_upper);
}

// "-----+-----": the line below the head of a printed table.
bool is_rule(std::string_view line) {
  constexpr size_t kShortest = 4;
  return line.size() >= kShortest && line.find_first_not_of("-=_*+~| ") == std::string_view::npos;
}

// "work_mem (integer)", "max_wal_size": the name of what the text below describes.
bool is_name(std::string_view line) {
  const auto in_name = [](char c) {
    return is_lower(c) || is_upper(c) || is_digit(c) || c == '_' || c == '.' || c == '-';
  };
  const size_t end = std::min(line.find(' '), line.size());
  const std::string_view rest = line.substr(end);
  return std::all_of(line.begin(), line.begin() + static_cast<ptrdiff_t>(end), in_name) &&
         (rest.empty() ||
          (rest.starts_with(" (") && rest.find_first_of("()", 2) + 1 == rest.size()));
}

bool looks_like_code(const Line& line) {
  const std::string_view text = line.text;
  if (is_rule(text)) return true;
  if (line.indent == 0 && is_name(text)) return false;
  if (has_prompt(text)) return true;
  const LineForm form = form_of(text);
  if (form.n_visible == 0) return false;
  const double symbols = static_cast<double>(form.n_symbols) / static_cast<double>(form.n_visible);
  if (ends_sentence(text) && form.n_plain_words >= 3 && symbols < 0.15) return false;
  const char last = text.back();
  if (last == ';' || last == '{' || last == '}' || last == '\\') {
    return form.n_plain_words < 6 || symbols > 0.08 || starts_in_capitals(text);
  }
  if (line.indent >= 4 && !ends_sentence(text) && form.n_plain_words < 5) return true;
  if (starts_in_capitals(text) && form.n_plain_words < 5 && !ends_sentence(text)) return true;
  return symbols > 0.16 && form.n_plain_words < 8;
}

// Whether the line end between the two was put there on purpose: the next line's first word would
// have fitted, or the lines are so long or so short that nobody wrapped them.
bool breaks_on_purpose(const Line& line, const Line& next, size_t block_width) {
  constexpr size_t kLongestWrap = 130;
  constexpr size_t kShortestWrap = 40;
  constexpr size_t kSlack = 8;
  const size_t width = width_of(line.text);
  if (width > kLongestWrap || block_width < kShortestWrap) return true;
  // A ragged wrap: the sentence plainly goes on, and the line is not as short as a term's name, or
  // it ends where no name does.
  if (is_lower(next.text[0]) && !ends_sentence(line.text)) {
    const std::string_view last = line.text.substr(line.text.rfind(' ') + 1);
    if (2 * width >= block_width || line.text.ends_with(',') || is_stop_word(last)) return false;
  }
  const size_t word = std::min(next.text.find(' '), next.text.size());
  return width + 1 + width_of(next.text.substr(0, word)) + kSlack <= block_width;
}

// A short line without the form of a sentence. "name - what it is", as manual pages open, is prose.
bool looks_like_heading(std::string_view text) {
  constexpr size_t kMaxHeading = 110;
  constexpr size_t kMaxPlainWords = 7;
  if (text.size() > kMaxHeading || text.find(" \u2014 ") != std::string_view::npos) return false;
  return !ends_sentence(text) && text.find("! ") == std::string_view::npos &&
         text.find("? ") == std::string_view::npos && form_of(text).n_plain_words <= kMaxPlainWords;
}

class BlockSplitter {
 public:
  explicit BlockSplitter(std::string_view text) : text_(text), lines_(split_lines(text)) {}

  std::vector<TextBlock> run() {
    for (size_t i = starts_inside_fence() ? fenced(0) : 0; i < lines_.size();) {
      if (lines_[i].text.empty()) {
        ++i;
      } else if (is_fence(lines_[i].text)) {
        i = fenced(i);
      } else {
        i = paragraph(i);
      }
    }
    return std::move(blocks_);
  }

 private:
  // A passage cut out of a document may begin in the middle of a fenced block: then the number of
  // fences is odd and the first names no language and ends something that looks like code.
  bool starts_inside_fence() const {
    size_t n_fences = 0;
    size_t n_lines = 0;
    size_t n_code = 0;
    bool first_bare = false;
    for (const Line& line : lines_) {
      if (is_fence(line.text)) {
        if (n_fences++ == 0) first_bare = line.text.find_first_not_of("`~") == line.text.npos;
      } else if (n_fences == 0 && !line.text.empty()) {
        ++n_lines;
        n_code += looks_like_code(line) ? 1 : 0;
      }
    }
    return n_fences % 2 == 1 && first_bare && n_lines > 0 && 2 * n_code >= n_lines;
  }

  void add(size_t first, size_t last, BlockKind kind) {
    blocks_.push_back({lines_[first].begin, lines_[last].end, kind});
  }

  // A fenced block from line `i` to its closing fence or the end; returns the line behind it.
  size_t fenced(size_t i) {
    size_t last = i;
    size_t k = i + 1;
    for (; k < lines_.size(); ++k) {
      if (!lines_[k].text.empty()) last = k;
      if (is_fence(lines_[k].text)) {
        ++k;
        break;
      }
    }
    if (lines_[i].text.empty()) {  // only when the passage starts inside the block
      while (i < last && lines_[i].text.empty()) ++i;
    }
    if (!lines_[i].text.empty()) add(i, last, BlockKind::kCode);
    return k;
  }

  // The lines from `i` up to a blank line or a fence.
  size_t paragraph(size_t i) {
    size_t end = i;
    size_t width = 0;
    size_t n_code = 0;
    bool listed = false;
    bool ruled = false;
    while (end < lines_.size() && !lines_[end].text.empty() && !is_fence(lines_[end].text)) {
      width = std::max(width, width_of(lines_[end].text));
      n_code += looks_like_code(lines_[end]) ? 1 : 0;
      ruled = ruled || is_rule(lines_[end].text);
      listed = listed || item_marker_length(lines_[end].text) > 0;
      ++end;
    }
    const size_t n_lines = end - i;
    const bool code = ruled || (!listed && 5 * n_code >= 3 * n_lines);
    if (code && !is_table_row(lines_[i].text)) {
      add(i, end - 1, BlockKind::kCode);
      return end;
    }
    while (i < end) i = block(i, end, width);
    return end;
  }

  // One block that starts at line `i` of a paragraph that ends before `end`.
  size_t block(size_t i, size_t end, size_t width) {
    if (is_table_row(lines_[i].text)) {
      add(i, i, BlockKind::kTable);
      return i + 1;
    }
    size_t last = i;
    const bool item = item_marker_length(lines_[i].text) > 0;
    while (last + 1 < end && !is_table_row(lines_[last + 1].text) &&
           item_marker_length(lines_[last + 1].text) == 0) {
      const Line& next = lines_[last + 1];
      const bool hangs = item && next.indent > lines_[i].indent && is_lower(next.text[0]);
      if (!hangs && breaks_on_purpose(lines_[last], next, width)) break;
      ++last;
    }
    BlockKind kind = BlockKind::kProse;
    if (item) {
      kind = BlockKind::kItem;
    } else if (last == i && looks_like_heading(lines_[i].text)) {
      kind = BlockKind::kHeading;
    }
    add(i, last, kind);
    return last + 1;
  }

  std::string_view text_;
  std::vector<Line> lines_;
  std::vector<TextBlock> blocks_;
};

}  // namespace

size_t item_marker_length(std::string_view text) {
  size_t marker = 0;
  if (text.starts_with("\u2022") || text.starts_with("\u2013") || text.starts_with("\u25aa")) {
    marker = std::string_view("\u2022").size();
  } else if (!text.empty() && (text[0] == '-' || text[0] == '*' || text[0] == '+')) {
    marker = 1;
  } else {
    size_t digits = 0;
    while (digits < text.size() && is_digit(text[digits])) ++digits;
    constexpr size_t kMaxDigits = 3;
    if (digits > 0 && digits <= kMaxDigits && digits < text.size() &&
        (text[digits] == '.' || text[digits] == ')')) {
      marker = digits + 1;
    }
  }
  if (marker == 0 || marker >= text.size()) return 0;
  const size_t first = text.find_first_not_of(" \t", marker);
  if (first == marker || first == std::string_view::npos || text[first] == '\n') return 0;
  return first;
}

bool is_fence(std::string_view line) { return line.starts_with("```") || line.starts_with("~~~"); }

std::vector<TextBlock> split_blocks(std::string_view text) { return BlockSplitter(text).run(); }

}  // namespace docmind::providers

// Reads Markdown: reading text outside code blocks, code as it stands, headings as sections.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "ingest/markdown_inline.h"
#include "ingest/reader.h"
#include "ingest/text_builder.h"
#include "ingest/utf8.h"

namespace docmind::ingest {
namespace {

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

size_t indent_of(std::string_view line) {
  size_t columns = 0;
  for (const char c : line) {
    if (c == '\t') {
      columns += 4 - columns % 4;
    } else if (c == ' ') {
      ++columns;
    } else {
      break;
    }
  }
  return columns;
}

std::string_view unquote(std::string_view value) {
  value = trim(value);
  if (value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0]) {
    value = value.substr(1, value.size() - 2);
  }
  return value;
}

// A block between two `---` (YAML) or `+++` (TOML) lines at the start; `lines` is its length, 0 if
// there is none.
struct FrontMatter {
  size_t n_lines = 0;
  std::string title;
};
FrontMatter find_front_matter(const std::vector<std::string_view>& lines) {
  constexpr size_t kMaxLines = 500;
  if (lines.empty()) return {};
  const std::string_view fence = trim(lines[0]);
  if (fence != "---" && fence != "+++") return {};
  FrontMatter found;
  for (size_t i = 1; i < std::min(lines.size(), kMaxLines); ++i) {
    if (trim(lines[i]) == fence || (fence == "---" && trim(lines[i]) == "...")) {
      found.n_lines = i + 1;
      return found;
    }
    const size_t colon = lines[i].find(fence == "---" ? ':' : '=');
    if (colon != std::string_view::npos && trim(lines[i].substr(0, colon)) == "title" &&
        indent_of(lines[i]) == 0) {
      found.title = one_line(unquote(lines[i].substr(colon + 1)), kMaxTitleBytes);
    }
  }
  return {};
}

// The run of fence characters that opens or closes a code block; length 0 for other lines.
struct Fence {
  char mark = 0;
  size_t length = 0;
  bool bare = false;  // nothing behind it: may close
};
Fence fence_of(std::string_view line) {
  line = trim(line);
  if (line.empty() || (line[0] != '`' && line[0] != '~')) return {};
  const size_t end = std::min(line.find_first_not_of(line[0]), line.size());
  if (end < 3) return {};
  if (line[0] == '`' && line.find('`', end) != std::string_view::npos) return {};
  return {line[0], end, end == line.size()};
}

// Level of an ATX heading and its text; level 0 for other lines.
struct Atx {
  int level = 0;
  std::string_view text;
};
Atx atx_of(std::string_view line) {
  if (indent_of(line) > 3) return {};
  line = trim(line);
  const size_t marks = std::min(line.find_first_not_of('#'), line.size());
  if (marks == 0 || marks > 6) return {};
  if (marks < line.size() && line[marks] != ' ' && line[marks] != '\t') return {};
  std::string_view text = trim(line.substr(marks));
  const size_t last = text.find_last_not_of('#');
  if (last == std::string_view::npos) {
    text = {};
  } else if (last + 1 < text.size() && (text[last] == ' ' || text[last] == '\t')) {
    text = trim(text.substr(0, last));
  }
  return {static_cast<int>(marks), text};
}

bool is_run_of(std::string_view line, std::string_view marks, size_t at_least) {
  size_t n = 0;
  char mark = 0;
  for (const char c : trim(line)) {
    if (c == ' ' || c == '\t') continue;
    if (marks.find(c) == std::string_view::npos || (mark != 0 && c != mark)) return false;
    mark = c;
    ++n;
  }
  return n >= at_least;
}

bool is_list_item(std::string_view line) {
  line = trim(line);
  if (line.size() >= 2 && (line[0] == '-' || line[0] == '*' || line[0] == '+')) {
    return line[1] == ' ' || line[1] == '\t';
  }
  const size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
  return digits > 0 && digits < 10 && digits + 1 < line.size() &&
         (line[digits] == '.' || line[digits] == ')') && line[digits + 1] == ' ';
}

bool is_table_rule(std::string_view line) {
  return line.find('|') != std::string_view::npos && line.find('-') != std::string_view::npos &&
         line.find_first_not_of(" \t|:-") == std::string_view::npos;
}

// The label of `[label]: target`; empty for other lines. Footnotes keep their text.
std::string_view definition_label(std::string_view line) {
  if (indent_of(line) > 3) return {};
  line = trim(line);
  if (!line.starts_with('[') || line.starts_with("[^")) return {};
  const size_t end = line.find("]:");
  if (end == std::string_view::npos || end < 2 || trim(line.substr(end + 2)).empty()) return {};
  return line.substr(1, end - 1);
}

class MarkdownReader {
 public:
  MarkdownReader(std::string_view text, const ReadLimits& limits)
      : lines_(split_lines(text)), builder_(Format::kMarkdown, limits) {}

  TextBuilder& builder() { return builder_; }

  void run() {
    FrontMatter front = find_front_matter(lines_);
    builder_.document().title = std::move(front.title);
    collect_labels(front.n_lines);
    for (size_t i = front.n_lines; i < lines_.size() && !builder_.full(); ++i) i = read_line(i);
    if (builder_.document().title.empty()) use_first_h1();
  }

 private:
  void collect_labels(size_t first) {
    Fence open;
    for (size_t i = first; i < lines_.size(); ++i) {
      if (track_fence(lines_[i], open) || open.length > 0) continue;
      if (const auto label = definition_label(lines_[i]); !label.empty()) {
        labels_.insert(link_label(label));
      }
    }
  }

  // Whether the line opens or closes a fenced block; updates `open`.
  static bool track_fence(std::string_view line, Fence& open) {
    const Fence fence = fence_of(line);
    if (fence.length == 0) return false;
    if (open.length == 0) {
      open = fence;
      return true;
    }
    if (fence.mark != open.mark || fence.length < open.length || !fence.bare) return false;
    open = {};
    return true;
  }

  // Reads the line at `i`; returns the index of the last line used.
  size_t read_line(size_t i) {
    const std::string_view line = lines_[i];
    if (!in_comment_ && track_fence(line, fence_)) {
      if (fence_.length > 0 && previous_blank_) builder_.separate(Break::kBlock);
      write(i, std::string(line));
      return i;
    }
    if (fence_.length > 0) {
      write_code(i, line);
      return i;
    }
    if (!in_comment_ && is_indented_code(line)) {
      write_code(i, line);
      return i;
    }
    in_code_ = false;
    std::string visible = without_comments(line);
    if (trim(visible).empty()) {
      // A line that held only a comment is no boundary.
      if (trim(line).empty()) blank();
      return i;
    }
    return read_block_line(i, visible);
  }

  size_t read_block_line(size_t i, const std::string& line) {
    if (const Atx atx = atx_of(line); atx.level > 0) {
      write_heading(i, atx.level, atx.text);
      return i;
    }
    if (is_run_of(line, "-*_", 3)) {
      blank();
      return i;
    }
    if (const int level = setext_level(i, line); level > 0) {
      write_heading(i, level, line);
      return i + 1;
    }
    if (is_table_rule(line) || !definition_label(line).empty()) return i;
    in_list_ = is_list_item(line) || (in_list_ && (indent_of(line) > 0 || !previous_blank_));
    write(i, clean_markdown_line(line, labels_));
    return i;
  }

  // A one-line paragraph with `===` or `---` under it.
  int setext_level(size_t i, std::string_view line) const {
    if (!previous_blank_ && !builder_.empty()) return 0;
    if (i + 1 >= lines_.size() || indent_of(line) > 3 || is_list_item(line)) return 0;
    if (line.starts_with('|') || line.starts_with('>')) return 0;
    const std::string_view below = lines_[i + 1];
    if (indent_of(below) > 3 || trim(below).find(' ') != std::string_view::npos) return 0;
    if (is_run_of(below, "=", 1)) return 1;
    return is_run_of(below, "-", 2) ? 2 : 0;
  }

  bool is_indented_code(std::string_view line) {
    if (trim(line).empty()) return false;
    in_code_ = indent_of(line) >= 4 && !in_list_ && (previous_blank_ || in_code_);
    return in_code_;
  }

  // The line without the parts inside <!-- -->; comments may span lines and do not start in code.
  std::string without_comments(std::string_view line) {
    std::string out;
    while (!line.empty()) {
      const size_t at = line.find(in_comment_ ? "-->" : "<!--");
      if (in_comment_) {
        if (at == std::string_view::npos) return out;
        line.remove_prefix(at + 3);
        in_comment_ = false;
        continue;
      }
      out.append(line.substr(0, at));
      if (at == std::string_view::npos) break;
      if (std::count(out.begin(), out.end(), '`') % 2 == 1) {
        out.append(line.substr(at));
        break;
      }
      line.remove_prefix(at + 4);
      in_comment_ = true;
    }
    return out;
  }

  void blank() {
    builder_.separate(Break::kBlock);
    previous_blank_ = true;
  }

  void write_code(size_t i, std::string_view line) {
    if (trim(line).empty()) return builder_.separate(Break::kBlock);
    previous_blank_ = false;
    builder_.separate(Break::kLine);
    builder_.mark(static_cast<uint32_t>(i + 1));
    builder_.append(line);
  }

  void write(size_t i, std::string text) {
    if (trim(text).empty()) return;
    while (text.ends_with(' ') || text.ends_with('\t')) text.pop_back();
    builder_.separate(Break::kLine);
    builder_.mark(static_cast<uint32_t>(i + 1));
    builder_.append(text);
    previous_blank_ = false;
  }

  void write_heading(size_t i, int level, std::string_view text) {
    const std::string title = clean_markdown_line(trim(text), labels_);
    builder_.separate(Break::kBlock);
    builder_.mark(static_cast<uint32_t>(i + 1));
    builder_.heading(level, title);
    builder_.append(trim(title));
    blank();
    in_list_ = false;
  }

  void use_first_h1() {
    Document& document = builder_.document();
    const auto h1 = std::find_if(document.headings.begin(), document.headings.end(),
                                 [](const Heading& heading) { return heading.level == 1; });
    if (h1 != document.headings.end()) document.title = h1->title;
  }

  std::vector<std::string_view> lines_;
  TextBuilder builder_;
  LinkLabels labels_;
  Fence fence_;
  bool in_comment_ = false;
  bool in_list_ = false;
  bool in_code_ = false;
  bool previous_blank_ = true;
};

}  // namespace

Result<Document> read_markdown(std::string_view bytes, const ReadLimits& limits) {
  DM_ASSIGN(const DecodedText decoded, decode_text(bytes, ""));
  MarkdownReader reader(decoded.text, limits);
  reader.run();
  DM_ASSIGN(Document document, std::move(reader.builder()).finish());
  document.encoding = decoded.encoding;
  warn_replaced(document, decoded.n_replaced);
  return document;
}

}  // namespace docmind::ingest

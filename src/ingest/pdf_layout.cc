// From the lines of PDF pages to reading text: running headers out, paragraphs joined.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/pdf_layout.h"

#include <algorithm>
#include <array>
#include <set>
#include <unordered_map>

#include "base/ascii.h"
#include "ingest/decode.h"
#include "ingest/utf8.h"

namespace docmind::ingest {
namespace {

constexpr size_t kEdgeLines = 4;    // lines looked at on each end of a page
constexpr size_t kMinPages = 3;     // fewer pages say nothing about repetition
constexpr size_t kMinFullLine = 35; // characters; shorter lines are never joined


size_t length_of(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

// U+FB00..U+FB06, the ligatures that fonts write instead of letters.
std::string_view ligature_at(std::string_view text) {
  constexpr std::array<std::string_view, 7> kLetters = {"ff", "fi", "fl", "ffi", "ffl", "st", "st"};
  if (text.size() < 3 || !text.starts_with("\xEF\xAC")) return {};
  const auto index = static_cast<size_t>(static_cast<unsigned char>(text[2]) - 0x80);
  return index < kLetters.size() ? kLetters[index] : std::string_view();
}

std::string clean_line(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (size_t i = 0; i < raw.size(); ++i) {
    const auto c = static_cast<unsigned char>(raw[i]);
    if (c == 0xEF) {
      if (const std::string_view letters = ligature_at(raw.substr(i)); !letters.empty()) {
        out.append(letters);
        i += 2;
        continue;
      }
    }
    if (is_odd_control(c) || c == 0x1B) continue;
    const bool nbsp = c == 0xC2 && i + 1 < raw.size() && raw[i + 1] == '\xA0';
    if (c == ' ' || c == '\t' || c == '\f' || c == '\v' || c == '\r' || nbsp) {
      i += nbsp ? 1 : 0;
      if (!out.empty() && out.back() != ' ') out.push_back(' ');
      continue;
    }
    out.push_back(raw[i]);
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

// "3", "3.1", "A.2." and the like.
bool is_section_number(std::string_view text) {
  if (text.empty() || text.size() > 10) return false;
  if (!is_digit(text[0]) && !(is_upper(text[0]) && text.size() > 2 && text[1] == '.')) return false;
  return std::all_of(text.begin() + 1, text.end(), [](char c) { return is_digit(c) || c == '.'; });
}

// Joins a lone section number with the title that the page layout put into a block of its own.
void join_section_numbers(std::vector<PdfLine>& lines) {
  constexpr size_t kMaxTitle = 90;
  for (size_t i = 0; i + 2 < lines.size(); ++i) {
    PdfLine& title = lines[i + 2];
    const bool alone = (i == 0 || lines[i - 1].text.empty()) && lines[i + 1].text.empty();
    if (!alone || !is_section_number(lines[i].text) || title.text.empty()) continue;
    if (!is_upper(title.text[0]) || title.text.size() > kMaxTitle) continue;
    title.text = lines[i].text + " " + title.text;
    title.number = lines[i].number;
    lines[i].text.clear();
  }
}

// What makes two running lines the same: letters in lower case and every number alike. Longer lines
// behind the outermost one must have the same numbers too: they are more likely to be content.
std::string running_key(std::string_view text, size_t depth) {
  constexpr size_t kMaxShort = 40;
  const bool any_number = depth == 0 || text.size() <= kMaxShort;
  std::string key;
  for (const char c : text) {
    if (is_digit(c) && any_number) {
      if (key.empty() || key.back() != '#') key.push_back('#');
    } else if (c != ' ') {
      key.push_back(is_upper(c) ? static_cast<char>(c + 32) : c);
    }
  }
  return key;
}

// The first or the last lines of a page that are not empty, outermost first.
std::vector<PdfLine*> edge_lines(PdfPage& page, bool top) {
  std::vector<PdfLine*> edge;
  const size_t n = page.lines.size();
  for (size_t i = 0; i < n && edge.size() < kEdgeLines; ++i) {
    PdfLine& line = page.lines[top ? i : n - 1 - i];
    if (!line.text.empty()) edge.push_back(&line);
  }
  return edge;
}

using KeyCounts = std::unordered_map<std::string, size_t>;

void strip_edge(std::vector<PdfPage>& pages, bool top) {
  // Left and right pages often differ: a line counts as frequent among the pages of its side.
  std::array<KeyCounts, 2> counts;
  std::array<size_t, 2> n_pages{};
  std::vector<std::vector<std::string>> keys(pages.size());
  for (size_t p = 0; p < pages.size(); ++p) {
    for (const PdfLine* line : edge_lines(pages[p], top)) {
      keys[p].push_back(running_key(line->text, keys[p].size()));
    }
    n_pages[p % 2] += keys[p].empty() ? 0 : 1;
    for (const auto& key : std::set<std::string>(keys[p].begin(), keys[p].end())) {
      ++counts[p % 2][key];
    }
  }
  const auto count_in = [&](size_t side, const std::string& key) {
    const auto found = counts[side].find(key);
    return found == counts[side].end() ? size_t{0} : found->second;
  };
  const auto frequent = [&](size_t p, const std::string& key) {
    const size_t here = count_in(p % 2, key);
    const size_t both = here + count_in(1 - p % 2, key);
    const bool all = both * 10 > (n_pages[0] + n_pages[1]) * 6;
    return both >= kMinPages && (all || here * 10 > n_pages[p % 2] * 6);
  };
  const auto runs_on = [&](size_t p, const std::string& key) {
    // The outermost line of a neighbour on the same side or the other one, three times in all.
    if (count_in(0, key) + count_in(1, key) < kMinPages) return false;
    for (const size_t step : {1, 2}) {
      if (p >= step && !keys[p - step].empty() && keys[p - step][0] == key) return true;
      if (p + step < pages.size() && !keys[p + step].empty() && keys[p + step][0] == key) return true;
    }
    return false;
  };
  for (size_t p = 0; p < pages.size(); ++p) {
    const std::vector<PdfLine*> edge = edge_lines(pages[p], top);
    for (size_t i = 0; i < edge.size(); ++i) {
      const std::string& key = keys[p][i];
      if (frequent(p, key) || (i == 0 && runs_on(p, key))) edge[i]->text.clear();
    }
  }
}

// Letters and digits in lower case, for comparing titles.
std::string title_key(std::string_view text) {
  std::string key;
  for (const char c : text) {
    if (is_upper(c)) {
      key.push_back(static_cast<char>(c + 32));
    } else if (is_lower(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80) {
      key.push_back(c);
    }
  }
  return key;
}

std::string without_number(const std::string& key) {
  const size_t letters = key.find_first_not_of("0123456789");
  return letters == std::string::npos ? key : key.substr(letters);
}

bool starts_item(std::string_view text) {
  if (text.empty()) return true;
  for (const std::string_view bullet : {"- ", "* ", "\xE2\x80\xA2", "\xE2\x80\x93 ", "\xE2\x80\x94 ",
                                        "\xE2\x96\xAA", "\xE2\x97\xA6", "o ", "\xC2\xB7"}) {
    if (text.starts_with(bullet)) return true;
  }
  if (text[0] == '-' && text.size() > 1 && text[1] != ' ') return true;
  // "3. ", "3) ", "3.1 " and "(a)".
  const size_t number = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view head = text.substr(0, number);
  if (!head.empty() && number < 12 && number + 1 < text.size()) {
    const bool dotted = head[0] != '.' && head.find('.') != std::string_view::npos;
    if (dotted && text[number] == ' ') return true;
    if (!dotted && number < 4 && text[number] == ')' && text[number + 1] == ' ') return true;
  }
  return text[0] == '(' && text.size() > 2 && text[2] == ')';
}

constexpr std::string_view kLeader = " ... ";

// The dots between a title and its page number become one mark.
std::string collapse_leaders(std::string text) {
  constexpr size_t kMinDots = 4;
  std::string out;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    size_t dots = 0;
    while (end < text.size() && (text[end] == '.' || text[end] == ' ')) {
      dots += text[end++] == '.' ? 1 : 0;
    }
    if (dots >= kMinDots) {
      while (out.ends_with(' ')) out.pop_back();
      out.append(kLeader);
      i = end;
    } else {
      end = std::max(end, i + 1);
      out.append(text, i, end - i);
      i = end;
    }
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

// The length that most lines of [begin, end) reach; overlong lines (where a hyphen was already
// undone) and short last lines do not count.
size_t typical_length(const std::vector<PdfLine>& lines, size_t begin, size_t end) {
  std::vector<size_t> lengths;
  for (size_t i = begin; i < end; ++i) {
    if (!lines[i].text.empty()) lengths.push_back(length_of(lines[i].text));
  }
  if (lengths.empty()) return 0;
  const auto at = lengths.begin() + static_cast<ptrdiff_t>((lengths.size() - 1) * 3 / 4);
  std::nth_element(lengths.begin(), at, lengths.end());
  return *at;
}

bool ends_with_any(std::string_view text, std::string_view chars) {
  return !text.empty() && chars.find(text.back()) != std::string_view::npos;
}

// Whether the paragraph goes on in `next`: the line reaches the right margin and nothing speaks
// against it.
bool continues(const PdfLine& line, const PdfLine& next, size_t typical) {
  if (line.heading != 0 || next.heading != 0 || starts_item(next.text)) return false;
  const size_t length = length_of(line.text);
  if (length < kMinFullLine || length * 10 < typical * 8) return false;
  if (ends_with_any(line.text, ";{}")) return false;
  if (line.text.find(trim(kLeader)) != std::string_view::npos) return false;
  return !ends_with_any(line.text, ".!?:") || length * 20 >= typical * 19;
}

bool ends_hyphenated(std::string_view text, std::string_view next) {
  if (next.empty() || !is_lower(next[0])) return false;
  if (text.ends_with("\xC2\xAD")) return true;
  return text.size() >= 3 && text.ends_with('-') && is_lower(text[text.size() - 2]);
}

class PageWriter {
 public:
  explicit PageWriter(TextBuilder& builder) : builder_(builder) {}

  void write(const PdfPage& page) {
    const auto& lines = page.lines;
    const size_t page_typical = typical_length(lines, 0, lines.size());
    join_pages(page);
    for (size_t begin = 0; begin < lines.size() && !builder_.full();) {
      size_t end = begin;
      while (end < lines.size() && !lines[end].text.empty()) ++end;
      write_block(page, begin, end, page_typical);
      if (end > begin && end < lines.size()) builder_.separate(Break::kBlock);
      begin = end + 1;
    }
  }

 private:
  // A sentence that a page break cut in two goes on; anything else starts a new block.
  void join_pages(const PdfPage& page) {
    const auto first = std::find_if(page.lines.begin(), page.lines.end(),
                                    [](const PdfLine& line) { return !line.text.empty(); });
    if (first == page.lines.end()) return;
    const bool open = last_length_ >= kMinFullLine && !last_.empty() &&
                      (is_lower(last_.back()) || ends_with_any(last_, ",-"));
    const bool goes_on = open && is_lower(first->text[0]) && first->heading == 0 &&
                         !starts_item(first->text);
    if (goes_on) {
      glue(first->text);
    } else {
      builder_.separate(Break::kBlock);
    }
  }

  void write_block(const PdfPage& page, size_t begin, size_t end, size_t page_typical) {
    constexpr size_t kSmallBlock = 3;
    const auto& lines = page.lines;
    const size_t typical =
        end - begin <= kSmallBlock ? page_typical : typical_length(lines, begin, end);
    for (size_t i = begin; i < end; ++i) {
      const PdfLine& line = lines[i];
      if (line.heading != 0) builder_.separate(Break::kBlock);
      builder_.mark(line.number, page.number);
      if (line.heading != 0) builder_.heading(line.heading, line.text);
      builder_.append(line.text);
      last_ = line.text;
      last_length_ = length_of(line.text);
      if (line.heading != 0) {
        builder_.separate(Break::kBlock);
      } else if (i + 1 < end) {
        if (continues(line, lines[i + 1], typical)) {
          glue(lines[i + 1].text);
        } else {
          builder_.separate(Break::kLine);
        }
      }
    }
  }

  // Between two lines of one paragraph: a space, or nothing in place of a hyphen.
  void glue(std::string_view next) {
    if (ends_hyphenated(last_, next)) {
      builder_.drop_last();
      if (last_.back() != '-') builder_.drop_last();  // a soft hyphen has two bytes
    } else {
      builder_.append(" ");
    }
  }

  TextBuilder& builder_;
  std::string last_;
  size_t last_length_ = 0;
};

}  // namespace

PdfPage split_page(std::string_view text, uint32_t number) {
  PdfPage page{.number = number, .lines = {}};
  uint32_t line = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    page.lines.push_back(
        {.text = collapse_leaders(clean_line(text.substr(at, end - at))), .number = ++line});
    at = end + 1;
  }
  join_section_numbers(page.lines);
  return page;
}

void strip_running_lines(std::vector<PdfPage>& pages) {
  if (pages.size() < kMinPages) return;
  strip_edge(pages, true);
  strip_edge(pages, false);
}

void mark_headings(std::vector<PdfPage>& pages, const std::vector<PdfOutlineEntry>& outline) {
  std::vector<PdfLine*> lines;
  std::unordered_map<std::string, std::vector<size_t>> places;
  constexpr size_t kMaxTitle = 200;
  for (PdfPage& page : pages) {
    for (PdfLine& line : page.lines) {
      if (line.text.empty() || line.text.size() > kMaxTitle) continue;
      const std::string key = title_key(line.text);
      places[key].push_back(lines.size());
      if (std::string bare = without_number(key); bare != key) places[bare].push_back(lines.size());
      lines.push_back(&line);
    }
  }
  size_t next = 0;
  for (const PdfOutlineEntry& entry : outline) {
    const std::string key = title_key(entry.title);
    auto found = places.find(key);
    if (found == places.end()) found = places.find(without_number(key));
    if (key.empty() || found == places.end()) continue;
    const auto at = std::lower_bound(found->second.begin(), found->second.end(), next);
    if (at == found->second.end()) continue;
    lines[*at]->heading = entry.level;
    next = *at + 1;
  }
}

void write_pages(const std::vector<PdfPage>& pages, TextBuilder& builder) {
  PageWriter writer(builder);
  for (const PdfPage& page : pages) writer.write(page);
}

}  // namespace docmind::ingest

// Inline Markdown to reading text: links, images, emphasis, escapes, entities, HTML tags.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/markdown_inline.h"

#include <libxml/HTMLparser.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "ingest/utf8.h"

namespace docmind::ingest {
namespace {

constexpr size_t kNone = std::string_view::npos;
constexpr size_t kMaxTargetBytes = 2048;  // of a link; bounds the search for its end

// Tags that occur in hand-written Markdown; anything else in angle brackets is text.
constexpr std::array<std::string_view, 43> kInlineTags = {
    "a",      "abbr", "b",    "blockquote", "br",      "center", "code",   "dd",  "del",
    "details", "div", "dl",   "dt",         "em",      "font",   "h1",     "h2",  "h3",
    "h4",     "hr",   "i",    "img",        "ins",     "kbd",    "li",     "ol",  "p",
    "picture", "pre", "s",    "small",      "source",  "span",   "strong", "sub", "summary",
    "sup",    "table", "tbody", "td",       "th",      "tr",     "ul",
};

bool is_word(char c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_punctuation(char c) { return c > ' ' && c < 0x7F && !is_word(c); }

// What to do with each byte of the line; decided by passes that only mark, so nesting needs no
// recursion and each pass is linear.
enum class Fate : uint8_t { kKeep, kDrop, kCode };

class LineCleaner {
 public:
  LineCleaner(std::string_view line, const LinkLabels& labels)
      : line_(line), labels_(labels), fate_(line.size(), Fate::kKeep) {}

  std::string run() {
    mark_code_spans();
    mark_escapes();
    mark_tags();
    mark_links();
    mark_emphasis();
    return write();
  }

 private:
  char at(size_t i) const { return i < line_.size() ? line_[i] : '\0'; }
  bool plain(size_t i) const { return fate_[i] == Fate::kKeep; }
  void set(size_t begin, size_t end, Fate fate) {
    std::fill(fate_.begin() + static_cast<ptrdiff_t>(begin),
              fate_.begin() + static_cast<ptrdiff_t>(end), fate);
  }

  void mark_code_spans() {
    std::map<size_t, std::vector<size_t>> runs;  // run length -> starts, ascending
    std::vector<std::pair<size_t, size_t>> order;
    for (size_t i = 0; i < line_.size();) {
      if (line_[i] != '`') {
        i += line_[i] == '\\' ? 2 : 1;
        continue;
      }
      const size_t end = std::min(line_.find_first_not_of('`', i), line_.size());
      runs[end - i].push_back(i);
      order.emplace_back(i, end - i);
      i = end;
    }
    size_t done = 0;
    for (const auto& [start, length] : order) {
      if (start < done) continue;
      const auto& same = runs[length];
      const auto closer = std::upper_bound(same.begin(), same.end(), start);
      if (closer == same.end()) continue;
      done = *closer + length;
      set(start, done, Fate::kCode);
    }
  }

  // The escaped character is kept literally, so later passes must not see it as markup.
  void mark_escapes() {
    for (size_t i = 0; i + 1 < line_.size(); ++i) {
      if (!plain(i) || line_[i] != '\\' || !is_punctuation(line_[i + 1])) continue;
      fate_[i] = Fate::kDrop;
      fate_[++i] = Fate::kCode;
    }
  }

  void mark_tags() {
    size_t no_end_after = kNone;  // no '>' from here on
    for (size_t i = 0; i < line_.size(); ++i) {
      if (!plain(i) || line_[i] != '<' || i >= no_end_after) continue;
      const size_t end = line_.find('>', i);
      if (end == kNone) {
        no_end_after = i;
        continue;
      }
      if (end - i > kMaxTargetBytes) continue;
      mark_tag(i, end);
    }
  }

  void mark_tag(size_t begin, size_t end) {
    const std::string_view inside = line_.substr(begin + 1, end - begin - 1);
    if (inside.find(' ') == kNone &&
        (inside.find("://") != kNone || inside.starts_with("mailto:"))) {
      fate_[begin] = fate_[end] = Fate::kDrop;
      set(begin + 1, end, Fate::kCode);
      return;
    }
    std::string name;
    for (size_t i = inside.starts_with('/') ? 1 : 0; i < inside.size() && is_word(inside[i]); ++i) {
      name.push_back(static_cast<char>(inside[i] >= 'A' && inside[i] <= 'Z' ? inside[i] + 32
                                                                            : inside[i]));
    }
    if (std::binary_search(kInlineTags.begin(), kInlineTags.end(), name)) set(begin, end + 1, Fate::kDrop);
  }

  void mark_links() {
    std::vector<size_t> open;
    for (size_t i = 0; i < line_.size(); ++i) {
      if (!plain(i)) continue;
      if (line_[i] == '[') open.push_back(i);
      if (line_[i] != ']' || open.empty()) continue;
      const size_t begin = open.back();
      open.pop_back();
      const size_t end = link_end(begin, i);
      if (end == kNone) continue;
      const bool image = begin > 0 && line_[begin - 1] == '!' && plain(begin - 1);
      set(image ? begin - 1 : begin, begin + 1, Fate::kDrop);
      set(i, end, Fate::kDrop);
      i = end - 1;
    }
  }

  // Where the link ends whose text is between the brackets at `open` and `close`; kNone: no link.
  size_t link_end(size_t open, size_t close) const {
    if (at(close + 1) == '(') return inline_target_end(close + 1);
    const std::string_view text = line_.substr(open + 1, close - open - 1);
    if (at(close + 1) == '[') {
      const size_t end = line_.substr(0, std::min(line_.size(), close + 256)).find(']', close + 2);
      if (end == kNone) return kNone;
      const std::string_view label = line_.substr(close + 2, end - close - 2);
      return defined(label.empty() ? text : label) ? end + 1 : kNone;
    }
    return defined(text) ? close + 1 : kNone;
  }

  bool defined(std::string_view label) const {
    return !labels_.empty() && label.size() < 256 && labels_.contains(link_label(label));
  }

  size_t inline_target_end(size_t paren) const {
    const size_t stop = std::min(line_.size(), paren + kMaxTargetBytes);
    int depth = 0;
    for (size_t i = paren; i < stop; ++i) {
      if (line_[i] == '\\') {
        ++i;
      } else if (line_[i] == '(') {
        ++depth;
      } else if (line_[i] == ')' && --depth == 0) {
        return i + 1;
      }
    }
    return kNone;
  }

  // Drops '*' and '**' pairs; '_' stays because names in prose are full of it.
  void mark_emphasis() {
    std::array<size_t, 4> opener = {kNone, kNone, kNone, kNone};
    for (size_t i = 0; i < line_.size();) {
      if (!plain(i) || line_[i] != '*') {
        ++i;
        continue;
      }
      size_t end = i;
      while (end < line_.size() && plain(end) && line_[end] == '*') ++end;
      const size_t length = end - i;
      if (length <= 3) pair_emphasis(i, length, opener);
      i = end;
    }
  }

  void pair_emphasis(size_t begin, size_t length, std::array<size_t, 4>& opener) {
    const char before = begin > 0 ? line_[begin - 1] : ' ';
    const char after = begin + length < line_.size() ? line_[begin + length] : ' ';
    size_t& open = opener[length];
    if (!is_blank(before) && !is_word(after) && open != kNone) {
      set(open, open + length, Fate::kDrop);
      set(begin, begin + length, Fate::kDrop);
      open = kNone;
    } else if (!is_blank(after) && !is_word(before)) {
      open = begin;
    }
  }

  std::string write() const {
    std::string out;
    out.reserve(line_.size());
    for (size_t i = 0; i < line_.size(); ++i) {
      if (fate_[i] == Fate::kDrop) continue;
      if (line_[i] == '&' && plain(i)) {
        if (const size_t used = write_entity(i, out); used > 0) {
          i += used - 1;
          continue;
        }
      }
      out.push_back(line_[i]);
    }
    return out;
  }

  // Appends the character that a named entity at `begin` stands for; returns its length, 0 if none.
  size_t write_entity(size_t begin, std::string& out) const {
    const size_t end = line_.substr(0, std::min(line_.size(), begin + 12)).find(';', begin);
    if (end == kNone) return 0;
    const std::string name(line_.substr(begin + 1, end - begin - 1));
    const htmlEntityDesc* entity =
        htmlEntityLookup(reinterpret_cast<const xmlChar*>(name.c_str()));
    if (entity == nullptr) return 0;
    constexpr unsigned kNbsp = 0xA0;
    append_utf8(out, entity->value == kNbsp ? ' ' : entity->value);
    return end + 1 - begin;
  }

  std::string_view line_;
  const LinkLabels& labels_;
  std::vector<Fate> fate_;
};

}  // namespace

std::string link_label(std::string_view label) {
  std::string out = one_line(label, 256);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

std::string clean_markdown_line(std::string_view line, const LinkLabels& labels) {
  if (line.find_first_of("`*[\\<&") == kNone) return std::string(line);
  return LineCleaner(line, labels).run();
}

}  // namespace docmind::ingest

// HtmlCollector: turns the events of an HTML parser into an HtmlPage.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/html_collector.h"

#include <algorithm>
#include <array>

namespace docmind::ingest {
namespace {

constexpr size_t kMaxPageTitleBytes = 4096;

// Bytes that end a run of plain text: white space, and the leads of no-break space, soft hyphen,
// zero-width characters.
constexpr auto kSpecial = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c <= 0x20; ++c) table[static_cast<size_t>(c)] = true;
  table[0x7F] = table[0xC2] = table[0xE2] = true;
  return table;
}();

// Length of the invisible or blank character at `text` (0 if it is a visible one).
struct Blank {
  size_t length = 0;
  bool space = false;
};
Blank blank_at(std::string_view text) {
  const auto c = static_cast<unsigned char>(text[0]);
  if (c <= 0x20) return {1, true};
  if (c == 0x7F) return {1, false};
  if (text.starts_with("\xC2\xA0")) return {2, true};
  if (text.starts_with("\xC2\xAD")) return {2, false};
  if (text.starts_with("\xE2\x80\x8B")) return {3, false};
  return {};
}

}  // namespace

uint8_t HtmlCollector::judge_words(std::string_view attribute) {
  if (attribute.empty()) return kContent;
  constexpr size_t kMaxEntries = 1'000;
  std::string key(attribute.substr(0, 512));
  if (const auto known = judged_.find(key); known != judged_.end()) return known->second;
  const uint8_t found = boilerplate_words(attribute);
  if (judged_.size() < kMaxEntries) judged_.emplace(std::move(key), found);
  return found;
}

uint8_t HtmlCollector::judge(const TagInfo& tag, const HtmlAttributes& attributes) {
  if (tag.kind == TagKind::kBody) return kContent;
  if (tag.kind == TagKind::kMain || tag.kind == TagKind::kArticle) return kContent;
  uint8_t found = boilerplate_role(attributes.role);
  if (attributes.hidden || tag.kind == TagKind::kSemanticNav) found |= kSemantic;
  if (tag.kind == TagKind::kHeader && main_depth_ == 0) found |= kSemantic;
  if (tag.droppable && attributes.role != "main") {
    found |= judge_words(attributes.class_names);
    found |= judge_words(attributes.id);
  }
  return found;
}

void HtmlCollector::start(std::string_view name, const HtmlAttributes& attributes) {
  Open open{.tag = tag_info(name), .boilerplate_before = boilerplate_, .heading_before = heading_};
  if (skip_depth_ == 0) {
    const uint8_t found = judge(open.tag, attributes);
    if ((found | boilerplate_) != boilerplate_) segment_open_ = false;
    boilerplate_ |= found;
  }
  enter(open.tag, open);
  open_.push_back(open);
}

void HtmlCollector::enter(const TagInfo& tag, Open& open) {
  switch (tag.kind) {
    case TagKind::kInline: break;
    case TagKind::kSkip: ++skip_depth_; break;
    case TagKind::kTitle: title_depth_ += skip_depth_ == 0 && page_.title.empty() ? 1 : 0; break;
    case TagKind::kLink:
      ++link_depth_;
      ++n_links_;
      break;
    case TagKind::kMain:
    case TagKind::kArticle:
      // Words on an outer wrapper ("sidebar-left") say nothing about the main content itself.
      boilerplate_ &= static_cast<uint8_t>(~(kByWords | kLinkList));
      segment_open_ = false;
      ++main_depth_;
      request_break(Break::kBlock);
      break;
    case TagKind::kSemanticNav:
    case TagKind::kHeader:
    case TagKind::kBody:
    case TagKind::kBlock:
    case TagKind::kRule: request_break(Break::kBlock); break;
    case TagKind::kLine: request_break(Break::kLine); break;
    case TagKind::kList: open_list(open); break;
    case TagKind::kItem:
      demanded_break(Break::kLine);
      if (list_depth_ > 0 && tag.droppable) {  // li, not dd
        prefix_.assign(2 * std::min<size_t>(list_depth_ - 1, 4), ' ').append("- ");
      }
      hold_break_ = true;
      break;
    case TagKind::kTerm: demanded_break(list_depth_ > 0 ? Break::kLine : Break::kBlock); break;
    case TagKind::kTable: request_break(Break::kBlock); break;
    case TagKind::kRow:
      demanded_break(row_has_lines_ ? Break::kBlock : Break::kLine);
      row_has_text_ = row_has_lines_ = false;
      n_cell_marks_ = 0;
      break;
    case TagKind::kCell:
      ++cell_depth_;
      if (row_has_text_) ++n_cell_marks_;
      hold_break_ = true;
      break;
    case TagKind::kPre:
      demanded_break(Break::kBlock);
      ++pre_depth_;
      pre_start_ = true;
      break;
    case TagKind::kHeading:
      demanded_break(Break::kBlock);
      heading_ = tag.level;
      segment_open_ = false;
      break;
    case TagKind::kLineBreak: line_feed(); break;
  }
}

void HtmlCollector::end() {
  if (open_.empty()) return;
  const Open open = open_.back();
  open_.pop_back();
  leave(open);
  if (boilerplate_ != open.boilerplate_before || heading_ != open.heading_before) {
    segment_open_ = false;
  }
  boilerplate_ = open.boilerplate_before;
  heading_ = open.heading_before;
}

void HtmlCollector::leave(const Open& open) {
  const auto lower = [](uint32_t& depth) { depth -= depth > 0 ? 1 : 0; };
  switch (open.tag.kind) {
    case TagKind::kInline:
    case TagKind::kLineBreak:
    case TagKind::kRule: break;
    case TagKind::kSkip: lower(skip_depth_); break;
    case TagKind::kTitle: lower(title_depth_); break;
    case TagKind::kLink: lower(link_depth_); break;
    case TagKind::kMain:
    case TagKind::kArticle:
      lower(main_depth_);
      segment_open_ = false;
      request_break(Break::kBlock);
      break;
    case TagKind::kSemanticNav:
    case TagKind::kHeader:
    case TagKind::kBody:
    case TagKind::kBlock:
    case TagKind::kTable: request_break(Break::kBlock); break;
    case TagKind::kLine:
    case TagKind::kTerm: request_break(Break::kLine); break;
    case TagKind::kItem:
      prefix_.clear();
      demanded_break(Break::kLine);
      break;
    case TagKind::kRow: demanded_break(Break::kLine); break;
    case TagKind::kList: close_list(open); break;
    case TagKind::kCell:
      lower(cell_depth_);
      hold_break_ = false;
      space_ = true;
      break;
    case TagKind::kPre:
      lower(pre_depth_);
      pre_start_ = false;
      demanded_break(Break::kBlock);
      break;
    case TagKind::kHeading: demanded_break(Break::kBlock); break;
  }
}

void HtmlCollector::open_list(Open& open) {
  request_break(Break::kBlock);
  list_depth_ += open.tag.level;
  lists_.push_back(List{.first_segment = static_cast<uint32_t>(page_.segments.size()),
                        .bytes = n_bytes_,
                        .link_bytes = n_link_bytes_,
                        .n_links = n_links_});
  open.list = static_cast<uint32_t>(lists_.size());
  segment_open_ = false;
}

void HtmlCollector::close_list(const Open& open) {
  list_depth_ -= std::min<uint32_t>(list_depth_, open.tag.level);
  prefix_.clear();
  if (open.list != 0 && open.list == lists_.size()) {
    const List begin = lists_.back();
    lists_.pop_back();
    constexpr uint32_t kMinLinks = 5;
    const uint64_t bytes = n_bytes_ - begin.bytes;
    const uint64_t link_bytes = n_link_bytes_ - begin.link_bytes;
    const auto here = static_cast<uint32_t>(page_.segments.size());
    if (n_links_ - begin.n_links >= kMinLinks && link_bytes * 10 > bytes * 6 &&
        begin.first_segment < here) {
      page_.link_runs.push_back({begin.first_segment, here});
    }
    segment_open_ = false;
  }
  request_break(Break::kBlock);
}

void HtmlCollector::request_break(Break kind) {
  if (skip_depth_ > 0 || hold_break_) return;
  // Paragraphs inside items and cells stand on lines of their own, without blank lines.
  if (kind == Break::kBlock && (cell_depth_ > 0 || list_depth_ > 0)) kind = Break::kLine;
  pending_ = std::max(pending_, kind);
}

void HtmlCollector::demanded_break(Break kind) {
  if (skip_depth_ > 0) return;
  hold_break_ = false;
  pending_ = std::max(pending_, kind);
}

void HtmlCollector::line_feed() {
  if (skip_depth_ > 0 || hold_break_) return;
  pending_ = std::max(pending_, Break::kLine);
}

void HtmlCollector::text(std::string_view utf8, uint32_t line) {
  if (skip_depth_ > 0) return;
  if (title_depth_ > 0) {
    const size_t room = kMaxPageTitleBytes - std::min(kMaxPageTitleBytes, page_.title.size());
    if (utf8.size() <= room) page_.title.append(utf8);
    return;
  }
  if (pre_depth_ > 0) {
    write_pre(utf8, line);
  } else {
    write_normal(utf8, line);
  }
}

void HtmlCollector::write_normal(std::string_view utf8, uint32_t line) {
  while (!utf8.empty()) {
    if (const Blank blank = blank_at(utf8); blank.length > 0) {
      line += utf8[0] == '\n' ? 1 : 0;
      space_ = space_ || blank.space;
      utf8.remove_prefix(blank.length);
      continue;
    }
    size_t end = 1;
    while (end < utf8.size() && !kSpecial[static_cast<unsigned char>(utf8[end])]) ++end;
    put(utf8.substr(0, end), line);
    utf8.remove_prefix(end);
  }
}

void HtmlCollector::write_pre(std::string_view utf8, uint32_t line) {
  while (!utf8.empty()) {
    if (utf8[0] == '\n') {
      ++line;
      utf8.remove_prefix(1);
      // A second line end in a row is a blank line.
      if (!pre_start_) pending_ = pending_ == Break::kNone ? Break::kLine : Break::kBlock;
      pre_start_ = space_ = false;
      prefix_.clear();
      continue;
    }
    pre_start_ = false;
    const size_t end = std::min(utf8.find('\n'), utf8.size());
    const std::string_view piece = utf8.substr(0, end);
    utf8.remove_prefix(end);
    // White space at a line's end is dropped; at its start it is the indentation.
    if (piece.find_first_not_of(" \t\r") != std::string_view::npos || pending_ == Break::kNone) {
      space_ = false;
      put(piece, line);
    } else {
      prefix_.append(piece);
    }
  }
}

void HtmlCollector::open_segment() {
  HtmlSegment segment;
  segment.begin = segment.end = static_cast<uint32_t>(page_.text.size());
  segment.before = page_.segments.empty() ? Break::kNone : pending_;
  segment.boilerplate = boilerplate_;
  segment.heading = heading_;
  segment.in_main = main_depth_ > 0;
  page_.segments.push_back(segment);
  segment_open_ = true;
}

void HtmlCollector::put(std::string_view piece, uint32_t line) {
  if (page_.text.size() + piece.size() + prefix_.size() + n_cell_marks_ * 3 + 2 > max_text_bytes_) {
    page_.overfull = true;
    return;
  }
  const bool line_start = pending_ != Break::kNone || page_.text.empty();
  if (!segment_open_ || line_start) open_segment();
  if (page_.lines.empty() || page_.lines.back().line != line) {
    page_.lines.push_back({static_cast<uint32_t>(page_.text.size()), line});
  }
  const size_t before = page_.text.size();
  if (n_cell_marks_ > 0) {
    for (; n_cell_marks_ > 0; --n_cell_marks_) page_.text.append(line_start ? "| " : " | ");
  } else if (space_ && !line_start) {
    page_.text.push_back(' ');
  }
  page_.text.append(prefix_).append(piece);
  page_.segments.back().end = static_cast<uint32_t>(page_.text.size());
  const uint64_t written = page_.text.size() - before;
  n_bytes_ += written;
  if (link_depth_ > 0) n_link_bytes_ += written;
  prefix_.clear();
  pending_ = Break::kNone;
  hold_break_ = false;
  space_ = false;
  if (cell_depth_ > 0) {
    row_has_lines_ = row_has_lines_ || (line_start && row_has_text_);
    row_has_text_ = true;
  }
}

void HtmlCollector::close_all() {
  while (!open_.empty()) end();
  demanded_break(Break::kBlock);
}

}  // namespace docmind::ingest

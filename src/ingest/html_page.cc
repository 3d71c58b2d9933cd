// HtmlPage: the text of a page in segments, and the choice of those that are content.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/html_page.h"

#include <algorithm>
#include <array>

#include "ingest/html_tags.h"
#include "ingest/utf8.h"

namespace docmind::ingest {
namespace {

constexpr uint64_t kSubstantialBytes = 200;
constexpr uint64_t kLongBytes = 2'000;

struct ElementChoice {
  uint8_t dropped = 0;  // Boilerplate bits that leave a segment out
  bool main_only = false;

  bool keeps(const HtmlSegment& segment) const {
    return (segment.boilerplate & dropped) == 0 && (!main_only || segment.in_main);
  }
};

void flag_link_runs(HtmlPage& page) {
  std::vector<int32_t> depth(page.segments.size() + 1, 0);
  for (const HtmlLinkRun& run : page.link_runs) {
    ++depth[run.begin];
    --depth[run.end];
  }
  int32_t open = 0;
  for (size_t i = 0; i < page.segments.size(); ++i) {
    open += depth[i];
    if (open > 0) page.segments[i].boilerplate |= kLinkList;
  }
}

uint64_t kept_bytes(const HtmlPage& page, const ElementChoice& choice) {
  uint64_t bytes = 0;
  for (const HtmlSegment& segment : page.segments) {
    if (choice.keeps(segment)) bytes += segment.end - segment.begin;
  }
  return bytes;
}

// Drops as much as leaves a page worth reading: everything suspicious, else all but link lists,
// else only what calls itself navigation, else nothing.
ElementChoice choose(const HtmlPage& page) {
  constexpr std::array<uint8_t, 3> kLevels = {kSemantic | kByWords | kLinkList,
                                              kSemantic | kByWords, kSemantic};
  const uint64_t everything = kept_bytes(page, {});
  const uint64_t outside_nav = kept_bytes(page, {.dropped = kSemantic});
  ElementChoice choice;
  for (const uint8_t level : kLevels) {
    const ElementChoice candidate{.dropped = level};
    const uint64_t kept = kept_bytes(page, candidate);
    if (kept == everything ||
        (kept >= kSubstantialBytes && (kept * 4 >= outside_nav || kept >= kLongBytes * 4) &&
         (kept * 4 >= everything || kept >= kLongBytes))) {
      choice = candidate;
      break;
    }
  }
  const uint64_t kept = kept_bytes(page, choice);
  const uint64_t in_main = kept_bytes(page, {.dropped = choice.dropped, .main_only = true});
  choice.main_only = in_main >= kSubstantialBytes && in_main * 4 >= kept;
  return choice;
}

class ContentWriter {
 public:
  ContentWriter(const HtmlPage& page, const ElementChoice& choice, TextBuilder& builder)
      : page_(page), choice_(choice), builder_(builder) {}

  void run() {
    uint8_t heading = 0;
    for (size_t i = 0; i < page_.segments.size(); ++i) {
      const HtmlSegment& segment = page_.segments[i];
      builder_.separate(segment.before);
      if (segment.before != Break::kNone) heading = 0;
      if (!choice_.keeps(segment)) continue;
      if (segment.heading != 0 && heading == 0) open_heading(i);
      heading = segment.heading;
      write(segment);
    }
  }

 private:
  void open_heading(size_t first) {
    std::string title;
    for (size_t i = first; i < page_.segments.size() && title.size() <= kMaxTitleBytes; ++i) {
      const HtmlSegment& segment = page_.segments[i];
      if (segment.heading == 0 || (i > first && segment.before == Break::kBlock)) break;
      if (choice_.keeps(segment)) title.append(text_of(segment));
    }
    builder_.mark(line_at(page_.segments[first].begin));
    builder_.heading(page_.segments[first].heading, title);
  }

  std::string_view text_of(const HtmlSegment& segment) const {
    return std::string_view(page_.text).substr(segment.begin, segment.end - segment.begin);
  }

  // Source line of the text at `offset`; offsets are asked for in ascending order.
  uint32_t line_at(uint32_t offset) {
    const auto& lines = page_.lines;
    while (next_line_ < lines.size() && lines[next_line_].offset <= offset) ++next_line_;
    return next_line_ == 0 ? 1 : lines[next_line_ - 1].line;
  }

  void write(const HtmlSegment& segment) {
    uint32_t at = segment.begin;
    // What was dropped in between may have left two spaces side by side.
    const bool after_space = builder_.last() == ' ' || builder_.last() == '\n';
    while (after_space && at < segment.end && page_.text[at] == ' ' && segment.before == Break::kNone) {
      ++at;
    }
    while (at < segment.end) {
      builder_.mark(line_at(at));
      uint32_t end = segment.end;
      if (next_line_ < page_.lines.size()) end = std::min(end, page_.lines[next_line_].offset);
      builder_.append(std::string_view(page_.text).substr(at, end - at));
      at = end;
    }
  }

  const HtmlPage& page_;
  const ElementChoice choice_;
  TextBuilder& builder_;
  size_t next_line_ = 0;
};

}  // namespace

void write_content(HtmlPage& page, TextBuilder& builder) {
  flag_link_runs(page);
  ContentWriter(page, choose(page), builder).run();
  Document& document = builder.document();
  document.title = one_line(page.title, kMaxTitleBytes);
  if (!document.title.empty()) return;
  const auto h1 = std::find_if(document.headings.begin(), document.headings.end(),
                               [](const Heading& heading) { return heading.level == 1; });
  if (h1 != document.headings.end()) document.title = h1->title;
}

}  // namespace docmind::ingest

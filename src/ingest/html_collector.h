// HtmlCollector: turns the events of an HTML parser into an HtmlPage.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ingest/html_page.h"
#include "ingest/html_tags.h"

namespace docmind::ingest {

// The attributes that matter; empty views when absent.
struct HtmlAttributes {
  std::string_view class_names;
  std::string_view id;
  std::string_view role;
  bool hidden = false;  // hidden, aria-hidden=true, display:none
};

// Feed start(), end() and text() in document order; end() closes the innermost open element.
class HtmlCollector {
 public:
  explicit HtmlCollector(uint64_t max_text_bytes) : max_text_bytes_(max_text_bytes) {}

  void start(std::string_view name, const HtmlAttributes& attributes);
  void end();
  // `line` is the source line of the first character.
  void text(std::string_view utf8, uint32_t line);
  // Forgets the open elements: what follows is read without their meaning.
  void close_all();

  [[nodiscard]] size_t depth() const { return open_.size(); }
  HtmlPage& page() { return page_; }

 private:
  // An open element and what the collector must restore when it closes.
  struct Open {
    TagInfo tag;
    uint8_t boilerplate_before = 0;
    uint8_t heading_before = 0;
    uint32_t list = 0;  // index + 1 into lists_
  };
  struct List {
    uint32_t first_segment = 0;
    uint64_t bytes = 0;
    uint64_t link_bytes = 0;
    uint32_t n_links = 0;
  };

  uint8_t judge(const TagInfo& tag, const HtmlAttributes& attributes);
  uint8_t judge_words(std::string_view attribute);
  void enter(const TagInfo& tag, Open& open);
  void leave(const Open& open);
  void open_list(Open& open);
  void close_list(const Open& open);
  void request_break(Break kind);
  void demanded_break(Break kind);
  void write_normal(std::string_view utf8, uint32_t line);
  void write_pre(std::string_view utf8, uint32_t line);
  void put(std::string_view piece, uint32_t line);
  void open_segment();
  void line_feed();

  HtmlPage page_;
  uint64_t max_text_bytes_;
  std::vector<Open> open_;
  std::vector<List> lists_;
  std::unordered_map<std::string, uint8_t> judged_;  // class names seen before

  Break pending_ = Break::kNone;
  bool hold_break_ = false;    // an item or a cell has just begun: its first block opens no break
  bool segment_open_ = false;
  bool space_ = false;         // white space seen since the last character
  bool pre_start_ = false;     // the line end right after <pre> is not content
  uint32_t n_cell_marks_ = 0;  // cell separators owed before the next character
  std::string prefix_;         // list bullet owed before the next character

  uint8_t boilerplate_ = 0;
  uint8_t heading_ = 0;
  uint32_t skip_depth_ = 0;
  uint32_t pre_depth_ = 0;
  uint32_t main_depth_ = 0;
  uint32_t cell_depth_ = 0;
  uint32_t list_depth_ = 0;
  uint32_t link_depth_ = 0;
  uint32_t title_depth_ = 0;
  bool row_has_text_ = false;
  bool row_has_lines_ = false;  // a cell of the row holds several lines
  uint64_t n_bytes_ = 0;
  uint64_t n_link_bytes_ = 0;
  uint32_t n_links_ = 0;
};

}  // namespace docmind::ingest

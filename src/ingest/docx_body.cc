// DocxBody: the events of word/document.xml into text, one mark per paragraph.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/docx_body.h"

#include <algorithm>
#include <array>

#include "ingest/utf8.h"

namespace docmind::ingest {
namespace {

// Elements whose content is not the text a reader of the document sees.
bool is_left_out(std::string_view name) {
  constexpr std::array<std::string_view, 9> kNames = {
      "del",     "moveFrom",    "Fallback",   "pPrChange", "rPrChange",
      "sectPrChange", "tblPrChange", "instrText", "delText",
  };
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace

void DocxBody::start(std::string_view name, const XmlAttributes& attributes) {
  if (skip_depth_ > 0 || is_left_out(name)) {
    ++skip_depth_;
    return;
  }
  if (name == "p") {
    open_.emplace_back().number = ++n_paragraphs_;
  } else if (name == "t") {
    in_text_ = true;
  } else if (name == "pPr") {
    in_properties_ = true;
  } else if (in_properties_) {
    property(name, attributes.get("val"));
  } else if (name == "tab") {
    put("\t");
  } else if (name == "br" || name == "cr") {
    put("\n");
  } else if (name == "noBreakHyphen") {
    put("-");
  } else if (name == "tbl") {
    if (++table_depth_ == 1) builder_.separate(Break::kBlock);
  } else if (name == "tr" && table_depth_ == 1) {
    builder_.separate(Break::kLine);
    row_has_text_ = false;
    n_tabs_ = 0;
  } else if (name == "tc" && table_depth_ == 1) {
    cell_has_text_ = false;
  } else if (name == "body") {
    saw_body_ = true;
  }
}

void DocxBody::property(std::string_view name, std::string_view value) {
  if (open_.empty()) return;
  Paragraph& paragraph = open_.back();
  if (name == "pStyle") {
    const DocxStyles::Meaning meaning = styles_.meaning(value);
    paragraph.title = meaning.title;
    if (paragraph.level == 0) paragraph.level = meaning.level;
  } else if (name == "outlineLvl") {
    paragraph.level = outline_level(value);
  } else if (name == "numId") {
    paragraph.list = value != "0";
  } else if (name == "ilvl" && value.size() == 1 && value[0] >= '0' && value[0] <= '9') {
    paragraph.indent = static_cast<uint8_t>(std::min(value[0] - '0', 4));
  }
}

void DocxBody::end(std::string_view name) {
  if (skip_depth_ > 0) {
    --skip_depth_;
    return;
  }
  if (name == "p" && !open_.empty()) {
    const Paragraph paragraph = std::move(open_.back());
    open_.pop_back();
    if (table_depth_ > 0) {
      write_in_cell(paragraph);
    } else {
      write(paragraph);
    }
  } else if (name == "t") {
    in_text_ = false;
  } else if (name == "pPr") {
    in_properties_ = false;
  } else if (name == "tbl" && table_depth_ > 0) {
    if (--table_depth_ == 0) builder_.separate(Break::kBlock);
  } else if (name == "tc" && table_depth_ == 1) {
    ++n_tabs_;
  } else if (name == "tr" && table_depth_ == 1) {
    builder_.separate(Break::kLine);
  }
}

void DocxBody::text(std::string_view utf8) {
  if (in_text_ && skip_depth_ == 0) put(utf8);
}

void DocxBody::put(std::string_view text) {
  if (!open_.empty() && !builder_.full()) open_.back().text.append(text);
}

void DocxBody::write(const Paragraph& paragraph) {
  if (trim(paragraph.text).empty()) return;
  std::string_view text = paragraph.text;
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) text.remove_suffix(1);
  const bool item = paragraph.list && paragraph.level == 0;
  builder_.separate(item && last_was_item_ ? Break::kLine : Break::kBlock);
  last_was_item_ = item;
  builder_.mark(paragraph.number);
  if (paragraph.level > 0) {
    builder_.heading(paragraph.level, text);
    if (first_heading_.empty() && paragraph.level == 1) {
      first_heading_ = one_line(text, kMaxTitleBytes);
    }
  }
  if (paragraph.title && styled_title_.empty()) styled_title_ = one_line(text, kMaxTitleBytes);
  if (item) builder_.append(std::string(size_t{2} * paragraph.indent, ' ') + "- ");
  builder_.append(text);
}

// Cells stand behind each other, separated by tabs; the paragraphs of one cell by spaces.
void DocxBody::write_in_cell(const Paragraph& paragraph) {
  std::string text(trim(paragraph.text));
  if (text.empty()) return;
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::replace(text.begin(), text.end(), '\t', ' ');
  builder_.mark(paragraph.number);
  std::string before;
  if (cell_has_text_) {
    before = " ";
  } else if (row_has_text_) {
    before.assign(n_tabs_, '\t');
  }
  builder_.append(before + text);
  n_tabs_ = 0;
  row_has_text_ = cell_has_text_ = true;
  last_was_item_ = false;
}

Status DocxBody::check() {
  if (!builder_.full()) return {};
  return text_limit_error(0, static_cast<int64_t>(builder_.limit_bytes()));
}

}  // namespace docmind::ingest

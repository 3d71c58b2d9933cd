// DocxBody: the events of word/document.xml into text, one mark per paragraph.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/docx_styles.h"
#include "ingest/text_builder.h"
#include "ingest/xml_sax.h"

namespace docmind::ingest {

// Paragraphs are numbered in document order, empty ones and those in tables included. Deleted text,
// comments and the fallbacks of drawings are left out. `styles` and `builder` are borrowed.
class DocxBody final : public XmlHandler {
 public:
  DocxBody(const DocxStyles& styles, TextBuilder& builder) : styles_(styles), builder_(builder) {}

  void start(std::string_view name, const XmlAttributes& attributes) override;
  void end(std::string_view name) override;
  void text(std::string_view utf8) override;
  Status check() override;

  // Text of the first paragraph in style "Title", or else of the first heading of level 1.
  [[nodiscard]] const std::string& title() const {
    return styled_title_.empty() ? first_heading_ : styled_title_;
  }
  [[nodiscard]] bool saw_body() const { return saw_body_; }

 private:
  struct Paragraph {
    uint32_t number = 0;
    uint8_t level = 0;
    bool title = false;
    bool list = false;
    uint8_t indent = 0;
    std::string text;
  };
  void property(std::string_view name, std::string_view value);
  void write(const Paragraph& paragraph);
  void write_in_cell(const Paragraph& paragraph);
  void put(std::string_view text);

  const DocxStyles& styles_;
  TextBuilder& builder_;
  std::vector<Paragraph> open_;  // text boxes hold paragraphs inside paragraphs
  uint32_t n_paragraphs_ = 0;
  int skip_depth_ = 0;  // open elements inside one whose content is left out
  int table_depth_ = 0;
  bool in_text_ = false;
  bool in_properties_ = false;
  bool saw_body_ = false;
  bool last_was_item_ = false;
  bool row_has_text_ = false;
  bool cell_has_text_ = false;
  uint32_t n_tabs_ = 0;  // cell ends since the row's last text
  std::string styled_title_;
  std::string first_heading_;
};

}  // namespace docmind::ingest

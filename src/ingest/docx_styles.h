// Which paragraph styles of a DOCX are headings, from word/styles.xml.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "ingest/xml_sax.h"

namespace docmind::ingest {

// Style id -> what it means. Feed styles.xml through it as an XmlHandler, then look up.
class DocxStyles final : public XmlHandler {
 public:
  struct Meaning {
    uint8_t level = 0;  // heading level 1..9; 0 for body text
    bool title = false;
  };
  // Follows `basedOn` up to ten steps. Ids like "Heading2" work without a style sheet.
  [[nodiscard]] Meaning meaning(std::string_view style_id) const;

  void start(std::string_view name, const XmlAttributes& attributes) override;
  void end(std::string_view name) override;
  void text(std::string_view) override {}
  Status check() override { return {}; }

 private:
  struct Style {
    std::string based_on;
    uint8_t level = 0;
    bool body = false;  // outlineLvl 9: explicitly not a heading
    bool title = false;
  };
  std::map<std::string, Style, std::less<>> styles_;
  Style* current_ = nullptr;
};

// Heading level of a style name ("heading 2", "Heading2"); 0 for others.
[[nodiscard]] uint8_t heading_level_of_name(std::string_view name);

// Level from a w:outlineLvl value: 1..9, 0 for body text and for values out of range.
[[nodiscard]] uint8_t outline_level(std::string_view value);

}  // namespace docmind::ingest

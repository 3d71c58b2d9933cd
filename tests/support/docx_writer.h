// Writes small DOCX files and other zip archives, for tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace docmind::test {

// Name and content of an archive entry.
using ZipEntries = std::vector<std::pair<std::string, std::string>>;

// A zip archive with deflated entries in this order.
[[nodiscard]] std::string make_zip(const ZipEntries& entries);

// A w:p with one run; `style` is a style id ("Heading1"), empty for body text. `text` is escaped.
[[nodiscard]] std::string docx_paragraph(std::string_view text, std::string_view style = {});

// word/document.xml around the content of w:body.
[[nodiscard]] std::string docx_document_xml(std::string_view body);

struct DocxOptions {
  std::string title{};   // dc:title of the core properties; empty: no core properties
  std::string styles{};  // content of w:styles; empty: no style sheet
};

// A DOCX whose w:body holds `body`.
[[nodiscard]] std::string make_docx(std::string_view body, const DocxOptions& options = {});

}  // namespace docmind::test

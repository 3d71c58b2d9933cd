// Writes small, valid PDF files with given text, for tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace docmind::test {

// A line of text with its left end at (x, y), in points from the lower left corner of the page.
struct PdfText {
  double x = 72;
  double y = 720;
  std::string text{};  // UTF-8; characters outside Latin-1 become '?'
};
using PdfPageTexts = std::vector<PdfText>;

struct PdfOptions {
  std::string title{};                 // of the document information; empty: none
  std::vector<std::string> outline{};  // top-level entries, all pointing at the first page
  bool encrypted = false;              // asks for a password that nobody knows
};

// A page whose lines stand below each other from the top; an empty line leaves a wider gap.
[[nodiscard]] PdfPageTexts pdf_page(std::string_view lines);

// A document from one string of lines per page.
[[nodiscard]] std::string make_pdf(const std::vector<std::string>& pages,
                                   const PdfOptions& options = {});
// The same with a place for each line.
[[nodiscard]] std::string make_placed_pdf(const std::vector<PdfPageTexts>& pages,
                                          const PdfOptions& options = {});

}  // namespace docmind::test

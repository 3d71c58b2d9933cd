// Writes small, valid PDF files with given text, for tests.
// SPDX-License-Identifier: Apache-2.0
#include "support/pdf_writer.h"

#include <fmt/format.h>

#include <algorithm>

namespace docmind::test {
namespace {

std::string literal(std::string_view utf8) {
  std::string out = "(";
  for (size_t i = 0; i < utf8.size(); ++i) {
    const auto c = static_cast<unsigned char>(utf8[i]);
    if (c == '(' || c == ')' || c == '\\') {
      out += fmt::format("\\{}", utf8[i]);
    } else if (c < 0x80) {
      out.push_back(utf8[i]);
    } else if ((c == 0xC2 || c == 0xC3) && i + 1 < utf8.size()) {
      const auto low = static_cast<unsigned char>(utf8[++i]) & 0x3F;
      out += fmt::format("\\{:03o}", ((c & 3) << 6) | low);
    } else if ((c & 0xC0) != 0x80) {
      out.push_back('?');
    }
  }
  return out + ")";
}

// Numbered objects with the cross-reference table that points at them.
class Objects {
 public:
  // Adds the next object; returns its number.
  int add(const std::string& body) {
    offsets_.push_back(bytes_.size());
    bytes_ += fmt::format("{} 0 obj\n{}\nendobj\n", offsets_.size(), body);
    return static_cast<int>(offsets_.size());
  }
  int next() const { return static_cast<int>(offsets_.size()) + 1; }
  std::string finish(const std::string& trailer) {
    const size_t xref = bytes_.size();
    bytes_ += fmt::format("xref\n0 {}\n0000000000 65535 f \n", offsets_.size() + 1);
    for (const size_t offset : offsets_) bytes_ += fmt::format("{:010} 00000 n \n", offset);
    bytes_ += fmt::format("trailer\n<< /Size {} {} >>\nstartxref\n{}\n%%EOF\n", offsets_.size() + 1,
                          trailer, xref);
    return bytes_;
  }

 private:
  std::string bytes_ = "%PDF-1.4\n%\xE2\xE3\xCF\xD3\n";
  std::vector<size_t> offsets_;
};

std::string content_stream(const PdfPageTexts& page) {
  std::string stream = "BT /F1 10 Tf\n";
  for (const PdfText& text : page) {
    stream += fmt::format("1 0 0 1 {:.1f} {:.1f} Tm {} Tj\n", text.x, text.y, literal(text.text));
  }
  stream += "ET\n";
  return fmt::format("<< /Length {} >>\nstream\n{}endstream", stream.size(), stream);
}

// Adds the outline and returns its number.
int add_outline(Objects& objects, const std::vector<std::string>& titles, int first_page) {
  const int root = objects.next();
  const int n = static_cast<int>(titles.size());
  objects.add(fmt::format("<< /Type /Outlines /First {} 0 R /Last {} 0 R /Count {} >>", root + 1,
                          root + n, n));
  for (int i = 0; i < n; ++i) {
    std::string entry = fmt::format("<< /Title {} /Parent {} 0 R /Dest [{} 0 R /Fit]",
                                    literal(titles[static_cast<size_t>(i)]), root, first_page);
    if (i > 0) entry += fmt::format(" /Prev {} 0 R", root + i);
    if (i + 1 < n) entry += fmt::format(" /Next {} 0 R", root + i + 2);
    objects.add(entry + " >>");
  }
  return root;
}

}  // namespace

PdfPageTexts pdf_page(std::string_view lines) {
  constexpr double kTop = 740;
  constexpr double kLineHeight = 12;
  constexpr double kGap = 14;
  PdfPageTexts page;
  double y = kTop;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    if (end == 0) {
      y -= kGap;
    } else {
      page.push_back({.x = 72, .y = y, .text = std::string(lines.substr(0, end))});
      y -= kLineHeight;
    }
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return page;
}

std::string make_placed_pdf(const std::vector<PdfPageTexts>& pages, const PdfOptions& options) {
  Objects objects;
  const int font = objects.add(
      "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>");
  const int tree = font + 1 + static_cast<int>(pages.size()) * 2;
  std::string kids;
  int first_page = 0;
  for (const PdfPageTexts& page : pages) {
    const int content = objects.add(content_stream(page));
    const int number = objects.add(fmt::format(
        "<< /Type /Page /Parent {} 0 R /MediaBox [0 0 612 792] /Contents {} 0 R "
        "/Resources << /Font << /F1 {} 0 R >> >> >>",
        tree, content, font));
    kids += fmt::format("{} 0 R ", number);
    if (first_page == 0) first_page = number;
  }
  objects.add(fmt::format("<< /Type /Pages /Kids [{}] /Count {} >>", kids, pages.size()));
  std::string catalog = fmt::format("<< /Type /Catalog /Pages {} 0 R", tree);
  if (!options.outline.empty()) {
    catalog += fmt::format(" /Outlines {} 0 R", add_outline(objects, options.outline, first_page));
  }
  std::string trailer = fmt::format("/Root {} 0 R", objects.add(catalog + " >>"));
  if (!options.title.empty()) {
    const int info = objects.add(fmt::format("<< /Title {} >>", literal(options.title)));
    trailer += fmt::format(" /Info {} 0 R", info);
  }
  if (options.encrypted) {
    // No password gives this verifier, so every attempt to open the file fails.
    const std::string nonsense(64, 'A');
    const int encrypt = objects.add(fmt::format(
        "<< /Filter /Standard /V 1 /R 2 /O <{}> /U <{}> /P -4 >>", nonsense, nonsense));
    trailer += fmt::format(" /Encrypt {} 0 R /ID [<{}> <{}>]", encrypt, nonsense.substr(0, 32),
                           nonsense.substr(0, 32));
  }
  return objects.finish(trailer);
}

std::string make_pdf(const std::vector<std::string>& pages, const PdfOptions& options) {
  std::vector<PdfPageTexts> laid_out;
  laid_out.reserve(pages.size());
  for (const std::string& page : pages) laid_out.push_back(pdf_page(page));
  return make_placed_pdf(laid_out, options);
}

}  // namespace docmind::test

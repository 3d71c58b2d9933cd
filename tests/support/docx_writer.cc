// Writes small DOCX files and other zip archives, for tests.
// SPDX-License-Identifier: Apache-2.0
#include "support/docx_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

namespace docmind::test {
namespace {

constexpr std::string_view kXmlHead = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
constexpr std::string_view kWordNamespace =
    "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" "
    "xmlns:mc=\"http://schemas.openxmlformats.org/markup-compatibility/2006\"";

la_ssize_t append(archive*, void* out, const void* bytes, size_t n_bytes) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(bytes), n_bytes);
  return static_cast<la_ssize_t>(n_bytes);
}

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out.push_back(c);
    }
  }
  return out;
}

}  // namespace

std::string make_zip(const ZipEntries& entries) {
  std::string bytes;
  archive* writer = archive_write_new();
  archive_write_set_format_zip(writer);
  archive_write_set_bytes_in_last_block(writer, 1);
  EXPECT_EQ(archive_write_open(writer, &bytes, nullptr, append, nullptr), ARCHIVE_OK);
  for (const auto& [name, content] : entries) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    EXPECT_EQ(archive_write_header(writer, entry), ARCHIVE_OK);
    EXPECT_EQ(archive_write_data(writer, content.data(), content.size()),
              static_cast<la_ssize_t>(content.size()));
    archive_entry_free(entry);
  }
  EXPECT_EQ(archive_write_close(writer), ARCHIVE_OK);
  archive_write_free(writer);
  return bytes;
}

std::string docx_paragraph(std::string_view text, std::string_view style) {
  std::string xml = "<w:p>";
  if (!style.empty()) {
    xml += "<w:pPr><w:pStyle w:val=\"" + escape(style) + "\"/></w:pPr>";
  }
  return xml + "<w:r><w:t xml:space=\"preserve\">" + escape(text) + "</w:t></w:r></w:p>";
}

std::string docx_document_xml(std::string_view body) {
  return std::string(kXmlHead) + "<w:document " + std::string(kWordNamespace) + "><w:body>" +
         std::string(body) + "<w:sectPr/></w:body></w:document>";
}

std::string make_docx(std::string_view body, const DocxOptions& options) {
  ZipEntries entries = {
      {"[Content_Types].xml",
       std::string(kXmlHead) +
           "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>"},
      {"word/document.xml", docx_document_xml(body)},
  };
  if (!options.styles.empty()) {
    entries.emplace_back("word/styles.xml", std::string(kXmlHead) + "<w:styles " +
                                                std::string(kWordNamespace) + ">" + options.styles +
                                                "</w:styles>");
  }
  if (!options.title.empty()) {
    entries.emplace_back(
        "docProps/core.xml",
        std::string(kXmlHead) +
            "<cp:coreProperties xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/"
            "core-properties\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:title>" +
            escape(options.title) + "</dc:title></cp:coreProperties>");
  }
  return make_zip(entries);
}

}  // namespace docmind::test

// Reads DOCX: word/document.xml streamed out of the zip into a SAX parser; headings from styles.
// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include "ingest/docx_body.h"
#include "ingest/docx_styles.h"
#include "ingest/reader.h"
#include "ingest/text_builder.h"
#include "ingest/utf8.h"
#include "ingest/xml_sax.h"
#include "ingest/zip_archive.h"

namespace docmind::ingest {
namespace {

// dc:title of docProps/core.xml.
class CoreProperties final : public XmlHandler {
 public:
  void start(std::string_view name, const XmlAttributes&) override { in_title_ = name == "title"; }
  void end(std::string_view) override { in_title_ = false; }
  void text(std::string_view utf8) override {
    constexpr size_t kMaxBytes = 4096;
    if (in_title_ && title_.size() + utf8.size() <= kMaxBytes) title_.append(utf8);
  }
  Status check() override { return {}; }
  std::string title() const { return one_line(title_, kMaxTitleBytes); }

 private:
  bool in_title_ = false;
  std::string title_;
};

// What the first walk over the archive finds.
struct Package {
  std::string document;  // name of the main part; Word writes "document2.xml" at times
  std::string other;     // what it is instead of a DOCX, for the error
  DocxStyles styles;
  CoreProperties core;
};

bool is_main_part(std::string_view name) {
  constexpr std::string_view kStart = "word/document";
  return name.starts_with(kStart) && name.ends_with(".xml") &&
         name.find('/', kStart.size()) == std::string_view::npos;
}

std::string_view other_kind(std::string_view name) {
  if (name.starts_with("xl/workbook")) return "an Excel workbook";
  if (name.starts_with("ppt/presentation")) return "a PowerPoint presentation";
  if (name == "content.xml" || name == "mimetype") return "an OpenDocument or EPUB file";
  return {};
}

// Reads the style sheet and the properties, and finds the main part.
Status read_package(ZipArchive& archive, const ReadLimits& limits, Package& package) {
  std::unique_ptr<XmlPushParser> parser;
  const auto on_entry = [&](std::string_view name) {
    if (is_main_part(name) && (package.document.empty() || name == "word/document.xml")) {
      package.document = name;
    }
    if (const std::string_view kind = other_kind(name); !kind.empty()) package.other = kind;
    const bool styles = name == "word/styles.xml";
    if (!styles && name != "docProps/core.xml") return ZipArchive::Visit::kSkip;
    XmlHandler& handler = styles ? static_cast<XmlHandler&>(package.styles) : package.core;
    parser = std::make_unique<XmlPushParser>(std::string(name), handler, limits.max_depth);
    return ZipArchive::Visit::kRead;
  };
  return archive.walk(
      on_entry, [&](std::string_view piece) { return parser->feed(piece); },
      [&] { return parser->finish(); });
}

Status read_main_part(ZipArchive& archive, const std::string& part, const ReadLimits& limits,
                      DocxBody& body) {
  XmlPushParser parser(part, body, limits.max_depth);
  bool done = false;
  const auto on_entry = [&](std::string_view name) {
    if (done) return ZipArchive::Visit::kStop;
    return name == part ? ZipArchive::Visit::kRead : ZipArchive::Visit::kSkip;
  };
  return archive.walk(
      on_entry, [&](std::string_view piece) { return parser.feed(piece); },
      [&] {
        done = true;
        return parser.finish();
      });
}

}  // namespace

Result<Document> read_docx(std::string_view bytes, const ReadLimits& limits) {
  if (bytes.starts_with("\xD0\xCF\x11\xE0")) {
    return Error{ErrorCode::kUnsupported,
                 "the DOCX is encrypted, or an old Word file; save it as DOCX without a password"};
  }
  if (!bytes.starts_with("PK")) {
    return Error{ErrorCode::kMalformed, "the file is not a DOCX: it does not start like a zip archive"};
  }
  ZipArchive archive(bytes, limits);
  Package package;
  DM_TRY(read_package(archive, limits, package));
  if (package.document.empty()) {
    return Error{ErrorCode::kUnsupported,
                 "the archive is not a DOCX but " +
                     (package.other.empty() ? std::string("has no word/document.xml") : package.other)};
  }
  TextBuilder builder(Format::kDocx, limits);
  DocxBody body(package.styles, builder);
  DM_TRY(read_main_part(archive, package.document, limits, body));
  if (!body.saw_body()) {
    return Error{ErrorCode::kMalformed, package.document + " has no document body"};
  }
  DM_ASSIGN(Document document, std::move(builder).finish());
  document.title = package.core.title();
  if (document.title.empty()) document.title = body.title();
  document.encoding = "UTF-8";
  return document;
}

}  // namespace docmind::ingest

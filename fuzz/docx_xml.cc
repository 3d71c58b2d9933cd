// Fuzzes the XML of a DOCX without the archive around it: main part, form feed, style sheet.
// SPDX-License-Identifier: Apache-2.0
#include "fuzz/check_document.h"
#include "ingest/docx_body.h"
#include "ingest/docx_styles.h"
#include "ingest/text_builder.h"
#include "ingest/xml_sax.h"

namespace docmind::fuzz {
namespace {

// Two pieces, since a parser that is fed may stop anywhere.
Status parse(std::string_view xml, ingest::XmlHandler& handler, int max_depth) {
  ingest::XmlPushParser parser("part.xml", handler, max_depth);
  DM_TRY(parser.feed(xml.substr(0, xml.size() / 2)));
  DM_TRY(parser.feed(xml.substr(xml.size() / 2)));
  return parser.finish();
}

void check_parts(std::string_view body_xml, std::string_view styles_xml) {
  const ingest::ReadLimits limits = small_limits();
  ingest::DocxStyles styles;
  // A style sheet that breaks off leaves the styles before; the body must cope with any.
  (void)parse(styles_xml, styles, limits.max_depth).ok();
  ingest::TextBuilder builder(ingest::Format::kDocx, limits);
  ingest::DocxBody body(styles, builder);
  const Status parsed = parse(body_xml, body, limits.max_depth);
  if (!parsed.ok()) require(parsed.error().code != ErrorCode::kInternal, parsed.error().message);
  Result<ingest::Document> document = std::move(builder).finish();
  if (!document.ok()) return;
  document->title = body.title();
  check_document(*document, limits);
}

}  // namespace
}  // namespace docmind::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest = docmind::fuzz::as_text(data, size);
  const std::string_view body = docmind::fuzz::take_part(rest, docmind::fuzz::kPartSeparator);
  docmind::fuzz::check_parts(body, rest);
  return 0;
}

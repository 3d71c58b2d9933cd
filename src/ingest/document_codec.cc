// The wire form of a Document; decoding trusts nothing, since a hostile file may own the sender.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ingest/utf8.h"
#include "ingest/wire.h"
#include "ingest/worker.h"

namespace docmind::ingest {
namespace {

constexpr uint32_t kDocumentMagic = 0x31434D44;  // "DMC1"
constexpr size_t kMarkBytes = 12;
constexpr size_t kHeadingMinBytes = 9;
constexpr size_t kStringMinBytes = 4;
constexpr size_t kMaxWarnings = 1'000;

Error bad(std::string_view what) {
  return Error{ErrorCode::kMalformed, "the encoded document is damaged: " + std::string(what)};
}

// Clean text for people: valid UTF-8 without NUL.
bool is_clean(std::string_view text) {
  return text.find('\0') == std::string_view::npos && is_valid_utf8(text);
}

bool starts_sequence(std::string_view text, uint32_t offset) {
  return offset < text.size() && (static_cast<unsigned char>(text[offset]) & 0xC0) != 0x80;
}

Status decode_marks(WireReader& in, Document& document) {
  const uint32_t n = in.count(kMarkBytes);
  if (!in.ok()) return bad("more marks than bytes");
  if (document.text.empty() != (n == 0)) return bad("marks and text do not go together");
  document.marks.reserve(n);
  for (uint32_t i = 0; i < n; ++i) {
    SourceMark mark;
    mark.offset = in.u32();
    mark.line = in.u32();
    mark.page = in.u32();
    const bool sorted = i == 0 ? mark.offset == 0 : mark.offset > document.marks.back().offset;
    if (!sorted) return bad("marks out of order");
    if (!starts_sequence(document.text, mark.offset)) return bad("a mark outside the text");
    if (mark.line == 0) return bad("a mark with line 0");
    document.marks.push_back(mark);
  }
  return {};
}

Status decode_headings(WireReader& in, Document& document) {
  const uint32_t n = in.count(kHeadingMinBytes);
  if (!in.ok()) return bad("more headings than bytes");
  for (uint32_t i = 0; i < n; ++i) {
    Heading heading;
    heading.offset = in.u32();
    heading.level = in.u8();
    heading.title = in.string();
    const bool sorted = i == 0 || heading.offset >= document.headings.back().offset;
    if (!sorted) return bad("headings out of order");
    if (!starts_sequence(document.text, heading.offset)) return bad("a heading outside the text");
    if (heading.level == 0) return bad("a heading of level 0");
    if (!is_clean(heading.title)) return bad("a heading that is not clean UTF-8");
    document.headings.push_back(std::move(heading));
  }
  return {};
}

Status decode_warnings(WireReader& in, Document& document) {
  const uint32_t n = in.count(kStringMinBytes);
  if (!in.ok() || n > kMaxWarnings) return bad("more warnings than can be right");
  for (uint32_t i = 0; i < n; ++i) {
    document.warnings.emplace_back(in.string());
    if (!is_clean(document.warnings.back())) return bad("a warning that is not clean UTF-8");
  }
  return {};
}

}  // namespace

std::string encode_document(const Document& document) {
  WireWriter out;
  out.u32(kDocumentMagic);
  out.u8(static_cast<uint8_t>(document.format));
  out.string(document.title);
  out.string(document.encoding);
  out.string(document.text);
  out.u32(static_cast<uint32_t>(document.marks.size()));
  for (const SourceMark& mark : document.marks) {
    out.u32(mark.offset);
    out.u32(mark.line);
    out.u32(mark.page);
  }
  out.u32(static_cast<uint32_t>(document.headings.size()));
  for (const Heading& heading : document.headings) {
    out.u32(heading.offset);
    out.u8(heading.level);
    out.string(heading.title);
  }
  const size_t n_warnings = std::min(document.warnings.size(), kMaxWarnings);
  out.u32(static_cast<uint32_t>(n_warnings));
  for (size_t i = 0; i < n_warnings; ++i) out.string(document.warnings[i]);
  return out.take();
}

Result<Document> decode_document(std::string_view bytes) {
  WireReader in(bytes);
  if (in.u32() != kDocumentMagic) return bad("wrong magic number");
  Document document;
  const uint8_t format = in.u8();
  if (format > static_cast<uint8_t>(Format::kDocx)) return bad("unknown format");
  document.format = static_cast<Format>(format);
  document.title = in.string();
  document.encoding = in.string();
  document.text = in.string();
  if (!in.ok()) return bad("it ends in the middle");
  if (!is_clean(document.title) || !is_clean(document.encoding) || !is_clean(document.text)) {
    return bad("text that is not clean UTF-8");
  }
  DM_TRY(decode_marks(in, document));
  DM_TRY(decode_headings(in, document));
  DM_TRY(decode_warnings(in, document));
  if (!in.ok()) return bad("it ends in the middle");
  if (!in.at_end()) return bad("bytes behind its end");
  return document;
}

}  // namespace docmind::ingest

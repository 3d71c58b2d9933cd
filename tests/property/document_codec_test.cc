// The wire form of documents: what goes in comes out, and damage never passes unnoticed as disorder.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <set>
#include <string>

#include "ingest/utf8.h"
#include "ingest/worker.h"

namespace docmind::ingest {
namespace {

std::string any_text(size_t max_chars) {
  const auto points = *rc::gen::container<std::vector<uint32_t>>(
      *rc::gen::inRange<size_t>(0, max_chars),
      rc::gen::oneOf(rc::gen::inRange<uint32_t>(0x20, 0x7F), rc::gen::inRange<uint32_t>(1, 0xD800),
                     rc::gen::inRange<uint32_t>(0xE000, 0x110000)));
  std::string text;
  for (const uint32_t point : points) append_utf8(text, point);
  return text;
}

// Sorted offsets of characters of the text, each once.
std::set<uint32_t> any_offsets(const std::string& text) {
  std::set<uint32_t> offsets;
  for (uint32_t i = 0; i < text.size(); ++i) {
    const bool first = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (first && *rc::gen::inRange(0, 4) == 0) offsets.insert(i);
  }
  return offsets;
}

Document any_document() {
  Document document;
  document.format = static_cast<Format>(*rc::gen::inRange(0, 5));
  document.title = any_text(20);
  document.encoding = *rc::gen::element<std::string>("", "UTF-8", "windows-1252");
  document.text = any_text(80);
  std::set<uint32_t> offsets = any_offsets(document.text);
  if (!document.text.empty()) offsets.insert(0);
  for (const uint32_t offset : offsets) {
    document.marks.push_back({.offset = offset,
                              .line = *rc::gen::inRange<uint32_t>(1, 0xFFFFFFFF),
                              .page = *rc::gen::inRange<uint32_t>(0, 0xFFFFFFFF)});
  }
  for (const uint32_t offset : any_offsets(document.text)) {
    document.headings.push_back({.offset = offset,
                                 .level = static_cast<uint8_t>(*rc::gen::inRange(1, 10)),
                                 .title = any_text(10)});
  }
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) document.warnings.push_back(any_text(15));
  return document;
}

void require_equal(const Document& a, const Document& b) {
  RC_ASSERT(a.format == b.format);
  RC_ASSERT(a.title == b.title);
  RC_ASSERT(a.encoding == b.encoding);
  RC_ASSERT(a.text == b.text);
  RC_ASSERT(a.warnings == b.warnings);
  RC_ASSERT(std::equal(a.marks.begin(), a.marks.end(), b.marks.begin(), b.marks.end(),
                       [](const SourceMark& x, const SourceMark& y) {
                         return x.offset == y.offset && x.line == y.line && x.page == y.page;
                       }));
  RC_ASSERT(std::equal(a.headings.begin(), a.headings.end(), b.headings.begin(), b.headings.end(),
                       [](const Heading& x, const Heading& y) {
                         return x.offset == y.offset && x.level == y.level && x.title == y.title;
                       }));
}

// What a decoded document promises, whatever the bytes were.
void require_sound(const Document& document) {
  RC_ASSERT(is_valid_utf8(document.text) && is_valid_utf8(document.title));
  RC_ASSERT(document.text.find('\0') == std::string::npos);
  RC_ASSERT(document.marks.empty() == document.text.empty());
  for (size_t i = 0; i < document.marks.size(); ++i) {
    RC_ASSERT(document.marks[i].offset < document.text.size());
    const bool in_order = i == 0 ? document.marks[i].offset == 0
                                 : document.marks[i].offset > document.marks[i - 1].offset;
    RC_ASSERT(in_order);
  }
  for (size_t i = 0; i < document.headings.size(); ++i) {
    RC_ASSERT(document.headings[i].offset < document.text.size());
    const bool in_order =
        i == 0 || document.headings[i].offset >= document.headings[i - 1].offset;
    RC_ASSERT(in_order);
  }
}

TEST(DocumentCodec, RoundTrip) {
  EXPECT_TRUE(rc::check("decode(encode(d)) == d", [] {
    const Document document = any_document();
    const auto decoded = decode_document(encode_document(document));
    RC_ASSERT(decoded.ok());
    require_equal(document, *decoded);
  }));
}

TEST(DocumentCodec, EveryPrefixIsRefused) {
  EXPECT_TRUE(rc::check("a cut encoding is an error", [] {
    const std::string bytes = encode_document(any_document());
    const size_t size = *rc::gen::inRange<size_t>(0, bytes.size());
    const auto decoded = decode_document(std::string_view(bytes).substr(0, size));
    RC_ASSERT(!decoded.ok());
    RC_ASSERT(decoded.error().code == ErrorCode::kMalformed);
    RC_ASSERT(!decode_document(bytes + "x").ok());
  }));
}

TEST(DocumentCodec, DamageGivesAnErrorOrASoundDocument) {
  EXPECT_TRUE(rc::check("changed bytes", [] {
    std::string bytes = encode_document(any_document());
    for (int i = *rc::gen::inRange(1, 6); i > 0; --i) {
      bytes[*rc::gen::inRange<size_t>(0, bytes.size())] = static_cast<char>(*rc::gen::inRange(0, 256));
    }
    const auto decoded = decode_document(bytes);
    if (decoded.ok()) require_sound(*decoded);
  }));
}

TEST(DocumentCodec, NamedDisordersAreRefused) {
  Document good;
  good.text = "h\xC3\xA9llo";
  good.marks = {{0, 1, 0}, {3, 2, 0}};
  good.headings = {{0, 1, "h"}};
  ASSERT_TRUE(decode_document(encode_document(good)).ok());
  const auto refused = [&](auto&& change) {
    Document bad = good;
    change(bad);
    const auto decoded = decode_document(encode_document(bad));
    return !decoded.ok() && decoded.error().code == ErrorCode::kMalformed;
  };
  EXPECT_TRUE(refused([](Document& d) { d.marks[1].offset = 0; }));
  EXPECT_TRUE(refused([](Document& d) { d.marks[1].offset = 2; }));  // inside a character
  EXPECT_TRUE(refused([](Document& d) { d.marks[1].offset = 6; }));
  EXPECT_TRUE(refused([](Document& d) { d.marks[0].offset = 1; }));
  EXPECT_TRUE(refused([](Document& d) { d.marks[0].line = 0; }));
  EXPECT_TRUE(refused([](Document& d) { d.marks.clear(); }));
  EXPECT_TRUE(refused([](Document& d) { d.text[4] = '\0'; }));
  EXPECT_TRUE(refused([](Document& d) { d.text[4] = '\xFF'; }));
  EXPECT_TRUE(refused([](Document& d) { d.title = "\xC3"; }));
  EXPECT_TRUE(refused([](Document& d) { d.headings[0].offset = 100; }));
  EXPECT_TRUE(refused([](Document& d) { d.headings[0].level = 0; }));
  EXPECT_TRUE(refused([](Document& d) { d.headings[0].title = "\xFE"; }));
  EXPECT_TRUE(refused([](Document& d) { d.headings = {{3, 1, "a"}, {0, 1, "b"}}; }));
  EXPECT_TRUE(refused([](Document& d) { d.format = static_cast<Format>(9); }));
}

}  // namespace
}  // namespace docmind::ingest

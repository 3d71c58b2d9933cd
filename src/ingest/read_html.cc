// Reads HTML with libxml2's push parser: no tree, exact source lines, bounded work.
// SPDX-License-Identifier: Apache-2.0
#include <libxml/HTMLparser.h>
#include <libxml/SAX2.h>

#include <algorithm>
#include <memory>

#include "ingest/html_collector.h"
#include "ingest/html_page.h"
#include "ingest/html_scan.h"
#include "ingest/reader.h"
#include "ingest/text_builder.h"
#include "ingest/utf8.h"

namespace docmind::ingest {
namespace {

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

struct FreeParser {
  void operator()(htmlParserCtxt* parser) const { htmlFreeParserCtxt(parser); }
};

HtmlAttributes pick_attributes(const xmlChar** attributes) {
  HtmlAttributes found;
  for (; attributes != nullptr && attributes[0] != nullptr; attributes += 2) {
    const std::string_view name = view(attributes[0]);
    const std::string_view value = view(attributes[1]);
    if (name == "class") found.class_names = value;
    if (name == "id") found.id = value;
    if (name == "role") found.role = value;
    if (name == "hidden") found.hidden = value != "until-found";
    if (name == "aria-hidden") found.hidden = found.hidden || value == "true";
    if (name == "style") {
      const size_t at = value.find("display");
      const std::string_view rest = at == std::string_view::npos ? "" : value.substr(at + 7);
      found.hidden = found.hidden || rest.starts_with(":none") || rest.starts_with(": none");
    }
  }
  return found;
}

// The parser, its callbacks and the budget that keeps unclosed tags from costing quadratic time.
class HtmlReader {
 public:
  explicit HtmlReader(const ReadLimits& limits)
      : collector_(static_cast<uint64_t>(std::max<int64_t>(limits.max_text_bytes, 0))),
        max_depth_(static_cast<size_t>(std::max(limits.max_depth, 1))) {}

  Status run(std::string_view html) {
    htmlSAXHandler sax{};
    sax.startElement = on_start;
    sax.endElement = on_end;
    sax.characters = sax.ignorableWhitespace = sax.cdataBlock = on_text;
    parser_.reset(htmlCreatePushParserCtxt(&sax, this, nullptr, 0, nullptr, XML_CHAR_ENCODING_NONE));
    if (parser_ == nullptr) return Error{ErrorCode::kLimit, "no memory for the HTML parser"};
    htmlCtxtUseOptions(parser_.get(), HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC | HTML_PARSE_NOERROR |
                                          HTML_PARSE_NOWARNING);
    // The text is UTF-8 already; without this the parser would guess Latin-1.
    parser_->charset = XML_CHAR_ENCODING_UTF8;
    feed(html);
    return {};
  }

  HtmlPage& page() { return collector_.page(); }
  bool gave_up() const { return gave_up_; }
  bool out_of_memory() const { return out_of_memory_; }

 private:
  static void on_start(void* self, const xmlChar* name, const xmlChar** attributes) noexcept {
    auto* reader = static_cast<HtmlReader*>(self);
    reader->guard([&] { reader->collector_.start(view(name), pick_attributes(attributes)); });
  }
  static void on_end(void* self, const xmlChar*) noexcept {
    auto* reader = static_cast<HtmlReader*>(self);
    reader->guard([&] { reader->collector_.end(); });
  }
  static void on_text(void* self, const xmlChar* text, int length) noexcept {
    auto* reader = static_cast<HtmlReader*>(self);
    reader->guard([&] { reader->take_text({reinterpret_cast<const char*>(text),
                                           static_cast<size_t>(length)}); });
  }

  // Exceptions must not pass through the C library; the only one is lack of memory.
  template <typename Call>
  void guard(Call&& call) noexcept {
    if (out_of_memory_) return;
    try {
      call();
    } catch (const std::exception&) {
      out_of_memory_ = true;
      xmlStopParser(parser_.get());
    }
  }

  void take_text(std::string_view text) {
    // The parser stands behind the text when it reports it.
    const auto behind = static_cast<int64_t>(xmlSAX2GetLineNumber(parser_.get()));
    const int64_t begin = behind - std::count(text.begin(), text.end(), '\n');
    last_line_ = static_cast<uint32_t>(std::max<int64_t>(begin, last_line_));
    collector_.text(text, last_line_);
  }

  void feed(std::string_view html) {
    constexpr size_t kChunkBytes = 32 << 10;
    // For each end tag the parser may look at every open element. Ordinary pages stay far below
    // this; markup made to be slow exceeds it and is read by the tag stripper from there on.
    const uint64_t budget = 10'000'000 + 4 * html.size();
    uint64_t spent = 0;
    for (size_t at = 0; at < html.size() && !out_of_memory_ && !page().overfull;) {
      const std::string_view chunk = html.substr(at, kChunkBytes);
      htmlParseChunk(parser_.get(), chunk.data(), static_cast<int>(chunk.size()), 0);
      at += chunk.size();
      const size_t depth = std::max<size_t>(collector_.depth(), 1);
      spent += depth * static_cast<uint64_t>(std::count(chunk.begin(), chunk.end(), '<'));
      if (depth > max_depth_ || spent > budget) return give_up(html);
    }
    htmlParseChunk(parser_.get(), nullptr, 0, 1);
  }

  void give_up(std::string_view html) {
    gave_up_ = true;
    const long consumed = xmlByteConsumed(parser_.get());
    const size_t at = std::min(html.size(), static_cast<size_t>(std::max(consumed, 0L)));
    xmlStopParser(parser_.get());
    guard([&] {
      collector_.close_all();
      const auto lines = std::count(html.begin(), html.begin() + static_cast<ptrdiff_t>(at), '\n');
      strip_tags(html.substr(at), static_cast<uint32_t>(lines) + 1, collector_);
    });
  }

  HtmlCollector collector_;
  size_t max_depth_;
  std::unique_ptr<htmlParserCtxt, FreeParser> parser_;
  uint32_t last_line_ = 1;
  bool gave_up_ = false;
  bool out_of_memory_ = false;
};

}  // namespace

Result<Document> read_html(std::string_view bytes, const ReadLimits& limits) {
  DM_ASSIGN(const DecodedText decoded, decode_text(bytes, declared_charset(bytes)));
  HtmlReader reader(limits);
  DM_TRY(reader.run(decoded.text));
  if (reader.out_of_memory()) {
    return Error{ErrorCode::kLimit, "reading the page needs more memory than there is"};
  }
  if (reader.page().overfull) return text_limit_error(0, limits.max_text_bytes);
  TextBuilder builder(Format::kHtml, limits);
  write_content(reader.page(), builder);
  DM_ASSIGN(Document document, std::move(builder).finish());
  document.encoding = decoded.encoding;
  warn_replaced(document, decoded.n_replaced);
  if (reader.gave_up()) {
    document.warnings.push_back("the markup nests deeper than " +
                                std::to_string(limits.max_depth) +
                                " elements or never closes them; tags were stripped from there on");
  }
  return document;
}

}  // namespace docmind::ingest

// XmlPushParser: well-formed XML piece by piece into events, without entities, DTDs or network.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/xml_sax.h"

#include <libxml/parser.h>

#include <exception>

#include "ingest/utf8.h"

namespace docmind::ingest {
namespace {

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

}  // namespace

std::string_view XmlAttributes::get(std::string_view local_name) const {
  for (int i = 0; i < count_; ++i) {
    const unsigned char** attribute = raw_ + static_cast<ptrdiff_t>(i) * 5;
    if (view(attribute[0]) != local_name) continue;
    return {reinterpret_cast<const char*>(attribute[3]),
            static_cast<size_t>(attribute[4] - attribute[3])};
  }
  return {};
}

void XmlPushParser::FreeParser::operator()(_xmlParserCtxt* parser) const {
  xmlFreeParserCtxt(parser);
}

// Exceptions must not pass through the C library; the only one is lack of memory.
struct XmlPushParser::Callbacks {
  template <typename Call>
  static void guard(void* self, Call&& call) noexcept {
    auto* parser = static_cast<XmlPushParser*>(self);
    if (parser->out_of_memory_ || parser->too_deep_ || parser->has_dtd_) return;
    try {
      call(*parser);
    } catch (const std::exception&) {
      parser->out_of_memory_ = true;
      xmlStopParser(parser->parser_.get());
    }
  }

  static void start(void* self, const xmlChar* name, const xmlChar*, const xmlChar*, int,
                    const xmlChar**, int n_attributes, int, const xmlChar** attributes) noexcept {
    guard(self, [&](XmlPushParser& parser) {
      if (++parser.depth_ > parser.max_depth_) {
        parser.too_deep_ = true;
        xmlStopParser(parser.parser_.get());
        return;
      }
      parser.handler_.start(view(name), XmlAttributes(attributes, n_attributes));
    });
  }
  static void end(void* self, const xmlChar* name, const xmlChar*, const xmlChar*) noexcept {
    guard(self, [&](XmlPushParser& parser) {
      --parser.depth_;
      parser.handler_.end(view(name));
    });
  }
  static void text(void* self, const xmlChar* text, int length) noexcept {
    guard(self, [&](XmlPushParser& parser) {
      parser.handler_.text({reinterpret_cast<const char*>(text), static_cast<size_t>(length)});
    });
  }
  // Entity bombs need a DTD, and office files never have one.
  static void dtd(void* self, const xmlChar*, const xmlChar*, const xmlChar*) noexcept {
    auto* parser = static_cast<XmlPushParser*>(self);
    parser->has_dtd_ = true;
    xmlStopParser(parser->parser_.get());
  }
};

XmlPushParser::XmlPushParser(std::string what, XmlHandler& handler, int max_depth)
    : what_(std::move(what)), handler_(handler), max_depth_(max_depth) {
  xmlSAXHandler sax{};
  sax.initialized = XML_SAX2_MAGIC;
  sax.startElementNs = Callbacks::start;
  sax.endElementNs = Callbacks::end;
  sax.characters = sax.ignorableWhitespace = sax.cdataBlock = Callbacks::text;
  sax.internalSubset = Callbacks::dtd;
  parser_.reset(xmlCreatePushParserCtxt(&sax, this, nullptr, 0, nullptr));
  if (parser_ != nullptr) {
    xmlCtxtUseOptions(parser_.get(), XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
  }
}

XmlPushParser::~XmlPushParser() = default;

Status XmlPushParser::feed(std::string_view piece) {
  if (parser_ == nullptr) return Error{ErrorCode::kLimit, "no memory for the XML parser"};
  xmlParseChunk(parser_.get(), piece.data(), static_cast<int>(piece.size()), 0);
  DM_TRY(result());
  return handler_.check();
}

Status XmlPushParser::finish() {
  if (parser_ == nullptr) return Error{ErrorCode::kLimit, "no memory for the XML parser"};
  xmlParseChunk(parser_.get(), nullptr, 0, 1);
  DM_TRY(result());
  return handler_.check();
}

Status XmlPushParser::result() {
  if (has_dtd_) {
    return Error{ErrorCode::kMalformed,
                 what_ + " declares a document type, which office files never do; not read"};
  }
  if (too_deep_) {
    return Error{ErrorCode::kLimit, what_ + " nests deeper than the limit of " +
                                        std::to_string(max_depth_) + " elements"};
  }
  if (out_of_memory_) {
    return Error{ErrorCode::kLimit, "reading " + what_ + " needs more memory than there is"};
  }
  if (parser_->wellFormed != 0) return {};
  // libxml2 has a depth limit of its own, below ours.
  constexpr int kOwnDepth = 250;
  const ErrorCode code = depth_ > kOwnDepth ? ErrorCode::kLimit : ErrorCode::kMalformed;
  std::string message = what_ + " is not well-formed XML";
  const xmlError* last = xmlCtxtGetLastError(parser_.get());
  if (last != nullptr && last->message != nullptr) {
    message += " (line " + std::to_string(last->line) + ": ";
    size_t n_replaced = 0;
    message += one_line(repair_utf8(last->message, n_replaced), 200) + ")";
  }
  return Error{code, std::move(message)};
}

}  // namespace docmind::ingest

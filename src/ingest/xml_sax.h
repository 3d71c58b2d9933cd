// XmlPushParser: well-formed XML piece by piece into events, without entities, DTDs or network.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

struct _xmlParserCtxt;

namespace docmind::ingest {

// The attributes of one element by local name; valid during the call only.
class XmlAttributes {
 public:
  XmlAttributes(const unsigned char** raw, int count) : raw_(raw), count_(count) {}
  // The value as written, empty if absent; prefixes are ignored.
  [[nodiscard]] std::string_view get(std::string_view local_name) const;

 private:
  const unsigned char** raw_;  // five entries per attribute, as libxml2 hands them over
  int count_;
};

// Receives the events; names are local names.
class XmlHandler {
 public:
  virtual ~XmlHandler() = default;
  virtual void start(std::string_view name, const XmlAttributes& attributes) = 0;
  virtual void end(std::string_view name) = 0;
  virtual void text(std::string_view utf8) = 0;
  // Asked after each piece; an error ends the parse.
  virtual Status check() = 0;
};

// One document: feed() its pieces, then finish(). The handler is borrowed. One thread.
class XmlPushParser {
 public:
  // `what` names the document in errors. `max_depth` bounds open elements (kLimit).
  XmlPushParser(std::string what, XmlHandler& handler, int max_depth);
  ~XmlPushParser();
  XmlPushParser(const XmlPushParser&) = delete;
  XmlPushParser& operator=(const XmlPushParser&) = delete;

  Status feed(std::string_view piece);
  // kMalformed when the document is not complete.
  Status finish();

 private:
  struct Callbacks;
  struct FreeParser {
    void operator()(_xmlParserCtxt* parser) const;
  };
  Status result();

  std::string what_;
  XmlHandler& handler_;
  int max_depth_;
  int depth_ = 0;
  bool has_dtd_ = false;
  bool too_deep_ = false;
  bool out_of_memory_ = false;
  std::unique_ptr<_xmlParserCtxt, FreeParser> parser_;
};

}  // namespace docmind::ingest

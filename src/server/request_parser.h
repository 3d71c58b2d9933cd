// RequestParser: HTTP/1.x requests out of bytes that come in any pieces; does no I/O of its own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/exchange.h"
#include "server/status_map.h"

namespace docmind::server {

// What stands before the body.
struct RequestHead {
  std::string method;
  std::string target;   // as sent
  HeaderList headers;   // names in lower case; of a chunked body's trailers none are kept
  bool is_http11 = false;
  bool keep_alive = false;
  bool expects_continue = false;
  bool is_chunked = false;
  std::optional<uint64_t> content_length;
  [[nodiscard]] bool has_body() const { return is_chunked || content_length.value_or(0) > 0; }
};

// One request after the other; not for several threads.
class RequestParser {
 public:
  enum class Step {
    kMore,  // all that was fed is used or waits for more
    kHead,  // the head is complete; nothing of the body was used
    kDone,  // the request is complete
    kBad,   // see error(); the connection cannot go on
  };
  // Takes a piece of the body; an error ends the request.
  using BodySink = std::function<Status(std::string_view)>;

  explicit RequestParser(int64_t max_header_bytes);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Forgets all and waits for the next request.
  void reset();
  // Uses some of the bytes and says how many; the caller keeps the others and feeds them again with more behind.
  [[nodiscard]] Step feed(std::string_view bytes, size_t& n_used);

  // After kHead: who takes the body and how much it may be at most. Without this the body is thrown away, up to 0.
  void set_body(int64_t max_bytes, BodySink sink);
  [[nodiscard]] RequestHead& head();
  // After kBad: 400, 413, 431, 501, 505 or what the sink's error stands for.
  [[nodiscard]] const ApiError& error() const;
  // Bytes of the body so far.
  [[nodiscard]] int64_t body_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace docmind::server

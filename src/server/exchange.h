// Exchange: one HTTP request and its response, as a handler sees them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/cancel.h"

namespace docmind::server {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// Who asks, as established by the key it sent.
struct Caller {
  std::string tenant = "local";
  std::string label;    // of the key, for logs and metrics; never the key itself
  std::string address;  // of the peer
};

struct HttpRequest {
  std::string method;             // "POST"
  std::string path;               // percent-decoded, without the query; valid UTF-8, no NUL
  std::string query;              // as sent, without '?'
  HeaderList headers;             // in order; names in lower case
  std::string body;               // empty when it went to a file
  // Of a temporary file with the body, where the route asked for one; removed with the exchange unless moved away.
  std::string body_path;
  int64_t body_bytes = 0;
  std::vector<std::string> path_values;  // of the pattern's {names}, percent-decoded

  // Name in lower case; the first of several.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
  // A value of the query string, decoded ('+' is a space).
  [[nodiscard]] std::optional<std::string> query_value(std::string_view name) const;
};

// Content-Length, Date, Connection and the security headers are the transport's to add.
struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  HeaderList headers = {};
  std::string body = {};
  // Bytes that live as long as the process (the page); used instead of `body` when not empty.
  std::string_view static_body = {};
};

// Held by shared_ptr; every member may be called from any thread, and none of them waits. An exchange that
// is dropped without a response answers 500 by itself, one that is dropped within a stream is cut off, so that
// the client sees that the end is missing.
class Exchange {
 public:
  virtual ~Exchange() = default;

  [[nodiscard]] virtual const HttpRequest& request() const = 0;
  [[nodiscard]] virtual const Caller& caller() const = 0;
  // Of this request, also sent as the header "x-request-id": the client's own if it sent a decent one.
  [[nodiscard]] virtual std::string_view id() const = 0;

  // The whole response; once, and not after begin().
  virtual void respond(HttpResponse response) = 0;

  // A response in pieces (chunked; HTTP/1.0 clients get it until the end of the connection). `head.body` is empty.
  virtual void begin(HttpResponse head) = 0;
  // Queued for the client; false when nobody reads any more: it is gone, or it left more than the limit
  // unread and was cut off. A single piece may be larger than the limit.
  virtual bool write(std::string_view bytes) = 0;
  virtual void finish() = 0;

  // Raised when the client goes away, is cut off or the server stops before the end.
  [[nodiscard]] virtual const CancelToken& cancel() const = 0;
  // Called once when cancel() is raised; at once if it is already. Must return quickly.
  virtual void on_gone(std::function<void()> callback) = 0;
  // Milliseconds since the request's head was read.
  [[nodiscard]] virtual double elapsed_ms() const = 0;
};

using ExchangePtr = std::shared_ptr<Exchange>;
// Called on an I/O thread, which must not wait: long work goes elsewhere with the pointer.
using Handler = std::function<void(const ExchangePtr&)>;

}  // namespace docmind::server

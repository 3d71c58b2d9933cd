// HttpClient: requests to one server over connections that are kept, with limits on time and size.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/cancel.h"
#include "base/error.h"

namespace docmind::providers {

struct HttpRequest {
  std::string path{};   // "/v1/models", put behind the client's URL
  std::string body{};   // JSON; empty: a GET without a body, else a POST
  int64_t first_byte_timeout_ms = 120'000;  // from the beginning until begun() is true
  int64_t stall_timeout_ms = 30'000;        // from then on, between two pieces
  int64_t largest_answer_bytes = 64 << 20;
  CancelToken cancel{};
  // The body of a 2xx answer piece by piece, on the calling thread; an error ends the request and closes the
  // connection. Empty: it is gathered in HttpAnswer::body.
  std::function<Status(std::string_view piece)> on_body{};
  // Whether the answer itself has begun, where a server may send signs of life before; empty: with the first byte.
  std::function<bool()> begun{};
};

// How a request ended.
enum class HttpEnd {
  kAnswered,     // whole, whatever its status
  kNotReached,   // no connection: nothing was sent
  kNoAnswer,     // nothing came within first_byte_timeout_ms
  kStalled,      // nothing more came within stall_timeout_ms
  kBrokeOff,     // the connection was closed or became unreadable
  kTooLarge,     // more than largest_answer_bytes, or headers without end
  kCancelled,
  kStopped,      // on_body returned an error
};

struct HttpAnswer {
  HttpEnd end = HttpEnd::kAnswered;
  int status = 0;             // 0 before the head came
  std::string content_type{}; // in lower case, without parameters
  std::string redirect{};     // where a 3xx leads; it is not followed
  int64_t retry_after_s = -1; // -1: the server did not say
  std::string body{};         // of a 2xx without on_body; of others their first 64 KiB
  std::string detail{};       // libcurl's words on what went wrong
  Error stopped{};            // what on_body returned, for kStopped

  [[nodiscard]] bool ok() const { return end == HttpEnd::kAnswered && status >= 200 && status < 300; }
};

// Any number of threads may send at once, each over a connection of its own, which is kept for the next one. A cancel
// is noticed within 20 ms and closes the connection. No redirects, cookies or compression; a proxy only as the
// environment says, and never to this machine itself.
class HttpClient {
 public:
  // `url` without a trailing slash; `api_key` goes out as a bearer token unless it is empty.
  HttpClient(std::string url, std::string api_key, int64_t connect_timeout_ms);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  [[nodiscard]] HttpAnswer send(const HttpRequest& request);
  [[nodiscard]] int64_t n_connections_made() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace docmind::providers

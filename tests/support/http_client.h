// HttpClient: a plain HTTP/1.1 client on one loopback socket, which can also misbehave.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"

namespace docmind::test {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpReply {
  int status = 0;  // 0: no reply came
  std::string reason;
  HttpHeaders headers;  // names in lower case
  std::string body;
  bool complete = false;  // the body came to its proper end

  // Name in lower case; empty when there is none.
  [[nodiscard]] std::string header(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
};

struct SseEvent {
  std::string event;  // empty: none was named
  std::string data;   // lines joined by LF
};

// One connection, kept between requests; not for several threads at once. A reply that does not come within the
// time has status 0 or complete == false. Nothing here fails a test by itself.
class HttpClient {
 public:
  explicit HttpClient(int port, std::string_view address = "127.0.0.1");

  [[nodiscard]] bool connected() const { return fd_.valid(); }
  [[nodiscard]] int fd() const { return fd_.get(); }
  void set_timeout_ms(int timeout_ms) { timeout_ms_ = timeout_ms; }

  // Sends a request with Host and, for a body or POST, Content-Length (unless `headers` has them or
  // Transfer-Encoding), and reads the whole reply.
  HttpReply request(std::string_view method, std::string_view target, const HttpHeaders& headers = {},
                    std::string_view body = {});
  HttpReply get(std::string_view target, const HttpHeaders& headers = {}) { return request("GET", target, headers); }
  // Content-Type is application/json.
  HttpReply post(std::string_view target, std::string_view body, HttpHeaders headers = {});

  // The same in parts: send, read a head, then the body in pieces or events.
  bool send_request(std::string_view method, std::string_view target, const HttpHeaders& headers = {},
                    std::string_view body = {});
  bool send_raw(std::string_view bytes);
  HttpReply read_head();
  // `to_head`: of a HEAD request, so no body follows.
  HttpReply read_reply(bool to_head = false);
  // The next bytes of the body; nothing at its end (ended() tells whether properly) or after the timeout.
  std::optional<std::string> read_piece();
  std::optional<SseEvent> next_event();
  // A line of a body of JSON lines, without its end.
  std::optional<std::string> next_line();
  [[nodiscard]] bool ended() const { return body_ended_; }

  // True once the server has closed its side, within the timeout; what it sent before is thrown away.
  bool wait_closed();
  void shutdown_write();
  void close() { fd_.reset(); }
  void reset_connection();  // closes with RST

 private:
  enum class Framing { kNone, kLength, kChunked, kUntilClose };

  bool fill();  // more bytes into in_; false at the end, on errors and after the timeout
  std::optional<std::string> read_line();
  std::optional<std::string> take(size_t max_bytes);
  std::optional<std::string> read_chunk_piece();
  bool fill_text();

  UniqueFd fd_;
  std::string host_;
  int timeout_ms_ = 10'000;
  std::string in_;
  std::string text_;  // decoded body not yet split into events or lines
  Framing framing_ = Framing::kNone;
  size_t left_ = 0;  // of the body or of the chunk
  bool first_chunk_ = true;
  bool body_ended_ = true;
};

// The events of a whole stream.
[[nodiscard]] std::vector<SseEvent> parse_sse(std::string_view stream);

}  // namespace docmind::test

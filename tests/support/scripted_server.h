// ScriptedServer: an HTTP server on 127.0.0.1 whose answers a test writes byte for byte.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace docmind::test {

struct ScriptedRequest {
  std::string method, path, body;              // the path without its query
  std::string query;                           // behind "?"
  std::map<std::string, std::string> headers;  // names in lower case
};

// The connection that a script answers on. It stays open for the next request unless the script closes it.
class ScriptedWire {
 public:
  virtual ~ScriptedWire() = default;
  // False once the client is gone.
  virtual bool send(std::string_view bytes) = 0;
  // In so many bytes at a time, each in a packet of its own as far as the kernel goes.
  virtual bool send_in_pieces(std::string_view bytes, size_t n_bytes) = 0;
  // Until the client closes the connection (true) or the server is destroyed (false).
  virtual bool wait_for_close() = 0;
  virtual void close() = 0;  // in order
  virtual void reset() = 0;  // as a process that was killed
};

using Script = std::function<void(const ScriptedRequest& request, ScriptedWire& wire)>;

// A thread for each connection. Paths without a script get 404. Scripts may be set while it runs.
class ScriptedServer {
 public:
  // Port 0: a free one.
  explicit ScriptedServer(int port = 0);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  void on(const std::string& path, Script script);
  // One script after another, the last one for all further requests.
  void on(const std::string& path, std::vector<Script> scripts);

  [[nodiscard]] int port() const;
  [[nodiscard]] std::string url() const;  // "http://127.0.0.1:PORT"
  [[nodiscard]] int n_connections() const;
  [[nodiscard]] std::vector<ScriptedRequest> requests(const std::string& path) const;
  // Until so many scripts saw their client close the connection; false after 30 s.
  [[nodiscard]] bool wait_for_closed(int n_closed) const;
  // Until so many requests for the path have come; false after 30 s.
  [[nodiscard]] bool wait_for_requests(const std::string& path, size_t n_requests) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A whole answer with a length.
[[nodiscard]] std::string http_answer(int status, std::string_view type, std::string_view body,
                                      std::string_view more_headers = {});
[[nodiscard]] Script answer_with(int status, std::string_view body, std::string_view type = "application/json",
                                 std::string_view more_headers = {});
// The head of an answer in chunks, a chunk, and the last one.
[[nodiscard]] std::string chunked_head(std::string_view type);
[[nodiscard]] std::string chunk_of(std::string_view data);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
// An address where nothing listens.
[[nodiscard]] std::string url_without_server();

}  // namespace docmind::test

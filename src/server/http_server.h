// HttpServer: listens, reads requests within limits, hands them to routes and writes what they answer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "server/api_keys.h"
#include "server/exchange.h"
#include "server/router.h"

namespace docmind::server {

struct HttpLimits {
  int64_t max_header_bytes = 16 << 10;
  int64_t max_body_bytes = 16 << 20;       // of bodies in memory
  int64_t max_upload_bytes = 256LL << 20;  // of bodies that go to a file
  int64_t header_timeout_ms = 10'000;      // for the whole head
  int64_t body_timeout_ms = 30'000;        // without any progress
  int64_t min_body_bytes_per_s = 1'024;    // after the first `body_timeout_ms`
  int64_t idle_timeout_ms = 75'000;        // of a kept connection between requests
  int64_t write_timeout_ms = 30'000;       // without any progress
  int64_t max_unread_bytes = 1 << 20;      // of a stream that its client does not read
  int64_t max_connections = 4'096;
  int64_t max_connections_per_address = 1'024;  // loopback included
  int64_t max_requests_in_flight = 512;    // of routes that do work; one more gets 503 with Retry-After
  int64_t drain_timeout_ms = 30'000;       // for requests in flight at shutdown
};

struct HttpOptions {
  std::string address = "127.0.0.1";
  int port = 8080;         // 0: any free one
  int n_threads = 2;
  HttpLimits limits = {};
  // Names that the Host header may have beside the addresses and "localhost" (against DNS rebinding);
  // with a non-loopback address any IP literal is allowed too. "*": any name.
  std::vector<std::string> allowed_hosts = {};
  // Origins that a browser page may call from; empty: none but our own; "*": any. Requests of other pages are
  // refused with 403 whatever their method, since the answer is not all that they could be after.
  std::vector<std::string> cors_origins = {};
  std::string upload_folder = {};  // for bodies in files; empty: none are taken
  int64_t retry_after_ms = 1'000;  // told with 503 while too many requests are in flight
};

// Counts since the start unless they say "now".
struct HttpStats {
  int64_t n_connections = 0;       // now
  int64_t n_in_flight = 0;         // now
  int64_t n_accepted = 0, n_requests = 0;
  int64_t n_refused = 0;           // 429, 503
  int64_t n_bad = 0;               // 400 to 431 given by the transport itself
  int64_t n_cut_off = 0;           // slow readers and writers
  int64_t n_client_gone = 0;       // left before the end of the answer
  int64_t read_bytes = 0, written_bytes = 0;
};

// One finished request, for the access log and metrics. Called on an I/O thread.
struct RequestRecord {
  std::string_view method, pattern, tenant, label, id;
  int status = 0;                  // 499: the client left
  double ms = 0;
  double first_byte_ms = 0;
  int64_t written_bytes = 0;
};

// All members from any thread. `keys` may be replaced while it runs (reload).
class HttpServer {
 public:
  // Binds and listens; kInvalidArgument / kBusy say what is wrong with the address or who may have the port.
  static Result<std::unique_ptr<HttpServer>> start(const HttpOptions& options, Router router,
                                                   std::shared_ptr<const ApiKeys> keys, const Logger& logger,
                                                   std::function<void(const RequestRecord&)> on_request = {});
  virtual ~HttpServer() = default;  // stops without draining

  [[nodiscard]] virtual int port() const = 0;
  virtual void set_keys(std::shared_ptr<const ApiKeys> keys) = 0;
  [[nodiscard]] virtual HttpStats stats() const = 0;
  // Accepts nothing more, lets requests in flight finish up to the drain timeout, closes. Returns whether all did.
  // Streams of routes that do no work are ended at once. Not from a handler.
  virtual bool stop() = 0;
};

}  // namespace docmind::server

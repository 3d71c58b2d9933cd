// ServerCore: what all connections of a server share; lives as long as the last of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include <boost/asio/io_context.hpp>

#include "base/log.h"
#include "server/api_keys.h"
#include "server/connection_table.h"
#include "server/http_server.h"
#include "server/request_gate.h"
#include "server/request_ids.h"
#include "server/router.h"

namespace docmind::server {

struct ServerCounters {
  std::atomic<int64_t> n_in_flight{0}, n_accepted{0}, n_requests{0}, n_refused{0}, n_bad{0}, n_cut_off{0},
      n_client_gone{0}, read_bytes{0}, written_bytes{0};
};

inline void count(std::atomic<int64_t>& counter, int64_t by = 1) { counter.fetch_add(by, std::memory_order_relaxed); }

// Steady, for deadlines.
inline int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

struct ServerCore {
  ServerCore(const HttpOptions& http_options, Router routes, std::shared_ptr<const ApiKeys> api_keys,
             const Logger& to_logger, std::function<void(const RequestRecord&)> request_callback)
      : options(http_options), router(std::move(routes)), logger(to_logger), on_request(std::move(request_callback)),
        gate(options, router),
        table(options.limits.max_connections, options.limits.max_connections_per_address),
        keys_(std::move(api_keys)), io(options.n_threads) {}

  [[nodiscard]] std::shared_ptr<const ApiKeys> keys() const {
    const std::lock_guard lock(keys_mutex_);
    return keys_;
  }
  void set_keys(std::shared_ptr<const ApiKeys> keys) {
    const std::lock_guard lock(keys_mutex_);
    keys_.swap(keys);
  }

  const HttpOptions options;
  const Router router;
  const Logger logger;
  const std::function<void(const RequestRecord&)> on_request;
  const RequestGate gate;
  RequestIds ids;
  ServerCounters counters;
  std::atomic<bool> draining{false};
  ConnectionTable table;

 private:
  mutable std::mutex keys_mutex_;
  std::shared_ptr<const ApiKeys> keys_;

 public:
  boost::asio::io_context io;  // last, so destroyed first: what is queued there may hold all of the above
};

}  // namespace docmind::server

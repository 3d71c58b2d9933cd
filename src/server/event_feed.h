// EventFeed: one thread that tells open event streams what changed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/exchange.h"

namespace docmind::server {

// A stream costs no thread of its own and no worker. Any thread may call.
class EventFeed {
 public:
  // The next bytes of a stream; empty: nothing new. Called on the feed's thread.
  using Next = std::function<std::string()>;

  EventFeed() = default;
  // Cuts off the streams that are open.
  ~EventFeed();
  EventFeed(const EventFeed&) = delete;
  EventFeed& operator=(const EventFeed&) = delete;

  // Begins a text/event-stream and asks `next` now and then every `period_ms`, until nobody reads any more. Whoever
  // hears nothing for 15 s gets a comment, so that proxies keep the connection.
  void open(const ExchangePtr& exchange, int64_t period_ms, Next next);
  [[nodiscard]] size_t n_open() const;

 private:
  struct Stream {
    ExchangePtr exchange;
    int64_t period_ms = 0;
    Next next;
    int64_t due_ms = 0;
    int64_t wrote_ms = 0;
  };
  void work();
  static bool serve(Stream& stream, int64_t now_ms);

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Stream> added_;
  size_t n_open_ = 0;
  bool stop_ = false;
  std::thread thread_;  // started by the first stream
};

}  // namespace docmind::server

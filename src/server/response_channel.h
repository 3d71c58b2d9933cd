// ResponseChannel: carries one response from the handler's threads to the connection that writes it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/cancel.h"
#include "server/exchange.h"
#include "server/router.h"

namespace docmind::server {

// The connection as a channel sees it; all but pump() from any thread.
class ResponseWriter {
 public:
  virtual ~ResponseWriter() = default;
  // Whether the caller runs where the connection's own work does, and may call pump().
  [[nodiscard]] virtual bool is_here() const = 0;
  // Has pump() called soon.
  virtual void post_pump() = 0;
  // Takes what the channel has and writes it.
  virtual void pump() = 0;
};

// Any thread. The channel and the connection know each other until close().
class ResponseChannel {
 public:
  // `dialect` of the 500 that answers when the handler lets go without a response; `max_unread_bytes` of a stream.
  ResponseChannel(std::shared_ptr<ResponseWriter> writer, Dialect dialect, int64_t max_unread_bytes)
      : writer_(std::move(writer)), dialect_(dialect), max_unread_bytes_(max_unread_bytes) {}

  // The handler's side; see Exchange.
  void respond(HttpResponse response);
  void begin(HttpResponse head);
  bool write(std::string_view bytes);
  void finish();
  void drop();
  void on_gone(std::function<void()> callback);
  [[nodiscard]] const CancelToken& cancel() const { return cancel_; }

  // The connection's side.
  struct Piece {
    std::optional<HttpResponse> head;  // of a response that begins
    bool is_stream = false;            // its body comes in pieces
    std::string bytes;                 // of a stream
    bool finished = false;             // nothing follows
    bool broken = false;               // dropped within a stream: the client must see that the end is missing
    bool too_slow = false;             // its reader left too much unread
    [[nodiscard]] bool empty() const { return !head && bytes.empty() && !finished && !broken && !too_slow; }
  };
  Piece take();
  // Bytes taken but not yet handed to the operating system.
  void set_unsent(size_t n_bytes) { unsent_bytes_.store(n_bytes, std::memory_order_relaxed); }
  // The stream's reader left too much unread; the connection need not wait for it any longer.
  [[nodiscard]] bool is_too_slow();
  enum class End { kAnswered, kGone };
  // No call to the writer follows. kGone raises cancel().
  void close(End end);

 private:
  enum class State { kWaiting, kStreaming, kFinished, kClosed };
  void wake(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  State state_ = State::kWaiting;
  std::shared_ptr<ResponseWriter> writer_;
  const Dialect dialect_;
  const int64_t max_unread_bytes_;
  Piece next_;
  bool woken_ = false;  // a pump is on its way
  std::atomic<size_t> unsent_bytes_{0};
  CancelToken cancel_;
  std::function<void()> gone_callback_;
};

}  // namespace docmind::server

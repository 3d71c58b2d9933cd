// ResponseChannel: carries one response from the handler's threads to the connection that writes it.
// SPDX-License-Identifier: Apache-2.0
#include "server/response_channel.h"

#include <utility>

#include "server/status_map.h"

namespace docmind::server {

// Posting happens under the lock, so that none comes after close(): the connection's threads may be gone then.
void ResponseChannel::wake(std::unique_lock<std::mutex>& lock) {
  if (!writer_) return;
  if (writer_->is_here()) {
    const std::shared_ptr<ResponseWriter> writer = writer_;
    lock.unlock();
    writer->pump();
    return;
  }
  if (std::exchange(woken_, true)) return;
  writer_->post_pump();
}

void ResponseChannel::respond(HttpResponse response) {
  std::unique_lock lock(mutex_);
  if (state_ != State::kWaiting) return;
  state_ = State::kFinished;
  next_.head = std::move(response);
  next_.finished = true;
  wake(lock);
}

void ResponseChannel::begin(HttpResponse head) {
  std::unique_lock lock(mutex_);
  if (state_ != State::kWaiting) return;
  state_ = State::kStreaming;
  next_.head = std::move(head);
  next_.is_stream = true;
  wake(lock);
}

bool ResponseChannel::write(std::string_view bytes) {
  std::unique_lock lock(mutex_);
  if (state_ != State::kStreaming) return false;
  if (bytes.empty()) return true;
  const size_t unread = next_.bytes.size() + unsent_bytes_.load(std::memory_order_relaxed);
  if (unread > static_cast<size_t>(max_unread_bytes_)) {  // what was there before: one piece may be larger
    state_ = State::kFinished;
    next_.too_slow = true;
    next_.bytes = {};
    woken_ = false;  // a pump that waits for the socket would not come
    wake(lock);
    return false;
  }
  next_.bytes += bytes;
  wake(lock);
  return true;
}

void ResponseChannel::finish() {
  std::unique_lock lock(mutex_);
  if (state_ != State::kStreaming) return;
  state_ = State::kFinished;
  next_.finished = true;
  wake(lock);
}

void ResponseChannel::drop() {
  std::unique_lock lock(mutex_);
  if (state_ == State::kWaiting) {
    next_.head = error_response({.status = 500, .message = "the request was given up without an answer"}, dialect_);
    next_.finished = true;
  } else if (state_ == State::kStreaming) {
    next_.broken = true;
  } else {
    return;
  }
  state_ = State::kFinished;
  wake(lock);
}

void ResponseChannel::on_gone(std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (!cancel_.cancelled()) {
      if (state_ != State::kClosed) gone_callback_ = std::move(callback);
      return;
    }
  }
  callback();
}

bool ResponseChannel::is_too_slow() {
  const std::lock_guard lock(mutex_);
  return next_.too_slow;
}

ResponseChannel::Piece ResponseChannel::take() {
  const std::lock_guard lock(mutex_);
  woken_ = false;
  Piece piece = std::move(next_);
  next_ = {};
  unsent_bytes_.store(piece.bytes.size(), std::memory_order_relaxed);
  return piece;
}

void ResponseChannel::close(End end) {
  std::function<void()> callback;
  std::shared_ptr<ResponseWriter> writer;
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::kClosed) return;
    state_ = State::kClosed;
    next_ = {};
    callback = std::move(gone_callback_);
    gone_callback_ = {};
    writer = std::move(writer_);
    if (end == End::kGone) cancel_.cancel();
  }
  if (end == End::kGone && callback) callback();
}

}  // namespace docmind::server

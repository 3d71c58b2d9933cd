// EventFeed: one thread that tells open event streams what changed.
// SPDX-License-Identifier: Apache-2.0
#include "server/event_feed.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "server/sse.h"

namespace docmind::server {
namespace {

constexpr int64_t kKeepAliveMs = 15'000;

int64_t feed_time_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

EventFeed::~EventFeed() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void EventFeed::open(const ExchangePtr& exchange, int64_t period_ms, Next next) {
  exchange->begin({.content_type = std::string(kSseContentType), .headers = {{"cache-control", "no-cache"}}});
  {
    const std::lock_guard lock(mutex_);
    added_.push_back({.exchange = exchange, .period_ms = period_ms, .next = std::move(next),
                      .due_ms = 0, .wrote_ms = feed_time_ms()});
    ++n_open_;
    if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  }
  wake_.notify_all();
}

size_t EventFeed::n_open() const {
  const std::lock_guard lock(mutex_);
  return n_open_;
}

// False: the stream is over.
bool EventFeed::serve(Stream& stream, int64_t now_ms) {
  if (stream.exchange->cancel().cancelled()) return false;
  if (now_ms < stream.due_ms) return true;
  stream.due_ms = now_ms + stream.period_ms;
  const std::string bytes = stream.next();
  if (!bytes.empty()) {
    stream.wrote_ms = now_ms;
    return stream.exchange->write(bytes);
  }
  if (now_ms - stream.wrote_ms < kKeepAliveMs) return true;
  stream.wrote_ms = now_ms;
  return stream.exchange->write(sse_keep_alive());
}

void EventFeed::work() {
  std::vector<Stream> streams;
  std::unique_lock lock(mutex_);
  while (!stop_) {
    std::move(added_.begin(), added_.end(), std::back_inserter(streams));
    added_.clear();
    n_open_ = streams.size();
    if (streams.empty()) {
      wake_.wait(lock, [&] { return stop_ || !added_.empty(); });
      continue;
    }
    lock.unlock();
    const int64_t now_ms = feed_time_ms();
    std::erase_if(streams, [&](Stream& stream) { return !serve(stream, now_ms); });
    int64_t due_ms = now_ms + kKeepAliveMs;
    for (const Stream& stream : streams) due_ms = std::min(due_ms, stream.due_ms);
    lock.lock();
    n_open_ = streams.size() + added_.size();
    wake_.wait_for(lock, std::chrono::milliseconds(std::max<int64_t>(1, due_ms - feed_time_ms())),
                   [&] { return stop_ || !added_.empty(); });
  }
}

}  // namespace docmind::server

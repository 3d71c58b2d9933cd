// StreamPump: one thread that takes what is generated from all texts of a dialect and hands it to their readers.
// SPDX-License-Identifier: Apache-2.0
#include "server/stream_pump.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <utility>

#include "base/clock.h"

namespace docmind::server {

using engine::TextStream;

struct StreamPump::Job {
  std::unique_ptr<TextReader> reader;
  Streams streams;            // null: at its end
  size_t n_open = 0;
  struct Pace {
    bool begun = false;
    Stopwatch since_piece;
  };
  std::vector<Pace> paces;    // [streams]
  std::atomic<bool> waits{false};  // is in the queue
  std::atomic<bool> armed{false};  // all of the above is set
};

// Outlives the pump where a stream still has its on_ready.
struct StreamPump::Queue {
  std::mutex mutex;
  std::condition_variable filled;
  std::vector<std::shared_ptr<Job>> ready;
  std::unordered_set<std::shared_ptr<Job>> all;
  bool stopping = false;

  void push(std::shared_ptr<Job> job) {
    if (job->waits.exchange(true)) return;  // whoever takes it from the queue sees this news too
    bool first = false;
    {
      const std::lock_guard lock(mutex);
      first = ready.empty();
      ready.push_back(std::move(job));
    }
    if (first) filled.notify_one();
  }
};

struct StreamPump::Thread {
  std::thread thread;
};

StreamPump::StreamPump(monitor::Metrics& metrics)
    : metrics_(metrics), queue_(std::make_shared<Queue>()), thread_(std::make_unique<Thread>()) {
  thread_->thread = std::thread([this] { run(); });
}

StreamPump::~StreamPump() {
  {
    const std::lock_guard lock(queue_->mutex);
    queue_->stopping = true;
  }
  queue_->filled.notify_one();
  thread_->thread.join();
  std::unordered_set<std::shared_ptr<Job>> rest;
  const std::lock_guard lock(queue_->mutex);
  rest.swap(queue_->all);  // dropping a stream cancels its text
  queue_->ready.clear();
}

Status StreamPump::start(const Submit& submit, std::unique_ptr<TextReader> reader) {
  auto job = std::make_shared<Job>();
  job->reader = std::move(reader);
  const auto on_ready = [queue = queue_, weak = std::weak_ptr<Job>(job)] {
    if (auto alive = weak.lock()) queue->push(std::move(alive));
  };
  DM_ASSIGN(job->streams, submit(on_ready));
  job->n_open = job->streams.size();
  job->paces.resize(job->streams.size());
  {
    const std::lock_guard lock(queue_->mutex);
    queue_->all.insert(job);
  }
  job->armed = true;
  queue_->push(std::move(job));  // for what came meanwhile
  return {};
}

size_t StreamPump::n_running() const {
  const std::lock_guard lock(queue_->mutex);
  return queue_->all.size();
}

void StreamPump::run() {
  std::vector<std::shared_ptr<Job>> taken;
  for (;;) {
    {
      std::unique_lock lock(queue_->mutex);
      queue_->filled.wait(lock, [this] { return queue_->stopping || !queue_->ready.empty(); });
      if (queue_->stopping) return;
      taken.swap(queue_->ready);
    }
    for (std::shared_ptr<Job>& job : taken) {
      job->waits = false;  // first, so that later news are not lost
      if (!job->armed) continue;
      drain(*job);
      if (job->n_open > 0 || job->streams.empty()) continue;
      job->reader->on_done();
      job->streams.clear();
      const std::lock_guard lock(queue_->mutex);
      queue_->all.erase(job);
    }
    taken.clear();
  }
}

void StreamPump::drain(Job& job) {
  engine::StreamPiece piece;
  for (size_t i = 0; i < job.streams.size(); ++i) {
    while (job.streams[i] != nullptr) {
      const TextStream::Got got = job.streams[i]->next_for(std::chrono::milliseconds(0), piece);
      if (got == TextStream::Got::kNothingYet) break;
      if (got == TextStream::Got::kEnd) {
        end(job, i);
        break;
      }
      Job::Pace& pace = job.paces[i];
      if (pace.begun) metrics_.record(monitor::Stage::kBetweenTokens, pace.since_piece.elapsed_ms());
      pace.begun = true;
      pace.since_piece.restart();
      if (!job.reader->on_piece(i, piece.text, piece.scored)) {
        for (const auto& stream : job.streams) {
          if (stream) stream->cancel();
        }
      }
    }
  }
}

void StreamPump::end(Job& job, size_t index) {
  Result<engine::Generation> outcome = job.streams[index]->finish();
  job.streams[index].reset();
  --job.n_open;
  using monitor::Counter;
  using monitor::Stage;
  if (outcome.ok()) {
    metrics_.record(Stage::kQueue, outcome->queue_ms);
    if (outcome->n_completion_tokens > 0) {
      metrics_.record(Stage::kFirstToken, outcome->first_token_ms);
      metrics_.record(Stage::kPrefill, outcome->prefill_ms);
      metrics_.record(Stage::kDecode, outcome->decode_ms);
    }
    metrics_.add(Counter::kTokensPrompt, static_cast<uint64_t>(outcome->n_prompt_tokens));
    metrics_.add(Counter::kTokensReused, static_cast<uint64_t>(outcome->n_reused_tokens));
    metrics_.add(Counter::kTokensGenerated, static_cast<uint64_t>(outcome->n_completion_tokens));
    if (outcome->finish == engine::FinishReason::kCancelled || outcome->finish == engine::FinishReason::kDeadline) {
      metrics_.add(Counter::kRequestsCancelled);
    }
  }
  job.reader->on_end(index, std::move(outcome));
}

}  // namespace docmind::server

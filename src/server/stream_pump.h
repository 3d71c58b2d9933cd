// StreamPump: one thread that takes what is generated from all texts of a dialect and hands it to their readers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "engine/generation.h"
#include "engine/text_stream.h"
#include "monitor/metrics.h"

namespace docmind::server {

// What a dialect makes of the texts of one request. Called by one thread at a time, and never waits.
class TextReader {
 public:
  virtual ~TextReader() = default;
  // The text number `index` goes on; whole UTF-8 characters. False: nobody reads any more, all texts end.
  virtual bool on_piece(size_t index, std::string_view piece, std::span<const engine::ScoredToken> scored) = 0;
  virtual void on_end(size_t index, Result<engine::Generation> outcome) = 0;
  // After the end of all.
  virtual void on_done() = 0;
};

// The scheduler's thread only leaves word that a stream has news: the work of a piece is done here. Any thread.
class StreamPump {
 public:
  using Streams = std::vector<std::unique_ptr<engine::TextStream>>;
  using OnReady = std::function<void()>;
  // Submits to the engine; what it is given is the requests' on_ready.
  using Submit = std::function<Result<Streams>(OnReady on_ready)>;

  // `metrics` gets the times of each text and outlives the pump.
  explicit StreamPump(monitor::Metrics& metrics);
  // Cancels what runs; its readers hear nothing more.
  ~StreamPump();
  StreamPump(const StreamPump&) = delete;
  StreamPump& operator=(const StreamPump&) = delete;

  // The error is submit's; the reader then heard nothing.
  [[nodiscard]] Status start(const Submit& submit, std::unique_ptr<TextReader> reader);
  [[nodiscard]] size_t n_running() const;

 private:
  struct Job;
  struct Queue;
  void run();
  void drain(Job& job);
  void end(Job& job, size_t index);

  monitor::Metrics& metrics_;
  std::shared_ptr<Queue> queue_;
  struct Thread;
  std::unique_ptr<Thread> thread_;
};

}  // namespace docmind::server

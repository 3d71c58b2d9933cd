// TextStream: a text that is being generated, as its reader sees it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "engine/generation.h"

namespace docmind::engine {

// What a reader gets at a time.
struct StreamPiece {
  std::string text;      // whole UTF-8 characters
  int64_t n_tokens = 0;  // generated up to and with it
  // Of the tokens since the piece before, if sampling.n_top_logprobs is set: put together, those of all pieces are
  // Generation::scored.
  std::vector<ScoredToken> scored = {};
};

// Where the scheduler puts pieces and the reader takes them; any thread may call.
class StreamState {
 public:
  // `on_ready` (may be empty) is called after each push() and end().
  explicit StreamState(std::function<void()> on_ready = {}) : on_ready_(std::move(on_ready)) {}
  using Piece = StreamPiece;

  // --- the scheduler's side ---
  void push(Piece piece);
  void end(Result<Generation> outcome);

  // --- the reader's side ---
  enum class Got { kPiece, kEnd, kNothingYet };
  Got take(Piece& piece, std::optional<std::chrono::steady_clock::time_point> until);
  Result<Generation> take_outcome();  // waits for the end; once

  CancelToken cancelled;  // the reader wants no more

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Piece> pieces_;
  std::optional<Result<Generation>> outcome_;
  const std::function<void()> on_ready_;
};

// For one thread at a time; may outlive the model. Dropping it cancels a text that is not finished.
class TextStream {
 public:
  explicit TextStream(std::shared_ptr<StreamState> state) : state_(std::move(state)) {}
  ~TextStream() { cancel(); }
  TextStream(const TextStream&) = delete;
  TextStream& operator=(const TextStream&) = delete;

  // The next piece, whole UTF-8 characters; waits for it. Nothing when the text is at its end.
  [[nodiscard]] std::optional<std::string> next();
  // The same, for at most `wait`.
  enum class Got { kPiece, kEnd, kNothingYet };
  Got next_for(std::chrono::milliseconds wait, std::string& piece);
  // The same with counts and log-probabilities. The last piece may have no text: tokens that a stop string has cut
  // off, which have log-probabilities nevertheless.
  using Piece = StreamPiece;
  [[nodiscard]] std::optional<Piece> next_piece();
  Got next_for(std::chrono::milliseconds wait, Piece& piece);

  // Ends the text at the scheduler's next step, and its memory is free then.
  void cancel() { state_->cancelled.cancel(); }

  // Waits for the end; to be called once, and the last call. Text and counts are of all that was generated,
  // whether it was read or not.
  [[nodiscard]] Result<Generation> finish();
  // Cancels and waits for the end; text and counts are of what was read, and the reason is kCancelled.
  [[nodiscard]] Result<Generation> stop_here();

 private:
  Got take(StreamPiece& piece, std::optional<std::chrono::steady_clock::time_point> until);
  Got take_text(std::string& piece, std::optional<std::chrono::steady_clock::time_point> until);

  std::shared_ptr<StreamState> state_;
  size_t n_read_bytes_ = 0;
  int64_t n_read_tokens_ = 0;
};

}  // namespace docmind::engine

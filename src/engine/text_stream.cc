// TextStream: a text that is being generated, as its reader sees it.
// SPDX-License-Identifier: Apache-2.0
#include "engine/text_stream.h"

#include <algorithm>

namespace docmind::engine {

void StreamState::push(Piece piece) {
  {
    const std::lock_guard lock(mutex_);
    pieces_.push_back(std::move(piece));
  }
  changed_.notify_all();
  if (on_ready_) on_ready_();
}

void StreamState::end(Result<Generation> outcome) {
  {
    const std::lock_guard lock(mutex_);
    outcome_ = std::move(outcome);
  }
  changed_.notify_all();
  if (on_ready_) on_ready_();
}

StreamState::Got StreamState::take(Piece& piece, std::optional<std::chrono::steady_clock::time_point> until) {
  std::unique_lock lock(mutex_);
  const auto ready = [this] { return !pieces_.empty() || outcome_.has_value(); };
  if (!until) changed_.wait(lock, ready);
  else if (!changed_.wait_until(lock, *until, ready)) return Got::kNothingYet;
  if (pieces_.empty()) return Got::kEnd;
  piece = std::move(pieces_.front());
  pieces_.pop_front();
  return Got::kPiece;
}

Result<Generation> StreamState::take_outcome() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return outcome_.has_value(); });
  return std::move(*outcome_);
}

TextStream::Got TextStream::take(StreamPiece& piece, std::optional<std::chrono::steady_clock::time_point> until) {
  switch (state_->take(piece, until)) {
    case StreamState::Got::kNothingYet: return Got::kNothingYet;
    case StreamState::Got::kEnd: return Got::kEnd;
    case StreamState::Got::kPiece: break;
  }
  n_read_bytes_ += piece.text.size();
  n_read_tokens_ = piece.n_tokens;
  return Got::kPiece;
}

// Readers of text alone never see a piece without any.
TextStream::Got TextStream::take_text(std::string& piece, std::optional<std::chrono::steady_clock::time_point> until) {
  for (;;) {
    StreamPiece next;
    const Got got = take(next, until);
    if (got == Got::kPiece && next.text.empty()) continue;
    if (got == Got::kPiece) piece = std::move(next.text);
    return got;
  }
}

std::optional<std::string> TextStream::next() {
  std::string piece;
  if (take_text(piece, std::nullopt) == Got::kEnd) return std::nullopt;
  return piece;
}

TextStream::Got TextStream::next_for(std::chrono::milliseconds wait, std::string& piece) {
  return take_text(piece, std::chrono::steady_clock::now() + wait);
}

std::optional<StreamPiece> TextStream::next_piece() {
  StreamPiece piece;
  if (take(piece, std::nullopt) == Got::kEnd) return std::nullopt;
  return piece;
}

TextStream::Got TextStream::next_for(std::chrono::milliseconds wait, StreamPiece& piece) {
  return take(piece, std::chrono::steady_clock::now() + wait);
}

Result<Generation> TextStream::finish() { return state_->take_outcome(); }

Result<Generation> TextStream::stop_here() {
  cancel();
  DM_ASSIGN(Generation made, state_->take_outcome());
  made.text.resize(std::min(made.text.size(), n_read_bytes_));
  made.n_completion_tokens = std::min(made.n_completion_tokens, n_read_tokens_);
  made.scored.resize(std::min(made.scored.size(), static_cast<size_t>(made.n_completion_tokens)));
  made.finish = FinishReason::kCancelled;
  return made;
}

}  // namespace docmind::engine

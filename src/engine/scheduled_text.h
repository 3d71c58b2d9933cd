// ScheduledText: one request on its way through the scheduler.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/text_pipe.h"
#include "engine/text_request.h"
#include "engine/text_stream.h"
#include "engine/token_constraint.h"
#include "kv/sequence.h"

namespace docmind::engine {

// A prompt that several texts have: one of them reads it, the others wait until it is read.
struct SharedPrompt {
  const void* reader = nullptr;  // the text that was admitted for it
  bool read = false;
  std::optional<kv::Format> kv_format = {};  // of the one that was admitted first, and so of all
};

// Of the scheduler's thread. A text waits, or it has a slot and a sequence. Its sequence holds the beginning
// of prompt + generated; the last generated token is fed by the next decode pass. One that lost its sequence
// goes the same way again: the prompt in prefill passes, what was generated in decode passes, since
// these two kinds of passes round differently.
struct ScheduledText {
  ScheduledText(TextRequest wanted, std::shared_ptr<StreamState> out, const tokenizer::Tokenizer& tokenizer,
                SteadyTime now)
      : request(std::move(wanted)), stream(std::move(out)), pipe(tokenizer, request.options.stop), submitted(now) {}

  [[nodiscard]] int64_t n_prompt() const { return static_cast<int64_t>(request.prompt.size()); }
  [[nodiscard]] int64_t n_generated() const { return static_cast<int64_t>(generated.size()); }
  [[nodiscard]] int64_t n_held() const { return sequence ? sequence->n_tokens() : 0; }
  // Tokens that its sequence has when the next one can be sampled.
  [[nodiscard]] int64_t n_wanted() const { return n_prompt() + n_generated(); }
  [[nodiscard]] bool needs_prefill() const { return n_held() < n_prompt(); }
  // Whether the next decode pass repeats one whose token is known.
  [[nodiscard]] bool replays() const { return n_held() + 1 < n_wanted(); }
  // What the next decode pass feeds.
  [[nodiscard]] std::span<const TokenId> next_token() const {
    return std::span(generated).subspan(static_cast<size_t>(n_held() - n_prompt()), 1);
  }
  // Whether it may be admitted: another one may be reading its prompt.
  [[nodiscard]] bool may_begin() const {
    return !shared_prompt || shared_prompt->read || shared_prompt->reader == nullptr || shared_prompt->reader == this;
  }
  [[nodiscard]] bool cancelled() const { return request.cancel.cancelled() || stream->cancelled.cancelled(); }
  [[nodiscard]] bool expired(SteadyTime now) const { return request.deadline && now >= *request.deadline; }

  TextRequest request;
  std::shared_ptr<StreamState> stream;
  TextPipe pipe;
  std::optional<Sampler> sampler;  // from the first admission on
  std::optional<TokenConstraint> constraint;  // from then on too, if it has a grammar
  std::shared_ptr<SharedPrompt> shared_prompt;  // may be null
  std::vector<TokenId> generated;
  Generation made;
  size_t n_shown_scores = 0;  // of made.scored, that the stream has

  std::unique_ptr<kv::Sequence> sequence;
  std::optional<kv::Format> kv_format;  // from the first sequence on
  std::string spill_path;     // not empty: its sequence is in this file
  int64_t slot = -1;          // its row of logits; -1: it waits
  int64_t id = 0;             // order of arrival
  int64_t admission = -1;     // order of first admission; -1: never
  int64_t prefill_turn = 0;   // the smaller, the sooner the next piece of its prompt is read

  SteadyTime submitted;
  SteadyTime waiting_since;   // arrival, or when it had to make room
  SteadyTime admitted;
  SteadyTime first_token;
  SteadyTime last_token;
};

}  // namespace docmind::engine

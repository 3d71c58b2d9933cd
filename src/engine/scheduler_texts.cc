// SchedulerCore: what happens to a single text: a token, making room, the end.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/scheduler_core.h"

namespace docmind::engine {
namespace {

// The state of the cache is published at the end of a text, otherwise as often as this.
constexpr double kCacheStatsMs = 50;
// A piece of a prompt makes others leave only when it has not even this much room.
constexpr int64_t kLeastPiece = kernels::kKvBlockTokens;

}  // namespace

std::span<float> SchedulerCore::logits_of(const ScheduledText& text) {
  const auto n_vocab = static_cast<size_t>(parts_.decoder->config().n_vocab);
  return std::span(logits_).subspan(static_cast<size_t>(text.slot) * n_vocab, n_vocab);
}

// The next token; where there is a grammar, one that it allows.
Result<TokenId> SchedulerCore::choose(ScheduledText& text) {
  if (!text.constraint) return text.sampler->sample(logits_of(text));
  DM_ASSIGN(const std::span<const uint64_t> allowed, text.constraint->allowed());
  DM_ASSIGN(const TokenId token, text.sampler->sample(logits_of(text), allowed));
  if (!parts_.tokenizer->ends_generation(token)) DM_TRY(text.constraint->accept(token));
  return token;
}

void SchedulerCore::sample(ScheduledText& text) {
  if (text.shared_prompt) text.shared_prompt->read = true;
  Result<TokenId> token = choose(text);
  if (!token.ok()) return fail(text, std::move(token).error());
  note_time(text);
  const GenerateOptions& options = text.request.options;
  const bool may_end = text.constraint || !options.ignore_end;
  if (may_end && parts_.tokenizer->ends_generation(*token)) return finish(text, FinishReason::kStop);
  text.generated.push_back(*token);
  ++text.made.n_completion_tokens;
  ++meter_.counts.n_generated;
  if (options.sampling.n_top_logprobs) {
    const auto top = text.sampler->top_logprobs();
    text.made.scored.push_back({{*token, text.sampler->logprob()}, {top.begin(), top.end()}});
  }
  show(text, text.pipe.push(*token));
  const bool whole = text.constraint && text.constraint->ended();
  if (text.pipe.stopped() || whole) return finish(text, FinishReason::kStop);
  if (text.made.n_completion_tokens == options.max_tokens || text.n_held() == parts_.n_context) {
    finish(text, FinishReason::kLength);
  }
}

void SchedulerCore::note_time(ScheduledText& text) {
  const SteadyTime time = now();
  if (text.generated.empty()) {
    text.first_token = time;
    text.made.first_token_ms = ms_between(text.submitted, time);
    text.made.prefill_ms = ms_between(text.admitted, time);
    meter_.first_token.record(text.made.first_token_ms);
  } else {
    meter_.between_tokens.record(ms_between(text.last_token, time));
  }
  text.last_token = time;
}

// A piece comes with the scores of all tokens that no piece had yet; at the end there may be some without text.
void SchedulerCore::show(ScheduledText& text, std::string piece, bool last) {
  const std::span<const ScoredToken> scores = std::span(text.made.scored).subspan(text.n_shown_scores);
  if (piece.empty() && !(last && !scores.empty())) return;
  text.made.text += piece;
  text.stream->push({std::move(piece), text.made.n_completion_tokens, {scores.begin(), scores.end()}});
  text.n_shown_scores += scores.size();
}

void SchedulerCore::finish(ScheduledText& text, FinishReason reason) { finish(take_running(text), reason); }

void SchedulerCore::finish(TextPtr text, FinishReason reason) {
  show(*text, text->pipe.finish(), true);
  Generation& made = text->made;
  made.finish = reason;
  made.n_prompt_tokens = text->n_prompt();
  if (!text->generated.empty()) made.decode_ms = ms_between(text->first_token, now());
  end(std::move(text), std::move(made));
}

void SchedulerCore::fail(ScheduledText& text, Error error) { end(take_running(text), std::move(error)); }

// Its blocks go back now; its reader learns of it in deliver().
void SchedulerCore::end(TextPtr text, Result<Generation> outcome) {
  memory_->close(*text);
  // Another one reads the prompt then.
  if (text->shared_prompt && text->shared_prompt->reader == text.get()) text->shared_prompt->reader = nullptr;
  if (text->admission < 0) --meter_.n_waiting;
  meter_.note_departure(now());
  SchedulerStats& counts = meter_.counts;
  if (!outcome.ok()) ++(outcome.error().code == ErrorCode::kCancelled ? counts.n_cancelled : counts.n_failed);
  else if (outcome->finish == FinishReason::kCancelled) ++counts.n_cancelled;
  else if (outcome->finish == FinishReason::kDeadline) ++counts.n_expired;
  else ++counts.n_finished;
  ended_.emplace_back(std::move(text), std::move(outcome));
}

SchedulerCore::TextPtr SchedulerCore::take_running(const ScheduledText& text) {
  prefill_->leave(text);
  const auto at = std::find_if(running_.begin(), running_.end(),
                               [&](const TextPtr& one) { return one.get() == &text; });
  TextPtr taken = std::move(*at);
  running_.erase(at);
  free_slots_.push_back(taken->slot);
  taken->slot = -1;
  return taken;
}

void SchedulerCore::suspend(ScheduledText& text) {
  TextPtr taken = take_running(text);
  memory_->suspend(*taken);
  taken->waiting_since = now();
  queue_.push(std::move(taken));
}

// Tried alone, each shows whether it was to blame.
void SchedulerCore::fail_culprits(model::ForwardPass& pass, model::PassKind kind, std::span<ScheduledText* const> texts,
                                  std::span<const model::BatchItem> items, const Error& error) {
  bool found = false;
  for (size_t i = 0; i < texts.size(); ++i) {
    const Status alone = pass.start(items.subspan(i, 1), kind);
    if (alone.ok()) {
      pass.abandon();
      continue;
    }
    found = true;
    fail(*texts[i], alone.error());
  }
  if (found) return;
  for (ScheduledText* text : texts) fail(*text, error);
}

void SchedulerCore::note_memory() {
  meter_.counts.kv = caches_->stats();
  meter_.counts.kv_formats = caches_->uses();
}

// What is published is never older than what a reader knows from the end of its text.
void SchedulerCore::deliver() {
  SchedulerStats& counts = meter_.counts;
  const SteadyTime time = now();
  if (!ended_.empty() || ms_between(kv_published_, time) >= kCacheStatsMs) {
    note_memory();
    kv_published_ = time;
  }
  counts.n_running = static_cast<int64_t>(running_.size());
  counts.n_suspended = queue_.n_returning();
  meter_.publish();
  for (auto& [text, outcome] : ended_) text->stream->end(std::move(outcome));
  ended_.clear();
}

int64_t SchedulerCore::reserve_piece(ScheduledText& text, int64_t n) {
  const auto has_room = [&](int64_t tokens) { return text.sequence->reserve(tokens).ok(); };
  const int64_t least = std::min(n, kLeastPiece);
  for (; n > least; n = std::max(least, n / 2)) {
    if (has_room(n)) return n;
  }
  while (!has_room(least)) {
    if (newest() == &text) return has_room(1) ? 1 : 0;
    suspend(*newest());
  }
  return least;
}

}  // namespace docmind::engine

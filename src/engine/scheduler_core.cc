// SchedulerCore: the steps of continuous batching: admit, decode all, read a slice of prompts.
// SPDX-License-Identifier: Apache-2.0
#include "engine/scheduler_core.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include <fmt/format.h>

namespace docmind::engine {
namespace {

// Without running streams a prefill pass goes on through, with a look at cancels after so many layers.
constexpr int64_t kLayersBetweenLooks = 4;
// A text of the next lower priority has the next piece of its prompt read this many passes later.
constexpr int64_t kTurnsBetweenPriorities = 4;
constexpr int kPassTries = 2;
// What a slice left unused, since another layer would not have fitted, counts for the next one up to this share.
constexpr double kMostCredit = 0.5;

Status check(const SchedulerOptions& options) {
  const auto refuse = [](std::string_view field, auto value, std::string_view range) -> Status {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} cannot be {}; allowed: {}", field, value, range)};
  };
  if (options.max_sequences < 1 || options.max_sequences > 1'024) {
    return refuse("max_sequences", options.max_sequences, "1 to 1024");
  }
  if (options.max_queued < 1) return refuse("max_queued", options.max_queued, "1 and more");
  if (options.prefill_tokens < 1) return refuse("prefill_tokens", options.prefill_tokens, "1 and more");
  if (!(options.prefill_share >= 0 && options.prefill_share <= 100)) {
    return refuse("prefill_share", options.prefill_share, "0 to 100");
  }
  return {};
}

// Priority first, then who was admitted first.
bool before(const ScheduledText& a, const ScheduledText& b) {
  return std::pair(a.request.priority, a.admission) < std::pair(b.request.priority, b.admission);
}

}  // namespace

SchedulerCore::SchedulerCore(const SchedulerParts& parts, SchedulerMeter& meter)
    : parts_(parts),
      meter_(meter),
      setpoints_{.max_sequences = parts.options.max_sequences,
                 .prefill_tokens = parts.options.prefill_tokens,
                 .prefill_share = parts.options.prefill_share},
      constraints_(*parts.tokenizer, static_cast<size_t>(parts.decoder->config().n_vocab)),
      queue_(parts.options.ageing_ms) {}

SchedulerCore::~SchedulerCore() {
  if (memory_) stop();
}

Result<std::unique_ptr<SchedulerCore>> SchedulerCore::create(const SchedulerParts& parts, SchedulerMeter& meter) {
  DM_TRY(check(parts.options));
  std::unique_ptr<SchedulerCore> core(new SchedulerCore(parts, meter));
  DM_TRY(core->open());
  return core;
}

Status SchedulerCore::open() {
  model::Decoder& decoder = *parts_.decoder;
  const int64_t n_slots = setpoints_.max_sequences;
  DM_ASSIGN(caches_, kv::FormatCaches::create(decoder.kv_geometry(), parts_.cache, *parts_.kernels));
  DM_ASSIGN(decode_pass_, decoder.new_pass(n_slots));
  DM_ASSIGN(std::unique_ptr<model::ForwardPass> prefill_pass, decoder.new_pass(setpoints_.prefill_tokens));
  DM_ASSIGN(memory_, SchedulerMemory::create(*caches_, parts_.spill_folder, meter_.counts));
  memory_->set_prefill_tokens(setpoints_.prefill_tokens);
  prefill_.emplace(
      std::move(prefill_pass),
      PrefillRun::Hooks{.now = parts_.now,
                        .reserve = [this](ScheduledText& text, int64_t n) { return reserve_piece(text, n); },
                        .logits = [this](const ScheduledText& text) { return logits_of(text); }});
  logits_.resize(static_cast<size_t>(n_slots * decoder.config().n_vocab));
  for (int64_t slot = n_slots - 1; slot >= 0; --slot) free_slots_.push_back(slot);
  note_memory();
  meter_.publish();
  return {};
}

void SchedulerCore::push(TextPtr text) {
  if (queue_.empty() && running_.empty()) meter_.note_busy(now());
  text->id = n_arrived_++;
  text->waiting_since = text->submitted;
  queue_.push(std::move(text));
}

Status SchedulerCore::check_format(std::optional<kv::Format> format) const {
  if (format) DM_TRY(caches_->layout(*format));
  return {};
}

Status SchedulerCore::set(const SchedulerSetpoints& setpoints) {
  DM_TRY(check_format(setpoints.kv_format));
  const SchedulerOptions& made_with = parts_.options;
  setpoints_.max_sequences = std::clamp<int64_t>(setpoints.max_sequences, 1, made_with.max_sequences);
  setpoints_.prefill_tokens = std::clamp<int64_t>(setpoints.prefill_tokens, 1, made_with.prefill_tokens);
  setpoints_.prefill_share = std::clamp(setpoints.prefill_share, 0.0, 100.0);
  setpoints_.kv_format = setpoints.kv_format;
  memory_->set_prefill_tokens(setpoints_.prefill_tokens);
  memory_->set_format(setpoints.kv_format.value_or(caches_->configured_format()));
  return {};
}

void SchedulerCore::stop() {
  const auto stopped = [] { return Error{ErrorCode::kCancelled, "the model was closed before the text was finished"}; };
  while (!running_.empty()) fail(*running_.back(), stopped());
  for (TextPtr& text : queue_.take_if([](const ScheduledText&) { return true; })) {
    memory_->close(*text);
    end(std::move(text), stopped());
  }
  deliver();
}

bool SchedulerCore::step() {
  if (queue_.empty() && running_.empty()) return false;
  const SteadyTime begin = now();
  drop_dead();
  admit();
  deliver();
  decode();
  deliver();
  prefill();
  SchedulerStats& counts = meter_.counts;
  ++counts.n_steps;
  counts.decode_ms = decode_ms_;
  counts.step_ms = ms_between(begin, now());
  deliver();
  return true;
}

// Those whose reader is gone or whose time is over cost nothing from here on.
void SchedulerCore::drop_dead() {
  const SteadyTime time = now();
  const auto is_dead = [&](const ScheduledText& text) { return text.cancelled() || text.expired(time); };
  const auto reason = [](const ScheduledText& text) {
    return text.cancelled() ? FinishReason::kCancelled : FinishReason::kDeadline;
  };
  for (TextPtr& text : queue_.take_if(is_dead)) {
    finish(std::move(text), reason(*text));
  }
  for (size_t i = running_.size(); i-- > 0;) {
    if (is_dead(*running_[i])) finish(*running_[i], reason(*running_[i]));
  }
}

void SchedulerCore::admit() {
  while (!queue_.empty() && static_cast<int64_t>(running_.size()) < setpoints_.max_sequences) {
    if (!admit_next()) return;
  }
}

bool SchedulerCore::admit_next() {
  const SteadyTime time = now();
  ScheduledText* next = queue_.front(time);
  if (next == nullptr) return false;
  const int64_t capacity = std::min(parts_.n_context, next->n_prompt() + next->request.options.max_tokens - 1);
  Result<bool> opened = memory_->open(*next, running_, capacity);
  if (opened.ok() && !*opened) return false;
  const bool is_new = next->admission < 0;
  TextPtr text = queue_.pop(next);
  text->slot = free_slots_.back();
  free_slots_.pop_back();
  if (is_new) {
    text->admission = n_admitted_++;
    text->admitted = time;
    text->sampler.emplace(text->request.options.sampling, static_cast<size_t>(parts_.decoder->config().n_vocab));
    if (text->request.options.grammar) text->constraint.emplace(constraints_.open(text->request.options.grammar));
    if (text->shared_prompt && !text->shared_prompt->read) text->shared_prompt->reader = text.get();
    if (text->sequence) text->made.kv_settings = kv::format_settings(text->sequence->layout().options());
    text->made.n_reused_tokens = text->sequence ? text->sequence->n_shared_tokens() : 0;
    text->made.queue_ms = ms_between(text->submitted, time);
    meter_.queue_wait.record(text->made.queue_ms);
    --meter_.n_waiting;
    ++meter_.counts.n_admitted;
  }
  prefill_->join(*text);
  const auto at = std::upper_bound(running_.begin(), running_.end(), text,
                                   [](const TextPtr& a, const TextPtr& b) { return before(*a, *b); });
  ScheduledText& admitted = **running_.insert(at, std::move(text));
  if (!opened.ok()) fail(admitted, std::move(opened).error());
  return true;
}

// The next token of each running stream gets its place, oldest first; the newest text makes room for them.
bool SchedulerCore::make_token_room() {
  for (size_t i = 0; i < running_.size();) {
    ScheduledText& text = *running_[i];
    if (text.needs_prefill()) {
      ++i;
      continue;
    }
    const Status reserved = text.sequence->reserve(1);
    if (reserved.ok()) ++i;
    else if (running_.size() == 1) fail(text, reserved.error());
    else suspend(*newest());
  }
  decoding_.clear();
  for (const TextPtr& text : running_) {
    if (!text->needs_prefill()) decoding_.push_back(text.get());
  }
  return !decoding_.empty();
}

// A pass that finds no room loses nothing: it is tried again in the next step, and when that does not help, after
// the newest text has made room.
bool SchedulerCore::is_tried_again(const Error& error) {
  if (error.code != ErrorCode::kLimit) return false;
  if (++n_refused_passes_ <= kPassTries) return true;
  if (running_.size() == 1) return false;
  suspend(*newest());
  return true;
}

bool SchedulerCore::start_decode() {
  items_.clear();
  for (ScheduledText* text : decoding_) {
    items_.push_back({.sequence = text->sequence.get(),
                      .tokens = text->next_token(),
                      .logits = text->replays() ? std::span<float>() : logits_of(*text)});
  }
  const Status started = decode_pass_->start(items_, model::PassKind::kDecode);
  if (started.ok()) n_refused_passes_ = 0;
  if (started.ok() || is_tried_again(started.error())) return started.ok();
  fail_culprits(*decode_pass_, model::PassKind::kDecode, decoding_, items_, started.error());
  return false;
}

void SchedulerCore::decode() {
  decoded_ = false;
  decode_ms_ = 0;
  const SteadyTime begin = now();
  if (!make_token_room() || !start_decode()) return;
  while (!decode_pass_->advance(std::numeric_limits<int64_t>::max())) {
  }
  decoded_ = true;
  decode_ms_ = ms_between(begin, now());
  SchedulerStats& counts = meter_.counts;
  ++counts.n_decode_passes;
  counts.n_decode_rows += static_cast<int64_t>(decoding_.size());
  read_logits(decoding_);
}

// Samples the next token of each text whose last one was fed.
void SchedulerCore::read_logits(std::span<ScheduledText* const> texts) {
  for (ScheduledText* text : texts) {
    if (text->n_held() == text->n_wanted()) sample(*text);
    else if (!text->needs_prefill()) ++meter_.counts.n_replayed;
  }
}

std::vector<ScheduledText*> SchedulerCore::unread() const {
  std::vector<ScheduledText*> texts;
  for (const TextPtr& text : running_) {
    if (text->needs_prefill()) texts.push_back(text.get());
  }
  return texts;
}

// What prefill may take of a step: each text that is read counts as much as one that runs, but all together at least
// as one.
double SchedulerCore::slice_ms(size_t n_unread) const {
  if (!decoded_) return std::numeric_limits<double>::infinity();
  const double weight = static_cast<double>(n_unread) / static_cast<double>(decoding_.size());
  return setpoints_.prefill_share * std::max(1.0, weight) * decode_ms_;
}

bool SchedulerCore::start_prefill(std::vector<ScheduledText*> texts) {
  const auto turn = [](const ScheduledText& text) {
    return text.prefill_turn + kTurnsBetweenPriorities * static_cast<int64_t>(text.request.priority);
  };
  std::stable_sort(texts.begin(), texts.end(), [&](const auto* a, const auto* b) { return turn(*a) < turn(*b); });
  int64_t n_tokens = setpoints_.prefill_tokens;
  // Two layers a slice, so that a layer that takes longer than the last one does not pass the slice by much.
  if (decoded_) n_tokens = prefill_->tokens_for(slice_ms(texts.size()) / 2, n_tokens);
  const Status started = prefill_->start(texts, n_tokens);
  if (started.ok() && prefill_->open()) {
    n_refused_passes_ = 0;
    return true;
  }
  if (started.ok()) {  // nobody's piece has room: the newest text makes some, or nothing can
    if (running_.size() > 1) suspend(*newest());
    else if (const Status refused = newest()->sequence->reserve(1); !refused.ok()) fail(*newest(), refused.error());
    return false;
  }
  if (is_tried_again(started.error())) return false;
  texts.clear();
  for (const PrefillRun::Row& row : prefill_->rows()) texts.push_back(row.text);
  fail_culprits(prefill_->pass(), model::PassKind::kPrefill, texts, prefill_->items(), started.error());
  return false;
}

void SchedulerCore::prefill() {
  const SteadyTime begin = now();
  meter_.counts.prefill_ms = 0;
  const std::vector<ScheduledText*> texts = unread();
  if (texts.empty()) return;
  prefill_->make_way(texts, setpoints_.prefill_tokens);
  if (!prefill_->open() && !start_prefill(texts)) return;
  const bool alone = !decoded_;
  const double slice = slice_ms(texts.size());
  const double budget_ms = slice + prefill_credit_ms_;
  const bool done = prefill_->advance(budget_ms, alone ? kLayersBetweenLooks : std::numeric_limits<int64_t>::max());
  const double used_ms = ms_between(begin, now());
  meter_.counts.prefill_ms = used_ms;
  prefill_credit_ms_ = alone ? 0 : std::clamp(budget_ms - used_ms, -slice, kMostCredit * slice);
  if (!done) return;
  ++meter_.counts.n_prefill_passes;
  meter_.counts.n_prefill_tokens += prefill_->n_tokens();
  std::vector<ScheduledText*> read;
  for (const PrefillRun::Row& row : prefill_->rows()) {
    if (row.text->generated.empty() && !row.text->needs_prefill()) read.push_back(row.text);
  }
  read_logits(read);
}

}  // namespace docmind::engine

// SchedulerCore: the steps of continuous batching: admit, decode all, read a slice of prompts.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/constraint_pool.h"
#include "engine/scheduled_text.h"
#include "engine/scheduler_memory.h"
#include "engine/scheduler_options.h"
#include "engine/scheduler_prefill.h"
#include "engine/scheduler_queue.h"
#include "engine/scheduler_stats.h"
#include "kv/format_caches.h"
#include "model/decoder.h"
#include "tokenizer/tokenizer.h"

namespace docmind::engine {

// What a scheduler works with; all of it is borrowed.
struct SchedulerParts {
  model::Decoder* decoder = nullptr;  // from now on used by the scheduler's thread alone
  const kernels::KernelTable* kernels = nullptr;
  const tokenizer::Tokenizer* tokenizer = nullptr;
  int64_t n_context = 0;
  kv::CacheOptions cache;
  std::string spill_folder = {};  // empty: sequences that must make room are computed anew
  SchedulerOptions options = {};
  std::function<SteadyTime()> now = [] { return std::chrono::steady_clock::now(); };
};

// For one thread at a time. Owns the caches, all sequences and samplers.
class SchedulerCore {
 public:
  // kInvalidArgument for options that make no sense; errors of Cache::create and new_pass.
  static Result<std::unique_ptr<SchedulerCore>> create(const SchedulerParts& parts, SchedulerMeter& meter);
  ~SchedulerCore();

  // The request must have passed check().
  void push(std::unique_ptr<ScheduledText> text);
  // One step; false when there is nothing to do.
  bool step();
  // kInvalidArgument and kUnsupported for a format of texts that cannot be; nothing has changed then.
  Status set(const SchedulerSetpoints& setpoints);
  // All texts end with kCancelled.
  void stop();

  // --- any thread ---
  [[nodiscard]] Status check_fits(int64_t n_prompt, kv::Format format) const {
    return memory_->check_fits(n_prompt, format);
  }
  // None stands for the configured one, which can always be had.
  [[nodiscard]] Status check_format(std::optional<kv::Format> format) const;
  // --- the scheduler's again ---
  [[nodiscard]] kv::FormatCaches& caches() { return *caches_; }
  [[nodiscard]] ConstraintPool& constraints() { return constraints_; }
  [[nodiscard]] size_t n_waiting() const { return queue_.size(); }
  [[nodiscard]] size_t n_running() const { return running_.size(); }

 private:
  using TextPtr = std::unique_ptr<ScheduledText>;
  explicit SchedulerCore(const SchedulerParts& parts, SchedulerMeter& meter);
  Status open();

  // --- a step ---
  void drop_dead();
  void admit();
  void decode();
  void prefill();
  void deliver();
  void note_memory();

  [[nodiscard]] bool admit_next();
  [[nodiscard]] bool make_token_room();
  [[nodiscard]] bool is_tried_again(const Error& error);
  [[nodiscard]] bool start_decode();
  void read_logits(std::span<ScheduledText* const> texts);
  [[nodiscard]] std::vector<ScheduledText*> unread() const;  // whose prompts are not read yet
  [[nodiscard]] double slice_ms(size_t n_unread) const;
  [[nodiscard]] bool start_prefill(std::vector<ScheduledText*> texts);
  int64_t reserve_piece(ScheduledText& text, int64_t n);
  void fail_culprits(model::ForwardPass& pass, model::PassKind kind, std::span<ScheduledText* const> texts,
                     std::span<const model::BatchItem> items, const Error& error);

  // --- a text ---
  void sample(ScheduledText& text);
  [[nodiscard]] Result<TokenId> choose(ScheduledText& text);
  void note_time(ScheduledText& text);
  void show(ScheduledText& text, std::string piece, bool last = false);
  void finish(ScheduledText& text, FinishReason reason);
  void finish(TextPtr text, FinishReason reason);
  void fail(ScheduledText& text, Error error);
  void end(TextPtr text, Result<Generation> outcome);
  TextPtr take_running(const ScheduledText& text);
  void suspend(ScheduledText& text);
  [[nodiscard]] std::span<float> logits_of(const ScheduledText& text);
  [[nodiscard]] ScheduledText* newest() const { return running_.empty() ? nullptr : running_.back().get(); }
  [[nodiscard]] SteadyTime now() const { return parts_.now(); }

  const SchedulerParts parts_;
  SchedulerMeter& meter_;
  SchedulerSetpoints setpoints_;
  std::unique_ptr<kv::FormatCaches> caches_;  // outlives the sequences below
  std::unique_ptr<model::ForwardPass> decode_pass_;
  std::optional<PrefillRun> prefill_;
  std::optional<SchedulerMemory> memory_;
  ConstraintPool constraints_;
  SchedulerQueue queue_;
  std::vector<TextPtr> running_;  // by priority, then by first admission
  std::vector<float> logits_;     // [max_sequences, n_vocab]
  std::vector<int64_t> free_slots_;
  std::vector<ScheduledText*> decoding_;  // of this step
  std::vector<model::BatchItem> items_;
  std::vector<std::pair<TextPtr, Result<Generation>>> ended_;  // to be delivered
  bool decoded_ = false;  // in this step
  double decode_ms_ = 0;  // of this step's decode pass
  double prefill_credit_ms_ = 0;  // what the last slice left unused; negative: took too long
  int n_refused_passes_ = 0;  // since one began
  int64_t n_arrived_ = 0, n_admitted_ = 0;
  SteadyTime kv_published_{};
};

}  // namespace docmind::engine

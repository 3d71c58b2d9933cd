// SchedulerRun: a scheduler's core over a FakeDecoder, stepped by hand on a clock that stands still.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "engine/scheduler_core.h"
#include "support/fake_decoder.h"

namespace docmind::test {

struct SchedulerSetup {
  FakeModel model = {};
  int64_t n_context = 256;
  int64_t n_blocks = 64;  // the budget
  bool share_prefixes = true;
  std::string spill_folder = {};
  engine::SchedulerOptions options = {};
};

class SchedulerRun {
 public:
  explicit SchedulerRun(SchedulerSetup setup = {})
    : decoder(timed(std::move(setup.model))), tokenizer_(fake_tokenizer()) {
    Result<const kernels::KernelTable*> table = kernels::kernel_table_named("scalar");
    parts = {.decoder = &decoder,
             .kernels = *table,
             .tokenizer = tokenizer_.get(),
             .n_context = setup.n_context,
             .cache = {.format = {},
                       .budget_bytes = static_cast<size_t>(setup.n_blocks) * block_bytes(decoder),
                       .share_prefixes = setup.share_prefixes,
                       .identity = "fake"},
             .spill_folder = setup.spill_folder,
             .options = setup.options,
             .now = [this] { return now; }};
    Result<std::unique_ptr<engine::SchedulerCore>> made = engine::SchedulerCore::create(parts, meter);
    if (!made.ok()) throw std::runtime_error(made.error().message);
    core = std::move(*made);
  }

  engine::TextStream& submit(engine::TextRequest request) {
    auto state = std::make_shared<engine::StreamState>();
    ++meter.n_waiting;
    core->push(std::make_unique<engine::ScheduledText>(std::move(request), state, *tokenizer_, now));
    streams.push_back(std::make_unique<engine::TextStream>(std::move(state)));
    return *streams.back();
  }
  // Steps until nothing is to be done; throws when that takes too long.
  void run(int64_t most_steps = 200'000) {
    while (core->step()) {
      if (--most_steps == 0) throw std::runtime_error("the scheduler does not come to an end");
    }
  }
  void pass_time(double ms) {
    now += std::chrono::duration_cast<engine::SteadyTime::duration>(std::chrono::duration<double, std::milli>(ms));
  }
  [[nodiscard]] engine::SchedulerStats stats() const { return meter.snapshot(); }

  static size_t block_bytes(const FakeDecoder& decoder) {
    const kv::Geometry geometry = decoder.kv_geometry();
    return static_cast<size_t>(geometry.n_layers * geometry.n_kv_heads * geometry.head_dim * 2 *
                               kernels::kKvBlockTokens) * sizeof(kernels::Half);
  }

  engine::SteadyTime now{std::chrono::hours(1)};
  FakeDecoder decoder;
  engine::SchedulerParts parts;
  engine::SchedulerMeter meter;
  std::unique_ptr<engine::SchedulerCore> core;
  std::vector<std::unique_ptr<engine::TextStream>> streams;

 private:
  FakeModel timed(FakeModel model) {
    model.spend = [this](double ms) { pass_time(ms); };
    return model;
  }
  std::unique_ptr<tokenizer::Tokenizer> tokenizer_;
};

// A prompt of `n` tokens that depends on `seed`.
inline std::vector<model::TokenId> fake_prompt(int64_t n, uint64_t seed) {
  std::vector<model::TokenId> prompt;
  for (int64_t i = 0; i < n; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    prompt.push_back(static_cast<model::TokenId>((seed >> 33) % FakeDecoder::kNPromptTokens));
  }
  return prompt;
}

inline engine::TextRequest fake_request(int64_t n_prompt, int64_t n_tokens, uint64_t seed = 1) {
  engine::TextRequest request{.prompt = fake_prompt(n_prompt, seed), .options = {}};
  request.options.max_tokens = n_tokens;
  request.options.ignore_end = true;
  return request;
}

// What the request gives when nobody else is there and memory is plenty.
inline engine::Generation alone(engine::TextRequest request, const FakeModel& model = {}) {
  SchedulerRun run({.model = model, .share_prefixes = false});
  request.deadline.reset();
  engine::TextStream& stream = run.submit(std::move(request));
  run.run();
  Result<engine::Generation> made = stream.finish();
  if (!made.ok()) throw std::runtime_error(made.error().message);
  return std::move(*made);
}

}  // namespace docmind::test

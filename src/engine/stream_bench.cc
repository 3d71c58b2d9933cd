// Measures several texts at once: what they give together, and what a long prompt does to them.
// SPDX-License-Identifier: Apache-2.0
#include "engine/stream_bench.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/hash.h"
#include "engine/text_model.h"

namespace docmind::engine {
namespace {

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto at = static_cast<size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(at), values.end());
  return values[at];
}

// One text: when its tokens came, in ms since the clock was started.
struct Stream {
  std::vector<double> token_ms;
  double started_ms = 0;
  Status status;
};

class Bench {
 public:
  Bench(TextModel& model, const StreamBenchOptions& options, const CancelToken& cancel)
      : model_(model), options_(options), cancel_(cancel) {}

  Status run(StreamBenchReport& report) {
    std::vector<double> single, total, first, gaps, busy_gaps, admitted, alone;
    for (int i = 0; i <= options_.n_runs; ++i) {
      options_.on_step("one stream");
      DM_ASSIGN(const double one, together(1, nullptr));
      options_.on_step(fmt::format("{} streams", options_.n_streams));
      std::vector<double> firsts;
      DM_ASSIGN(const double all, together(options_.n_streams, &firsts));
      if (i == 0) continue;  // memory is allocated and touched
      single.push_back(one);
      total.push_back(all);
      first.insert(first.end(), firsts.begin(), firsts.end());
    }
    report.single_tps = quantile(single, 0.5);
    report.total_tps = quantile(total, 0.5);
    report.first_token_p95_ms = quantile(first, 0.95);
    for (int i = 0; i < options_.n_runs && options_.n_admitted > 0; ++i) {
      DM_TRY(admit(gaps, busy_gaps, admitted, alone));
    }
    report.gap_p95_ms = quantile(gaps, 0.95);
    report.gap_p95_admitting_ms = quantile(busy_gaps, 0.95);
    report.admitted_first_ms = quantile(admitted, 0.5);
    report.admitted_alone_ms = quantile(alone, 0.5);
    return {};
  }

 private:
  // Different at each call, so that no prompt begins like one before.
  std::vector<TokenId> prompt(int64_t n_tokens) {
    std::vector<TokenId> tokens;
    const auto n_vocab = static_cast<uint64_t>(model_.decoder().config().n_vocab);
    for (int64_t i = 0; i < n_tokens; ++i) tokens.push_back(static_cast<TokenId>(hash64({}, n_drawn_++) % n_vocab));
    return tokens;
  }

  // Generates on this thread until `n_generate` tokens or `stop`.
  void generate(const std::vector<TokenId>& tokens, int64_t n_generate, const Stopwatch& clock,
                const std::atomic<bool>* stop, Stream& stream) {
    const GenerateOptions wanted{.sampling = {}, .max_tokens = n_generate, .ignore_end = true};
    // A piece is a token, but for the rare ones that are a part of a character.
    const PieceSink sink = [&](std::string_view) {
      stream.token_ms.push_back(clock.elapsed_ms());
      return stop == nullptr || !stop->load(std::memory_order_relaxed);
    };
    stream.started_ms = clock.elapsed_ms();
    const Result<Generation> text = model_.generate(tokens, wanted, sink, cancel_);
    if (!text.ok()) stream.status = text.error();
  }

  Result<double> together(int64_t n_streams, std::vector<double>* first_ms) {
    std::vector<std::vector<TokenId>> prompts;
    for (int64_t i = 0; i < n_streams; ++i) prompts.push_back(prompt(options_.n_prompt));
    std::vector<Stream> streams(prompts.size());
    const Stopwatch clock;
    {
      std::vector<std::jthread> threads;
      for (size_t i = 0; i < prompts.size(); ++i) {
        threads.emplace_back([&, i] { generate(prompts[i], options_.n_generate, clock, nullptr, streams[i]); });
      }
    }
    const double ms = clock.elapsed_ms();
    for (Stream& stream : streams) {
      DM_TRY(finished(stream));
      if (first_ms != nullptr) first_ms->push_back(stream.token_ms.front() - stream.started_ms);
    }
    return static_cast<double>(n_streams * options_.n_generate) * 1000 / ms;
  }

  Status finished(const Stream& stream) const {
    if (!stream.status.ok()) return stream.status.error();
    if (cancel_.cancelled()) return Error{ErrorCode::kCancelled, "the measurement was stopped"};
    if (stream.token_ms.empty()) return Error{ErrorCode::kInternal, "a stream gave no token"};
    return {};
  }

  // A long prompt enters beside running streams. What it does to them is held against the time before and after it, as
  // their steps take longer the longer their texts are.
  Status admit(std::vector<double>& gaps, std::vector<double>& busy_gaps, std::vector<double>& admitted_ms,
               std::vector<double>& alone_ms) {
    options_.on_step(fmt::format("a prompt of {} tokens alone", options_.n_admitted));
    Stopwatch clock;
    Stream alone;
    generate(prompt(options_.n_admitted), 1, clock, nullptr, alone);
    DM_TRY(finished(alone));
    alone_ms.push_back(alone.token_ms.front() - alone.started_ms);

    options_.on_step(fmt::format("a prompt of {} tokens beside {} streams", options_.n_admitted, options_.n_streams));
    std::vector<std::vector<TokenId>> prompts;
    for (int64_t i = 0; i < options_.n_streams; ++i) prompts.push_back(prompt(options_.n_prompt));
    const std::vector<TokenId> long_prompt = prompt(options_.n_admitted);
    std::vector<Stream> streams(prompts.size());
    std::atomic<bool> stop{false};
    Stream admitted;
    clock.restart();
    {
      std::vector<std::jthread> threads;
      const int64_t n_most = model_.n_context() - options_.n_prompt - 1;
      for (size_t i = 0; i < prompts.size(); ++i) {
        threads.emplace_back([&, i] { generate(prompts[i], n_most, clock, &stop, streams[i]); });
      }
      const std::chrono::milliseconds undisturbed(static_cast<int64_t>(alone_ms.back()) + 1);
      std::this_thread::sleep_for(undisturbed);
      generate(long_prompt, 1, clock, nullptr, admitted);
      std::this_thread::sleep_for(undisturbed);
      stop = true;
    }
    DM_TRY(finished(admitted));
    admitted_ms.push_back(admitted.token_ms.front() - admitted.started_ms);
    double all_began = 0;
    for (const Stream& stream : streams) {
      DM_TRY(finished(stream));
      all_began = std::max(all_began, stream.token_ms.front());
    }
    for (const Stream& stream : streams) {
      for (size_t i = 1; i < stream.token_ms.size(); ++i) {
        const double before = stream.token_ms[i - 1], now = stream.token_ms[i];
        if (before < all_began) continue;
        const bool reads = now > admitted.started_ms && now <= admitted.token_ms.front();
        (reads ? busy_gaps : gaps).push_back(now - before);
      }
    }
    return {};
  }

  TextModel& model_;
  const StreamBenchOptions& options_;
  const CancelToken& cancel_;
  uint64_t n_drawn_ = 0;
};

}  // namespace

Result<StreamBenchReport> bench_streams(const std::string& path, const StreamBenchOptions& options,
                                        const CancelToken& cancel) {
  if (options.n_streams < 1 || options.n_prompt < 1 || options.n_generate < 2 || options.n_runs < 1 ||
      options.n_admitted < 0) {
    return Error{ErrorCode::kInvalidArgument,
                 "a measurement needs streams, tokens of a prompt and runs of at least 1, and 2 tokens to generate"};
  }
  EngineOptions engine = options.engine;
  engine.scheduler.max_sequences = std::max(engine.scheduler.max_sequences, options.n_streams + 1);
  options.on_step("loading");
  DM_ASSIGN(const std::unique_ptr<TextModel> model, TextModel::load(path, engine));
  const int64_t n_needed = std::max(options.n_prompt + options.n_generate, options.n_admitted) + 2;
  if (model->n_context() < n_needed) {
    return Error{ErrorCode::kLimit, fmt::format("the measurement takes {} tokens of context, and the model has {}",
                                                n_needed, model->n_context())};
  }
  StreamBenchReport report{.model = model->info()};
  DM_TRY(Bench(*model, options, cancel).run(report));
  return report;
}

}  // namespace docmind::engine

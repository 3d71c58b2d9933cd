// Measures the rates of one model file and holds them against the limits of the machine.
// SPDX-License-Identifier: Apache-2.0
#include "engine/model_bench.h"

#include <algorithm>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "engine/bench_common.h"
#include "engine/embedding_model.h"
#include "engine/rerank_model.h"
#include "engine/text_model.h"
#include "monitor/process.h"

namespace docmind::engine {
namespace {

constexpr int64_t kLongPrompt = 4'096;

// Which of the two limits bounds a rate, and how much of it one unit takes.
struct Cost {
  double macs = 0;
  double read_bytes = 0;
};

struct Measured {
  std::optional<BenchRate>* rate = nullptr;
  Cost cost;  // of one unit: a token, a pair
};

// Runs one model through its measurements.
class Bench {
 public:
  Bench(const BenchOptions& options, const CancelToken& cancel, BenchReport& report)
      : options_(options), cancel_(cancel), report_(report) {}

  Status text(const std::string& path) {
    EngineOptions engine = options_.engine;
    engine.n_context = 0;
    engine.share_prefixes = false;  // no prompt begins like another, and memory is that of one text
    DM_ASSIGN(const std::unique_ptr<TextModel> model, load<TextModel>(path, engine));
    n_vocab_ = model->decoder().config().n_vocab;
    const Cost prefill{.macs = static_cast<double>(model->decoder().macs_per_token())};
    const Cost decode{.read_bytes = static_cast<double>(model->decoder().decode_read_bytes())};
    const int64_t n_room = model->n_context() - options_.n_generate - 1;
    const int64_t n_prompt = std::max<int64_t>(1, std::min(options_.n_prompt, n_room));
    DM_TRY(generate(*model, n_prompt, options_.n_generate, prefill, &decode, report_.prefill));
    if (options_.with_long && kLongPrompt < model->n_context()) {
      DM_TRY(generate(*model, kLongPrompt, 0, prefill, nullptr, report_.prefill_4096));
    }
    return {};
  }

  Status embedding(const std::string& path) {
    DM_ASSIGN(const std::unique_ptr<EmbeddingModel> model, load<EmbeddingModel>(path, options_.engine));
    n_vocab_ = model->encoder().config().n_vocab;
    const Cost cost{.macs = static_cast<double>(model->encoder().macs_per_token())};
    const int64_t n_context = model->encoder().config().n_context;
    const auto measure = [&](size_t n_texts, int64_t n_tokens, std::optional<BenchRate>& rate) {
      const auto texts = sequences(n_texts, std::min(n_tokens, n_context));
      std::vector<float> out(n_texts * model->dimension());
      const auto n_units = static_cast<double>(n_texts * texts[0].size());
      return repeat(n_units, cost, rate, [&] { return model->embed_tokens(texts, out, cancel_); });
    };
    options_.on_step("embedding one text");
    DM_TRY(measure(1, options_.n_prompt, report_.embed));
    options_.on_step("embedding a batch");
    return measure(8, 64, report_.embed_batch);
  }

  Status rerank(const std::string& path) {
    DM_ASSIGN(const std::unique_ptr<RerankModel> model, load<RerankModel>(path, options_.engine));
    n_vocab_ = model->encoder().config().n_vocab;
    const auto pairs = sequences(16, std::min<int64_t>(256, model->encoder().config().n_context));
    std::vector<float> logits(pairs.size());
    const Cost cost{.macs = static_cast<double>(model->encoder().macs_per_token()) *
                            static_cast<double>(pairs[0].size())};
    options_.on_step("reranking");
    return repeat(static_cast<double>(pairs.size()), cost, report_.rerank_pairs,
                  [&] { return model->rank_tokens(pairs, logits, cancel_); });
  }

  void hold_against(const MachineLimits& limits) {
    for (const Measured& measured : measured_) {
      BenchRate& rate = **measured.rate;
      const double g_units = rate.per_second / 1e9;
      if (measured.cost.read_bytes > 0 && limits.read_gb_per_s > 0) {
        rate.of_limit = g_units * measured.cost.read_bytes / limits.read_gb_per_s;
      } else if (limits.int8_gmac_per_s > 0) {
        rate.of_limit = g_units * measured.cost.macs / limits.int8_gmac_per_s;
      }
    }
  }

 private:
  template <typename Model>
  Result<std::unique_ptr<Model>> load(const std::string& path, const EngineOptions& engine) {
    options_.on_step("loading");
    const Stopwatch clock;
    DM_ASSIGN(std::unique_ptr<Model> model, Model::load(path, engine));
    report_.load_ms = clock.elapsed_ms();
    DM_ASSIGN(const monitor::ProcessMemory memory, monitor::process_memory());
    report_.loaded_rss_bytes = memory.peak_rss_bytes;
    report_.model = model->info();
    return model;
  }

  // Different at each call, so that no prompt begins like the one before.
  std::vector<std::vector<TokenId>> sequences(size_t n, int64_t n_tokens) {
    std::vector<std::vector<TokenId>> all(n);
    for (std::vector<TokenId>& one : all) {
      for (int64_t i = 0; i < n_tokens; ++i) {
        const uint64_t random = hash64({}, n_drawn_++);
        one.push_back(static_cast<TokenId>(random % static_cast<uint64_t>(n_vocab_)));
      }
    }
    return all;
  }

  template <typename Run>
  Status repeat(double n_units, Cost cost, std::optional<BenchRate>& rate, const Run& run) {
    DM_TRY(run());  // memory is allocated and touched
    std::vector<double> rates;
    for (int i = 0; i < options_.n_runs; ++i) {
      if (cancel_.cancelled()) return stopped();
      const Stopwatch clock;
      DM_TRY(run());
      rates.push_back(n_units * 1000 / clock.elapsed_ms());
    }
    note(median(std::move(rates)), cost, rate);
    return {};
  }

  // Prompts of `n_prompt` tokens and, with `decode`, `n_generate` tokens after each.
  Status generate(TextModel& model, int64_t n_prompt, int64_t n_generate, Cost prefill,
                  const Cost* decode, std::optional<BenchRate>& rate) {
    options_.on_step(decode != nullptr ? "reading a prompt and generating" : "reading a long prompt");
    GenerateOptions wanted{.sampling = {}, .max_tokens = n_generate + 1, .ignore_end = true};
    std::vector<double> prefill_rates, decode_rates, first_ms;
    for (int i = 0; i <= options_.n_runs; ++i) {
      const std::vector<TokenId> prompt = sequences(1, n_prompt)[0];
      DM_ASSIGN(const Generation text, model.generate(prompt, wanted, {}, cancel_));
      if (text.finish == FinishReason::kCancelled) return stopped();
      if (i == 0) continue;  // memory is allocated and touched
      prefill_rates.push_back(text.prefill_tps());
      decode_rates.push_back(text.decode_tps());
      first_ms.push_back(text.first_token_ms);
    }
    note(median(std::move(prefill_rates)), prefill, rate);
    if (decode == nullptr) return {};
    note(median(std::move(decode_rates)), *decode, report_.decode);
    report_.first_token_ms = median(std::move(first_ms));
    return {};
  }

  void note(double per_second, Cost cost, std::optional<BenchRate>& rate) {
    rate = BenchRate{.per_second = per_second};
    measured_.push_back({&rate, cost});
  }

  const BenchOptions& options_;
  const CancelToken& cancel_;
  BenchReport& report_;
  int64_t n_vocab_ = 0;
  uint64_t n_drawn_ = 0;
  std::vector<Measured> measured_;
};

Status run_kind(Bench& bench, ModelKind kind, const std::string& path) {
  switch (kind) {
    case ModelKind::kText: return bench.text(path);
    case ModelKind::kEmbedding: return bench.embedding(path);
    case ModelKind::kRerank: return bench.rerank(path);
  }
  return {};
}

}  // namespace

Result<BenchReport> bench_model(const std::string& path, const BenchOptions& options,
                                const CancelToken& cancel) {
  if (options.n_prompt < 1 || options.n_generate < 1 || options.n_runs < 1) {
    return Error{ErrorCode::kInvalidArgument,
                 "a measurement needs a prompt, tokens to generate and runs of at least 1 each"};
  }
  BenchReport report;
  DM_ASSIGN(const kernels::KernelTable* table, kernels::kernel_table_named(options.engine.isa));
  {
    DM_ASSIGN(const gguf::File file, gguf::File::open(path));
    DM_ASSIGN(report.kind, model_kind_of(file));
  }
  Bench bench(options, cancel, report);
  DM_TRY(run_kind(bench, report.kind, path));
  // The limits need memory of their own, which is not the model's.
  DM_ASSIGN(const monitor::ProcessMemory memory, monitor::process_memory());
  report.peak_rss_bytes = memory.peak_rss_bytes;
  if (cancel.cancelled()) return stopped();
  options.on_step("measuring the machine");
  DM_ASSIGN(report.limits, measure_machine_limits(*table, options.engine.n_threads));
  bench.hold_against(report.limits);
  return report;
}

}  // namespace docmind::engine

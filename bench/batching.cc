// batching: what five streams make together, and what a long prompt does to the time between their tokens.
// SPDX-License-Identifier: Apache-2.0
//
// bench_batching MODEL.gguf [THREADS] [ROUNDS]: prompts of 64 tokens with 32 generated each, alone and five at a time;
// then a prompt of 2,048 tokens that enters while five streams run.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/hash.h"
#include "engine/text_model.h"

namespace docmind::engine {
namespace {

constexpr int64_t kStreams = 5, kPrompt = 64, kGenerated = 32, kLongPrompt = 2'048;
constexpr size_t kTokensBefore = 40;  // of each stream, before the long prompt enters

TextRequest request_of(const TextModel& model, int64_t n_prompt, int64_t n_generated) {
  static uint64_t n_drawn = 0;
  TextRequest request;
  const auto n_vocab = static_cast<uint64_t>(model.decoder().config().n_vocab);
  for (int64_t i = 0; i < n_prompt; ++i) {
    request.prompt.push_back(static_cast<TokenId>(hash64({}, n_drawn++) % n_vocab));
  }
  request.options.max_tokens = n_generated;
  request.options.ignore_end = true;
  return request;
}

std::unique_ptr<TextStream> submit(TextModel& model, TextRequest request) {
  auto stream = model.submit(std::move(request));
  if (stream.ok()) return std::move(*stream);
  fmt::print("{}\n", stream.error().message);
  std::exit(1);
}

// Generated tokens a second, prompts included, of `n` requests at once.
double total_tps(TextModel& model, int64_t n) {
  const Stopwatch clock;
  std::vector<std::unique_ptr<TextStream>> streams;
  for (int64_t i = 0; i < n; ++i) streams.push_back(submit(model, request_of(model, kPrompt, kGenerated)));
  int64_t n_tokens = 0;
  for (const auto& stream : streams) {
    const Result<Generation> made = stream->finish();
    if (made.ok()) n_tokens += made->n_completion_tokens;
  }
  return static_cast<double>(n_tokens) * 1'000 / clock.elapsed_ms();
}

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(share * static_cast<double>(values.size())))];
}

// The moments at which the streams get their pieces, each in a thread of its own.
struct Moments {
  std::vector<double> before, during, after;  // gaps in ms
};

void long_prompt(TextModel& model) {
  std::atomic<int> phase{0};  // 0: before, 1: while the prompt is read, 2: after
  std::atomic<int64_t> n_ready{0};
  std::vector<Moments> moments(kStreams);
  std::vector<std::unique_ptr<TextStream>> streams;
  std::vector<std::thread> readers;
  for (int64_t i = 0; i < kStreams; ++i) streams.push_back(submit(model, request_of(model, kPrompt, 4'000)));
  for (size_t i = 0; i < streams.size(); ++i) {
    readers.emplace_back([&, i] {
      Stopwatch clock;
      int phase_then = 0;
      for (size_t n = 0; streams[i]->next(); ++n) {
        const int now = phase.load();
        std::vector<double>& gaps = now == 0 ? moments[i].before : now == 1 ? moments[i].during : moments[i].after;
        if (n > 5 && now == phase_then) gaps.push_back(clock.elapsed_ms());
        if (n == kTokensBefore) ++n_ready;
        if (moments[i].after.size() == 10) return;
        phase_then = now;
        clock.restart();
      }
    });
  }
  while (n_ready < kStreams) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  phase = 1;
  const auto long_stream = submit(model, request_of(model, kLongPrompt, 4));
  const Stopwatch clock;
  (void)long_stream->next();
  const double first_ms = clock.elapsed_ms();
  phase = 2;
  for (std::thread& reader : readers) reader.join();
  Moments all;
  for (const Moments& one : moments) {
    all.before.insert(all.before.end(), one.before.begin(), one.before.end());
    all.during.insert(all.during.end(), one.during.begin(), one.during.end());
  }
  const double before = percentile(all.before, 0.95), during = percentile(all.during, 0.95);
  fmt::print("time between tokens of {} streams: p50 {:.1f} p95 {:.1f} ms; while {} tokens enter: p50 {:.1f} "
             "p95 {:.1f} ms, {:.2f} times; first token of the long prompt after {:.0f} ms ({:.0f} t/s)\n",
             kStreams, percentile(all.before, 0.5), before, kLongPrompt, percentile(all.during, 0.5), during,
             during / before, first_ms, static_cast<double>(kLongPrompt) * 1'000 / first_ms);
}

int run(const std::string& path, size_t n_threads, int n_rounds) {
  const auto loaded = TextModel::load(path, {.n_threads = n_threads, .n_context = 6'144, .share_prefixes = false});
  if (!loaded.ok()) {
    fmt::print("{}\n", loaded.error().message);
    return 1;
  }
  TextModel& model = **loaded;
  (void)total_tps(model, kStreams);
  std::vector<double> one, five;
  for (int i = 0; i < n_rounds; ++i) {
    one.push_back(total_tps(model, 1));
    five.push_back(total_tps(model, kStreams));
  }
  const double single = percentile(one, 0.5), together = percentile(five, 0.5);
  fmt::print("{} + {} tokens: one stream {:.1f} t/s, five {:.1f} t/s in total, {:.2f} times (medians of {})\n", kPrompt,
             kGenerated, single, together, together / single, n_rounds);
  long_prompt(model);
  return 0;
}

}  // namespace
}  // namespace docmind::engine

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print("usage: bench_batching MODEL.gguf [THREADS] [ROUNDS]\n");
    return 2;
  }
  return docmind::engine::run(argv[1], argc > 2 ? static_cast<size_t>(std::atoi(argv[2])) : 2,
                              argc > 3 ? std::atoi(argv[3]) : 5);
}

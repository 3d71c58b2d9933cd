// soak: random traffic without a pause on one language model; fails when blocks, memory, threads or files grew.
// SPDX-License-Identifier: Apache-2.0
//
// bench_soak MODEL.gguf [MINUTES] [CLIENTS]: a nano model (stories260K) passes a day's requests of a small office in
// ten minutes. Texts share prefixes, are cancelled, dropped and too late, the queue overflows, and memory is so short
// that texts make room for others, to files and by computing anew.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "engine/text_model.h"
#include "monitor/process.h"

namespace docmind::engine {
namespace {

using std::chrono::milliseconds;

constexpr int64_t kContext = 256;
constexpr int64_t kStemTokens = 96;          // that prompts have in common
constexpr double kWarmUpShare = 0.2;         // of the time, until caches and heaps have their size
constexpr int64_t kRssSlackBytes = 4 << 20;  // heaps breathe

struct Footprint {
  int64_t rss_bytes = 0;
  int64_t n_threads = 0;
  int64_t n_files = 0;
  size_t referenced_bytes = 0;
  int64_t n_sequences = 0;
};

int64_t entries(const std::string& folder) {
  const std::filesystem::directory_iterator all(folder);
  return std::distance(begin(all), end(all));
}

Footprint footprint(const TextModel& model) {
  const SchedulerStats stats = model.stats();
  const auto memory = monitor::process_memory();
  return {.rss_bytes = memory.ok() ? memory->rss_bytes : 0,
          .n_threads = entries("/proc/self/task"),
          .n_files = entries("/proc/self/fd"),
          .referenced_bytes = stats.kv.referenced_bytes,
          .n_sequences = stats.kv.n_sequences};
}

void print(std::string_view when, const Footprint& now, const SchedulerStats& stats) {
  fmt::print("{:<10} rss {:.1f} MiB, {} threads, {} files, {} sequences, {} bytes referenced; {} finished, "
             "{} cancelled, {} expired, {} failed, {} refused, {} preempted ({} restored, {} recomputed), {} tokens\n",
             when, static_cast<double>(now.rss_bytes) / (1 << 20), now.n_threads, now.n_files, now.n_sequences,
             now.referenced_bytes, stats.n_finished, stats.n_cancelled, stats.n_expired, stats.n_failed,
             stats.n_refused, stats.n_preempted, stats.n_restored, stats.n_recomputed, stats.n_generated);
  std::fflush(stdout);
}

// One user after the other, each with a question of its own.
class Client {
 public:
  Client(TextModel& model, uint64_t seed) : model_(model), random_(seed) {}

  void ask() {
    TextRequest request = draw();
    const CancelToken cancel = request.cancel;
    const auto stream = model_.submit(std::move(request));
    if (!stream.ok()) {
      std::this_thread::sleep_for(milliseconds(std::min<int64_t>(model_.retry_after_ms(), 20)));
      return;
    }
    const int64_t n_read = between(0, 3) == 0 ? between(0, 20) : kContext;  // a quarter leave early
    for (int64_t i = 0; i < n_read; ++i) {
      if (!(*stream)->next()) break;
    }
    if (n_read == kContext) (void)(*stream)->finish();
    else if (between(0, 1) == 0) cancel.cancel();
  }

 private:
  int64_t between(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random_); }

  TextRequest draw() {
    const int64_t n_vocab = model_.decoder().config().n_vocab;
    TextRequest request;
    const int64_t n_prompt = between(1, 160), which = between(1, 7);
    const int64_t n_stem = std::min(between(0, kStemTokens), n_prompt);
    for (int64_t i = 0; i < n_stem; ++i) {
      request.prompt.push_back(static_cast<TokenId>((i * 31 + which * 17) % n_vocab));
    }
    while (static_cast<int64_t>(request.prompt.size()) < n_prompt) {
      request.prompt.push_back(static_cast<TokenId>(between(0, n_vocab - 1)));
    }
    request.options.max_tokens = between(1, 96);
    request.options.sampling.temperature = between(0, 1);
    request.options.sampling.seed = random_();
    request.options.ignore_end = between(0, 1) == 0;
    request.options.stop = {"zzz"};
    request.priority = static_cast<Priority>(between(0, 2));
    request.tenant = std::to_string(between(0, 9));
    if (between(0, 9) == 0) request.deadline = std::chrono::steady_clock::now() + milliseconds(between(0, 50));
    return request;
  }

  TextModel& model_;
  std::mt19937_64 random_;
};

// Traffic until `end`; returns when all its texts are over.
void run_clients(TextModel& model, int n_clients, std::chrono::steady_clock::time_point end, uint64_t seed) {
  std::vector<std::thread> threads;
  for (int i = 0; i < n_clients; ++i) {
    threads.emplace_back([&, i] {
      Client client(model, seed + static_cast<uint64_t>(i));
      while (std::chrono::steady_clock::now() < end) client.ask();
    });
  }
  for (std::thread& thread : threads) thread.join();
  while (model.stats().n_running + model.stats().n_queued + model.stats().n_suspended > 0) {
    std::this_thread::sleep_for(milliseconds(5));
  }
}

bool grew(std::string_view what, int64_t before, int64_t after, int64_t slack) {
  if (after <= before + slack) return false;
  fmt::print("FAILED: {} grew from {} to {}\n", what, before, after);
  return true;
}

int soak(const std::string& path, double minutes, int n_clients) {
  const std::filesystem::path temporary = std::filesystem::temp_directory_path();
  const std::string spill = (temporary / fmt::format("docmind-soak-{}", ::getpid())).string();
  EngineOptions options{.n_threads = 1, .n_context = kContext, .spill_folder = spill};
  options.scheduler.max_queued = static_cast<size_t>(n_clients) / 2;
  const auto loaded = TextModel::load(path, options);
  if (!loaded.ok()) {
    fmt::print("{}\n", loaded.error().message);
    return 1;
  }
  TextModel& model = **loaded;
  const auto part = std::chrono::duration<double>(minutes * 60);
  const auto begin = std::chrono::steady_clock::now();
  const auto after = [&](double share) {
    return begin + std::chrono::duration_cast<std::chrono::steady_clock::duration>(part * share);
  };
  run_clients(model, n_clients, after(kWarmUpShare), 1);
  const Footprint first = footprint(model);
  print("start", first, model.stats());
  constexpr int kRounds = 4;
  Footprint last;
  for (int round = 1; round <= kRounds; ++round) {
    const double done = kWarmUpShare + (1 - kWarmUpShare) * round / kRounds;
    run_clients(model, n_clients, after(done), 1'000u * static_cast<unsigned>(round));
    last = footprint(model);
    print(fmt::format("{:.1f} min", minutes * done), last, model.stats());
  }
  const monitor::HistogramSummary gaps = model.stats().between_tokens, first_token = model.stats().first_token;
  fmt::print("time between tokens p50 {:.2f} p95 {:.2f} p99 {:.2f} ms; first token p50 {:.2f} p95 {:.2f} ms\n",
             gaps.p50_ms, gaps.p95_ms, gaps.p99_ms, first_token.p50_ms, first_token.p95_ms);
  bool failed = grew("resident memory", first.rss_bytes, last.rss_bytes, kRssSlackBytes);
  failed |= grew("the number of threads", first.n_threads, last.n_threads, 0);
  failed |= grew("the number of open files", first.n_files, last.n_files, 0);
  failed |= grew("memory of sequences", 0, static_cast<int64_t>(last.referenced_bytes), 0);
  failed |= grew("the number of sequences", 0, last.n_sequences, 0);
  failed |= grew("the number of spill files", 0, entries(spill), 0);
  std::filesystem::remove_all(spill);
  fmt::print("{}\n", failed ? "FAILED" : "nothing grew");
  return failed ? 1 : 0;
}

}  // namespace
}  // namespace docmind::engine

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print("usage: bench_soak MODEL.gguf [MINUTES] [CLIENTS]\n");
    return 2;
  }
  const double minutes = argc > 2 ? std::atof(argv[2]) : 10;
  const int n_clients = argc > 3 ? std::atoi(argv[3]) : 16;
  return docmind::engine::soak(argv[1], minutes, n_clients);
}

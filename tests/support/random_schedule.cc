// RandomSchedule: arrivals, priorities, cancels, limits of memory and time, drawn from a seed.
// SPDX-License-Identifier: Apache-2.0
#include "support/random_schedule.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <fmt/format.h>

#include "support/random_blocks.h"

namespace docmind::test {
namespace {

using engine::FinishReason;
using engine::Generation;
using engine::TextRequest;

constexpr engine::SteadyTime kBegin{std::chrono::hours(1)};

// A core with a clock of its own, on which every look costs a random moment: so slices have any length.
class Run {
 public:
  Run(const ScheduleSpace& space, const engine::SchedulerOptions& options, size_t budget, bool spill, uint64_t seed)
    : random_(seed) {
    kv::CacheOptions cache = space.cache;
    cache.budget_bytes = budget;
    auto made = engine::SchedulerCore::create({.decoder = space.decoder,
                                               .kernels = space.kernels,
                                               .tokenizer = space.tokenizer,
                                               .n_context = space.n_context,
                                               .cache = cache,
                                               .spill_folder = spill ? space.spill_folder : "",
                                               .options = options,
                                               .now = [this] { return look(); }},
                                              meter);
    if (!made.ok()) throw std::runtime_error(made.error().message);
    core = std::move(*made);
  }

  std::unique_ptr<engine::TextStream> submit(const ScheduleSpace& space, TextRequest request) {
    auto state = std::make_shared<engine::StreamState>();
    ++meter.n_waiting;
    core->push(std::make_unique<engine::ScheduledText>(std::move(request), state, *space.tokenizer, now));
    return std::make_unique<engine::TextStream>(std::move(state));
  }

  engine::SteadyTime look() { return now += std::chrono::microseconds(random_.between(0, 50)); }

  engine::SteadyTime now = kBegin;
  engine::SchedulerMeter meter;
  std::unique_ptr<engine::SchedulerCore> core;

 private:
  Random random_;
};

struct Client {
  size_t request = 0;
  int64_t arrives = 0;  // at this step
  std::optional<int64_t> leaves = {};
  bool drops = false;   // its stream, instead of a cancel
  TextRequest wanted = {};
  std::unique_ptr<engine::TextStream> stream = {};
  bool dropped = false;
};

class Schedule {
 public:
  Schedule(const ScheduleSpace& space, std::span<const Generation> expected, uint64_t seed)
    : space_(space), expected_(expected), random_(seed), layout_(layout_of(space)) {
    options_.max_sequences = random_.between(1, 6);
    options_.prefill_tokens = random_.between(1, static_cast<int>(space.most_prefill_tokens));
    options_.prefill_share = random_.uniform() * 2;
    options_.ageing_ms = random_.between(1, 20);
    draw_clients();
    budget_ = draw_budget();
    if (!space.smaller_formats.empty()) draw_formats();
    spills_ = !space.spill_folder.empty() && random_.between(0, 1) == 0;
  }

  std::optional<std::string> run(ScheduleCounts& counts) {
    Run run(space_, options_, budget_, spills_, random_.next());
    for (int64_t step = 0;; ++step) {
      if (step == 100'000) return "it does not come to an end";
      const bool more = act(run, step);
      if (!run.core->step() && !more) break;
      if (spills_ && space_.damage_share > 0) damage();
    }
    const engine::SchedulerStats stats = run.meter.snapshot();
    counts.n_switches += std::ssize(switches_);
    counts.add({.n_preempted = stats.n_preempted, .n_restored = stats.n_restored, .n_recomputed = stats.n_recomputed,
                .n_reused = stats.kv.n_hit_tokens, .n_spill_failures = stats.n_spill_failures,
                .n_replayed = stats.n_replayed});
    for (Client& client : clients_) {
      if (client.dropped) continue;
      if (auto difference = compare(client, counts)) return difference;
    }
    return check_end(run);
  }

 private:
  static kv::Layout layout_of(const ScheduleSpace& space) {
    Result<kv::Layout> layout = kv::Layout::create(space.decoder->kv_geometry(), space.cache.format);
    if (!layout.ok()) throw std::runtime_error(layout.error().message);
    return *layout;
  }

  void draw_clients() {
    clients_.resize(static_cast<size_t>(random_.between(2, 9)));
    for (Client& client : clients_) {
      client.request = static_cast<size_t>(random_.between(0, static_cast<int>(space_.requests.size()) - 1));
      client.arrives = random_.between(0, 30);
      if (random_.between(0, 4) == 0) client.leaves = client.arrives + random_.between(0, 60);
      client.drops = random_.between(0, 1) == 0;
      client.wanted = space_.requests[client.request];
      client.wanted.cancel = {};
      client.wanted.priority = static_cast<engine::Priority>(random_.between(0, 2));
      client.wanted.tenant = std::string(1, static_cast<char>('a' + random_.between(0, 2)));
      if (random_.between(0, 9) == 0) {
        client.wanted.deadline = kBegin + std::chrono::microseconds(random_.between(0, 20'000));
      }
    }
  }

  void draw_formats() {
    const auto any = [this] {
      return space_.smaller_formats[static_cast<size_t>(
          random_.between(0, static_cast<int>(space_.smaller_formats.size()) - 1))];
    };
    for (Client& client : clients_) {
      if (random_.between(0, 3) == 0) client.wanted.kv_format = any();
    }
    for (int64_t step = random_.between(0, 10); step < 60; step += random_.between(1, 25)) {
      switches_[step] = random_.between(0, 2) == 0 ? std::nullopt : std::optional(any());
    }
  }

  int64_t n_tokens(const Client& client) const {
    const Generation& alone = expected_[client.request];
    return alone.n_prompt_tokens + alone.n_completion_tokens;
  }

  // In one of four schedules the largest text may not fit; in the others it does, with little or much beside it.
  size_t draw_budget() {
    size_t least = SIZE_MAX, most = 0;
    for (const Client& client : clients_) {
      const size_t bytes = layout_.sequence_bytes(n_tokens(client));
      least = std::min(least, bytes);
      most = std::max(most, bytes);
    }
    const size_t base = random_.between(0, 3) == 0 ? least : most;
    const auto more = static_cast<size_t>(static_cast<double>(most) * random_.uniform() * random_.uniform() * 2);
    const size_t smallest = layout_.sequence_bytes(64) + layout_.page_bytes();
    return std::max(base + more, smallest) + static_cast<size_t>(random_.between(0, 4)) * layout_.block_bytes();
  }

  // Arrivals and departures of a step; false when none is left.
  bool act(Run& run, int64_t step) {
    bool more = false;
    if (const auto format = switches_.find(step); format != switches_.end()) {
      const Status set = run.core->set({.max_sequences = options_.max_sequences,
                                        .prefill_tokens = options_.prefill_tokens,
                                        .prefill_share = options_.prefill_share,
                                        .kv_format = format->second});
      if (!set.ok()) throw std::runtime_error(set.error().message);
    }
    for (Client& client : clients_) {
      more = more || client.arrives > step;
      if (client.arrives == step) client.stream = run.submit(space_, client.wanted);
      if (client.leaves != step) continue;
      if (client.drops) {
        client.stream.reset();
        client.dropped = true;
      } else {
        client.wanted.cancel.cancel();
      }
    }
    return more;
  }

  void damage() {
    for (const auto& entry : std::filesystem::directory_iterator(space_.spill_folder)) {
      const std::string path = entry.path().string();
      if (looked_at_.contains(path)) continue;
      looked_at_[path] = true;
      if (random_.uniform() >= space_.damage_share) continue;
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      const auto at = static_cast<std::streamoff>(random_.next() % std::filesystem::file_size(entry.path()));
      file.seekg(at);
      const char byte = static_cast<char>(file.get() ^ (1 << random_.between(0, 7)));
      file.seekp(at);
      file.put(byte);
    }
  }

  // What a request gives alone in the formats that it may have had.
  template <typename Use>
  void for_each_format(const Client& client, Use use) const {
    const size_t n = space_.requests.size();
    for (size_t i = 0; i < expected_.size() / n; ++i) {
      kv::FormatOptions options = space_.cache.format;
      if (i > 0) options.format = space_.smaller_formats[i - 1];
      use(options, expected_[i * n + client.request]);
    }
  }

  // While a piece of it is computed, a text holds more than in the end.
  size_t most_bytes(const Client& client) const {
    size_t most = 0;
    for_each_format(client, [&](const kv::FormatOptions& options, const Generation& alone) {
      const kv::Layout layout = *kv::Layout::create(space_.decoder->kv_geometry(), options);
      most = std::max(most, layout.sequence_bytes(alone.n_prompt_tokens + alone.n_completion_tokens) +
                                5 * layout.block_bytes() + layout.page_bytes());
    });
    return most;
  }

  std::optional<std::string> compare(Client& client, ScheduleCounts& counts) {
    const auto differs = [&](std::string_view what) {
      return fmt::format("request {}: {}", client.request, what);
    };
    const Result<Generation> outcome = client.stream->finish();
    if (!outcome.ok()) {
      ++counts.n_limits;
      if (outcome.error().code != ErrorCode::kLimit) return differs(outcome.error().message);
      const size_t needed = most_bytes(client);
      if (needed <= budget_) return differs(fmt::format("{} though {} bytes of {} are enough", outcome.error().message,
                                                        needed, budget_));
      return std::nullopt;
    }
    const std::string& settings = outcome->kv_settings;
    const Generation* in_its_format = nullptr;
    for_each_format(client, [&](const kv::FormatOptions& options, const Generation& one) {
      const bool is_asked = !client.wanted.kv_format || *client.wanted.kv_format == options.format;
      if (is_asked && (settings.empty() || one.kv_settings == settings)) in_its_format = &one;
    });
    if (in_its_format == nullptr) return differs(fmt::format("it was kept as {}", settings));
    const Generation& alone = *in_its_format;
    if (!settings.empty() && settings != expected_[client.request].kv_settings) ++counts.n_smaller;
    counts.n_reused += outcome->n_reused_tokens;
    const bool cut = outcome->finish == FinishReason::kCancelled || outcome->finish == FinishReason::kDeadline;
    ++(cut ? counts.n_cut : counts.n_finished);
    if (!cut && outcome->text != alone.text) return differs(fmt::format("'{}', alone '{}'", outcome->text, alone.text));
    if (!cut && outcome->finish != alone.finish) return differs("another reason to end");
    if (outcome->scored.size() > alone.scored.size()) return differs("more tokens than alone");
    if (!cut && outcome->scored.size() < alone.scored.size()) return differs("fewer tokens than alone");
    for (size_t i = 0; i < outcome->scored.size(); ++i) {
      const engine::TokenLogprob got = outcome->scored[i].chosen, want = alone.scored[i].chosen;
      if (got.token == want.token && got.logprob == want.logprob) continue;
      return differs(fmt::format("token {} is {} ({:.17g}), alone {} ({:.17g})", i, got.token, got.logprob, want.token,
                                 want.logprob));
    }
    return std::nullopt;
  }

  std::optional<std::string> check_end(Run& run) const {
    const kv::CacheStats kv = run.core->caches().stats();
    if (kv.referenced_bytes != 0 || kv.n_sequences != 0) {
      return fmt::format("{} bytes are still held", kv.referenced_bytes);
    }
    if (kv.peak_bytes > budget_) return fmt::format("{} bytes were used of {}", kv.peak_bytes, budget_);
    if (kv.resident_bytes > budget_) return fmt::format("{} bytes are there of {}", kv.resident_bytes, budget_);
    for (const kv::FormatUse& use : run.core->caches().uses()) {
      if (use.n_sequences == 0 && use.referenced_bytes == 0) continue;
      return fmt::format("{} bytes of {} are still held", use.referenced_bytes, kv::format_name(use.format));
    }
    run.core->caches().evict();
    const kv::CacheStats end = run.core->caches().stats();
    if (end.n_blocks + end.n_pages + end.n_tree_nodes != 0 || end.resident_bytes != 0) {
      return fmt::format("{} blocks and {} pages cannot be given back", end.n_blocks, end.n_pages);
    }
    if (run.meter.n_waiting != 0) return "somebody is still counted as waiting";
    if (!spills_ || std::filesystem::is_empty(space_.spill_folder)) return std::nullopt;
    return "a spill file is left";
  }

  const ScheduleSpace& space_;
  std::span<const Generation> expected_;
  Random random_;
  kv::Layout layout_;
  engine::SchedulerOptions options_;
  std::vector<Client> clients_;
  size_t budget_ = 0;
  bool spills_ = false;
  std::map<int64_t, std::optional<kv::Format>> switches_;  // by step
  std::map<std::string, bool> looked_at_;
};

}  // namespace

void ScheduleCounts::add(const ScheduleCounts& other) {
  n_finished += other.n_finished;
  n_cut += other.n_cut;
  n_limits += other.n_limits;
  n_preempted += other.n_preempted;
  n_restored += other.n_restored;
  n_recomputed += other.n_recomputed;
  n_reused += other.n_reused;
  n_spill_failures += other.n_spill_failures;
  n_replayed += other.n_replayed;
  n_switches += other.n_switches;
  n_smaller += other.n_smaller;
}

namespace {

void append_alone(const ScheduleSpace& space, std::vector<Generation>& all) {
  Result<kv::Layout> layout = kv::Layout::create(space.decoder->kv_geometry(), space.cache.format);
  if (!layout.ok()) throw std::runtime_error(layout.error().message);
  ScheduleSpace plain = space;
  plain.cache.share_prefixes = false;
  for (const TextRequest& request : space.requests) {
    const size_t plenty = layout->sequence_bytes(space.n_context) + 40 * layout->block_bytes();
    Run run(plain, {.prefill_tokens = space.most_prefill_tokens}, plenty, false, 1);
    const auto stream = run.submit(plain, request);
    while (run.core->step()) {
    }
    Result<Generation> made = stream->finish();
    if (!made.ok()) throw std::runtime_error(made.error().message);
    all.push_back(std::move(*made));
  }
}

}  // namespace

std::vector<Generation> each_alone(const ScheduleSpace& space) {
  std::vector<Generation> all;
  append_alone(space, all);
  for (const kv::Format format : space.smaller_formats) {
    ScheduleSpace smaller = space;
    smaller.cache.format.format = format;
    append_alone(smaller, all);
  }
  return all;
}

std::optional<std::string> check_schedule(const ScheduleSpace& space, std::span<const Generation> expected,
                                          uint64_t seed, ScheduleCounts& counts) {
  std::optional<std::string> difference = Schedule(space, expected, seed).run(counts);
  if (difference) *difference = fmt::format("schedule {}: {}", seed, *difference);
  return difference;
}

}  // namespace docmind::test

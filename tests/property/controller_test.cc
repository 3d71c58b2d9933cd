// Controller in a closed loop with a made-up server: never swings, stays in its limits, always comes back.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/text.h"
#include "control/controller.h"

namespace docmind::control {
namespace {

constexpr double kBudget = 12.0 * (1ULL << 30);
constexpr int64_t kWindowSteps = 60;

// What a server does with its setpoints, a second at a time and without chance. Sequences keep the format
// that they began with, so memory follows a change with a lag of one answer; a smaller batch ends nothing
// that runs.
struct ServerShape {
  double fixed_share = 0.2;      // of the budget: weights
  double sequence_share = 0.02;  // of the budget: one text as f16
  double base_ms = 800;          // of an answer without rerank and context
  double rerank_ms = 10;         // of a passage
  double prefill_ms = 100;       // of a passage
  double crowding = 0.1;         // how much slower an answer gets with each one beside it
  double hit_rate = 0.2;
};

class Server {
 public:
  explicit Server(const ServerShape& shape) : shape_(shape) {}

  ControlInput run_second(const Setpoints& set, double asked_per_s) {
    const double service_ms = work_ms(set) * (1 + shape_.crowding * running_);
    const double ended = std::min(running_, running_ * 1'000 / service_ms);
    running_ -= ended;
    kv_share_ -= kv_share_ * (running_ + ended > 0 ? ended / (running_ + ended) : 0);
    queued_ += asked_per_s;
    const double refused = std::max(queued_ - static_cast<double>(set.max_queued), 0.0);
    queued_ -= refused;
    start(set);
    if (running_ < 1e-3) running_ = kv_share_ = 0;
    cached_ = static_cast<double>(set.cache_memory_bytes);  // always full
    const double wait_ms = queued_ * service_ms / std::max(running_, 1.0);
    answers_.push_back({ended, refused, wait_ms + service_ms});
    if (answers_.size() > kWindowSteps) answers_.pop_front();
    return measure(set, service_ms);
  }
  double queued() const { return queued_; }
  double memory_share() const { return shape_.fixed_share + kv_share_ + cached_ / kBudget; }

 private:
  struct Second {
    double answered, refused, latency_ms;
  };
  double work_ms(const Setpoints& set) const {
    return shape_.base_ms + shape_.rerank_ms * static_cast<double>(set.rerank_depth) +
           shape_.prefill_ms * static_cast<double>(set.context_passages);
  }
  void start(const Setpoints& set) {
    const double each = shape_.sequence_share * std::vector<double>{1, 0.54, 0.29}[static_cast<size_t>(set.kv_format)];
    const double n = std::clamp(static_cast<double>(set.max_sequences) - running_, 0.0, queued_);
    queued_ -= n;
    running_ += n;
    kv_share_ += n * each;
  }
  ControlInput measure(const Setpoints& set, double service_ms) {
    ControlInput in;
    in.now_ms = 1'000 * ++seconds_;
    in.unix_ms = in.now_ms;
    in.memory_budget_bytes = static_cast<int64_t>(kBudget);
    in.kv_budget_bytes = in.memory_budget_bytes;
    in.memory_used_bytes = static_cast<int64_t>(memory_share() * kBudget);
    in.kv_used_bytes = static_cast<int64_t>(kv_share_ * kBudget);
    in.cache_used_bytes = static_cast<int64_t>(cached_);
    double answered = 0;
    double refused = 0;
    std::vector<double> latencies;
    for (const Second& second : answers_) {
      answered += second.answered;
      refused += second.refused;
      if (second.answered > 1e-3) latencies.push_back(second.latency_ms);
    }
    in.n_answered = std::llround(answered);
    in.n_refused = std::llround(refused);
    in.n_queued = static_cast<int64_t>(queued_);
    in.n_running = std::llround(running_);
    if (in.n_answered == 0) return in;
    std::sort(latencies.begin(), latencies.end());
    in.p95_ms = latencies[latencies.size() * 95 / 100];
    in.service_ms = service_ms;
    in.cache_hit_rate = shape_.hit_rate;
    in.rerank_ms = shape_.rerank_ms * static_cast<double>(set.rerank_depth);
    in.prefill_ms = shape_.prefill_ms * static_cast<double>(set.context_passages);
    return in;
  }

  const ServerShape shape_;
  double running_ = 0, queued_ = 0, kv_share_ = 0, cached_ = 0;
  int64_t seconds_ = 0;
  std::deque<Second> answers_;
};

std::map<std::string, std::string> texts_of(const Setpoints& set) {
  return {{"level", std::string(level_name(set.level))},
          {"kv_format", std::string(kv_format_name(set.kv_format))},
          {"max_sequences", format_count(set.max_sequences)},
          {"prefill_tokens", format_count(set.prefill_tokens)},
          {"embed_batch_tokens", format_count(set.embed_batch_tokens)},
          {"rerank_batch_tokens", format_count(set.rerank_batch_tokens)},
          {"cache_memory_bytes", format_bytes(set.cache_memory_bytes)},
          {"max_queued", format_count(set.max_queued)},
          {"rerank_depth", format_count(set.rerank_depth)},
          {"context_passages", format_count(set.context_passages)}};
}

void check_decisions(const Setpoints& before, const Setpoints& after, const std::vector<Decision>& decisions) {
  std::map<std::string, std::string> told = texts_of(before);
  for (const Decision& decision : decisions) {
    if (decision.to.ends_with("byte") || decision.to.ends_with("bytes")) {  // rounded they would be equal
      RC_ASSERT(decision.setting == "cache_memory_bytes");
      RC_ASSERT(decision.from == format_count(before.cache_memory_bytes, "byte"));
      RC_ASSERT(decision.to == format_count(after.cache_memory_bytes, "byte"));
      continue;
    }
    RC_ASSERT(told.at(decision.setting) == decision.from);
    RC_ASSERT(decision.from != decision.to);
    RC_ASSERT(!decision.cause.empty());
    RC_ASSERT(!decision.effect.empty());
    told[decision.setting] = decision.to;
  }
  RC_ASSERT(told == texts_of(after));
  RC_ASSERT((before == after) == decisions.empty());
}

void check_limits(const Setpoints& now, const Setpoints& most) {
  const auto within = [](int64_t value, int64_t least, int64_t limit) { return value >= least && value <= limit; };
  RC_ASSERT(now.level >= most.level);
  RC_ASSERT(now.kv_format >= most.kv_format);
  RC_ASSERT(within(now.max_sequences, 1, most.max_sequences));
  RC_ASSERT(within(now.prefill_tokens, std::min<int64_t>(64, most.prefill_tokens), most.prefill_tokens));
  RC_ASSERT(within(now.embed_batch_tokens, std::min<int64_t>(64, most.embed_batch_tokens), most.embed_batch_tokens));
  RC_ASSERT(within(now.rerank_batch_tokens, std::min<int64_t>(64, most.rerank_batch_tokens), most.rerank_batch_tokens));
  RC_ASSERT(within(now.cache_memory_bytes, most.cache_memory_bytes / 16, most.cache_memory_bytes));
  RC_ASSERT(within(now.max_queued, 1, most.max_queued));
  RC_ASSERT(within(now.rerank_depth, most.rerank_depth / 4, most.rerank_depth));
  RC_ASSERT(within(now.context_passages, std::min<int64_t>(2, most.context_passages), most.context_passages));
}

ControlOptions any_options() {
  ControlOptions options;
  options.configured.kv_format = *rc::gen::element(KvFormat::kF16, KvFormat::kF16, KvFormat::kInt8, KvFormat::kInt4);
  options.configured.max_sequences = *rc::gen::inRange<int64_t>(1, 65);
  options.configured.prefill_tokens = *rc::gen::inRange<int64_t>(1, 4'096);
  options.configured.embed_batch_tokens = *rc::gen::inRange<int64_t>(1, 65'536);
  options.configured.max_queued = *rc::gen::inRange<int64_t>(1, 1'000);
  options.configured.rerank_depth = *rc::gen::inRange<int64_t>(0, 100);
  options.configured.context_passages = *rc::gen::inRange<int64_t>(1, 20);
  options.configured.cache_memory_bytes = *rc::gen::inRange<int64_t>(0, 1 << 29);
  options.latency_target_ms = *rc::gen::inRange(500, 10'000);
  return options;
}

double any_real(double least, double most) { return least + (most - least) * *rc::gen::inRange(0, 10'001) / 10'000; }

ServerShape any_shape() {
  ServerShape shape;
  // With the cache less than the share at which the last level is left, so that there is a way back.
  shape.fixed_share = any_real(0.05, 0.6);
  shape.sequence_share = any_real(0.001, 0.04);
  shape.base_ms = any_real(50, 5'000);
  shape.rerank_ms = any_real(0.1, 50);
  shape.prefill_ms = any_real(1, 500);
  shape.crowding = any_real(0, 0.5);
  shape.hit_rate = any_real(0, 0.6);
  return shape;
}

std::array<int64_t, 10> numbers_of(const Setpoints& set) {
  return {static_cast<int64_t>(set.level), static_cast<int64_t>(set.kv_format), set.max_sequences,
          set.prefill_tokens, set.embed_batch_tokens, set.rerank_batch_tokens,
          set.cache_memory_bytes, set.max_queued, set.rerank_depth, set.context_passages};
}

// What a run decided.
struct Decided {
  int n = 0;             // seconds with a decision
  bool swung = false;    // a setting went away and back
  double queue_grew = 0; // from its beginning to its end
};

// Runs one controller against one server and checks what holds at every step.
class Loop {
 public:
  Loop(const ControlOptions& options, const ServerShape& shape)
      : options_(options), server_(shape), controller_(Controller::create(options).value()) {}

  Decided run(int n_seconds, double asked_per_s) {
    Decided decided;
    std::array<std::array<bool, 2>, 10> went{};  // by setting: up, down
    const double queue_before = server_.queued();
    for (int second = 0; second < n_seconds; ++second) {
      const ControlInput in = server_.run_second(controller_.setpoints(), asked_per_s);
      const Setpoints before = controller_.setpoints();
      std::vector<Decision> decisions;
      const Setpoints& after = controller_.step(in, &decisions);
      check_decisions(before, after, decisions);
      check_limits(after, options_.configured);
      decided.n += decisions.empty() ? 0 : 1;
      for (size_t i = 0; i < went.size(); ++i) {
        went[i][0] |= numbers_of(after)[i] > numbers_of(before)[i];
        went[i][1] |= numbers_of(after)[i] < numbers_of(before)[i];
        decided.swung |= went[i][0] && went[i][1];
      }
      most_memory_ = std::max(most_memory_, server_.memory_share());
    }
    decided.queue_grew = server_.queued() - queue_before;
    return decided;
  }
  const Setpoints& setpoints() const { return controller_.setpoints(); }
  double most_memory() const { return most_memory_; }

 private:
  ControlOptions options_;
  Server server_;
  Controller controller_;
  double most_memory_ = 0;
};

// A load that is just above the capacity lets the queue grow for hours, which is no steady state: then the
// limit of the queue still has to come, once. Nothing else moves, and nothing moves to and fro.
void check_settled(const Decided& decided) {
  RC_ASSERT(!decided.swung);
  RC_ASSERT(decided.n <= (decided.queue_grew > 1 ? 3 : 0));
}

TEST(ControllerProperty, SettlesOnASteadyLoadAndComesBackWhenItGoes) {
  const bool holds = rc::check("none of the decisions is in the last half of an hour", [] {
    const ControlOptions options = any_options();
    Loop loop(options, any_shape());
    const double asked_per_s = any_real(0.01, 30);
    RC_ASSERT(loop.run(1'800, asked_per_s).n <= 60);
    check_settled(loop.run(1'800, asked_per_s));
    loop.run(1'200, 0);
    RC_ASSERT(loop.setpoints() == options.configured);
    RC_ASSERT(loop.run(600, 0).n == 0);
  });
  EXPECT_TRUE(holds);
}

// The lag: a sequence runs until it ends, whatever is decided. A load of which three seconds ask for less
// than the room above the mark stays within the budget without any help of the engine's own reservation.
TEST(ControllerProperty, StaysWithinTheBudget) {
  const bool holds = rc::check("memory stays below the budget while the load rises", [] {
    ControlOptions options = any_options();
    const ServerShape shape = any_shape();
    const double most_per_s = 0.06 / shape.sequence_share;
    Loop loop(options, shape);
    for (int step = 1; step <= 10; ++step) loop.run(120, std::min(most_per_s, 30.0) * step / 10);
    RC_ASSERT(loop.most_memory() <= 1.0);
  });
  EXPECT_TRUE(holds);
}

TEST(ControllerProperty, FollowsALoadThatChanges) {
  const bool holds = rc::check("after any loads the last one decides", [] {
    const ControlOptions options = any_options();
    Loop loop(options, any_shape());
    const int n_loads = *rc::gen::inRange(1, 6);
    for (int i = 0; i < n_loads; ++i) loop.run(*rc::gen::inRange(1, 600), any_real(0, 30));
    const double asked_per_s = any_real(0.01, 10);
    loop.run(2'400, asked_per_s);
    check_settled(loop.run(1'200, asked_per_s));
    loop.run(1'200, 0);
    RC_ASSERT(loop.setpoints() == options.configured);
  });
  EXPECT_TRUE(holds);
}

TEST(ControllerProperty, TakesAnyNumbers) {
  const bool holds = rc::check("no input breaks the limits", [] {
    const ControlOptions options = any_options();
    Controller controller = Controller::create(options).value();
    for (int step = 0; step < 50; ++step) {
      ControlInput in;
      in.now_ms = *rc::gen::arbitrary<int64_t>() / 4;
      for (int64_t* count : {&in.memory_used_bytes, &in.memory_budget_bytes, &in.kv_used_bytes, &in.kv_budget_bytes,
                             &in.cache_used_bytes, &in.n_answered, &in.n_queued, &in.n_running, &in.n_refused}) {
        *count = *rc::gen::arbitrary<int64_t>();
      }
      for (double* number : {&in.cache_hit_rate, &in.p95_ms, &in.service_ms, &in.rerank_ms, &in.prefill_ms}) {
        *number = *rc::gen::element(0.0, -1.0, 1e300, std::nan(""), std::numeric_limits<double>::infinity(), 2'000.0);
      }
      const Setpoints before = controller.setpoints();
      std::vector<Decision> decisions;
      const Setpoints& after = controller.step(in, &decisions);
      check_decisions(before, after, decisions);
      check_limits(after, options.configured);
      for (const Recommendation& advice : controller.recommend(in)) {
        RC_ASSERT(advice.id.size() * advice.text.size() > 0u);
      }
    }
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace docmind::control

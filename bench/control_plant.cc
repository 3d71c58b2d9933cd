// A simulated RAG server: one engine that reranks, reads prompts and writes texts, a pass at a time.
// SPDX-License-Identifier: Apache-2.0
#include "control_plant.h"

#include <algorithm>
#include <cmath>

namespace docmind::bench {
namespace {

using control::ControlInput;
using control::KvFormat;
using control::Setpoints;

constexpr double kWindowMs = 60'000;
constexpr double kControlMs = 1'000;

// The shares that the engine keeps on long sequences.
double kv_share(KvFormat format) {
  if (format == KvFormat::kInt4) return 0.29;
  return format == KvFormat::kInt8 ? 0.54 : 1.0;
}

struct Text {
  Question question;
  double started_ms = 0;
  double rerank_left = 0, prompt_left = 0;  // tokens' worth of work
  int64_t answer_left = 0;
  double kv_bytes = 0;
  int64_t depth = 0, context = 0;
  bool exact = false;
  double rerank_ms = 0, prefill_ms = 0;  // of passes that worked on it
};

struct Done {
  double at_ms, latency_ms, service_ms, rerank_ms, prefill_ms;
};

double percentile95(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[(values.size() * 95 + 99) / 100 - 1];
}

class Server {
 public:
  Server(const Load& load, const Setpoints& settings, control::Controller* controller, const Machine& machine)
      : load_(load), set_(settings), controller_(controller), machine_(machine) {}

  Outcome run() {
    while (now_ms_ < load_.length_ms || !running_.empty() || !queue_.empty()) {
      arrive();
      control();
      drop_impatient();
      while (start_next()) {
      }
      if (running_.empty()) {
        const double next = next_ < load_.questions.size() ? load_.questions[next_].at_ms : load_.length_ms;
        now_ms_ = std::max(now_ms_, std::min(next, next_control_ms_)) + 1e-6;
      } else {
        pass();
      }
    }
    return outcome();
  }

 private:
  void refuse() {
    ++outcome_.n_refused;
    refused_at_.push_back(now_ms_);
  }

  void arrive() {
    for (; next_ < load_.questions.size() && load_.questions[next_].at_ms <= now_ms_; ++next_) {
      if (static_cast<int64_t>(queue_.size()) >= set_.max_queued) {
        refuse();
      } else {
        queue_.push_back(load_.questions[next_]);
      }
    }
  }

  void drop_impatient() {
    while (!queue_.empty() && now_ms_ - queue_.front().at_ms > machine_.patience_ms) {
      queue_.pop_front();
      refuse();
    }
  }

  double used_bytes() const {
    double bytes = machine_.weight_bytes + static_cast<double>(set_.cache_memory_bytes) +
                   machine_.prefill_token_bytes * static_cast<double>(set_.prefill_tokens) +
                   machine_.encode_token_bytes * static_cast<double>(set_.embed_batch_tokens);
    for (const Text& text : running_) bytes += text.kv_bytes;
    return bytes;
  }

  // The whole text is reserved at its start, so that nothing fails half way.
  bool start_next() {
    if (queue_.empty() || static_cast<int64_t>(running_.size()) >= set_.max_sequences) return false;
    const Question question = queue_.front();
    Text text{.question = question, .started_ms = now_ms_, .depth = set_.rerank_depth,
              .context = set_.context_passages, .exact = set_.kv_format == KvFormat::kF16};
    text.rerank_left = machine_.rerank_tokens * static_cast<double>(text.depth);
    text.prompt_left = static_cast<double>(machine_.prompt_tokens + text.context * question.passage_tokens);
    text.answer_left = question.answer_tokens;
    text.kv_bytes = (text.prompt_left + static_cast<double>(question.answer_tokens)) * machine_.kv_token_bytes *
                    kv_share(set_.kv_format);
    if (used_bytes() + text.kv_bytes > machine_.budget_bytes) {
      if (kv_missing_since_ms_ < 0) kv_missing_since_ms_ = now_ms_;
      if (now_ms_ - kv_missing_since_ms_ < machine_.kv_wait_ms && !running_.empty()) return false;
      queue_.pop_front();
      kv_missing_since_ms_ = -1;
      refuse();
      return true;
    }
    kv_missing_since_ms_ = -1;
    queue_.pop_front();
    running_.push_back(text);
    outcome_.most_memory = std::max(outcome_.most_memory, used_bytes() / machine_.budget_bytes);
    return true;
  }

  // Reranks and reads prompts in the order of arrival, up to prefill_tokens, and writes a token of each
  // text whose prompt is read.
  void pass() {
    double room = static_cast<double>(set_.prefill_tokens);
    double ms = machine_.pass_ms;
    for (Text& text : running_) {
      if (text.rerank_left + text.prompt_left <= 0) {
        ms += machine_.sequence_ms;
        --text.answer_left;
        continue;
      }
      const double reranked = std::min(room, text.rerank_left);
      const double read = std::min(room - reranked, text.prompt_left);
      room -= reranked + read;
      text.rerank_left -= reranked;
      text.prompt_left -= read;
      text.rerank_ms += reranked / machine_.tokens_per_ms;
      text.prefill_ms += read / machine_.tokens_per_ms;
      ms += (reranked + read) / machine_.tokens_per_ms;
    }
    now_ms_ += ms;
    std::erase_if(running_, [&](const Text& text) {
      if (text.answer_left > 0) return false;
      finish(text);
      return true;
    });
  }

  void finish(const Text& text) {
    const double latency_ms = now_ms_ - text.question.at_ms;
    done_.push_back({now_ms_, latency_ms, now_ms_ - text.started_ms, text.rerank_ms, text.prefill_ms});
    latencies_.push_back(latency_ms);
    ++outcome_.n_answered;
    outcome_.f16_share += text.exact ? 1 : 0;
    outcome_.mean_depth += static_cast<double>(text.depth);
    outcome_.mean_context += static_cast<double>(text.context);
  }

  void control() {
    if (controller_ == nullptr || now_ms_ < next_control_ms_) {
      if (controller_ == nullptr) next_control_ms_ = 1e300;
      return;
    }
    next_control_ms_ = std::floor(now_ms_ / kControlMs + 1) * kControlMs;
    while (!done_.empty() && done_.front().at_ms < now_ms_ - kWindowMs) done_.pop_front();
    while (!refused_at_.empty() && refused_at_.front() < now_ms_ - kWindowMs) refused_at_.pop_front();
    std::vector<control::Decision> decisions;
    set_ = controller_->step(measure(), &decisions);
    outcome_.n_decisions += static_cast<int64_t>(decisions.size());
  }

  ControlInput measure() const {
    ControlInput in;
    in.now_ms = static_cast<int64_t>(now_ms_);
    in.memory_used_bytes = static_cast<int64_t>(used_bytes());
    in.memory_budget_bytes = static_cast<int64_t>(machine_.budget_bytes);
    double kv_bytes = 0;
    for (const Text& text : running_) kv_bytes += text.kv_bytes;
    in.kv_used_bytes = static_cast<int64_t>(kv_bytes);
    in.kv_budget_bytes = static_cast<int64_t>(machine_.budget_bytes - machine_.weight_bytes);
    in.cache_used_bytes = set_.cache_memory_bytes;
    in.n_answered = static_cast<int64_t>(done_.size());
    in.n_refused = static_cast<int64_t>(refused_at_.size());
    in.n_queued = static_cast<int64_t>(queue_.size());
    in.n_running = static_cast<int64_t>(running_.size());
    std::vector<double> latencies;
    for (const Done& done : done_) {
      latencies.push_back(done.latency_ms);
      in.service_ms += done.service_ms;
      in.rerank_ms += done.rerank_ms;
      in.prefill_ms += done.prefill_ms;
    }
    const double n = std::max<double>(static_cast<double>(done_.size()), 1);
    for (double* sum : {&in.service_ms, &in.rerank_ms, &in.prefill_ms}) *sum /= n;
    in.p95_ms = percentile95(std::move(latencies));
    return in;
  }

  Outcome outcome() {
    const double n = std::max<double>(static_cast<double>(outcome_.n_answered), 1);
    for (double* sum : {&outcome_.f16_share, &outcome_.mean_depth, &outcome_.mean_context}) *sum /= n;
    outcome_.p95_ms = percentile95(latencies_);
    return outcome_;
  }

  const Load& load_;
  Setpoints set_;
  control::Controller* const controller_;
  const Machine machine_;
  double now_ms_ = 0, next_control_ms_ = 0, kv_missing_since_ms_ = -1;
  size_t next_ = 0;
  std::deque<Question> queue_;
  std::vector<Text> running_;  // by start
  std::deque<Done> done_;      // of the window
  std::deque<double> refused_at_;
  std::vector<double> latencies_;
  Outcome outcome_;
};

}  // namespace

Outcome simulate(const Load& load, const Setpoints& settings, control::Controller* controller,
                 const Machine& machine) {
  return Server(load, settings, controller, machine).run();
}

}  // namespace docmind::bench

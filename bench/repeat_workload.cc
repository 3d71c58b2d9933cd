// repeat_workload: what the answer cache saves where people ask the same things again, in other words.
// SPDX-License-Identifier: Apache-2.0
//
// bench_repeat_workload [MANUAL]: 500 topics of an HTML manual (PostgreSQL's by default) in four wordings
// each (repeat_questions.h), 20,000 requests by Zipf's law, the extractive generator and the lexical
// embedder, one thread. Every question is answered without a cache first; a hit for another wording is
// wrong when its answer was made for another topic and cites other passages than the fresh answer. Then
// the same with one file edited and indexed again every 2,000 requests: each passage that a served answer
// was made from must read as it does in the index now. Exit code 1 below a hit rate of 60%, above a
// share of 2% of wrong ones among the hits or with a stale answer, 2 when it could not be measured.
#include <algorithm>
#include <ctime>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/json.h"
#include "repeat_bed.h"
#include "repeat_questions.h"

namespace docmind::bench {
namespace {

using pipeline::Answer;
using pipeline::CacheState;

constexpr const char* kManual = "/usr/share/doc/postgresql-doc-15/html";
constexpr size_t kTopics = 500;
constexpr size_t kRequests = 20'000;
constexpr size_t kEditEvery = 2'000;
constexpr double kLeastHitRate = 0.6;
constexpr double kMostWrong = 0.02;
// What a model of a few billion weights does on some CPU cores; an assumption, used in one line only.
constexpr double kPromptTokensPerMs = 0.2;
constexpr double kAnswerTokensPerMs = 0.02;

double thread_cpu_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

using Sources = std::set<std::pair<std::string, uint32_t>>;

Sources cited(const Answer& answer) {
  Sources all;
  for (const pipeline::Citation& citation : answer.citations) all.insert({citation.path, citation.start_line});
  return all;
}

// What a question gets without a cache.
struct Fresh {
  Answer answer;
  double ms = 0;
  double cpu_ms = 0;
};

struct Times {
  std::vector<double> ms;
  std::vector<double> cpu_ms;
  void add(double wall, double cpu) {
    ms.push_back(wall);
    cpu_ms.push_back(cpu);
  }
};

double at(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

struct Run {
  Times exact, near, miss, uncached;
  size_t n_wrong = 0;        // near hits
  size_t n_other_topic = 0;  // near hits, wrong or not
  size_t n_stale = 0;        // hits whose passages read otherwise now
  size_t n_revalidated = 0;
  size_t n_declined = 0;     // hits that say that the manual has no answer
  size_t n_prompt_tokens = 0, n_answer_tokens = 0;  // not spent
  double ms = 0, uncached_ms = 0, cpu_ms = 0, uncached_cpu_ms = 0;
  [[nodiscard]] size_t n_hits() const { return exact.ms.size() + near.ms.size(); }
  [[nodiscard]] size_t n_requests() const { return n_hits() + miss.ms.size(); }
  [[nodiscard]] double hit_rate() const {
    return static_cast<double>(n_hits()) / static_cast<double>(n_requests());
  }
  [[nodiscard]] double wrong_share() const {
    return static_cast<double>(n_wrong) / static_cast<double>(std::max<size_t>(n_hits(), 1));
  }
};

class Workload {
 public:
  Workload(RepeatBed& bed, std::vector<Topic> topics)
      : bed_(bed), topics_(std::move(topics)), requests_(make_requests(topics_.size(), kRequests, 1)) {
    for (size_t i = 0; i < topics_.size(); ++i) {
      for (const std::string& wording : topics_[i].wordings) topic_of_.emplace(wording, i);
    }
  }

  [[nodiscard]] const std::vector<Request>& requests() const { return requests_; }
  [[nodiscard]] size_t n_distinct() const { return fresh_.size(); }
  // Hits of a cache that knows only repeats word by word.
  [[nodiscard]] double exact_rate() const {
    return 1 - static_cast<double>(n_distinct()) / static_cast<double>(requests_.size());
  }

  Status answer_without_cache() {
    for (const Request& request : requests_) {
      const std::string& question = question_of(request);
      if (fresh_.contains(question)) continue;
      DM_ASSIGN(Fresh fresh, ask_fresh(question));
      fresh_.emplace(question, std::move(fresh));
    }
    return {};
  }

  // The files that most requests get an answer from, most first.
  [[nodiscard]] std::vector<std::string> cited_files() const {
    std::map<std::string, size_t> n_of;
    for (const Request& request : requests_) {
      for (const auto& [path, line] : cited(fresh_.at(question_of(request)).answer)) ++n_of[path];
    }
    std::vector<std::pair<size_t, std::string>> ranked;
    for (const auto& [path, n] : n_of) ranked.emplace_back(n, path);
    std::sort(ranked.rbegin(), ranked.rend());
    std::vector<std::string> files;
    for (auto& [n, path] : ranked) files.push_back(std::move(path));
    return files;
  }

  // `edited`: the files to edit, one every kEditEvery requests; empty: nothing changes.
  Result<Run> run(const std::vector<std::string>& edited) {
    Run run;
    DM_TRY(bed_.open_cache());
    for (size_t i = 0; i < requests_.size(); ++i) {
      if (!edited.empty() && i > 0 && i % kEditEvery == 0) {
        const size_t n = i / kEditEvery;
        DM_TRY(RepeatBed::edit(edited[(n - 1) % edited.size()], fmt::format("Edition {} of this says:", n)));
        DM_TRY(bed_.index());
      }
      DM_TRY(ask_one(requests_[i], edited.empty(), run));
    }
    return run;
  }

 private:
  const std::string& question_of(const Request& request) const {
    return topics_[request.topic].wordings[request.wording];
  }

  Result<Fresh> ask_fresh(const std::string& question) {
    const Stopwatch wall;
    const double cpu = thread_cpu_ms();
    DM_ASSIGN(Answer answer, bed_.ask(question, false));
    return Fresh{.answer = std::move(answer), .ms = wall.elapsed_ms(), .cpu_ms = thread_cpu_ms() - cpu};
  }

  Status ask_one(const Request& request, bool unchanged, Run& run) {
    const std::string& question = question_of(request);
    const Fresh& fresh = fresh_.at(question);
    const uint64_t n_near = bed_.n_near();
    const Stopwatch wall;
    const double cpu = thread_cpu_ms();
    DM_ASSIGN(const Answer answer, bed_.ask(question, true));
    const double ms = wall.elapsed_ms();
    const double cpu_ms = thread_cpu_ms() - cpu;
    run.ms += ms;
    run.cpu_ms += cpu_ms;
    run.uncached_ms += fresh.ms;
    run.uncached_cpu_ms += fresh.cpu_ms;
    run.uncached.add(fresh.ms, fresh.cpu_ms);
    if (!answer.cached) {
      run.miss.add(ms, cpu_ms);
      return {};
    }
    const bool near = bed_.n_near() > n_near;
    (near ? run.near : run.exact).add(ms, cpu_ms);
    if (near) check_near(request, answer, fresh.answer, run);
    if (unchanged && !near && answer.text != fresh.answer.text) {
      return Error{ErrorCode::kInternal, "the repeat of '" + question + "' got another answer"};
    }
    run.n_revalidated += answer.revalidated ? 1 : 0;
    run.n_declined += answer.answered ? 0 : 1;
    run.n_prompt_tokens += static_cast<size_t>(fresh.answer.n_prompt_tokens);
    run.n_answer_tokens += static_cast<size_t>(fresh.answer.n_completion_tokens);
    DM_ASSIGN(const bool holds, reads_as_now(answer));
    run.n_stale += holds ? 0 : 1;
    return {};
  }

  void check_near(const Request& request, const Answer& answer, const Answer& fresh, Run& run) const {
    if (topic_of_.at(answer.cached->question) == request.topic) return;
    ++run.n_other_topic;
    if (cited(answer) != cited(fresh)) ++run.n_wrong;
  }

  // Whether the index holds every passage that the answer was made from, word by word.
  Result<bool> reads_as_now(const Answer& answer) const {
    std::vector<int64_t> ids;
    for (const pipeline::Passage& passage : answer.passages) ids.push_back(passage.chunk_id);
    DM_ASSIGN(const std::vector<index::StoredChunk> chunks, bed_.corpus().store().chunks(ids));
    return std::equal(chunks.begin(), chunks.end(), answer.passages.begin(), answer.passages.end(),
                      [](const index::StoredChunk& chunk, const pipeline::Passage& passage) {
                        return chunk.path == passage.path && chunk.text == passage.text;
                      });
  }

  RepeatBed& bed_;
  const std::vector<Topic> topics_;
  const std::vector<Request> requests_;
  std::unordered_map<std::string, size_t> topic_of_;
  std::unordered_map<std::string, Fresh> fresh_;
};

json::object times_row(const char* what, const Times& times) {
  const json::object row{{"what", what},
                         {"n", times.ms.size()},
                         {"p50_ms", at(times.ms, 0.5)},
                         {"p99_ms", at(times.ms, 0.99)},
                         {"cpu_p50_ms", at(times.cpu_ms, 0.5)}};
  fmt::print("    {:<14} {:>8} {:>10.3f} {:>10.3f} {:>14.3f}\n", what, times.ms.size(), at(times.ms, 0.5),
             at(times.ms, 0.99), at(times.cpu_ms, 0.5));
  return row;
}

json::object show(const char* title, const Run& run, const Workload& workload) {
  const auto percent = [&](size_t n) {
    return 100 * static_cast<double>(n) / static_cast<double>(run.n_requests());
  };
  fmt::print("\n  {}\n", title);
  fmt::print("    hit rate {:.2f}% (exact {:.2f}%, other wording {:.2f}%); an exact cache would have {:.2f}%\n",
             100 * run.hit_rate(), percent(run.exact.ms.size()), percent(run.near.ms.size()),
             100 * workload.exact_rate());
  fmt::print("    hits for another topic {}, of these wrong {} ({:.3f}% of the hits); stale {}; declining {}; "
             "rechecked {}\n",
             run.n_other_topic, run.n_wrong, 100 * run.wrong_share(), run.n_stale, run.n_declined,
             run.n_revalidated);
  fmt::print("    {:<14} {:>8} {:>10} {:>10} {:>14}\n", "", "requests", "p50 ms", "p99 ms", "p50 CPU ms");
  json::array times{times_row("exact hit", run.exact), times_row("near hit", run.near),
                    times_row("miss", run.miss), times_row("no cache", run.uncached)};
  const double saved_ms = run.uncached_ms - run.ms;
  fmt::print("    whole run {:.1f} s against {:.1f} s without a cache ({:.1f} x); CPU {:.1f} s against {:.1f} s "
             "({:.1f} x)\n",
             run.ms / 1e3, run.uncached_ms / 1e3, run.uncached_ms / run.ms, run.cpu_ms / 1e3,
             run.uncached_cpu_ms / 1e3, run.uncached_cpu_ms / run.cpu_ms);
  fmt::print("    saved {:.2f} ms a request; tokens of a model saved: {} of prompts, {} of answers\n",
             saved_ms / static_cast<double>(run.n_requests()), run.n_prompt_tokens, run.n_answer_tokens);
  const double model_s = (static_cast<double>(run.n_prompt_tokens) / kPromptTokensPerMs +
                          static_cast<double>(run.n_answer_tokens) / kAnswerTokensPerMs) / 1e3;
  fmt::print("    (assumed: at {:.0f} tokens/s of prompts and {:.0f} of answers these are {:.1f} h)\n",
             1e3 * kPromptTokensPerMs, 1e3 * kAnswerTokensPerMs, model_s / 3'600);
  return {{"hit_rate", run.hit_rate()}, {"exact_cache", workload.exact_rate()}, {"near_hits", run.near.ms.size()},
          {"other_topic", run.n_other_topic}, {"wrong", run.n_wrong}, {"stale", run.n_stale},
          {"times", std::move(times)}, {"saved_ms", saved_ms}, {"prompt_tokens", run.n_prompt_tokens},
          {"answer_tokens", run.n_answer_tokens}, {"speed_up", run.uncached_ms / run.ms},
          {"cpu_speed_up", run.uncached_cpu_ms / run.cpu_ms}};
}

Result<bool> measure(const std::string& manual) {
  const BenchFolder folder;
  DM_ASSIGN(const std::unique_ptr<RepeatBed> bed, RepeatBed::make(manual, folder.path()));
  DM_ASSIGN(std::vector<Topic> topics, make_topics(bed->corpus().store(), kTopics));
  const size_t n_topics = topics.size();
  Workload workload(*bed, std::move(topics));
  DM_TRY(workload.answer_without_cache());
  fmt::print("repeating workload: {} topics x {} wordings of {}, {} requests, Zipf s = 1, {} distinct questions\n",
             n_topics, kWordings, manual, workload.requests().size(), workload.n_distinct());
  DM_ASSIGN(const Run still, workload.run({}));
  json::object unchanged = show("documents that stay as they are", still, workload);
  DM_ASSIGN(const Run moving, workload.run(workload.cited_files()));
  json::object changing = show(fmt::format("one file edited every {} requests", kEditEvery).c_str(), moving, workload);
  const auto met = [](const Run& run) {
    return run.hit_rate() >= kLeastHitRate && run.wrong_share() <= kMostWrong && run.n_stale == 0;
  };
  const bool all_met = n_topics == kTopics && met(still) && met(moving);
  fmt::print("{}\n", json::serialize(json::object{{"bench", "repeat_workload"}, {"met", all_met},
                                                  {"unchanged", std::move(unchanged)},
                                                  {"changing", std::move(changing)}}));
  return all_met;
}

int run(const std::string& manual) {
  if (!std::filesystem::is_directory(manual)) {
    fmt::print("repeat_workload: skipped, {} is not installed (scripts/setup.sh bench)\n", manual);
    return 0;
  }
  const Result<bool> met = measure(manual);
  if (met.ok()) return *met ? 0 : 1;
  fmt::print(stderr, "{}\n", met.error().message);
  return 2;
}

}  // namespace
}  // namespace docmind::bench

int main(int argc, char** argv) {
  return docmind::bench::run(argc > 1 ? argv[1] : docmind::bench::kManual);
}

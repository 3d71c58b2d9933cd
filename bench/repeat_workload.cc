// repeat_workload: what the answer cache saves where people ask the same things again, in other words.
// SPDX-License-Identifier: Apache-2.0
//
// bench_repeat_workload [MANUAL [REQUESTS]]: 500 topics of an HTML manual (PostgreSQL's by default) in four wordings
// each (repeat_questions.h), 20,000 requests by Zipf's law, the extractive generator and the lexical
// embedder, one thread. Every question is answered without a cache first; a hit for another wording is
// wrong when its answer was made for another topic and cites other passages than the fresh answer. Then
// the same with one file edited and indexed again every 2,000 requests: each passage that a served answer
// was made from must read as it does in the index now. Exit code 1 below a hit rate of 60%, above a
// share of 2% of wrong ones among the hits or with a stale answer, 2 when it could not be measured.
#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include <fmt/format.h>

#include "base/clock.h"
#include "repeat_bed.h"
#include "repeat_questions.h"
#include "repeat_report.h"

namespace docmind::bench {
namespace {

using pipeline::Answer;
using pipeline::CacheState;

constexpr const char* kManual = "/usr/share/doc/postgresql-doc-15/html";
constexpr size_t kTopics = 500;
constexpr size_t kRequests = 20'000;
constexpr size_t kEdits = 10;  // less the one that would come before the first request
constexpr double kLeastHitRate = 0.6;
constexpr double kMostWrong = 0.02;
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

class Workload {
 public:
  Workload(RepeatBed& bed, std::vector<Topic> topics, size_t n_requests)
      : bed_(bed), topics_(std::move(topics)), requests_(make_requests(topics_.size(), n_requests, 1)) {
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

  // `edited`: the files to edit, one every tenth of the requests; empty: nothing changes.
  Result<Run> run(const std::vector<std::string>& edited) {
    Run run;
    DM_TRY(bed_.open_cache());
    const size_t edit_every = requests_.size() / kEdits;
    for (size_t i = 0; i < requests_.size(); ++i) {
      if (!edited.empty() && i > 0 && i % edit_every == 0) {
        const size_t n = i / edit_every;
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
    DM_ASSIGN(Statement same, bed_.corpus().store().db().prepare(
                                  "SELECT 1 FROM chunks c JOIN documents d ON d.id=c.document_id "
                                  "WHERE d.path=? AND c.start_line=? AND c.heading=? AND c.text=?"));
    for (const pipeline::Passage& passage : answer.passages) {
      same.bind_blob(1, passage.path).bind(2, int64_t{passage.start_line}).bind(3, passage.heading);
      DM_ASSIGN(const bool holds, same.bind(4, passage.text).step());
      if (!holds) return false;
      same.reset();
    }
    return !answer.passages.empty();
  }

  RepeatBed& bed_;
  const std::vector<Topic> topics_;
  const std::vector<Request> requests_;
  std::unordered_map<std::string, size_t> topic_of_;
  std::unordered_map<std::string, Fresh> fresh_;
};

Result<bool> measure(const std::string& manual, size_t n_requests) {
  const BenchFolder folder;
  DM_ASSIGN(const std::unique_ptr<RepeatBed> bed, RepeatBed::make(manual, folder.path()));
  DM_ASSIGN(std::vector<Topic> topics, make_topics(bed->corpus().store(), kTopics));
  const size_t n_topics = topics.size();
  Workload workload(*bed, std::move(topics), n_requests);
  DM_TRY(workload.answer_without_cache());
  fmt::print("repeating workload: {} topics x {} wordings of {}, {} requests, Zipf s = 1, {} distinct questions\n",
             n_topics, kWordings, manual, workload.requests().size(), workload.n_distinct());
  DM_ASSIGN(const Run still, workload.run({}));
  json::object unchanged = show_run("documents that stay as they are", still, workload.exact_rate());
  DM_ASSIGN(const Run moving, workload.run(workload.cited_files()));
  json::object changing =
      show_run(fmt::format("one file edited every {} requests", n_requests / kEdits), moving, workload.exact_rate());
  const auto met = [](const Run& run) {
    return run.hit_rate() >= kLeastHitRate && run.wrong_share() <= kMostWrong && run.n_stale == 0;
  };
  const bool all_met = n_topics == kTopics && met(still) && met(moving);
  fmt::print("{}\n", json::serialize(json::object{{"bench", "repeat_workload"}, {"met", all_met},
                                                  {"unchanged", std::move(unchanged)},
                                                  {"changing", std::move(changing)}}));
  return all_met;
}

int run(const std::string& manual, size_t n_requests) {
  if (!std::filesystem::is_directory(manual)) {
    fmt::print("repeat_workload: skipped, {} is not installed (scripts/setup.sh bench)\n", manual);
    return 0;
  }
  const Result<bool> met = measure(manual, n_requests);
  if (met.ok()) return *met ? 0 : 1;
  fmt::print(stderr, "{}\n", met.error().message);
  return 2;
}

}  // namespace
}  // namespace docmind::bench

int main(int argc, char** argv) {
  const size_t n_requests = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : docmind::bench::kRequests;
  if (argc > 3 || n_requests < docmind::bench::kEdits) {
    fmt::print(stderr, "usage: bench_repeat_workload [MANUAL [REQUESTS]], at least {} requests\n",
               docmind::bench::kEdits);
    return 2;
  }
  return docmind::bench::run(argc > 1 ? argv[1] : docmind::bench::kManual, n_requests);
}

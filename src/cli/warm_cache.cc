// 'docmind cache warm': answers a file of questions into the cache, several at the same time.
// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "cli/cache_actions.h"
#include "cli/library.h"
#include "cli/progress_bar.h"

namespace docmind::cli {
namespace {

constexpr int64_t kMaxQuestionsBytes = 64LL << 20;

Result<std::vector<std::string>> read_questions(const std::string& path) {
  DM_ASSIGN(const std::string text, read_file(path, kMaxQuestionsBytes));
  std::vector<std::string> questions;
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = trim(rest.substr(0, end));
    if (!line.empty()) questions.emplace_back(line);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return questions;
}

// Hands questions to threads and counts what became of them.
class WarmRun {
 public:
  WarmRun(Session& session, std::vector<std::string> questions)
      : session_(session), questions_(std::move(questions)) {}

  // On its own thread, until the questions are used up or somebody stopped.
  void work(pipeline::Asker& asker) {
    const pipeline::AskOptions options = ask_options(session_);
    while (!session_.cancel.cancelled()) {
      const size_t at = next_++;
      if (at >= questions_.size()) break;
      count(asker.ask(questions_[at], options, [](std::string_view) { return true; },
                      session_.cancel));
    }
    std::lock_guard lock(mutex_);
    ++n_finished_;
    changed_.notify_all();
  }

  void show_until_finished(size_t n_threads) {
    ProgressBar bar(session_.terminal);
    std::unique_lock lock(mutex_);
    while (n_finished_ < n_threads) {
      changed_.wait_for(lock, std::chrono::milliseconds(100));
      bar.show_count("questions", n_done_, static_cast<int64_t>(questions_.size()));
    }
  }

  [[nodiscard]] json::object report() const {
    return {{"answered", n_answered_}, {"cached", n_cached_}, {"negative", n_negative_}, {"failed", n_failed_}};
  }

 private:
  void count(const Result<pipeline::Answer>& answer) {
    if (!answer.ok() && answer.error().code == ErrorCode::kCancelled) return;
    std::lock_guard lock(mutex_);
    ++n_done_;
    if (!answer.ok()) {
      ++n_failed_;
      session_.logger.warn("a question was not answered: {}", answer.error().message);
    } else if (answer->cached) {
      ++n_cached_;
    } else {
      ++(answer->answered ? n_answered_ : n_negative_);
    }
  }

  Session& session_;
  const std::vector<std::string> questions_;
  std::atomic<size_t> next_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t n_finished_ = 0;
  int64_t n_done_ = 0, n_answered_ = 0, n_cached_ = 0, n_negative_ = 0, n_failed_ = 0;
};

}  // namespace

Result<json::object> warm_cache(Session& session, const std::string& path, size_t n_jobs) {
  DM_ASSIGN(std::vector<std::string> questions, read_questions(path));
  if (!session.config().cache.enabled) {
    return Error{ErrorCode::kInvalidArgument, "there is no cache to warm: cache.enabled is false"};
  }
  DM_ASSIGN(const std::unique_ptr<Library> library, open_library(session));
  if (library->cache == nullptr) {
    return Error{ErrorCode::kUnsupported, "there is no cache to warm: it could not be opened"};
  }
  std::vector<ParallelAsker> askers;
  for (size_t i = 0; i < std::min(n_jobs, std::max<size_t>(questions.size(), 1)); ++i) {
    DM_ASSIGN(ParallelAsker asker, open_parallel_asker(session, *library));
    askers.push_back(std::move(asker));
  }
  WarmRun run(session, std::move(questions));
  std::vector<std::jthread> threads;
  for (ParallelAsker& asker : askers) {
    threads.emplace_back([&run, &asker] { run.work(*asker.asker); });
  }
  run.show_until_finished(threads.size());
  threads.clear();
  return run.report();
}

}  // namespace docmind::cli

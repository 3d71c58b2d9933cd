// AnswerDirectory under kill -9: nothing that was inserted is lost, nothing removed is back, nothing torn.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <set>
#include <string>

#include "answer_directory_samples.h"
#include "base/file.h"
#include "cache/answer_directory.h"
#include "support/temp_folder.h"

namespace docmind::cache {
namespace {

// Step n: inserts record n; every fourth also removes the two before by a document of theirs.
bool removes(int64_t n) { return n % 4 == 3; }

// Which records are there once step n was done.
std::set<int64_t> after_step(int64_t n) {
  std::set<int64_t> numbers;
  for (int64_t i = 0; i <= n; ++i) {
    numbers.insert(i);
    if (!removes(i)) continue;
    numbers.erase(i - 1);
    numbers.erase(i - 2);
  }
  return numbers;
}

AnswerRecord record_of_step(int64_t n) {
  AnswerRecord record = sample_record(n);
  record.dependencies.push_back({"group/" + std::to_string(n / 4) + "/" + std::to_string(n % 4), "h"});
  return record;
}

void must_do(const Status& status) {
  if (!status.ok()) ::_exit(3);
}

// Reports each finished step through the pipe, until it is killed.
[[noreturn]] void step_for_ever(const std::string& path, int64_t first, int fd) {
  auto opened = AnswerDirectory::open({.path = path, .max_observations = 40});
  if (!opened.ok()) ::_exit(1);
  AnswerDirectory& directory = **opened;
  for (int64_t n = first;; ++n) {
    const auto id = directory.insert(record_of_step(n));
    if (!id.ok()) ::_exit(2);
    directory.note_hit(*id);
    must_do(directory.add_observations(std::vector{sample_observation(n)}));
    if (removes(n)) {
      for (const int64_t before : {n - 1, n - 2}) {
        must_do([&]() -> Status {
          DM_ASSIGN(const auto keys, directory.invalidate({.folder = record_of_step(before).dependencies.back().path}));
          return keys.size() <= 1 ? Status{} : Error{};
        }());
      }
    }
    if (::write(fd, &n, sizeof(n)) != sizeof(n)) ::_exit(4);
  }
}

// Kills a child that steps from `first` on, after `n_steps` and some microseconds more; returns the last
// step that it reported.
int64_t step_until_killed(const std::string& path, int64_t first, int64_t n_steps, unsigned more_us) {
  int ends[2];
  if (::pipe(ends) != 0) return -1;
  UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) step_for_ever(path, first, write_end.get());
  write_end.reset();
  int64_t last = -1;
  bool killed = false;
  // After the kill the pipe still holds what was done before it.
  for (int64_t n = 0; ::read(read_end.get(), &n, sizeof(n)) == sizeof(n);) {
    last = n;
    if (!killed && n + 1 >= first + n_steps) {
      ::usleep(more_us);
      ::kill(child, SIGKILL);
      killed = true;
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself with " << WEXITSTATUS(status);
  return last;
}

// The records are whole, and those that must be there; the step that the kill hit may be half done.
void expect_sound(AnswerDirectory& directory, int64_t last) {
  EXPECT_EQ(directory.take_warning(), "");
  const std::set<int64_t> done = after_step(last);
  for (int64_t n = std::max<int64_t>(0, last - 60); n <= last + 1; ++n) {
    const auto found = directory.find(test_key(n));
    ASSERT_TRUE(found.ok()) << found.error().message;
    const bool undecided = n == last + 1 || (removes(last + 1) && n >= last - 1);
    if (!undecided) {
      ASSERT_EQ(found->has_value(), done.contains(n)) << n << " after " << last;
    }
    if (!found->has_value()) continue;
    AnswerRecord expected = record_of_step(n);
    expected.id = (*found)->id;
    expected.n_hits = (*found)->n_hits;
    expected.used_unix_ms = (*found)->used_unix_ms;
    ASSERT_EQ(**found, expected);
  }
  const auto observations = directory.observations();
  ASSERT_TRUE(observations.ok());
  for (const Observation& observation : *observations) {
    EXPECT_EQ(observation, sample_observation(observation.entry_id));
    EXPECT_LE(observation.entry_id, last + 1);
  }
}

TEST(AnswerDirectoryKill, FiftyKillsTearNothing) {
  const test::TempFolder folder;
  const std::string path = folder.path("answers.db");
  int64_t next = 0;
  int64_t last_version_id = 0;
  for (int round = 0; round < 50; ++round) {
    const int64_t last = step_until_killed(path, next, 3 + round % 7, static_cast<unsigned>(round * 37));
    ASSERT_GE(last, next);
    auto directory = AnswerDirectory::open({.path = path});
    ASSERT_TRUE(directory.ok()) << directory.error().message;
    expect_sound(**directory, last);
    const auto counts = (*directory)->counts();
    ASSERT_TRUE(counts.ok());
    EXPECT_LE(counts->n_observations, 40);
    EXPECT_NEAR(static_cast<double>(counts->n_records), static_cast<double>(after_step(last).size()), 2);
    // No id comes back, also not that of a record that was removed or never committed.
    const auto id = (*directory)->insert(record_of_step(last + 1));
    ASSERT_TRUE(id.ok());
    EXPECT_GT(*id, last_version_id);
    last_version_id = *id;
    // The step is done over, as its caller would.
    next = last + 1;
  }
}

// Works beside another on one file and says by its exit code whether all went well.
[[noreturn]] void work_beside(const std::string& path, int64_t first) {
  auto opened = AnswerDirectory::open({.path = path});
  if (!opened.ok()) ::_exit(1);
  AnswerDirectory& directory = **opened;
  for (int64_t n = first; n < first + 60; ++n) {
    const auto id = directory.insert(sample_record(n));
    if (!id.ok()) ::_exit(2);
    directory.note_hit(*id);
    const auto found = directory.find(*id);
    if (!found.ok() || !found->has_value() || (*found)->question != sample_record(n).question) ::_exit(3);
    if (n % 3 == 0 && !directory.invalidate({.document = sample_path(n)}).ok()) ::_exit(4);
    if (!directory.foreign_version().ok()) ::_exit(5);
    if (!directory.visit_vectors(test_scope(0), 0, [](const AnswerVector&) {}).ok()) ::_exit(6);
  }
  opened->reset();  // writes the hits
  ::_exit(0);
}

TEST(AnswerDirectoryKill, TwoProcessesShareAFile) {
  const test::TempFolder folder;
  const std::string path = folder.path("answers.db");
  pid_t children[2];
  for (int64_t i = 0; i < 2; ++i) {
    children[i] = ::fork();
    if (children[i] == 0) work_beside(path, i * 1'000);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  auto directory = AnswerDirectory::open({.path = path});
  ASSERT_TRUE(directory.ok());
  EXPECT_EQ((*directory)->take_warning(), "");
  std::set<int64_t> ids;
  for (const int64_t first : {0, 1'000}) {
    for (int64_t n = first; n < first + 60; ++n) {
      const auto found = (*directory)->find(test_key(n));
      ASSERT_TRUE(found.ok());
      ASSERT_EQ(found->has_value(), n % 3 != 0) << n;
      if (!found->has_value()) continue;
      EXPECT_EQ((*found)->n_hits, 1);
      ids.insert((*found)->id);
    }
  }
  EXPECT_EQ(ids.size(), 80U);
}

}  // namespace
}  // namespace docmind::cache

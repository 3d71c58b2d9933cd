// The answer cache of the whole program under faults: killed, without room, damaged, fed with hostile text.
// Answers still come, and none says what a document said before.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <random>
#include <thread>

#include "fault_support.h"

namespace docmind::test {
namespace {

constexpr uint64_t kSeed = 20'265;
constexpr int kKills = 50;
const std::array<std::string, 5> kValves = {"amber", "birch", "cedar", "delta", "ember"};

std::string asked(const std::string& valve) { return "Which revision is the " + valve + " valve set to?"; }
std::string asked_otherwise(const std::string& valve) { return "Which revision was the " + valve + " valve set to?"; }
// No word of a sentence is in the sentences of the others but what all have.
std::string revision(int version) { return "revision " + std::to_string(1'000 + version) + "x"; }

class AnswerCacheFault : public testing::Test {
 protected:
  void SetUp() override {
    box_.env["DOCMIND_CACHE_AUDIT_SHARE"] = "0";  // no hit is answered afresh by chance
    for (size_t i = 0; i < kValves.size(); ++i) write(i, 0);
    box_.index();
    std::string lines;
    for (const std::string& valve : kValves) lines += asked(valve) + "\n";
    questions_ = box_.folder.write("questions.txt", lines);
  }
  void write(size_t valve, int version) {
    versions_[valve] = version;
    box_.doc(kValves[valve] + ".md", "# The " + kValves[valve] + " valve\n\nThe " + kValves[valve] +
                                         " valve is set to " + revision(version) + " by the night shift.\n");
  }
  ProcessOptions asking(const std::string& lines) const {
    ProcessOptions options = box_.command({"ask", "--json"});
    options.input = lines;
    return options;
  }
  static std::string all_questions() {
    std::string lines;
    for (const std::string& valve : kValves) lines += asked(valve) + "\n" + asked_otherwise(valve) + "\n";
    return lines;
  }
  // From a file: long questions and their answers would fill both pipes at once.
  std::vector<json::value> ask(const std::string& lines) {
    const ProcessResult result = box_.shell("docmind ask --json < " + box_.folder.write("asked.txt", lines));
    EXPECT_EQ(result.code, 0) << result.err;
    last_warnings_ = result.err;
    std::vector<json::value> answers;
    for (const std::string& line : lines_of(result.out)) answers.push_back(must(parse_json(line, 32, 1u << 20)));
    return answers;
  }
  // Asks everything in both wordings and expects what the documents say now. Where the index is behind
  // the files, an answer may only be an old one that says so and does not come from the cache.
  void expect_current(bool indexed = true) {
    const std::vector<json::value> answers = ask(all_questions());
    ASSERT_EQ(answers.size(), 2 * kValves.size());
    for (size_t i = 0; i < answers.size(); ++i) {
      const bool says_now = contains(text(answers[i], "answer"), revision(versions_[i / 2]));
      const std::string cache = text(answers[i], "cache");
      const bool cached = cache == "memory" || cache == "disk";
      n_cached_ += cached ? 1 : 0;
      if (cached && text(answers[i].at("cached"), "question") != text(answers[i], "question")) ++n_near_;
      if (says_now) continue;
      EXPECT_FALSE(indexed || cached) << json::serialize(answers[i]);
      for (const json::value& citation : list(answers[i], "citations")) {
        EXPECT_TRUE(citation.at("changed_on_disk").as_bool()) << json::serialize(answers[i]);
      }
    }
  }
  void forget_journals(const std::string& name) const {
    for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(box_.store() + "/" + name + suffix);
  }

  Sandbox box_;
  std::string questions_;
  std::array<int, kValves.size()> versions_{};
  int n_cached_ = 0;
  int n_near_ = 0;  // of these, of a question in other words
  std::string last_warnings_;
};

TEST_F(AnswerCacheFault, KilledUnderLoadNoStaleAndNoTornAnswerIsServed) {
  std::mt19937_64 random(kSeed);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<uint64_t>(n)); };
  int n_killed = 0;
  for (int round = 1; round <= kKills; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    for (int i = 0; i < 2; ++i) write(static_cast<size_t>(below(kValves.size())), round);
    {
      std::vector<std::unique_ptr<Process>> load;
      load.push_back(std::make_unique<Process>(box_.command({"cache", "warm", "--jobs", "2", questions_})));
      load.push_back(std::make_unique<Process>(box_.command({"index", "docs"})));
      load.push_back(std::make_unique<Process>(asking(all_questions())));
      if (load[static_cast<size_t>(below(3))]->runs_for_ms(below(150))) ++n_killed;
      const int which = below(8);  // one bit a process
      for (size_t i = 0; i < load.size(); ++i) {
        if (which >> i & 1) load[i]->kill(SIGKILL);
      }
      for (const auto& process : load) {
        const ProcessResult result = process->wait();
        EXPECT_TRUE(result.signal == SIGKILL || result.code == 0) << result.code << result.err;
      }
    }
    expect_current(false);
    EXPECT_EQ(last_warnings_, "");
    box_.index();
    expect_current();
    if (HasFailure()) return;
  }
  EXPECT_GT(n_killed, kKills / 4) << "everything was over before most kills";
  EXPECT_GT(n_cached_, kKills) << "the cache was not used";
  EXPECT_GT(n_near_, kKills / 2) << "no near question was served";
}

TEST_F(AnswerCacheFault, TwoProcessesAskWhileAThirdJudges) {
  std::string lines;
  for (int i = 0; i < 12; ++i) lines += all_questions();
  std::array<ProcessResult, 2> results;
  std::atomic<int> n_finished{0};
  std::vector<std::jthread> askers;
  for (ProcessResult& result : results) {
    askers.emplace_back([&] {
      result = run_process(asking(lines));
      ++n_finished;
    });
  }
  int n_judged = 0;
  while (n_finished < 2) {
    const json::value listed = box_.json_of({"cache", "--json", "list"});
    for (const json::value& answer : listed.as_array()) {
      const std::string id = std::to_string(number(answer, "id"));
      const ProcessResult judged = box_.run({"cache", "feedback", id, n_judged % 3 == 0 ? "good" : "bad"});
      EXPECT_TRUE(judged.code == 0 || contains(judged.err, "no cached answer " + id)) << judged.err;
      n_judged += judged.code == 0 ? 1 : 0;
      if (n_finished == 2) break;
    }
  }
  askers.clear();
  EXPECT_GT(n_judged, 0);
  for (const ProcessResult& result : results) {
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    const std::vector<std::string> answers = lines_of(result.out);
    ASSERT_EQ(answers.size(), 24 * kValves.size());
    for (const std::string& answer : answers) EXPECT_TRUE(contains(answer, revision(0))) << answer;
  }
  expect_current();
}

TEST_F(AnswerCacheFault, WithoutRoomAnswersComeAndNothingIsLost) {
  constexpr rlim_t kLogIndexBytes = 32 << 10;  // without it SQLite does not even read
  ask(asked("amber") + "\n");
  for (const rlim_t limit : {rlim_t{0}, rlim_t{4'096}, rlim_t{40'000}, rlim_t{90'000}}) {
    SCOPED_TRACE(limit);
    ProcessOptions options = asking(all_questions());
    options.before_exec = [limit] {
      ::signal(SIGXFSZ, SIG_IGN);  // the write fails instead
      const struct rlimit most { limit, limit };
      ::setrlimit(RLIMIT_FSIZE, &most);
    };
    const ProcessResult result = run_process(options);
    if (result.code != 0 && limit < kLogIndexBytes) {
      EXPECT_EQ(result.code, 1) << result.err;
      EXPECT_TRUE(contains(result.err, "make room on its disk")) << result.err;
      continue;
    }
    EXPECT_EQ(result.code, 0) << result.err;
    const std::vector<std::string> answers = lines_of(result.out);
    EXPECT_EQ(answers.size(), 2 * kValves.size());
    for (const std::string& answer : answers) EXPECT_TRUE(contains(answer, revision(0))) << answer;
  }
  const std::vector<json::value> again = ask(asked("amber") + "\n");
  EXPECT_EQ(text(again.at(0), "cache"), "disk");
  EXPECT_EQ(last_warnings_, "");
  expect_current();
}

TEST_F(AnswerCacheFault, OnAFullDiskAnswersComeAndNothingIsLost) {
  const std::string disk = box_.folder.mkdir("small-disk");
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=2m") != 0) {
    GTEST_SKIP() << "this test may not mount a file system";
  }
  box_.env["DOCMIND_STORE"] = disk;
  box_.index();
  ask(all_questions());
  // The files of the store stay open, and with them what they need to be read.
  ProcessOptions options = box_.command({"ask", "--json"});
  options.keep_input = true;
  Process reader(options);
  reader.write(asked("amber") + "\n");
  EXPECT_TRUE(reader.read_line());
  std::FILE* filler = std::fopen((disk + "/filler").c_str(), "wb");
  const std::string bytes(3 << 20, 'x');
  std::fwrite(bytes.data(), 1, bytes.size(), filler);
  std::fclose(filler);
  for (const char* flag : {"--explain", "--refresh"}) {  // from the cache; made anew and not kept
    const ProcessResult full = box_.run({"ask", "--json", flag, asked("cedar")});
    EXPECT_EQ(full.code, 0) << full.err;
    EXPECT_TRUE(contains(full.out, revision(0))) << full.out;
    reader.write(asked("cedar") + "\n");
    EXPECT_TRUE(contains(reader.read_line().value_or(""), revision(0)));
  }
  reader.close_input();
  EXPECT_EQ(reader.wait().code, 0);
  std::filesystem::remove(disk + "/filler");
  for (const json::value& answer : ask(all_questions())) {
    EXPECT_NE(text(answer, "cache"), "miss") << json::serialize(answer);
  }
  EXPECT_EQ(last_warnings_, "");
  ::umount2(disk.c_str(), MNT_DETACH);
}

TEST_F(AnswerCacheFault, DamagedFilesAreReplacedAndNamed) {
  for (const std::string name : {"cache.db", "questions.db", "computed.db"}) {
    ask(all_questions());
    const std::string whole = box_.folder.read("store/" + name);
    ASSERT_GT(whole.size(), 4'096U) << name;
    std::string no_header = whole;
    no_header.replace(0, 100, 100, '\xee');
    for (const std::string& damage : {std::string(9'000, '#'), no_header}) {
      SCOPED_TRACE(name + " " + std::to_string(damage.size()));
      forget_journals(name);
      box_.folder.write("store/" + name, damage);
      expect_current();
      EXPECT_TRUE(contains(last_warnings_, name)) << "nothing was said about the repair: " << last_warnings_;
      expect_current();
      EXPECT_EQ(last_warnings_, "");
    }
  }
  EXPECT_GT(n_cached_, 6);
}

TEST_F(AnswerCacheFault, FilesDamagedAnywhereGiveNoWrongAnswer) {
  std::mt19937_64 random(kSeed);
  for (const std::string name : {"cache.db", "questions.db", "computed.db"}) {
    for (int round = 0; round < 8; ++round) {
      SCOPED_TRACE(name + " " + std::to_string(round));
      ask(all_questions());
      std::string bytes = box_.folder.read("store/" + name);
      ASSERT_GT(bytes.size(), 100U);
      const size_t n_places = size_t{1} << (round * 2);
      for (size_t i = 0; i < n_places; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
      if (round % 4 == 3) bytes.resize(random() % bytes.size());
      forget_journals(name);
      box_.folder.write("store/" + name, bytes);
      expect_current();
      const ProcessResult listed = box_.run({"cache", "list"});
      EXPECT_EQ(listed.code, 0) << listed.err;
    }
  }
}

TEST_F(AnswerCacheFault, HostileQuestionsAreOnlyText) {
  const std::vector<std::string> hostile = {"'; DROP TABLE answers; --",
                                            "\" OR 1=1 /* valve */",
                                            "valve \xff\xfe\xc0\x80 amber",
                                            "\x1b[2J\x01\x02\x7f valve",
                                            "valve \xf4\x90\x80\x80?",
                                            std::string(60 << 10, 'v'),
                                            std::string(80 << 10, '?') + " valve",
                                            "valve " + std::string(3'000, '('),
                                            "NEAR(valve amber) AND * ^ : {valve} -",
                                            "%s%n%d {} {0} valve"};
  std::string lines;
  for (const std::string& question : hostile) lines += question + "\n";
  lines += asked("amber") + "\n";
  for (int i = 0; i < 2; ++i) {  // the second time they lie in the cache
    const std::vector<json::value> answers = ask(lines);
    ASSERT_EQ(answers.size(), hostile.size() + 1);
    EXPECT_TRUE(contains(text(answers.back(), "answer"), revision(0)));
  }
  const ProcessResult listed = box_.run({"cache", "list"});
  EXPECT_EQ(listed.code, 0) << listed.err;
  for (const char sign : {'\x1b', '\x01', '\x7f', '\xff'}) EXPECT_EQ(listed.out.find(sign), std::string::npos);
  EXPECT_GE(box_.json_of({"cache", "--json", "list"}).as_array().size(), hostile.size() / 2);
  expect_current();
}

TEST_F(AnswerCacheFault, HostileTenantsReachOnlyTheirOwn) {
  const std::vector<std::string> tenants = {"a", "a' OR '1'='1", "%", "../..", std::string(5'000, 't'), "\x01\xff"};
  for (const std::string& tenant : tenants) {
    const json::value first = box_.json_of({"ask", "--json", "--tenant", tenant, asked("amber")});
    EXPECT_EQ(text(first, "cache"), "miss") << tenant;
    EXPECT_EQ(text(box_.json_of({"ask", "--json", "--tenant", tenant, asked("amber")}), "cache"), "disk");
    EXPECT_EQ(box_.json_of({"cache", "--json", "--tenant", tenant, "list"}).as_array().size(), 1U) << tenant;
    const std::string id = std::to_string(number(first, "cache_id"));
    EXPECT_NE(box_.run({"cache", "--tenant", "b", "show", id}).code, 0) << tenant;
    EXPECT_NE(box_.run({"cache", "--tenant", "b", "feedback", id, "bad"}).code, 0) << tenant;
  }
  const ProcessResult removed = box_.run({"cache", "--tenant", "%", "invalidate", "--folder", "docs"});
  EXPECT_EQ(removed.code, 0) << removed.err;
  EXPECT_EQ(text(box_.json_of({"ask", "--json", "--tenant", "%", asked("amber")}), "cache"), "miss");
  EXPECT_EQ(text(box_.json_of({"ask", "--json", "--tenant", "a", asked("amber")}), "cache"), "disk");
}

TEST_F(AnswerCacheFault, AReadOnlyStoreIsAskedOrSaysWhyNot) {
  ask(all_questions());
  ProcessOptions options = asking(all_questions());
  if (!without_privileges(box_, options)) GTEST_SKIP() << "nobody cannot run the binary";
  ASSERT_EQ(::chmod(box_.store().c_str(), 0555), 0);
  const ProcessResult result = run_process(options);
  options.argv = {DOCMIND_BINARY, "cache", "clear"};
  const ProcessResult cleared = run_process(options);
  options.argv = {DOCMIND_BINARY, "cache", "list"};
  const ProcessResult listed = run_process(options);
  EXPECT_EQ(::chmod(box_.store().c_str(), 0755), 0);
  for (const ProcessResult* run : {&result, &cleared, &listed}) {
    EXPECT_EQ(run->signal, 0);
    EXPECT_TRUE(run->code == 0 || (run->code == 1 && contains(run->err, box_.store()))) << run->err;
  }
  if (result.code == 0) {
    const std::vector<std::string> answers = lines_of(result.out);
    EXPECT_EQ(answers.size(), 2 * kValves.size());
    for (const std::string& answer : answers) EXPECT_TRUE(contains(answer, revision(0))) << answer;
  }
  expect_current();
}

}  // namespace
}  // namespace docmind::test

// kill -9 while indexing, again and again: what is committed is sound, and the end is as without.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <random>

#include "base/clock.h"
#include "fault_support.h"
#include "support/sample_docs.h"

namespace docmind::test {
namespace {

constexpr uint64_t kSeed = 20'261;
constexpr int kKills = 20;
constexpr int kRoots = 4;  // each is committed for itself
constexpr int kFilesARoot = 40;

class Kill : public testing::Test {
 protected:
  void SetUp() override {
    write_all(0);
    for (int root = 0; root < kRoots; ++root) box_.doc(folder(root) + "/pump.pdf", pump_pdf());
  }

  static std::string folder(int root) { return "part" + std::to_string(root); }
  void write_all(uint64_t version) const {
    for (int root = 0; root < kRoots; ++root) {
      for (int file = 0; file < kFilesARoot; ++file) {
        const auto seed = static_cast<uint64_t>(root * 1'000 + file) * 100 + version;
        box_.doc(folder(root) + "/" + std::to_string(file) + ".txt",
                 "Version " + std::to_string(version) + ". " + filler_text(seed, 700));
      }
    }
  }
  // Bytes and time of the last write of the store's files.
  std::vector<int64_t> store_state() const {
    std::vector<int64_t> state;
    for (const char* name : {"/docmind.db", "/docmind.db-wal"}) {
      struct stat st {};
      if (::stat((box_.store() + name).c_str(), &st) != 0) continue;
      state.insert(state.end(), {st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec});
    }
    return state;
  }
  // Returns at the next write to the store; false when the program ended before one.
  bool waits_for_write(Process& run) const {
    const std::vector<int64_t> before = store_state();
    while (!run.ended()) {
      if (store_state() != before) return true;
      ::usleep(50);
    }
    return false;
  }
  ProcessOptions index(const std::string& store) const {
    std::vector<std::string> args{"--store", store, "index"};
    for (int root = 0; root < kRoots; ++root) args.push_back("docs/" + folder(root));
    return box_.command(args);
  }

  Sandbox box_;
};

TEST_F(Kill, LeavesASoundStoreAtAnyMoment) {
  Stopwatch watch;
  ASSERT_EQ(run_process(index(box_.folder.path("first-store"))).code, 0);
  const int whole_ms = static_cast<int>(watch.elapsed_ms());
  std::mt19937_64 random(kSeed);
  int n_killed = 0;
  int64_t most_documents = 0;
  for (int round = 0; round < kKills; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    {
      Process run(index(box_.store()));
      bool running = run.runs_for_ms(static_cast<int>(random() % static_cast<uint64_t>(whole_ms)));
      if (round % 2 == 1) {  // in the middle of a commit
        running = running && waits_for_write(run);
        ::usleep(static_cast<useconds_t>(random() % 1'500));
      }
      if (running) {
        run.kill(SIGKILL);
        ++n_killed;
      }
      const ProcessResult result = run.wait();
      EXPECT_TRUE(result.signal == SIGKILL || result.code == 0) << result.code << result.err;
    }
    const int64_t n_documents = expect_usable(box_, "How often must the pump be greased?");
    EXPECT_GE(n_documents, most_documents) << "a kill lost what was committed";
    most_documents = n_documents;
    ASSERT_NO_THROW(check_store_in(box_.store()));
    write_all(static_cast<uint64_t>(round) + 1);  // so that the next run has as much to do
  }
  EXPECT_GT(n_killed, kKills / 4) << "indexing was over before most kills";
  EXPECT_GT(most_documents, 0);
  const ProcessResult last = run_process(index(box_.store()));
  EXPECT_EQ(last.code, 0) << last.err;
  expect_like_undisturbed(box_);
}

}  // namespace
}  // namespace docmind::test

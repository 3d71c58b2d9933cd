// Damaged, foreign, newer and read-only stores: a sentence, never a crash or a wrong answer.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault_support.h"
#include "support/sample_docs.h"

namespace docmind::test {
namespace {

constexpr const char* kQuestion = "How often must the pump be greased?";

class DamagedStore : public testing::Test {
 protected:
  void SetUp() override {
    write_sample_docs(box_);
    box_.index();
  }
  // Expects that every command that needs the store fails with a sentence that holds `words`.
  void expect_refused(const std::string& words) const {
    for (const std::vector<std::string>& args :
         {std::vector<std::string>{"ask", kQuestion}, {"search", "pump"}, {"status"}, {"index", "docs"},
          {"remove", "docs"}}) {
      const ProcessResult result = box_.run(args);
      EXPECT_EQ(result.code, 1) << args[0] << result.out << result.err;
      EXPECT_TRUE(result.err.starts_with("docmind: ")) << result.err;
      EXPECT_TRUE(contains(result.err, words)) << args[0] << ": " << result.err;
      EXPECT_EQ(lines_of(result.err).size(), 1U) << result.err;
    }
  }
  void expect_answer(const std::string& cache_words) const {
    const ProcessResult result = box_.run({"ask", kQuestion});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_TRUE(contains(result.out, "every six weeks")) << result.out;
    EXPECT_TRUE(contains(result.out, cache_words)) << result.out;
  }
  Sandbox box_;
};

TEST_F(DamagedStore, GarbageIsRefusedAndKept) {
  const std::string garbage(70'000, '?');
  box_.folder.write("store/docmind.db", garbage);
  expect_refused("not a database");
  EXPECT_EQ(box_.folder.read("store/docmind.db"), garbage) << "it may be somebody's file";
  box_.folder.remove("store");
  EXPECT_EQ(box_.run({"index", "docs"}).code, 0);
  expect_answer("not cached");
}

TEST_F(DamagedStore, ATruncatedFileIsNoticed) {
  const std::string whole = box_.folder.read("store/docmind.db");
  ASSERT_GT(whole.size(), 20'000U);
  for (const size_t size : {size_t{50}, size_t{4'096}, whole.size() / 2, whole.size() - 5'000}) {
    SCOPED_TRACE(size);
    box_.folder.write("store/docmind.db", whole.substr(0, size));
    for (const std::vector<std::string>& args :
         {std::vector<std::string>{"ask", "--no-cache", kQuestion}, {"search", "pump"}, {"doctor"}}) {
      const ProcessResult result = box_.run(args);
      EXPECT_EQ(result.signal, 0) << args[0];
      // What is left may do for the one question; a failure is a sentence, and the doctor knows.
      EXPECT_TRUE(result.code == 1 || (result.code == 0 && args[0] != "doctor"))
          << args[0] << " " << result.code << "\n" << result.out << result.err;
    }
  }
}

TEST_F(DamagedStore, ANewerOrForeignStoreIsLeftAlone) {
  const auto set = [&](const std::string& pragma) {
    const Database db = must(Database::open(index::database_path(box_.store()), Database::Mode::kReadWrite));
    must(db.exec(pragma));
  };
  set("PRAGMA user_version=99");
  expect_refused("schema version 99");
  set("PRAGMA user_version=2; PRAGMA application_id=7");
  expect_refused("another application");
}

TEST_F(DamagedStore, AReadOnlyStoreCanBeAskedOrSaysWhyNot) {
  ProcessOptions options = box_.command({"ask", kQuestion});
  if (!without_privileges(box_, options)) GTEST_SKIP() << "nobody cannot run the binary";
  ASSERT_EQ(::chmod(box_.store().c_str(), 0555), 0);
  const ProcessResult ask = run_process(options);
  options.argv = {DOCMIND_BINARY, "index", "docs"};
  const ProcessResult index = run_process(options);
  EXPECT_EQ(::chmod(box_.store().c_str(), 0755), 0);
  if (ask.code == 0) {
    EXPECT_TRUE(contains(ask.out, "every six weeks")) << ask.out;
  } else {
    EXPECT_EQ(ask.code, 1);
    EXPECT_TRUE(contains(ask.err, box_.store())) << ask.err;
    EXPECT_EQ(ask.out, "");
  }
  EXPECT_TRUE(index.code == 0 || index.code == 1) << index.code;
  if (index.code == 1) {
    EXPECT_TRUE(contains(index.err, box_.store())) << index.err;
  }
}

TEST_F(DamagedStore, ADamagedAnswerCacheIsReplaced) {
  expect_answer("not cached");
  expect_answer("cached on disk");
  for (const std::string& damage :
       {std::string("not a database, but long enough to have a header of one, or so it may seem to "
                    "somebody who does not look: ") + std::string(5'000, '#'),
        std::string(), box_.folder.read("store/cache.db").substr(0, 5'000)}) {
    SCOPED_TRACE(damage.size());
    for (const char* suffix : {"-wal", "-shm"}) box_.folder.remove("store/cache.db" + std::string(suffix));
    box_.folder.write("store/cache.db", damage);
    const ProcessResult first = box_.run({"ask", kQuestion});
    EXPECT_EQ(first.code, 0) << first.err;
    EXPECT_TRUE(contains(first.out, "every six weeks")) << first.out;
    if (!damage.empty()) {
      EXPECT_TRUE(contains(first.err, "cache")) << "nothing was said about the repair: " << first.err;
    }
    expect_answer("cached on disk");
  }
  // A folder in its place cannot be replaced: answers go on without it.
  for (const char* name : {"cache.db", "cache.db-wal", "cache.db-shm"}) {
    box_.folder.remove("store/" + std::string(name));
  }
  box_.folder.write("store/cache.db/file", "x");
  expect_answer("cache off");
  expect_answer("cache off");
}

TEST_F(DamagedStore, ADamagedVectorGraphIsNotUsedAndMadeAgain) {
  box_.env["DOCMIND_SEARCH_EXACT_LIMIT"] = "0";
  box_.doc("more.md", "# More\n\nOne more page about the garden pond.\n");
  box_.index();
  const std::string graph = box_.folder.read("store/vectors.hnsw");
  ASSERT_GT(graph.size(), 100U);
  const json::value whole = box_.json_of({"search", "--json", "pump garden pond"});
  std::string flipped = graph;
  for (size_t i = graph.size() / 2; i < graph.size(); i += 7) flipped[i] = static_cast<char>(~flipped[i]);
  for (const std::string& damage : {std::string(), graph.substr(0, graph.size() / 2), flipped}) {
    SCOPED_TRACE(damage.size());
    box_.folder.write("store/vectors.hnsw", damage);
    EXPECT_EQ(box_.json_of({"search", "--json", "pump garden pond"}), whole);
    box_.index();
    EXPECT_EQ(box_.folder.read("store/vectors.hnsw").size(), graph.size()) << "not made again";
    EXPECT_EQ(box_.json_of({"search", "--json", "pump garden pond"}), whole);
  }
}

}  // namespace
}  // namespace docmind::test

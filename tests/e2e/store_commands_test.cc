// docmind status, remove, cache and doctor.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "support/docmind.h"
#include "support/sample_docs.h"

namespace docmind::test {
namespace {

class StoreCommands : public testing::Test {
 protected:
  void SetUp() override {
    write_sample_docs(box_);
    box_.doc("broken.pdf", "%PDF-1.7 and no more");
    box_.index(3);
  }
  Sandbox box_;
};

TEST_F(StoreCommands, StatusShowsWhatIsThere) {
  const json::value status = box_.json_of({"status", "--json", "--files"});
  EXPECT_EQ(text(status, "store"), box_.store());
  EXPECT_EQ(number(status, "documents"), kNSampleDocs);
  EXPECT_GE(number(status, "chunks"), kNSampleDocs);
  EXPECT_EQ(number(status, "vectors"), number(status, "chunks"));
  EXPECT_EQ(list(status, "roots"), (json::array{box_.docs()}));
  ASSERT_EQ(list(status, "failures").size(), 1U);
  EXPECT_TRUE(contains(text(list(status, "failures")[0], "path"), "broken.pdf"));
  const json::array files = list(status, "files");
  ASSERT_EQ(files.size(), 5U);
  EXPECT_EQ(text(files[0], "format"), "html");
  EXPECT_EQ(text(files[0], "sha256").size(), 64U);
  const ProcessResult words = box_.run({"status", "--files"});
  EXPECT_EQ(words.code, 0) << words.err;
  const std::string docs = box_.docs();
  for (const std::string& part : std::vector<std::string>{
           "documents  5\n", "root       " + docs + "\n", "failed     " + docs + "/broken.pdf: ",
           "docx       " + docs + "/lease.docx\n"}) {
    EXPECT_TRUE(contains(words.out, part)) << part << " in\n" << words.out;
  }
}

TEST_F(StoreCommands, RemoveTakesOutFilesAndFolders) {
  const ProcessResult one = box_.run({"remove", "docs/pump.pdf"});
  EXPECT_EQ(one.code, 0) << one.err;
  EXPECT_EQ(one.out, "1 document removed\n");
  EXPECT_TRUE(box_.folder.exists("docs/pump.pdf")) << "the file itself stays";
  EXPECT_EQ(number(box_.json_of({"status", "--json"}), "documents"), 4);
  EXPECT_EQ(box_.run({"remove", "docs/network/", "docs/leave.md"}).out, "2 documents removed\n");
  EXPECT_EQ(box_.run({"remove", ""}).code, 2);
  EXPECT_EQ(box_.run({"remove", "docs/never-there"}).out, "0 documents removed\n");
  EXPECT_EQ(box_.run({"remove", "docs"}).out, "2 documents removed\n");
  const json::value status = box_.json_of({"status", "--json"});
  EXPECT_EQ(number(status, "documents"), 0);
  EXPECT_TRUE(list(status, "roots").empty());
  EXPECT_TRUE(list(status, "failures").empty());
  EXPECT_EQ(box_.run({"ask", "x"}).code, 1);
  EXPECT_EQ(number(box_.index(3), "added"), 5) << "it can come back";
}

TEST_F(StoreCommands, RemoveNeedsAStore) {
  const ProcessResult result = box_.run({"remove", "docs", "--store", "elsewhere"});
  EXPECT_EQ(result.code, 1);
  EXPECT_TRUE(contains(result.err, "there is no index in")) << result.err;
  EXPECT_FALSE(box_.folder.exists("elsewhere"));
}

int64_t n_cached(const Sandbox& box) {
  for (const json::value& tier : list(box.json_of({"cache", "--json"}), "tiers")) {
    if (text(tier, "tier") == "disk") return number(tier, "entries");
  }
  ADD_FAILURE() << "no disk tier";
  return -1;
}

TEST_F(StoreCommands, CacheCountsAndForgets) {
  EXPECT_EQ(n_cached(box_), 0);
  for (const char* question : {"When do leave days expire?", "How heavy is the pump?"}) {
    EXPECT_EQ(box_.run({"ask", question}).code, 0);
  }
  EXPECT_EQ(n_cached(box_), 2);
  const ProcessResult stats = box_.run({"cache", "stats"});
  EXPECT_TRUE(contains(stats.out, "2 entries")) << stats.out;
  const ProcessResult cleared = box_.run({"cache", "clear"});
  EXPECT_EQ(cleared.code, 0) << cleared.err;
  EXPECT_EQ(n_cached(box_), 0);
  EXPECT_TRUE(contains(box_.run({"ask", "How heavy is the pump?"}).out, "not cached"));
}

// Level of the first finding about `topic`.
std::string level_of(const json::value& report, std::string_view topic) {
  for (const json::value& finding : list(report, "findings")) {
    if (text(finding, "topic") == topic) return text(finding, "level");
  }
  return "(none)";
}

TEST_F(StoreCommands, DoctorFindsAHealthyStoreHealthy) {
  const ProcessResult result = box_.run({"doctor"});
  EXPECT_TRUE(contains(result.out, "the store's file is sound")) << result.out;
  // A nearly full machine is unhealthy too; the verdict must agree with the findings.
  EXPECT_EQ(result.code, contains(result.out, "BAD ") ? 1 : 0) << result.out;
  const json::value report = box_.json_of({"doctor", "--json"}, result.code);
  for (const char* topic : {"cpu", "config", "store", "integrity", "parser"}) {
    EXPECT_EQ(level_of(report, topic), "good") << topic << "\n" << result.out;
  }
  EXPECT_NE(level_of(report, "memory"), "(none)");
  EXPECT_EQ(level_of(box_.json_of({"doctor", "--json", "--store", "absent"}, result.code), "store"),
            "note");
}

TEST_F(StoreCommands, DoctorFindsDamage) {
  std::string bytes = box_.folder.read("store/docmind.db");
  for (size_t i = 8'192; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 37);
  box_.folder.write("store/docmind.db", bytes);
  const ProcessResult result = box_.run({"doctor"});
  EXPECT_EQ(result.code, 1) << result.out;
  EXPECT_TRUE(contains(result.out, "BAD ")) << result.out;
  box_.folder.write("store/docmind.db", "this is not a database at all, whatever its name says");
  const json::value report = box_.json_of({"doctor", "--json"}, 1);
  EXPECT_EQ(level_of(report, "store"), "bad");
  const ProcessResult in_a_file = box_.run({"doctor", "--store", "docs/leave.md/store"});
  EXPECT_TRUE(in_a_file.code == 0 || in_a_file.code == 1) << in_a_file.err;
}

}  // namespace
}  // namespace docmind::test

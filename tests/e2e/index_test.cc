// docmind index: what it counts, what it reads again, what it names and leaves out.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include "support/docmind.h"
#include "support/sample_docs.h"

namespace docmind::test {
namespace {

// The counts of a summary in one line, to compare at a glance.
std::string counts_of(const json::value& report) {
  std::string counts;
  for (const char* key : {"found", "added", "updated", "unchanged", "removed"}) {
    counts += std::string(key) + "=" + std::to_string(number(report, key)) + " ";
  }
  return counts + "skipped=" + std::to_string(list(report, "skipped").size());
}

std::vector<std::string> indexed_paths(const Sandbox& box) {
  std::vector<std::string> paths;
  const json::value status = box.json_of({"status", "--json", "--files"});
  for (const json::value& file : list(status, "files")) paths.push_back(text(file, "path"));
  return paths;
}

TEST(Index, ReadsEveryFormatAndThenOnlyWhatChanged) {
  Sandbox box;
  write_sample_docs(box);
  EXPECT_EQ(counts_of(box.index()),
            "found=5 added=5 updated=0 unchanged=0 removed=0 skipped=0");
  const json::value second = box.index();
  EXPECT_EQ(counts_of(second), "found=5 added=0 updated=0 unchanged=5 removed=0 skipped=0");
  EXPECT_EQ(number(second, "new_chunks"), 0);

  box.doc("leave.md", "# Leave policy\n\nUnused leave days expire at the end of June.\n");
  box.folder.remove("docs/pump.pdf");
  box.doc("new.md", "# New\n\nA new page.\n");
  EXPECT_EQ(counts_of(box.index()), "found=5 added=1 updated=1 unchanged=3 removed=1 skipped=0");
  const json::value gone = box.json_of({"search", "--json", "pump grease weeks"});
  for (const json::value& result : list(gone, "results")) {
    EXPECT_FALSE(contains(text(result, "path"), "pump.pdf"));
  }
}

TEST(Index, SaysInWordsWhatItDid) {
  Sandbox box;
  write_sample_docs(box);
  const ProcessResult first = box.run({"index", box.docs()});
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_TRUE(contains(first.out, "5 files  5 added, 0 updated, 0 unchanged, 0 removed, 0 skipped"))
      << first.out;
  EXPECT_TRUE(contains(first.out, "the store has 5 documents")) << first.out;
  EXPECT_EQ(first.err, "");
  // Without a path: everything that was indexed before.
  box.doc("leave.md", "# Leave\n\nChanged.\n");
  const ProcessResult again = box.run({"index"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_TRUE(contains(again.out, "0 added, 1 updated, 4 unchanged")) << again.out;
}

TEST(Index, KnowsAnOldFileByItsStampAndReadsItAgainOnRequest) {
  Sandbox box;
  box.doc("a.md", "# A\n\nText.\n");
  box.index();
  ::usleep(1'200'000);  // a stamp younger than a second is never trusted
  box.index();
  EXPECT_EQ(number(box.index(), "read_bytes"), 0);
  EXPECT_EQ(number(box.index(0, {"--rehash"}), "read_bytes"), 11);
  const json::value reembedded = box.index(0, {"--reembed"});
  EXPECT_EQ(number(reembedded, "unchanged"), 1);
  EXPECT_EQ(number(reembedded.at("store"), "vectors"), number(reembedded.at("store"), "chunks"));
}

TEST(Index, IncludesAndExcludesByGlob) {
  Sandbox box;
  write_sample_docs(box);
  box.doc("drafts/idea.md", "# Idea\n\nNot yet.\n");
  box.doc("notes.log", "A log line.\n");
  EXPECT_EQ(counts_of(box.index(0, {"--include", "*.md", "--exclude", "drafts/"})),
            "found=1 added=1 updated=0 unchanged=0 removed=0 skipped=0");
  EXPECT_EQ(indexed_paths(box), std::vector<std::string>{box.docs() + "/leave.md"});
  // The globs belong to the root: a run without a path uses them again.
  const json::value again = box.json_of({"index", "--json"});
  EXPECT_EQ(number(again, "found"), 1);
  // Other globs: what they leave out goes, what they add comes.
  box.index(0, {"--include", "*.html", "--include", "*.log"});
  EXPECT_EQ(indexed_paths(box),
            (std::vector<std::string>{box.docs() + "/coffee.html", box.docs() + "/notes.log"}));
  const ProcessResult bad = box.run({"index", box.docs(), "--include", "[a-"});
  EXPECT_EQ(bad.code, 2);
  EXPECT_TRUE(contains(bad.err, "[a-")) << bad.err;
}

TEST(Index, NamesFilesWithErrorsAndIndexesTheRest) {
  Sandbox box;
  write_sample_docs(box);
  box.doc("broken.pdf", "%PDF-1.7 and no more");
  box.doc("broken.docx", "PK\x03\x04 nothing");
  for (int round = 0; round < 2; ++round) {  // the second time from the store's memory
    const ProcessResult result = box.run({"index", box.docs()});
    EXPECT_EQ(result.code, 3);
    EXPECT_TRUE(contains(result.err, "skipped docs/broken.pdf: ")) << result.err;
    EXPECT_TRUE(contains(result.err, "skipped docs/broken.docx: ")) << result.err;
    EXPECT_TRUE(contains(result.out, "2 skipped")) << result.out;
    EXPECT_TRUE(contains(result.out, "the store has 5 documents")) << result.out;
  }
  const json::value report = box.index(3);
  ASSERT_EQ(list(report, "skipped").size(), 2U);
  for (const json::value& skip : list(report, "skipped")) {
    EXPECT_TRUE(contains(text(skip, "path"), "/broken."));
    EXPECT_EQ(text(skip, "code"), "malformed");
    EXPECT_GT(text(skip, "reason").size(), 10U);
  }
  box.doc("broken.pdf", pump_pdf());
  box.folder.remove("docs/broken.docx");
  EXPECT_EQ(counts_of(box.index()), "found=6 added=1 updated=0 unchanged=5 removed=0 skipped=0");
}

TEST(Index, RefusesWhatIsNotThere) {
  Sandbox box;
  const ProcessResult no_root = box.run({"index", "nowhere"});
  EXPECT_EQ(no_root.code, 1);
  EXPECT_TRUE(contains(no_root.err, "nowhere")) << no_root.err;
  const ProcessResult nothing_known = box.run({"index"});
  EXPECT_EQ(nothing_known.code, 2);
  EXPECT_TRUE(contains(nothing_known.err, "docmind index PATH")) << nothing_known.err;
  // One of several: the others are indexed.
  box.doc("a.md", "# A\n\nText.\n");
  const ProcessResult some = box.run({"index", "docs", "nowhere"});
  EXPECT_EQ(some.code, 3);
  EXPECT_TRUE(contains(some.err, "nowhere")) << some.err;
  EXPECT_TRUE(contains(some.out, "1 added")) << some.out;
}

TEST(Index, TakesAnyFileName) {
  Sandbox box;
  const std::vector<std::string> names = {"two\nlines.md", "it's \"quoted\".md", "caf\xe9.md",
                                          "back\\slash.md", "-dash.md", "\x1b[31mred.md"};
  for (size_t i = 0; i < names.size(); ++i) {
    box.doc(names[i], "# Page\n\nThe code word number " + std::to_string(i) + " is zebra" +
                          std::string(i + 1, 'q') + ".\n");
  }
  EXPECT_EQ(number(box.index(), "added"), 6);
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string word = "zebra" + std::string(i + 1, 'q');
    const ProcessResult found = box.run({"search", "-k", "1", word});
    EXPECT_EQ(found.code, 0) << found.err;
    EXPECT_TRUE(contains(found.out, word)) << found.out;
    EXPECT_FALSE(contains(found.out, "\x1b")) << "a name reached the terminal as it is";
    EXPECT_FALSE(contains(found.out, "two\nlines"));
  }
  EXPECT_EQ(number(box.index(), "unchanged"), 6);
  box.folder.remove("docs/caf\xe9.md");
  EXPECT_EQ(number(box.index(), "removed"), 1);
}

TEST(Index, PutsTheStoreWhereTheSettingsSay) {
  Sandbox box;
  box.doc("a.md", "# A\n\nText.\n");
  const auto index_with = [&](std::map<std::string, std::string> env, std::vector<std::string> args) {
    ProcessOptions options = box.command(std::move(args));
    options.env.erase("DOCMIND_STORE");
    options.env.merge(env);
    EXPECT_EQ(run_process(options).code, 0);
  };
  index_with({}, {"index", "docs"});
  EXPECT_TRUE(box.folder.exists("home/.local/share/docmind/default/docmind.db"));
  index_with({{"XDG_DATA_HOME", box.folder.path("data")}}, {"index", "docs"});
  EXPECT_TRUE(box.folder.exists("data/docmind/default/docmind.db"));
  index_with({}, {"--store", "here", "index", "docs"});
  EXPECT_TRUE(box.folder.exists("here/docmind.db"));
  index_with({}, {"index", "docs", "--store", "there/deep"});
  EXPECT_TRUE(box.folder.exists("there/deep/docmind.db"));
  index_with({{"DOCMIND_STORE", "from-env"}}, {"index", "docs"});
  EXPECT_TRUE(box.folder.exists("from-env/docmind.db"));
}

}  // namespace
}  // namespace docmind::test

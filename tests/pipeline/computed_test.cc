// What was computed before: files that were parsed, and what a question found, until a commit.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "pipeline/corpus.h"
#include "pipeline/file_job.h"
#include "pipeline/pipeline_test_support.h"
#include "support/docx_writer.h"
#include "support/pdf_writer.h"

namespace docmind::pipeline {
namespace {

using cache::ComputationCache;

class ComputedTest : public AskerTest {
 protected:
  void SetUp() override {
    reopen();
    write("pump.pdf", test::make_pdf({"Pump manual\n\nThe pump weighs forty kilograms.",
                                      "Maintenance\n\nThe pump is greased every six weeks."},
                                     {.title = "Pump manual"}));
    write("lease.docx", test::make_docx(test::docx_paragraph("Lease", "Heading1") +
                                        test::docx_paragraph("The notice period is three months.")));
    write("log.md", "# Log\n\nThe write ahead log keeps every change.\n");
  }
  // As another process would find it.
  void reopen() {
    if (computed != nullptr) must(computed->flush());
    computed.reset();
    computed = must(ComputationCache::open({.disk_path = folder.path("computed.db")}, nullptr));
  }
  IndexRequest remembering() const {
    IndexRequest wanted = request();
    wanted.job.computed = computed.get();
    return wanted;
  }
  // With a parser that fails on every file.
  IndexRequest without_parser() const {
    IndexRequest wanted = remembering();
    wanted.worker_executable = folder.write("parser", "#!/bin/sh\nexit 1\n");
    EXPECT_EQ(::chmod(wanted.worker_executable.c_str(), 0700), 0);
    return wanted;
  }
  std::pair<uint64_t, uint64_t> hits_and_misses(cache::Computation computation) const {
    const cache::ComputationStats stats = computed->stats()[static_cast<size_t>(computation)];
    return {stats.n_hits, stats.n_misses};
  }
  // Of a document, without its ids: title, pages, headings and text of its chunks.
  std::string content(const std::string& name) const {
    const index::StoreReader store = reader();
    const auto document = must(store.document(doc(name)));
    if (!document) return "(none)";
    std::string all = document->title + "|" + document->format;
    std::vector<int64_t> ids;
    must(store.visit_chunks(0, [&](int64_t id, std::string_view, std::string_view, std::string_view) {
      ids.push_back(id);
      return true;
    }));
    for (const index::StoredChunk& chunk : must(store.chunks(ids))) {
      if (chunk.document_id != document->id) continue;
      all += "|" + std::to_string(chunk.page) + "-" + std::to_string(chunk.end_page) + " " + chunk.heading + ": " +
             chunk.text;
    }
    return all;
  }
  void copy(const std::string& from, const std::string& to) const {
    folder.mkdir(std::filesystem::path("docs/" + to).parent_path().string());
    std::filesystem::copy_file(doc(from), doc(to));
  }

  std::unique_ptr<ComputationCache> computed;
};

TEST_F(ComputedTest, CopiedFilesAreNotParsedAgain) {
  EXPECT_EQ(counts(index(remembering())), "3 3 0 0 0");
  EXPECT_EQ(hits_and_misses(cache::Computation::kParsedFile), std::pair(uint64_t{0}, uint64_t{2}));
  const std::string pump = content("pump.pdf");
  const std::string lease = content("lease.docx");
  ASSERT_NE(pump.find("forty kilograms"), std::string::npos) << pump;
  reopen();
  copy("pump.pdf", "archive/pump.pdf");
  copy("lease.docx", "archive/2024/lease.docx");
  const IndexReport report = index(without_parser());
  EXPECT_EQ(counts(report), "5 2 0 3 0");
  EXPECT_TRUE(report.skipped.empty());
  EXPECT_EQ(content("archive/pump.pdf"), pump);
  EXPECT_EQ(content("archive/2024/lease.docx"), lease);
  EXPECT_EQ(hits_and_misses(cache::Computation::kParsedFile), std::pair(uint64_t{2}, uint64_t{0}));
}

TEST_F(ComputedTest, MovedAndRestoredFilesAreNotParsedAgain) {
  index(remembering());
  const std::string pump = content("pump.pdf");
  folder.mkdir("docs/archive");
  std::filesystem::rename(doc("pump.pdf"), doc("archive/pump.pdf"));
  EXPECT_EQ(counts(index(without_parser())), "3 1 0 2 1");
  EXPECT_EQ(content("archive/pump.pdf"), pump);
  EXPECT_EQ(content("pump.pdf"), "(none)");
  const std::string bytes = folder.read("docs/archive/pump.pdf");
  remove("archive/pump.pdf");
  index(without_parser());
  write("archive/pump.pdf", bytes);
  EXPECT_EQ(counts(index(without_parser())), "3 1 0 2 0");
  EXPECT_EQ(content("archive/pump.pdf"), pump);
}

// The title of a file without one comes from its name.
TEST_F(ComputedTest, ANewNameIsParsedAgain) {
  index(remembering());
  copy("lease.docx", "contract.docx");
  IndexReport report = index(without_parser());
  ASSERT_EQ(report.skipped.size(), 1U);
  EXPECT_EQ(report.skipped[0].path, doc("contract.docx"));
  write("contract.docx", folder.read("docs/lease.docx"));
  report = index(remembering());
  EXPECT_TRUE(report.skipped.empty());
  EXPECT_NE(content("contract.docx").find("three months"), std::string::npos);
}

TEST_F(ComputedTest, ChangedBytesAndOtherLimitsAreParsedAgain) {
  index(remembering());
  write("pump.pdf", test::make_pdf({"Pump manual\n\nThe pump weighs fifty kilograms."}));
  index(remembering());
  EXPECT_NE(content("pump.pdf").find("fifty"), std::string::npos);
  EXPECT_EQ(content("pump.pdf").find("forty"), std::string::npos);
  copy("pump.pdf", "archive/pump.pdf");
  IndexRequest wanted = without_parser();
  wanted.job.limits.max_text_bytes /= 2;
  EXPECT_EQ(index(wanted).skipped.size(), 1U);
}

// As when the program is replaced while it watches.
TEST_F(ComputedTest, AMissingParserIsNotAMissingFile) {
  index(remembering());
  const std::string pump = content("pump.pdf");
  write("pump.pdf", test::make_pdf({"Pump manual\n\nThe pump weighs fifty kilograms."}));
  IndexRequest wanted = remembering();
  wanted.worker_executable = folder.path("no-such-parser");
  const IndexReport report = index(wanted);
  EXPECT_EQ(report.n_removed, 0);
  ASSERT_EQ(report.skipped.size(), 1U);
  EXPECT_NE(report.skipped[0].error.message.find("no-such-parser"), std::string::npos)
      << report.skipped[0].error.message;
  EXPECT_EQ(content("pump.pdf"), pump) << "the last good version";
  EXPECT_TRUE(index(remembering()).skipped.empty());
  EXPECT_NE(content("pump.pdf").find("fifty"), std::string::npos);
}

TEST_F(ComputedTest, WhatIsKeptOfAFileMayBeDamaged) {
  index(remembering());
  const std::string pump = content("pump.pdf");
  must(computed->flush());
  computed.reset();
  {
    const Database db = must(Database::open(folder.path("computed.db"), Database::Mode::kReadWrite));
    must(db.exec("UPDATE entries SET value=x'0102030405'"));
  }
  reopen();
  copy("pump.pdf", "archive/pump.pdf");
  EXPECT_TRUE(index(remembering()).skipped.empty());
  EXPECT_EQ(content("archive/pump.pdf"), pump);
}

TEST_F(ComputedTest, ARetrievalIsTheSameWithAndWithoutMemory) {
  index();
  const RetrieveOptions wanted{.top_k = 3};
  const auto told = [](const Retrieval& retrieval) {
    std::string all = std::to_string(retrieval.generation) + " " + retrieval.vector_kind;
    for (size_t i = 0; i < retrieval.passages.size(); ++i) {
      const Passage& passage = retrieval.passages[i];
      all += "\n" + std::to_string(passage.chunk_id) + " " + passage.path + " " + std::to_string(passage.score) + " " +
             std::to_string(passage.relevance) + " " + std::to_string(retrieval.origins[i].lexical_rank) + "/" +
             std::to_string(retrieval.origins[i].vector_rank) + " " + retrieval.content_hashes[i];
    }
    return all;
  };
  open();
  const std::string expected = told(retrieve("how heavy is the pump", wanted));
  open({.computed = computed.get()});
  EXPECT_EQ(told(retrieve("how heavy is the pump", wanted)), expected);
  EXPECT_EQ(told(retrieve("how heavy is the pump", wanted)), expected);
  EXPECT_EQ(hits_and_misses(cache::Computation::kRetrieval), std::pair(uint64_t{1}, uint64_t{1}));
  // Other settings are another retrieval.
  EXPECT_EQ(retrieve("how heavy is the pump", {.top_k = 1}).passages.size(), 1U);
  EXPECT_EQ(hits_and_misses(cache::Computation::kRetrieval), std::pair(uint64_t{1}, uint64_t{2}));
}

TEST_F(ComputedTest, ACommitEndsWhatWasRetrieved) {
  index();
  open({.computed = computed.get()});
  const Retrieval before = retrieve("how heavy is the pump");
  write("new.md", "# Pump\n\nHow heavy is the new pump? The new pump weighs ninety kilograms, so heavy is it.\n");
  index();
  const Retrieval after = retrieve("how heavy is the pump");
  EXPECT_GT(after.generation, before.generation);
  EXPECT_TRUE(std::any_of(after.passages.begin(), after.passages.end(),
                          [&](const Passage& passage) { return passage.path == doc("new.md"); }));
  remove("new.md");
  index();
  for (const Passage& passage : retrieve("how heavy is the pump").passages) EXPECT_NE(passage.path, doc("new.md"));
}

// Two stores that look alike share a cache in memory, and nothing else.
TEST_F(ComputedTest, ARetrievalIsOfOneStore) {
  index();
  open({.computed = computed.get()});
  ASSERT_FALSE(retrieve("how heavy is the pump").passages.empty());
  folder.remove("store");
  corpus.reset();
  for (const char* name : {"pump.pdf", "lease.docx"}) remove(name);
  asker.reset();
  cache.reset();
  index();
  open({.computed = computed.get()});
  for (const Passage& passage : retrieve("how heavy is the pump").passages) EXPECT_EQ(passage.path, doc("log.md"));
}

TEST_F(ComputedTest, AnswersAreTheSameWithAndWithoutMemory) {
  index();
  open();
  AskOptions no_cache;
  no_cache.use_cache = false;
  constexpr std::string_view kQuestion = "What does the write ahead log keep?";
  const Answer expected = ask(kQuestion, no_cache);
  ASSERT_TRUE(expected.answered);
  open({.computed = computed.get()});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(ask(kQuestion, no_cache).text, expected.text);
}

}  // namespace
}  // namespace docmind::pipeline

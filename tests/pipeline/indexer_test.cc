// Indexer: what is added, updated, left alone, removed, failed, and what a cancelled run leaves.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/indexer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/pipeline_test_support.h"

namespace docmind::pipeline {
namespace {

using Names = std::vector<std::string>;

class IndexerTest : public PipelineTest {
 protected:
  int64_t n_chunks(const std::string& name) const {
    const auto record = must(reader().document(doc(name)));
    return record ? record->n_chunks : -1;
  }
};

TEST_F(IndexerTest, CountsWhatChangedAndOnlyThat) {
  write("a.md", "# A\n\nalpha text\n");
  write("sub/b.txt", "beta text\n");
  EXPECT_EQ(counts(index()), "2 2 0 0 0");
  EXPECT_EQ(indexed(), (Names{"a.md", "sub/b.txt"}));
  const int64_t generation = must(reader().generation());

  const IndexReport again = index();
  EXPECT_EQ(counts(again), "2 0 0 2 0");
  EXPECT_EQ(again.n_chunks, 0);
  EXPECT_EQ(must(reader().generation()), generation);

  write("a.md", "# A\n\nother text now\n");
  write("c.md", "gamma\n");
  remove("sub/b.txt");
  EXPECT_EQ(counts(index()), "2 1 1 0 1");
  EXPECT_EQ(indexed(), (Names{"a.md", "c.md"}));
  EXPECT_GT(must(reader().generation()), generation);
  docmind::test::check_store(open_writer());
}

TEST_F(IndexerTest, ANewTimeWithTheOldContentIsNoUpdate) {
  const std::string path = write("a.md", "some text\n");
  index();
  const auto before = must(reader().document(path));
  const int64_t generation = must(reader().generation());
  const struct timespec times[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  EXPECT_EQ(counts(index()), "1 0 0 1 0");
  const auto after = must(reader().document(path));
  EXPECT_EQ(after->id, before->id);
  EXPECT_EQ(after->stamp.mtime_ns, 1'000'000'000LL * 1'000'000'000LL);
  EXPECT_EQ(must(reader().generation()), generation);
}

TEST_F(IndexerTest, AChangeBehindAnUnchangedTimeAndSizeIsSeen) {
  const std::string path = write("a.md", "first words\n");
  index();
  const auto stamp = must(reader().document(path))->stamp;
  write("a.md", "other words\n");
  const struct timespec times[2] = {
      {0, UTIME_OMIT}, {stamp.mtime_ns / 1'000'000'000, stamp.mtime_ns % 1'000'000'000}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  EXPECT_EQ(counts(index()), "1 0 1 0 0");
}

TEST_F(IndexerTest, AFileThatCannotBeReadIsNamedKeptInMindAndRetriedWhenItChanges) {
  write("good.md", "fine text\n");
  const std::string bad = write("bad.pdf", "%PDF-1.4 but nothing else");
  const IndexReport first = index();
  EXPECT_EQ(counts(first), "2 1 0 0 0");
  ASSERT_EQ(first.skipped.size(), 1u);
  EXPECT_EQ(first.skipped[0].path, bad);
  EXPECT_FALSE(first.skipped[0].error.message.empty());
  ASSERT_EQ(must(reader().failures_below("")).size(), 1u);
  EXPECT_EQ(must(reader().failures_below(""))[0].path, bad);

  // Named again, whether it is read again or not.
  const IndexReport second = index();
  ASSERT_EQ(second.skipped.size(), 1u);
  EXPECT_EQ(second.skipped[0].error.message, first.skipped[0].error.message);
  EXPECT_EQ(second.skipped[0].error.code, first.skipped[0].error.code);

  write("bad.pdf", "now it is plain text after all, long enough to be read\n");
  const IndexReport third = index();
  EXPECT_EQ(third.n_added, 1);
  EXPECT_TRUE(third.skipped.empty());
  EXPECT_TRUE(must(reader().failures_below("")).empty());
}

TEST_F(IndexerTest, AFileThatBecameUnreadableLeavesNoOldTextBehind) {
  write("a.pdf", "plain words under a wrong name\n");
  index();
  EXPECT_EQ(indexed(), Names{"a.pdf"});
  write("a.pdf", "%PDF-1.4 broken");
  const IndexReport report = index();
  ASSERT_EQ(report.skipped.size(), 1u);
  EXPECT_TRUE(indexed().empty());
  remove("a.pdf");
  index();
  EXPECT_TRUE(must(reader().failures_below("")).empty());
}

TEST_F(IndexerTest, RehashReadsEverythingAndChangesNothing) {
  write("a.md", "one\n");
  index();
  const int64_t generation = must(reader().generation());
  IndexRequest wanted = request();
  wanted.rehash = true;
  const IndexReport report = index(wanted);
  EXPECT_EQ(counts(report), "1 0 0 1 0");
  EXPECT_EQ(report.read_bytes, 4);
  EXPECT_EQ(must(reader().generation()), generation);
}

TEST_F(IndexerTest, ATooLargeFileIsSkippedWithTheLimit) {
  write("large.txt", std::string(2'000, 'x') + "\n");
  IndexRequest wanted = request();
  wanted.job.limits.max_file_bytes = 1'000;
  const IndexReport report = index(wanted);
  ASSERT_EQ(report.skipped.size(), 1u);
  EXPECT_EQ(report.skipped[0].error.code, ErrorCode::kLimit);
  EXPECT_NE(report.skipped[0].error.message.find("1000"), std::string::npos);
}

TEST_F(IndexerTest, AnEmptyFileIsADocumentWithoutChunks) {
  write("empty.txt", "");
  EXPECT_EQ(counts(index()), "1 1 0 0 0");
  EXPECT_EQ(n_chunks("empty.txt"), 0);
  EXPECT_EQ(counts(index()), "1 0 0 1 0");
}

TEST_F(IndexerTest, ACancelledRunKeepsWhatItReadAndTheNextGoesOn) {
  for (const char* name : {"a1.md", "a2.md", "a3.md", "z1.md", "z2.md"}) write(name, "some text\n");
  // The run stands at a file whose parser never answers when it is cancelled.
  write("m.pdf", "%PDF-1.4 slow");
  const std::string parser = folder.write("parser", "#!/bin/sh\nexec sleep 600\n");
  ASSERT_EQ(::chmod(parser.c_str(), 0700), 0);
  const CancelToken cancel;
  IndexRequest wanted = request();
  wanted.n_threads = 1;
  wanted.worker_executable = parser;
  const auto stopped = try_index(wanted, cancel, [&](const IndexProgress& now) {
    if (now.phase == IndexProgress::Phase::kRead && now.n_done == 3) cancel.cancel();
  });
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(indexed(), (Names{"a1.md", "a2.md", "a3.md"}));
  EXPECT_TRUE(must(reader().failures_below("")).empty());  // being stopped is no fault of the file
  docmind::test::check_store(open_writer());

  remove("m.pdf");
  IndexRequest again;  // the root was remembered before the files were read
  const IndexReport report = index(again);
  EXPECT_EQ(counts(report), "5 2 0 3 0");
  EXPECT_EQ(report.totals.n_vectors, report.totals.n_chunks);
}

TEST_F(IndexerTest, CancelledBeforeItBeganItChangesNothing) {
  write("a.md", "one\n");
  index();
  write("b.md", "two\n");
  remove("a.md");
  const CancelToken cancel;
  cancel.cancel();
  EXPECT_EQ(try_index(request(), cancel).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(indexed(), Names{"a.md"});
}

TEST_F(IndexerTest, VectorsOfAnotherEmbedderAreRefusedByBothNamesBeforeAnythingIsRead) {
  write("a.md", "one\n");
  {
    const index::StoreWriter writer = open_writer();
    index::WriteBatch batch = must(writer.begin());
    must(batch.set_embedder({"some-model/7", 384, true}));
    must(batch.commit());
  }
  const auto refused = try_index(request());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kMismatch);
  for (const char* part : {"some-model/7", "lexical", "--reembed"}) {
    EXPECT_NE(refused.error().message.find(part), std::string::npos) << refused.error().message;
  }
  EXPECT_TRUE(indexed().empty());
}

TEST_F(IndexerTest, ReportsProgressUpToTheEnd) {
  for (const char* name : {"a.md", "b.md", "c.md"}) write(name, "words of a file\n");
  std::vector<IndexProgress::Phase> phases;
  int64_t n_read = 0;
  must(try_index(request(), {}, [&](const IndexProgress& now) {
    if (phases.empty() || phases.back() != now.phase) phases.push_back(now.phase);
    if (now.phase != IndexProgress::Phase::kRead) return;
    EXPECT_EQ(now.n_done, ++n_read);
    EXPECT_EQ(now.n_total, 3);
    EXPECT_EQ(now.done_bytes, n_read * 16);
    EXPECT_EQ(now.total_bytes, 48);
    EXPECT_TRUE(now.path.ends_with(".md"));
  }));
  EXPECT_EQ(n_read, 3);
  ASSERT_GE(phases.size(), 3u);
  EXPECT_EQ(phases.front(), IndexProgress::Phase::kScan);
  EXPECT_EQ(phases.back(), IndexProgress::Phase::kFinish);
}

}  // namespace
}  // namespace docmind::pipeline

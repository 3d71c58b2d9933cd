// ParseQueue and the job it runs: every outcome once, bounded memory, stops when told.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/parse_queue.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>

#include "pipeline/pipeline_test_support.h"

namespace docmind::pipeline {
namespace {

using Kind = FileOutcome::Kind;

class ParseQueueTest : public PipelineTest {
 protected:
  FileJob job_of(const std::string& path) const {
    FileJob job;
    job.file.path = path;
    if (const auto stamp = stat_regular_file(path); stamp.ok()) job.file.stamp = *stamp;
    job.checked_unix_ms = 77;
    return job;
  }
  std::vector<FileJob> text_jobs(size_t n) const {
    std::vector<FileJob> jobs;
    for (size_t i = 0; i < n; ++i) {
      const std::string name = "f" + std::to_string(i) + ".txt";
      jobs.push_back(job_of(write(name, "words of file " + std::to_string(i) + "\n")));
    }
    return jobs;
  }
  FileOutcome run(const FileJob& job, const FileJobOptions& options = {}) {
    ingest::ParseWorker worker("", options.limits);
    return run_file_job(job, options, worker, *metrics, CancelToken());
  }
};

TEST_F(ParseQueueTest, HandsOutEveryJobOnce) {
  const std::vector<FileJob> jobs = text_jobs(40);
  for (const size_t n_threads : {0u, 1u, 3u, 100u}) {
    ParseQueue queue(jobs, {.n_threads = n_threads}, *metrics, CancelToken());
    std::map<size_t, int> seen;
    while (const auto item = queue.next()) {
      ++seen[item->job];
      EXPECT_EQ(item->outcome.kind, Kind::kParsed);
      EXPECT_EQ(item->outcome.record.path, jobs[item->job].file.path);
      EXPECT_EQ(item->outcome.chunks.at(0).text.find("words of file " + std::to_string(item->job)), 0u);
    }
    EXPECT_EQ(seen.size(), jobs.size());
    for (const auto& [job, n] : seen) EXPECT_EQ(n, 1) << job;
    EXPECT_FALSE(queue.next());
  }
}

TEST_F(ParseQueueTest, OneThreadKeepsTheOrder) {
  const std::vector<FileJob> jobs = text_jobs(20);
  ParseQueue queue(jobs, {.n_threads = 1}, *metrics, CancelToken());
  for (size_t i = 0; i < jobs.size(); ++i) EXPECT_EQ(queue.next()->job, i);
}

TEST_F(ParseQueueTest, NoJobsAreDoneAtOnce) {
  ParseQueue queue({}, {.n_threads = 4}, *metrics, CancelToken());
  EXPECT_FALSE(queue.next());
}

TEST_F(ParseQueueTest, AFullQueueWaitsForTheConsumerAndLosesNothing) {
  const std::vector<FileJob> jobs = text_jobs(30);
  ParseQueue queue(jobs, {.n_threads = 3, .max_queued_bytes = 1}, *metrics, CancelToken());
  size_t n = 0;
  while (queue.next()) ++n;
  EXPECT_EQ(n, jobs.size());
}

TEST_F(ParseQueueTest, CanBeDroppedWhileThreadsWaitOrWork) {
  const std::vector<FileJob> jobs = text_jobs(30);
  for (const size_t bytes : {size_t{1}, size_t{24} << 20}) {
    ParseQueue queue(jobs, {.n_threads = 3, .max_queued_bytes = bytes}, *metrics, CancelToken());
    EXPECT_TRUE(queue.next());
  }
  SUCCEED();
}

TEST_F(ParseQueueTest, ACancelledQueueEnds) {
  const std::vector<FileJob> jobs = text_jobs(30);
  const CancelToken cancel;
  ParseQueue queue(jobs, {.n_threads = 2, .max_queued_bytes = 1}, *metrics, cancel);
  EXPECT_TRUE(queue.next());
  cancel.cancel();
  size_t n = 1;
  while (queue.next()) ++n;
  EXPECT_LT(n, jobs.size());
}

TEST_F(ParseQueueTest, AJobCarriesWhatTheStoreNeeds) {
  const std::string path = write("The_old-name.v2.md", "# Title\n\nFirst.\n\n## Part\n\nSecond.\n");
  const FileOutcome outcome = run(job_of(path));
  ASSERT_EQ(outcome.kind, Kind::kParsed);
  EXPECT_EQ(outcome.record.content_hash, sha256(folder.read("docs/The_old-name.v2.md")));
  EXPECT_EQ(outcome.record.stamp, must(stat_regular_file(path)));
  EXPECT_EQ(outcome.record.checked_unix_ms, 77);
  EXPECT_EQ(outcome.record.format, "markdown");
  EXPECT_EQ(outcome.record.title, "Title");
  EXPECT_EQ(outcome.search_title, "Title The old name v2");
  EXPECT_EQ(outcome.record.n_chunks, static_cast<int64_t>(outcome.chunks.size()));
  EXPECT_EQ(outcome.read_bytes, must(stat_regular_file(path)).size_bytes);
  EXPECT_GT(outcome.memory_bytes, 0u);
}

TEST_F(ParseQueueTest, KnownContentIsNotParsedAgain) {
  FileJob job = job_of(write("a.pdf", "%PDF-1.4 broken"));
  job.known = docmind::test::sample_document(job.file.path);
  job.known->content_hash = sha256("%PDF-1.4 broken");
  EXPECT_EQ(run(job).kind, Kind::kUnchanged);
  job.known->content_hash = sha256("something else");
  EXPECT_EQ(run(job).kind, Kind::kFailed);
}

TEST_F(ParseQueueTest, WhatFailsSaysWhy) {
  const auto code = [&](const std::string& path, const FileJobOptions& options = {}) {
    const FileOutcome outcome = run(job_of(path), options);
    EXPECT_EQ(outcome.kind, Kind::kFailed) << path;
    EXPECT_FALSE(outcome.error.message.empty());
    return outcome.error.code;
  };
  EXPECT_EQ(code(doc("missing.txt")), ErrorCode::kNotFound);
  EXPECT_EQ(code(folder.mkdir("docs/folder.txt")), ErrorCode::kUnsupported);
  EXPECT_EQ(code(write("image.txt", std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16))),
            ErrorCode::kUnsupported);
  FileJobOptions small;
  small.limits.max_file_bytes = 3;
  EXPECT_EQ(code(write("large.txt", "four"), small), ErrorCode::kLimit);
}

TEST(SearchTitle, IsTheTitleAndTheWordsOfTheName) {
  EXPECT_EQ(make_search_title("Title", "/a/b/some_file-name.v1.md"), "Title some file name v1");
  EXPECT_EQ(make_search_title("", "/a/guide.md"), "guide");
  EXPECT_EQ(make_search_title("Title", "/a/0042.txt"), "Title");  // a number says nothing
  EXPECT_EQ(make_search_title("", "/a/1.2"), "");
  EXPECT_EQ(make_search_title("", "name"), "name");
  EXPECT_EQ(make_search_title("", "/a/\u00fcber\xff.md"), "\u00fcber\ufffd");
}

}  // namespace
}  // namespace docmind::pipeline

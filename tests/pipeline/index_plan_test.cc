// IndexPlan: which files are read, passed over or removed, decided from stamps and the store alone.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/index_plan.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "pipeline/pipeline_test_support.h"

namespace docmind::pipeline {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

class IndexPlanTest : public PipelineTest {
 protected:
  IndexPlan plan(const ingest::ScanOptions& options = {}, bool rehash = false) const {
    return must(plan_root(folder.path("docs"), options, rehash, writer.reader(), CancelToken()));
  }
  // Records the file as indexed at a time at which its stamp could be trusted.
  void remember(const std::string& name, int64_t age_ms = 5'000) const {
    index::DocumentRecord record = docmind::test::sample_document(doc(name));
    record.stamp = must(stat_regular_file(doc(name)));
    record.checked_unix_ms = record.stamp.ctime_ns / kNsPerMs + age_ms;
    put(record);
  }
  void put(const index::DocumentRecord& record) const {
    index::WriteBatch batch = must(writer.begin());
    must(batch.put_document(record, "", docmind::test::sample_chunks({"text"})));
    must(batch.commit());
  }
  static std::vector<std::string> names(const IndexPlan& plan, const std::string& root) {
    std::vector<std::string> all;
    for (const FileJob& job : plan.jobs) all.push_back(job.file.path.substr(root.size()));
    return all;
  }
  std::vector<std::string> jobs(const IndexPlan& made) const { return names(made, doc("")); }

  index::StoreWriter writer = open_writer();
};

using Names = std::vector<std::string>;

TEST(StampTrust, NeedsMoreThanATickBetweenWriteAndCheck) {
  FileStamp stamp;
  stamp.ctime_ns = 10'000 * kNsPerMs;
  EXPECT_FALSE(stamp_is_trustworthy(stamp, 9'000));  // checked before it was written
  EXPECT_FALSE(stamp_is_trustworthy(stamp, 10'000));
  EXPECT_FALSE(stamp_is_trustworthy(stamp, 11'000));
  EXPECT_TRUE(stamp_is_trustworthy(stamp, 11'001));
}

TEST_F(IndexPlanTest, ReadsWhatIsNewOrHasAnotherStamp) {
  write("known.md", "a");
  write("touched.md", "b");
  remember("known.md");
  remember("touched.md");
  write("touched.md", "longer");
  write("new.md", "cc");
  const IndexPlan made = plan();
  EXPECT_EQ(jobs(made), (Names{"new.md", "touched.md"}));
  EXPECT_FALSE(made.jobs[0].known);
  ASSERT_TRUE(made.jobs[1].known);
  EXPECT_EQ(made.jobs[1].known->path, doc("touched.md"));
  EXPECT_EQ(made.n_found, 3);
  EXPECT_EQ(made.n_unchanged, 1);
  EXPECT_EQ(made.job_bytes, 2 + 6);
  EXPECT_TRUE(made.removals.empty());
}

TEST_F(IndexPlanTest, AStampTakenTooSoonIsNotTrusted) {
  write("a.md", "a");
  remember("a.md", 500);
  EXPECT_EQ(jobs(plan()), Names{"a.md"});
  remember("a.md", 1'500);
  EXPECT_EQ(jobs(plan()), Names{});
  EXPECT_EQ(jobs(plan({}, true)), Names{"a.md"});  // rehash
}

TEST_F(IndexPlanTest, TheTimeOfTheCheckIsBeforeTheStamps) {
  const int64_t before_ms = unix_time_ms();
  write("a.md", "a");
  const IndexPlan made = plan();
  ASSERT_EQ(made.jobs.size(), 1u);
  EXPECT_GE(made.jobs[0].checked_unix_ms, before_ms);
  EXPECT_LE(made.jobs[0].checked_unix_ms, unix_time_ms());
  EXPECT_EQ(made.jobs[0].file.stamp, must(stat_regular_file(doc("a.md"))));
}

TEST_F(IndexPlanTest, RemovesWhatIsGoneOrUnwantedBelowTheRootOnly) {
  write("kept.md", "a");
  write("gone.md", "b");
  write("unwanted.txt", "c");
  for (const char* name : {"kept.md", "gone.md", "unwanted.txt"}) remember(name);
  put(docmind::test::sample_document(folder.path("docs-next-door/x.md")));
  put(docmind::test::sample_document(folder.path("elsewhere.md")));
  remove("gone.md");
  const IndexPlan made = plan({.include = {"*.md"}, .exclude = {}});
  Names removed;
  for (const auto& record : made.removals) removed.push_back(record.path);
  std::sort(removed.begin(), removed.end());
  EXPECT_EQ(removed, (Names{doc("gone.md"), doc("unwanted.txt")}));
  EXPECT_EQ(made.n_ignored, 1);
}

TEST_F(IndexPlanTest, AFailureIsSkippedUntilTheFileChangesAndForgottenWhenItIsGone) {
  write("bad.pdf", "x");
  write("old.pdf", "y");
  for (const char* name : {"bad.pdf", "old.pdf"}) {
    index::FailureRecord failure;
    failure.path = doc(name);
    failure.stamp = must(stat_regular_file(doc(name)));
    failure.checked_unix_ms = failure.stamp.ctime_ns / kNsPerMs + 5'000;
    failure.error = {ErrorCode::kMalformed, std::string("broken ") + name};
    index::WriteBatch batch = must(writer.begin());
    must(batch.put_failure(failure));
    must(batch.commit());
  }
  remove("old.pdf");
  const IndexPlan made = plan();
  EXPECT_TRUE(made.jobs.empty());
  ASSERT_EQ(made.skipped.size(), 1u);
  EXPECT_EQ(made.skipped[0].path, doc("bad.pdf"));
  EXPECT_EQ(made.skipped[0].error.message, "broken bad.pdf");
  EXPECT_EQ(made.forgotten_failures, Names{doc("old.pdf")});
  write("bad.pdf", "changed");
  EXPECT_EQ(jobs(plan()), Names{"bad.pdf"});
}

TEST_F(IndexPlanTest, AFolderThatCannotBeReadKeepsItsDocuments) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  write("closed/a.md", "a");
  write("gone.md", "b");
  remember("closed/a.md");
  remember("gone.md");
  remove("gone.md");
  ASSERT_EQ(::chmod(doc("closed").c_str(), 0), 0);
  const IndexPlan made = plan();
  ::chmod(doc("closed").c_str(), 0700);
  ASSERT_EQ(made.removals.size(), 1u);
  EXPECT_EQ(made.removals[0].path, doc("gone.md"));
  ASSERT_EQ(made.skipped.size(), 1u);
  EXPECT_EQ(made.skipped[0].error.code, ErrorCode::kPermission);
}

TEST_F(IndexPlanTest, AnotherRootKeepsWhatItWantsAsLongAsItIsThere) {
  write("sub/b.txt", "b");
  write("sub/c.log", "c");
  for (const char* name : {"sub/b.txt", "sub/c.log"}) remember(name);
  {
    index::WriteBatch batch = must(writer.begin());
    must(batch.put_root({doc("sub"), {"*.txt"}, {}}));
    must(batch.commit());
  }
  const ingest::ScanOptions markdown{.include = {"*.md"}, .exclude = {}};
  IndexPlan made = plan(markdown);
  ASSERT_EQ(made.removals.size(), 1u);
  EXPECT_EQ(made.removals[0].path, doc("sub/c.log"));
  remove("sub/b.txt");
  made = plan(markdown);
  EXPECT_EQ(made.removals.size(), 2u);
}

TEST_F(IndexPlanTest, AMissingRootAndARaisedTokenAreErrors) {
  EXPECT_EQ(plan_root(folder.path("none"), {}, false, writer.reader(), {}).error().code,
            ErrorCode::kNotFound);
  write("a.md", "a");
  const CancelToken cancel;
  cancel.cancel();
  EXPECT_EQ(plan_root(folder.path("docs"), {}, false, writer.reader(), cancel).error().code,
            ErrorCode::kCancelled);
}

}  // namespace
}  // namespace docmind::pipeline

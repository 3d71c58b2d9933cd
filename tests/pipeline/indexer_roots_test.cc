// Indexer over several roots: globs, links, roots in roots, and what is remembered for later runs.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "pipeline/indexer.h"
#include "pipeline/pipeline_test_support.h"

namespace docmind::pipeline {
namespace {

using Names = std::vector<std::string>;
using IndexerRootsTest = PipelineTest;

TEST_F(IndexerRootsTest, ALinkOutOfTheRootIsNotFollowed) {
  folder.write("outside/secret.md", "secret words\n");
  write("a.md", "public words\n");
  folder.symlink(folder.path("outside/secret.md"), "docs/link.md");
  folder.symlink(folder.path("outside"), "docs/folder");
  const IndexReport report = index();
  EXPECT_EQ(indexed(), Names{"a.md"});
  EXPECT_EQ(report.skipped.size(), 2u);
  for (const auto& skip : report.skipped) EXPECT_FALSE(skip.error.message.empty());
}

TEST_F(IndexerRootsTest, GlobsDecideAndAreRememberedForALaterRun) {
  write("a.md", "one\n");
  write("a.txt", "two\n");
  write("drafts/b.md", "three\n");
  IndexRequest wanted = request();
  wanted.scan.include = {"*.md"};
  wanted.scan.exclude = {"drafts/"};
  const IndexReport first = index(wanted);
  EXPECT_EQ(counts(first), "1 1 0 0 0");
  EXPECT_EQ(first.n_ignored, 2);
  write("c.md", "four\n");
  write("c.txt", "five\n");
  IndexRequest all;  // no roots: those of before
  all.n_threads = 1;
  EXPECT_EQ(counts(index(all)), "2 1 0 1 0");
  EXPECT_EQ(indexed(), (Names{"a.md", "c.md"}));

  // Other globs for the same root: what they leave out goes.
  wanted.scan = {.include = {"*.txt"}, .exclude = {}};
  EXPECT_EQ(counts(index(wanted)), "2 2 0 0 2");
  EXPECT_EQ(indexed(), (Names{"a.txt", "c.txt"}));
}

TEST_F(IndexerRootsTest, ABadGlobOrNoRootIsRefusedBeforeAnythingIsRead) {
  write("a.md", "one\n");
  IndexRequest wanted = request();
  wanted.scan.include = {"[a-"};
  EXPECT_EQ(try_index(wanted).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(indexed().empty());
  const auto nothing = try_index(IndexRequest{});
  ASSERT_FALSE(nothing.ok());
  EXPECT_EQ(nothing.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(nothing.error().message.find("docmind index"), std::string::npos);
  wanted = request();
  wanted.roots = {folder.path("missing")};
  EXPECT_EQ(try_index(wanted).error().code, ErrorCode::kNotFound);
}

TEST_F(IndexerRootsTest, OneMissingRootOfSeveralIsNamedAndTheOthersGoOn) {
  write("a.md", "one\n");
  IndexRequest wanted = request();
  wanted.roots.push_back(folder.path("missing"));
  const IndexReport report = index(wanted);
  EXPECT_EQ(report.n_added, 1);
  ASSERT_EQ(report.skipped.size(), 1u);
  EXPECT_EQ(report.skipped[0].path, folder.path("missing"));
}

TEST_F(IndexerRootsTest, AFileGivenThroughALinkIsOneDocumentInEveryRun) {
  const std::string real = write("real.md", "some words\n");
  folder.symlink(real, "link.md");
  IndexRequest wanted = request();
  wanted.roots = {folder.path("link.md")};
  EXPECT_EQ(counts(index(wanted)), "1 1 0 0 0");
  EXPECT_EQ(counts(index(wanted)), "1 0 0 1 0");
  write("real.md", "other words\n");
  EXPECT_EQ(counts(index(wanted)), "1 0 1 0 0");
}

TEST_F(IndexerRootsTest, NestedRootsWithTheirOwnGlobsDoNotRemoveEachOthersFiles) {
  write("a.md", "one\n");
  write("sub/b.txt", "two\n");
  IndexRequest outer = request();
  outer.scan.include = {"*.md"};
  index(outer);
  IndexRequest inner = request();
  inner.roots = {doc("sub")};
  inner.scan.include = {"*.txt"};
  index(inner);
  IndexRequest all;
  EXPECT_EQ(counts(index(all)), "2 0 0 2 0");
  EXPECT_EQ(indexed(), (Names{"a.md", "sub/b.txt"}));
}

}  // namespace
}  // namespace docmind::pipeline

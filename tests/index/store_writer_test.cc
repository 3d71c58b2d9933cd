// StoreWriter and StoreReader: what goes in comes out, batches are whole or absent.
// SPDX-License-Identifier: Apache-2.0
#include "index/store_writer.h"

#include <gtest/gtest.h>

#include "index/lexical_search.h"
#include "index/store_samples.h"
#include "support/temp_folder.h"

namespace docmind::index {
namespace {

using test::must;
using test::put;

class StoreWriterTest : public testing::Test {
 protected:
  const StoreReader& reader() const { return writer.reader(); }
  std::vector<std::string> paths_below(std::string_view root) const {
    std::vector<std::string> paths;
    for (const DocumentRecord& record : must(reader().documents_below(root))) {
      paths.push_back(record.path);
    }
    return paths;
  }
  size_t n_hits(const std::string& word) const {
    const LexicalSearcher searcher = must(LexicalSearcher::create(reader()));
    return must(searcher.search(std::vector<LexicalTerm>{{word, 1.0}}, {}, 100)).size();
  }
  int64_t generation() const { return must(reader().generation()); }

  test::TempFolder folder;
  StoreWriter writer = must(StoreWriter::open(folder.path("store"), {}));
};

TEST_F(StoreWriterTest, ADocumentComesOutAsItWentIn) {
  DocumentRecord record = test::sample_document("/docs/a.html", "A title");
  record.stamp = {.size_bytes = 10, .mtime_ns = -5, .ctime_ns = 1LL << 60, .inode = ~0ULL};
  record.checked_unix_ms = 77;
  record.format = "html";
  NewChunk chunk{.begin = 3, .end = 4'000'000'000u, .start_line = 2, .end_line = 9, .page = 4,
                 .end_page = 5, .page_starts = {{7, 5}}, .heading = "Head \xc3\xa9", .text = "Some text"};
  WriteBatch batch = must(writer.begin());
  must(batch.put_document(record, "search title", std::span(&chunk, 1)));
  must(batch.commit());

  const auto found = must(reader().document("/docs/a.html"));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->content_hash, record.content_hash);
  EXPECT_EQ(found->stamp, record.stamp);
  EXPECT_EQ(found->checked_unix_ms, 77);
  EXPECT_EQ(found->format, "html");
  EXPECT_EQ(found->title, "A title");
  EXPECT_EQ(found->n_chunks, 1);
  const auto chunks = must(reader().chunks(test::chunk_ids(reader())));
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_EQ(chunks[0].document_id, found->id);
  EXPECT_EQ(chunks[0].path, "/docs/a.html");
  EXPECT_EQ(chunks[0].page_starts, chunk.page_starts);
  EXPECT_EQ(chunks[0].title, "A title");
  EXPECT_EQ(chunks[0].format, "html");
  EXPECT_EQ(chunks[0].begin, 3u);
  EXPECT_EQ(chunks[0].end, 4'000'000'000u);
  EXPECT_EQ(chunks[0].start_line, 2u);
  EXPECT_EQ(chunks[0].end_line, 9u);
  EXPECT_EQ(chunks[0].page, 4u);
  EXPECT_EQ(chunks[0].end_page, 5u);
  EXPECT_EQ(chunks[0].heading, "Head \xc3\xa9");
  EXPECT_EQ(chunks[0].text, "Some text");
  EXPECT_EQ(n_hits("search"), 1u);
  EXPECT_FALSE(must(reader().document("/docs/b.html")).has_value());
}

TEST_F(StoreWriterTest, ReplacingADocumentRemovesItsOldText) {
  put(writer, "/a", {"apple", "banana"}, "first");
  put(writer, "/b", {"apple"});
  const std::vector<int64_t> old_ids = test::chunk_ids(reader());
  put(writer, "/a", {"cherry"}, "second");
  EXPECT_EQ(n_hits("apple"), 1u);
  EXPECT_EQ(n_hits("banana"), 0u);
  EXPECT_EQ(n_hits("first"), 0u);
  EXPECT_EQ(n_hits("second"), 1u);
  EXPECT_EQ(must(reader().counts()).n_documents, 2);
  EXPECT_EQ(must(reader().chunks(old_ids)).size(), 1u);
  test::check_store(writer);
}

TEST_F(StoreWriterTest, IdsOfRemovedChunksAreNeverGivenAgain) {
  put(writer, "/a", {"apple", "banana"});
  const std::vector<int64_t> old_ids = test::chunk_ids(reader());
  WriteBatch batch = must(writer.begin());
  must(batch.remove_document(must(reader().document("/a"))->id));
  must(batch.commit());
  put(writer, "/b", {"cherry", "date"});
  EXPECT_TRUE(must(reader().chunks(old_ids)).empty());
  EXPECT_GT(test::chunk_ids(reader()).front(), old_ids.back());
}

TEST_F(StoreWriterTest, ADroppedBatchChangesNothing) {
  put(writer, "/a", {"apple"});
  const int64_t before = generation();
  {
    WriteBatch batch = must(writer.begin());
    must(batch.put_document(test::sample_document("/b"), "", test::sample_chunks({"banana"})));
    must(batch.remove_document(must(reader().document("/a"))->id));
    EXPECT_EQ(paths_below(""), std::vector<std::string>{"/b"});  // the writer sees its own changes
  }
  EXPECT_EQ(paths_below(""), std::vector<std::string>{"/a"});
  EXPECT_EQ(generation(), before);
  test::check_store(writer);
}

TEST_F(StoreWriterTest, OnlyContentRaisesTheGeneration) {
  put(writer, "/a", {"apple"});
  const int64_t first = generation();
  const int64_t id = must(reader().document("/a"))->id;
  const FileStamp stamp{.size_bytes = 1, .mtime_ns = 2, .ctime_ns = 3, .inode = 4};
  const auto commit = [&](auto&& change) {
    WriteBatch batch = must(writer.begin());
    must(change(batch));
    must(batch.commit());
    return generation();
  };
  EXPECT_EQ(commit([&](WriteBatch& b) { return b.touch_document(id, stamp, 99); }), first);
  EXPECT_EQ(must(reader().document("/a"))->stamp, stamp);
  EXPECT_EQ(must(reader().document("/a"))->checked_unix_ms, 99);
  EXPECT_EQ(commit([&](WriteBatch& b) { return b.put_failure({"/x", stamp, 1, {}}); }), first);
  EXPECT_EQ(commit([&](WriteBatch& b) { return b.put_root({"/r", {}, {}}); }), first);
  EXPECT_EQ(commit([&](WriteBatch& b) { return b.set_embedder({"e", 2, true}); }), first);
  EXPECT_EQ(commit([&](WriteBatch& b) { return b.put_embedder_state("k", "v"); }), first);
  EXPECT_EQ(commit([&](WriteBatch& b) { return b.drop_vectors(); }), first);
  EXPECT_EQ(commit([&](WriteBatch& b) { return b.remove_document(id + 1000); }), first);
  EXPECT_EQ(commit([](WriteBatch&) { return Status(); }), first);
  EXPECT_EQ(commit([&](WriteBatch& b) { return b.remove_document(id); }), first + 1);
}

TEST_F(StoreWriterTest, PathsAreBytes) {
  const std::vector<std::string> paths = {"/\n/x", "/a'b\"c", "/a%b_c", "/a\x01", "/z\xff\xfe",
                                          "/\xc3\xa9"};
  for (const std::string& path : paths) put(writer, path, {"text"});
  for (const std::string& path : paths) {
    const auto record = must(reader().document(path));
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->path, path);
    EXPECT_EQ(paths_below(path), std::vector<std::string>{path});
  }
  EXPECT_EQ(paths_below("").size(), paths.size());
  EXPECT_EQ(paths_below("/").size(), paths.size());
  test::check_store(writer);
}

TEST_F(StoreWriterTest, BelowMeansTheFolderAndNotItsNeighbours) {
  for (const char* path : {"/a/b", "/a/b/c", "/a/b/d/e", "/a/bc", "/a/b!x", "/a/b.txt", "/a/b0",
                           "/b", "/a/B"}) {
    put(writer, path, {"x"});
  }
  const std::vector<std::string> below = {"/a/b", "/a/b/c", "/a/b/d/e"};
  EXPECT_EQ(paths_below("/a/b"), below);
  EXPECT_EQ(paths_below("/a/b/"), below);
  EXPECT_EQ(paths_below("/a/b/d"), std::vector<std::string>{"/a/b/d/e"});
  EXPECT_TRUE(paths_below("/a/%").empty());
  EXPECT_TRUE(paths_below("/a/b/c/x").empty());
  EXPECT_EQ(paths_below("/").size(), 9u);
  const auto all = paths_below("");
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
}

TEST_F(StoreWriterTest, FailuresAreKeptUntilTheFileIsRead) {
  const FileStamp stamp{.size_bytes = 5, .mtime_ns = 6, .ctime_ns = 7, .inode = 8};
  {
    WriteBatch batch = must(writer.begin());
    must(batch.put_failure({"/a/x\xff.pdf", stamp, 42, {ErrorCode::kMalformed, "old reason"}}));
    must(batch.put_failure({"/a/x\xff.pdf", stamp, 43, {ErrorCode::kLimit, "it is 'too' deep"}}));
    must(batch.put_failure({"/ab/y", stamp, 1, {ErrorCode::kIo, "gone"}}));
    must(batch.commit());
  }
  const auto failures = must(reader().failures_below("/a"));
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0].path, "/a/x\xff.pdf");
  EXPECT_EQ(failures[0].stamp, stamp);
  EXPECT_EQ(failures[0].checked_unix_ms, 43);
  EXPECT_EQ(failures[0].error.code, ErrorCode::kLimit);
  EXPECT_EQ(failures[0].error.message, "it is 'too' deep");
  EXPECT_EQ(must(reader().failures_below("")).size(), 2u);

  put(writer, "/a/x\xff.pdf", {"readable now"});
  EXPECT_TRUE(must(reader().failures_below("/a")).empty());
  WriteBatch batch = must(writer.begin());
  must(batch.remove_failure("/ab/y"));
  must(batch.remove_failure("/never/there"));
  must(batch.commit());
  EXPECT_TRUE(must(reader().failures_below("")).empty());
}

TEST_F(StoreWriterTest, RootsKeepTheirGlobs) {
  const RootRecord rich{"/r\n1", {"*.md", "", "a b"}, {"*/x'\"%"}};
  {
    WriteBatch batch = must(writer.begin());
    must(batch.put_root({"/r\n1", {"old"}, {}}));
    must(batch.put_root(rich));
    must(batch.put_root({"/q", {}, {}}));
    const Status refused = batch.put_root({"/bad", {"two\nlines"}, {}});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    must(batch.commit());
  }
  const auto roots = must(reader().roots());
  ASSERT_EQ(roots.size(), 2u);
  EXPECT_EQ(roots[0].path, "/q");
  EXPECT_TRUE(roots[0].include.empty());
  EXPECT_EQ(roots[1].path, rich.path);
  EXPECT_EQ(roots[1].include, rich.include);
  EXPECT_EQ(roots[1].exclude, rich.exclude);
}

TEST_F(StoreWriterTest, ChunksComeInTheOrderAsked) {
  put(writer, "/a", {"one", "two", "three"});
  const std::vector<int64_t> ids = test::chunk_ids(reader());
  const std::vector<int64_t> asked = {ids[2], 999'999, ids[0], ids[2]};
  const auto chunks = must(reader().chunks(asked));
  ASSERT_EQ(chunks.size(), 3u);
  EXPECT_EQ(chunks[0].text, "three");
  EXPECT_EQ(chunks[1].text, "one");
  EXPECT_EQ(chunks[2].text, "three");
  EXPECT_TRUE(must(reader().chunks({})).empty());
}

TEST_F(StoreWriterTest, VisitsChunksInOrderAndStopsWhenTold) {
  put(writer, "/a", {"one", "two", "three"}, "title");
  std::vector<std::string> seen;
  const auto visit = [&](int64_t, std::string_view title, std::string_view, std::string_view text) {
    seen.push_back(std::string(title) + ":" + std::string(text));
    return seen.size() < 2;
  };
  must(reader().visit_chunks(0, visit));
  EXPECT_EQ(seen, (std::vector<std::string>{"title:one", "title:two"}));
  seen.clear();
  must(reader().visit_chunks(test::chunk_ids(reader())[1], visit));
  EXPECT_EQ(seen, std::vector<std::string>{"title:three"});
}

TEST_F(StoreWriterTest, AFailedChangeSpoilsTheBatchOnly) {
  put(writer, "/a", {"apple"});
  const int64_t before = generation();
  {
    WriteBatch batch = must(writer.begin());
    must(batch.set_embedder({"e", 2, true}));
    must(batch.put_document(test::sample_document("/b"), "", test::sample_chunks({"banana"})));
    const std::vector<float> values = {1, 0};
    const Status failed = batch.put_vector(123'456, encode_vector(values));  // no such chunk
    ASSERT_FALSE(failed.ok());
    const Status after =
        batch.put_document(test::sample_document("/c"), "", test::sample_chunks({"cherry"}));
    ASSERT_FALSE(after.ok());
    EXPECT_EQ(after.error().message, failed.error().message);
    EXPECT_FALSE(batch.commit().ok());
  }
  EXPECT_EQ(paths_below(""), std::vector<std::string>{"/a"});
  EXPECT_EQ(generation(), before);
  put(writer, "/d", {"date"});
  test::check_store(writer);
}

TEST_F(StoreWriterTest, ACommittedBatchTakesNoMore) {
  WriteBatch batch = must(writer.begin());
  must(batch.put_document(test::sample_document("/a"), "", test::sample_chunks({"apple"})));
  must(batch.commit());
  const Status late =
      batch.put_document(test::sample_document("/b"), "", test::sample_chunks({"banana"}));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(batch.commit().ok());
  EXPECT_EQ(paths_below(""), std::vector<std::string>{"/a"});
}

TEST_F(StoreWriterTest, ASnapshotStaysWhileTheWriterCommits) {
  put(writer, "/a", {"apple"});
  const StoreReader other = must(StoreReader::open(folder.path("store")));
  must(other.begin_snapshot());
  put(writer, "/b", {"banana"});  // before the snapshot's first call
  EXPECT_EQ(must(other.counts()).n_documents, 1);
  const int64_t seen = must(other.generation());
  const LexicalSearcher searcher = must(LexicalSearcher::create(other));
  put(writer, "/a", {"cherry"});
  EXPECT_EQ(must(other.generation()), seen);
  EXPECT_EQ(must(searcher.search(std::vector<LexicalTerm>{{"apple", 1.0}}, {}, 5)).size(), 1u);
  must(other.end_snapshot());
  EXPECT_EQ(must(other.counts()).n_documents, 2);
  EXPECT_EQ(must(other.generation()), seen + 2);
  EXPECT_TRUE(must(searcher.search(std::vector<LexicalTerm>{{"apple", 1.0}}, {}, 5)).empty());
}

TEST_F(StoreWriterTest, AReaderCannotWrite) {
  put(writer, "/a", {"apple"});
  const StoreReader other = must(StoreReader::open(folder.path("store")));
  const Status refused = other.db().exec("DELETE FROM documents");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kPermission);
}

TEST_F(StoreWriterTest, FinishFoldsTheLogIn) {
  put(writer, "/a", {std::string(100'000, 'x')});
  EXPECT_FALSE(folder.read("store/docmind.db-wal").empty());
  must(writer.finish());
  EXPECT_TRUE(folder.read("store/docmind.db-wal").empty());
  const StoreCounts counts = must(reader().counts());
  EXPECT_EQ(counts.n_chunks, 1);
  EXPECT_EQ(counts.text_bytes, 100'000);
  EXPECT_EQ(counts.file_bytes, static_cast<int64_t>(folder.read("store/docmind.db").size()));
}

TEST_F(StoreWriterTest, TextMayHoldAnyBytes) {
  const std::string odd("nul \0 between \xff\xfe \xed\xa0\x80 words", 27);
  put(writer, "/a", {odd, ""}, std::string("t\0itle", 6));
  EXPECT_EQ(must(reader().chunks(test::chunk_ids(reader())))[0].text, odd);
  EXPECT_EQ(n_hits("between"), 1u);
  test::check_store(writer);
  put(writer, "/a", {});
  EXPECT_EQ(n_hits("between"), 0u);
  test::check_full_text(writer);
}

}  // namespace
}  // namespace docmind::index

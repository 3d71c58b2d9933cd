// One writer among processes, many readers among threads.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include "index/lexical_search.h"
#include "index/store_samples.h"
#include "index/store_writer.h"
#include "support/temp_folder.h"

namespace docmind::index {
namespace {

using test::must;

// Another process that holds the store's writer lock from construction to release().
class OtherWriter {
 public:
  explicit OtherWriter(const std::string& folder) {
    if (::pipe(ready_) != 0 || ::pipe(release_) != 0) throw std::runtime_error("no pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ready_[0]);
      ::close(release_[1]);
      const auto writer = StoreWriter::open(folder, {});
      char byte = writer.ok() ? 'y' : 'n';
      if (::write(ready_[1], &byte, 1) == 1) byte = static_cast<char>(::read(release_[0], &byte, 1));
      ::_exit(0);  // without closing: the kernel drops the lock, as after a crash
    }
    ::close(ready_[1]);
    ::close(release_[0]);
    char byte = 0;
    holds_ = ::read(ready_[0], &byte, 1) == 1 && byte == 'y';
  }
  ~OtherWriter() {
    release();
    ::close(ready_[0]);
  }
  void release() {
    if (pid_ == 0) return;
    ::close(release_[1]);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  bool holds() const { return holds_; }
  pid_t pid() const { return pid_; }

 private:
  int ready_[2] = {-1, -1};
  int release_[2] = {-1, -1};
  pid_t pid_ = 0;
  bool holds_ = false;
};

TEST(StoreSharing, ASecondWriterIsToldWhoHoldsTheStore) {
  const test::TempFolder folder;
  OtherWriter other(folder.path());
  ASSERT_TRUE(other.holds());
  std::vector<int> waited_for;
  const WriterOptions options{.lock_wait_ms = 120,
                              .on_wait = [&](int pid) { waited_for.push_back(pid); }};
  const auto refused = StoreWriter::open(folder.path(), options);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kBusy);
  EXPECT_NE(refused.error().message.find("process " + std::to_string(other.pid())),
            std::string::npos) << refused.error().message;
  EXPECT_EQ(waited_for, std::vector<int>{other.pid()});
  EXPECT_TRUE(StoreReader::open(folder.path()).ok());  // readers do not mind
}

TEST(StoreSharing, ASecondWriterGoesOnWhenTheFirstIsGone) {
  const test::TempFolder folder;
  OtherWriter other(folder.path());
  ASSERT_TRUE(other.holds());
  int n_waits = 0;
  const auto writer = StoreWriter::open(folder.path(), {.lock_wait_ms = 60'000, .on_wait = [&](int) {
                                                          ++n_waits;
                                                          other.release();
                                                        }});
  ASSERT_TRUE(writer.ok()) << writer.error().message;
  EXPECT_EQ(n_waits, 1);
  test::put(*writer, "/a", {"apple"});
  test::check_store(*writer);
}

TEST(StoreSharing, AWriterThatClosedLeavesTheStoreFree) {
  const test::TempFolder folder;
  { const StoreWriter first = must(StoreWriter::open(folder.path(), {})); }
  EXPECT_TRUE(StoreWriter::open(folder.path(), {.lock_wait_ms = 0}).ok());
}

// Each round replaces all documents in one batch and gives all of them the round's number, so every
// snapshot must show a single number, and a vector for each chunk.
constexpr int kDocuments = 4;

void write_round(const StoreWriter& writer, int round) {
  WriteBatch batch = must(writer.begin());
  for (int document = 0; document < kDocuments; ++document) {
    DocumentRecord record = test::sample_document("/d" + std::to_string(document));
    record.stamp.mtime_ns = round;
    const std::vector<std::string> texts(static_cast<size_t>(1 + round % 3),
                                         "apple round" + std::to_string(round));
    must(batch.put_document(record, "", test::sample_chunks(texts)));
  }
  must(batch.set_embedder({"e", 4, true}));
  for (const int64_t id : must(writer.reader().chunks_without_vector(1000))) {
    must(batch.put_vector(id, encode_vector(std::vector<float>{1, 2, 3, 4})));
  }
  must(batch.commit());
}

void check_snapshot(const StoreReader& reader, const LexicalSearcher& searcher) {
  must(reader.begin_snapshot());
  const auto records = must(reader.documents_below(""));
  test::require(records.size() == kDocuments, "documents are missing");
  int64_t n_chunks = 0;
  for (const DocumentRecord& record : records) {
    test::require(record.stamp == records[0].stamp, "a batch was seen in part");
    n_chunks += record.n_chunks;
  }
  const auto ids = test::chunk_ids(reader);
  test::require(static_cast<int64_t>(ids.size()) == n_chunks, "chunks are missing");
  test::require(std::ranges::equal(must(reader.load_vectors()).ids(), ids), "vectors are missing");
  const std::vector<LexicalTerm> terms = {
      {"apple", 1.0}, {"round" + std::to_string(records[0].stamp.mtime_ns), 1.0}};
  const auto hits = must(searcher.search(terms, {}, 1000));
  test::require(hits.size() == ids.size(), "the full-text index is of another state");
  must(reader.end_snapshot());
}

TEST(StoreSharing, ReadersInThreadsSeeWholeBatches) {
  const test::TempFolder folder;
  const StoreWriter writer = must(StoreWriter::open(folder.path(), {}));
  write_round(writer, 0);
  std::atomic<bool> done = false;
  std::atomic<int> n_checks = 0;
  std::vector<std::string> failures(4);
  std::vector<std::thread> threads;
  for (std::string& failure : failures) {
    threads.emplace_back([&] {
      try {
        const StoreReader reader = must(StoreReader::open(folder.path()));
        const LexicalSearcher searcher = must(LexicalSearcher::create(reader));
        do {
          check_snapshot(reader, searcher);
          ++n_checks;
        } while (!done);
      } catch (const std::exception& error) {
        failure = error.what();
      }
    });
  }
  for (int round = 1; round <= 60; ++round) write_round(writer, round);
  done = true;
  for (std::thread& thread : threads) thread.join();
  for (const std::string& failure : failures) EXPECT_EQ(failure, "");
  EXPECT_GE(n_checks, 4);
  test::check_store(writer);
}

}  // namespace
}  // namespace docmind::index

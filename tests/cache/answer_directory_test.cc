// AnswerDirectory: what is kept, found, bounded and invalidated; hostile texts, odd clocks, two users.
// SPDX-License-Identifier: Apache-2.0
#include "cache/answer_directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <limits>
#include <set>
#include <thread>

#include "answer_directory_samples.h"
#include "base/sqlite.h"
#include "support/temp_folder.h"

namespace docmind::cache {
namespace {

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) ADD_FAILURE() << result.error().message;
  return result.ok() ? *std::move(result) : T{};
}
void must(const Status& status) { EXPECT_TRUE(status.ok()) << status.error().message; }

class AnswerDirectoryTest : public testing::Test {
 protected:
  std::unique_ptr<AnswerDirectory> open(int64_t max_records = 1'000, int64_t max_observations = 100) {
    return must(AnswerDirectory::open({.path = path_,
                                       .max_records = max_records,
                                       .max_observations = max_observations,
                                       .now = clock_.clock()}));
  }
  void run_sql(const std::string& sql) const {
    auto db = Database::open(path_, Database::Mode::kReadWrite);
    ASSERT_TRUE(db.ok()) << db.error().message;
    const Status done = db->exec(sql);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  static std::set<int64_t> visited(AnswerDirectory& directory, const Digest& scope, int64_t after_id = 0) {
    std::set<int64_t> ids;
    must(directory.visit_vectors(scope, after_id, [&](const AnswerVector& row) { ids.insert(row.id); }));
    return ids;
  }
  // The numbers of the samples, out of the first hundred, that are there.
  static std::set<int64_t> present(AnswerDirectory& directory) {
    std::set<int64_t> numbers;
    for (int64_t n = 0; n < 100; ++n) {
      if (must(directory.find(test_key(n)))) numbers.insert(n);
    }
    return numbers;
  }

  test::TempFolder folder_;
  std::string path_ = folder_.path("answers.db");
  TestClock clock_;
};

TEST_F(AnswerDirectoryTest, KeepsEveryFieldAcrossOpens) {
  AnswerRecord record = sample_record(7);
  record.n_hits = 3;
  {
    auto directory = open();
    record.id = must(directory->insert(record));
    EXPECT_GT(record.id, 0);
    EXPECT_EQ(must(directory->find(record.id)), record);
    EXPECT_EQ(directory->take_warning(), "");
  }
  auto directory = open();
  EXPECT_EQ(must(directory->find(record.id)), record);
  EXPECT_EQ(must(directory->find(record.key)), record);
  EXPECT_EQ(must(directory->find(record.id + 1)), std::nullopt);
  EXPECT_EQ(must(directory->find(test_key(8))), std::nullopt);
  EXPECT_EQ(directory->take_warning(), "");
}

TEST_F(AnswerDirectoryTest, SetsTimesThatAreNotGiven) {
  auto directory = open();
  AnswerRecord record = sample_record(1);
  record.created_unix_ms = record.used_unix_ms = 0;
  must(directory->insert(record));
  EXPECT_EQ(must(directory->find(record.key))->created_unix_ms, clock_.now());
  EXPECT_EQ(must(directory->find(record.key))->used_unix_ms, clock_.now());
}

TEST_F(AnswerDirectoryTest, ReplacesByKeyAndGivesNoIdTwice) {
  auto directory = open();
  const int64_t first = must(directory->insert(sample_record(1)));
  AnswerRecord other = sample_record(1);
  other.question = "in other words";
  other.dependencies = {{"only.md", "h"}};
  other.id = must(directory->insert(other));
  EXPECT_GT(other.id, first);
  EXPECT_EQ(must(directory->find(first)), std::nullopt);
  EXPECT_EQ(must(directory->find(other.key)), other);
  EXPECT_TRUE(must(directory->invalidate({.document = sample_path(1)})).empty()) << "the old one's documents went";
  must(directory->erase(other.id));
  must(directory->erase(other.id));  // what is not there is no error
  const int64_t third = must(directory->insert(other));
  EXPECT_GT(third, other.id);
  must(directory->clear());
  EXPECT_EQ(must(directory->counts()).n_records, 0);
  directory.reset();
  EXPECT_GT(must(open()->insert(other)), third);
}

TEST_F(AnswerDirectoryTest, IsReadableOnlyByItsOwner) {
  auto directory = open();
  must(directory->insert(sample_record(1)));
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat st {};
    ASSERT_EQ(::stat((path_ + suffix).c_str(), &st), 0) << suffix;
    EXPECT_EQ(st.st_mode & 0077, 0U) << suffix;
  }
}

TEST_F(AnswerDirectoryTest, RefusesWhatIsTooLarge) {
  auto directory = open();
  const auto refused = [&](auto&& change, std::string_view got, std::string_view limit) {
    AnswerRecord record = sample_record(1);
    change(record);
    const auto id = directory->insert(record);
    ASSERT_FALSE(id.ok());
    EXPECT_EQ(id.error().code, ErrorCode::kLimit);
    EXPECT_NE(id.error().message.find(got), std::string::npos) << id.error().message;
    EXPECT_NE(id.error().message.find(limit), std::string::npos) << id.error().message;
  };
  refused([](AnswerRecord& r) { r.question.resize(kMaxQuestionBytes + 1); }, "65537", "65536");
  refused([](AnswerRecord& r) { r.tenant.resize(70'000); }, "70000", "65536");
  refused([](AnswerRecord& r) { r.vector.resize(70'000); }, "70000", "65540");
  refused([](AnswerRecord& r) { r.dependencies.resize(10'001); }, "10001", "10000");
  refused([](AnswerRecord& r) { r.dependencies[0].path.resize(70'000); }, "70000", "65536");
  refused([](AnswerRecord& r) { r.dependencies[0].content_hash.resize(300); }, "300", "256");
  refused([](AnswerRecord& r) { r.dependencies.assign(400, {std::string(60'000, 'p'), ""}); }, "24000000", "16777216");
  AnswerRecord record = sample_record(1);
  record.cost_ms = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(directory->insert(record).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(must(directory->counts()).n_records, 0);
  EXPECT_EQ(AnswerDirectory::open({.path = path_, .max_records = 0}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(AnswerDirectory::open({.path = path_, .max_observations = -1}).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(AnswerDirectoryTest, TakesAnyBytes) {
  auto directory = open();
  const std::vector<std::string> texts = {
      "", std::string("a\0b", 3), std::string("a\0c", 3), "\xff\xfe broken \xc3", "'; DROP TABLE answers; --",
      "%_*?[a-z]", std::string(60 << 10, 'x'), "\"quoted\" $1 ?1 :name", "docs/\n..//", "1e3", "\xf0\x9f\x98\x80"};
  for (size_t i = 0; i < texts.size(); ++i) {
    AnswerRecord record = sample_record(static_cast<int64_t>(i));
    record.tenant = record.question = record.vector = texts[i];
    record.dependencies = {{texts[i], texts[i].substr(0, 200)}};
    record.id = must(directory->insert(record));
    EXPECT_EQ(must(directory->find(record.id)), record);
  }
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto listed = must(directory->list(texts[i], 100));
    ASSERT_EQ(listed.size(), 1U) << i;
    EXPECT_EQ(listed[0].key, test_key(static_cast<int64_t>(i)));
  }
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto keys = must(directory->invalidate({.document = texts[i], .tenant = texts[i]}));
    EXPECT_EQ(keys, std::vector<CacheKey>{test_key(static_cast<int64_t>(i))}) << i;
  }
  EXPECT_EQ(must(directory->counts()).n_records, 0);
}

TEST_F(AnswerDirectoryTest, ListsOneTenantsRecordsNewestUseFirst) {
  auto directory = open();
  for (int64_t n = 0; n < 12; ++n) must(directory->insert(sample_record(n)));
  directory->note_hit(must(directory->find(test_key(4)))->id);
  const auto keys_of = [](const std::vector<AnswerRecord>& records) {
    std::vector<CacheKey> keys;
    for (const AnswerRecord& record : records) keys.push_back(record.key);
    return keys;
  };
  EXPECT_EQ(keys_of(must(directory->list("tenant 1", 100))),
            (std::vector<CacheKey>{test_key(4), test_key(10), test_key(7), test_key(1)}));
  EXPECT_EQ(keys_of(must(directory->list("tenant 1", 2))), (std::vector<CacheKey>{test_key(4), test_key(10)}));
  EXPECT_TRUE(must(directory->list("tenant", 100)).empty());
  EXPECT_TRUE(must(directory->list("tenant 1", 0)).empty());
  EXPECT_TRUE(must(directory->list("tenant 1", -1)).empty());
}

TEST_F(AnswerDirectoryTest, VisitsTheVectorsOfAScopeInOrder) {
  auto directory = open(10'000);
  std::vector<int64_t> expected;
  for (int64_t n = 0; n < 1'700; ++n) {
    AnswerRecord record = sample_record(n);
    record.question = "q";
    record.scope = test_scope(n % 2);
    if (n % 10 == 8) record.vector.clear();
    const int64_t id = must(directory->insert(record));
    if (n % 2 == 0 && n % 10 != 8) expected.push_back(id);
  }
  std::vector<int64_t> ids;
  must(directory->visit_vectors(test_scope(0), 0, [&](const AnswerVector& row) {
    ids.push_back(row.id);
    ASSERT_EQ(row.vector.size(), 260U);
  }));
  EXPECT_EQ(ids, expected);
  const auto later = visited(*directory, test_scope(0), expected[600]);
  EXPECT_EQ(later.size(), expected.size() - 601);
  EXPECT_EQ(*later.begin(), expected[601]);
  EXPECT_TRUE(visited(*directory, test_scope(9)).empty());
}

TEST_F(AnswerDirectoryTest, InvalidatesByDocumentAndFolder) {
  auto directory = open();
  const std::vector<std::string> paths = {"docs/a.md",     "docs/a.md.bak", "docs",       "docs0",
                                          "docs-old/a.md", "docs/sub/b.md", "Docs/a.md",  "docs%/a.md",
                                          "/docs/a.md",    "docs/sub"};
  const auto fill = [&] {
    for (size_t i = 0; i < paths.size(); ++i) {
      AnswerRecord record = sample_record(static_cast<int64_t>(i));
      record.dependencies = {{"elsewhere.txt", "h"}, {paths[i], "h"}};
      must(directory->insert(record));
    }
  };
  const auto gone = [&](const AnswerFilter& filter) {
    fill();
    std::set<CacheKey> keys;
    for (const CacheKey& key : must(directory->invalidate(filter))) keys.insert(key);
    std::set<std::string> removed;
    for (size_t i = 0; i < paths.size(); ++i) {
      const CacheKey key = test_key(static_cast<int64_t>(i));
      EXPECT_NE(keys.contains(key), must(directory->find(key)).has_value());
      if (keys.contains(key)) removed.insert(paths[i]);
    }
    return removed;
  };
  using Paths = std::set<std::string>;
  EXPECT_EQ(gone({.document = "docs/a.md"}), (Paths{"docs/a.md"}));
  EXPECT_EQ(gone({.document = "nowhere"}), Paths{});
  EXPECT_EQ(gone({.folder = "docs"}), (Paths{"docs", "docs/a.md", "docs/a.md.bak", "docs/sub/b.md", "docs/sub"}));
  EXPECT_EQ(gone({.folder = "docs/sub/"}), (Paths{"docs/sub", "docs/sub/b.md"}));
  EXPECT_EQ(gone({.folder = "/"}), (Paths{"/docs/a.md"}));
  EXPECT_EQ(gone({.folder = "docs/a.md"}), (Paths{"docs/a.md"})) << "a path at the folder's own";
  EXPECT_EQ(gone({.folder = "doc"}), Paths{});
  EXPECT_EQ(gone({.folder = ""}).size(), paths.size());
  EXPECT_EQ(gone({.document = "elsewhere.txt", .folder = "docs-old"}), (Paths{"docs-old/a.md"})) << "both agree";
}

TEST_F(AnswerDirectoryTest, InvalidatesByTenantAgeAndKind) {
  auto directory = open();
  const auto gone = [&](const AnswerFilter& filter) {
    for (int64_t n = 0; n < 15; ++n) must(directory->insert(sample_record(n)));
    const size_t n_removed = must(directory->invalidate(filter)).size();
    std::set<int64_t> left = present(*directory);
    EXPECT_EQ(left.size() + n_removed, 15U);
    std::set<int64_t> removed;
    for (int64_t n = 0; n < 15; ++n) {
      if (!left.contains(n)) removed.insert(n);
    }
    return removed;
  };
  using Numbers = std::set<int64_t>;
  EXPECT_EQ(gone({.tenant = "tenant 2"}), (Numbers{2, 5, 8, 11, 14}));
  EXPECT_EQ(gone({.created_before_unix_ms = 1'700'000'000'003}), (Numbers{0, 1, 2}));
  EXPECT_EQ(gone({.negatives_only = true}), (Numbers{4, 9, 14}));
  EXPECT_EQ(gone({.tenant = "tenant 0", .negatives_only = true}), (Numbers{9}));
  EXPECT_EQ(gone({.tenant = "tenant 0", .created_before_unix_ms = 1'700'000'000'007}), (Numbers{0, 3, 6}));
  EXPECT_EQ(gone({.tenant = "nobody"}), Numbers{});
  EXPECT_EQ(gone({}).size(), 15U);
}

TEST_F(AnswerDirectoryTest, KeepsTheMostRecentlyUsed) {
  auto directory = open(40);
  for (int64_t n = 0; n < 40; ++n) must(directory->insert(sample_record(n)));
  EXPECT_EQ(must(directory->counts()).n_records, 40);
  for (const int64_t n : {0, 3}) directory->note_hit(must(directory->find(test_key(n)))->id);
  must(directory->insert(sample_record(40)));
  const std::set<int64_t> left = present(*directory);
  EXPECT_LE(left.size(), 40U);
  EXPECT_GE(left.size(), 38U) << "some room is made, not much";
  EXPECT_TRUE(left.contains(0) && left.contains(3) && left.contains(40)) << "used a moment ago";
  EXPECT_FALSE(left.contains(1) || left.contains(2));
  for (int64_t n = 41; n < 100; ++n) {
    must(directory->insert(sample_record(n)));
    EXPECT_TRUE(must(directory->find(test_key(n)))) << "the new one is never the one to go";
    EXPECT_LE(must(directory->counts()).n_records, 40);
  }
  EXPECT_FALSE(present(*directory).contains(0));
  directory.reset();
  auto one = open(1);
  must(one->insert(sample_record(7)));
  EXPECT_EQ(present(*one), (std::set<int64_t>{7}));
}

TEST_F(AnswerDirectoryTest, AClockThatGoesBackChangesNoOrder) {
  auto directory = open(10);
  for (int64_t n = 0; n < 30; ++n) {
    clock_.advance_ms(-3'600'000);
    AnswerRecord record = sample_record(n);
    record.created_unix_ms = record.used_unix_ms = clock_.now();
    must(directory->insert(record));
  }
  EXPECT_TRUE(present(*directory).contains(29));
  EXPECT_TRUE(present(*directory).contains(25));
  EXPECT_FALSE(present(*directory).contains(5));
  const AnswerRecord before = *must(directory->find(test_key(28)));
  clock_.advance_ms(-1'000'000);
  directory->note_hit(before.id);
  const auto first = must(directory->list(before.tenant, 1));
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].id, before.id);
  EXPECT_EQ(first[0].used_unix_ms, before.used_unix_ms) << "no use is unmade";
  EXPECT_EQ(first[0].n_hits, 1);
}

TEST_F(AnswerDirectoryTest, CountsHits) {
  auto directory = open();
  const int64_t id = must(directory->insert(sample_record(2)));
  const int64_t other = must(directory->insert(sample_record(4)));
  clock_.advance_ms(100'000);
  for (int i = 0; i < 3; ++i) directory->note_hit(id);
  directory->note_hit(other);
  directory->note_hit(987'654);  // nobody's
  must(directory->insert(sample_record(5)));
  EXPECT_EQ(must(directory->find(id))->n_hits, 3) << "written with the next change";
  EXPECT_EQ(must(directory->find(id))->used_unix_ms, clock_.now());
  directory->note_hit(id);
  directory.reset();
  directory = open();
  EXPECT_EQ(must(directory->find(id))->n_hits, 4) << "written at the end";
  const DirectoryCounts counts = must(directory->counts());
  EXPECT_EQ(counts.n_records, 3);
  EXPECT_EQ(counts.n_negative, 1);
  EXPECT_EQ(counts.n_hits, 5);
  EXPECT_DOUBLE_EQ(counts.saved_ms, 4 * 201.0 + 402.0);
  EXPECT_EQ(counts.saved_tokens, 4 * 20 + 40);
  EXPECT_GT(counts.file_bytes, 0);
  for (int i = 0; i < 5'000; ++i) directory->note_hit(id);
  auto second = open();
  EXPECT_GE(must(second->find(id))->n_hits, 4'000) << "many are not held back";
  for (int64_t n = 0; n < 100'000; ++n) directory->note_hit(1'000'000 + n);
}

TEST_F(AnswerDirectoryTest, TheForeignVersionTellsOfOthersChangesOnly) {
  auto directory = open();
  auto other = open();
  int64_t last = must(directory->foreign_version());
  EXPECT_EQ(must(directory->foreign_version()), last);
  const auto changed = [&](const char* what) {
    const int64_t now = must(directory->foreign_version());
    EXPECT_NE(now, last) << what;
    last = now;
    EXPECT_EQ(must(directory->foreign_version()), last) << what;
  };
  const auto unchanged = [&](const char* what) {
    EXPECT_EQ(must(directory->foreign_version()), last) << what;
  };
  const int64_t id = must(directory->insert(sample_record(1)));
  unchanged("own insert");
  must(directory->insert(sample_record(1)));
  unchanged("own replacement");
  must(other->insert(sample_record(2)));
  changed("another's insert");
  must(other->insert(sample_record(2)));
  changed("a replacement");
  must(other->erase(must(directory->insert(sample_record(9)))));
  changed("an erasure");
  must(other->erase(id));
  unchanged("nothing was there");
  must(other->add_observations(std::vector{sample_observation(1)}));
  changed("an observation");
  must(directory->add_observations(std::vector{sample_observation(1)}));
  unchanged("own observation");
  must(directory->invalidate({}));
  unchanged("own invalidation");
  must(other->insert(sample_record(3)));
  must(other->clear());
  changed("all cleared");
  must(other->insert(sample_record(4)));
  changed("another insert");
  other->note_hit(1);
  EXPECT_EQ(must(other->counts()).n_records, 1);
  EXPECT_EQ(must(directory->foreign_version()), last) << "hits change nothing that is searched";
}

TEST_F(AnswerDirectoryTest, KeepsTheNewestObservations) {
  auto directory = open(10, 50);
  EXPECT_TRUE(must(directory->observations()).empty());
  must(directory->add_observations({}));
  std::vector<Observation> all;
  for (int64_t n = 0; n < 30; ++n) all.push_back(sample_observation(n));
  must(directory->add_observations(all));
  EXPECT_EQ(must(directory->observations()), all);
  for (int64_t n = 30; n < 70; ++n) {
    all.push_back(sample_observation(n));
    must(directory->add_observations(std::span(all).last(1)));
  }
  must(directory->insert(sample_record(1)));
  must(directory->clear());
  EXPECT_EQ(must(directory->observations()), std::vector(all.end() - 50, all.end())) << "clear() leaves them";
  EXPECT_EQ(must(directory->counts()).n_observations, 50);
  for (int64_t n = 70; n < 270; ++n) all.push_back(sample_observation(n));
  must(directory->add_observations(std::span(all).last(200)));
  EXPECT_EQ(must(directory->observations()), std::vector(all.end() - 50, all.end()));
  Observation broken = sample_observation(1);
  broken.features.margin = std::numeric_limits<double>::infinity();
  EXPECT_EQ(directory->add_observations(std::span(&broken, 1)).error().code, ErrorCode::kInvalidArgument);
  must(directory->clear_observations());
  EXPECT_TRUE(must(directory->observations()).empty());
  directory.reset();
  auto none = open(10, 0);
  must(none->add_observations(all));
  EXPECT_TRUE(must(none->observations()).empty());
}

TEST_F(AnswerDirectoryTest, GivesTheSpaceBackWhenCleared) {
  auto directory = open();
  for (int64_t n = 0; n < 300; ++n) must(directory->insert(sample_record(n)));
  const int64_t before = must(directory->counts()).file_bytes;
  must(directory->clear());
  EXPECT_LT(must(directory->counts()).file_bytes, before / 4);
  must(directory->insert(sample_record(1)));
  EXPECT_EQ(present(*directory), (std::set<int64_t>{1}));
}

TEST_F(AnswerDirectoryTest, ReadersDoNotWaitForAWriter) {
  auto directory = open();
  const int64_t id = must(directory->insert(sample_record(1)));
  auto writer = must(Database::open(path_, Database::Mode::kReadWrite));
  auto held = Transaction::begin(writer);
  ASSERT_TRUE(held.ok());
  std::atomic<bool> waits = false;
  std::thread blocked([&] {
    waits = true;
    EXPECT_EQ(directory->insert(sample_record(2)).error().code, ErrorCode::kBusy);
    waits = false;
  });
  while (!waits) std::this_thread::yield();
  int n_reads = 0;
  while (waits) {
    ASSERT_TRUE(must(directory->find(id)));
    ASSERT_EQ(visited(*directory, test_scope(1)).size(), 1U);
    must(directory->foreign_version());
    directory->note_hit(id);
    ++n_reads;
  }
  blocked.join();
  EXPECT_GT(n_reads, 10);
  ASSERT_TRUE(held->commit().ok());
  must(directory->insert(sample_record(2)));
  EXPECT_EQ(must(directory->find(id))->n_hits, n_reads) << "none was lost";
}

TEST_F(AnswerDirectoryTest, IsSharedByTwoConnectionsAndManyThreads) {
  auto first = open();
  auto second = open();
  std::vector<std::thread> threads;
  for (int64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      AnswerDirectory& mine = t % 2 == 0 ? *first : *second;
      for (int64_t i = 0; i < 25; ++i) {
        const int64_t n = t * 25 + i;
        const auto id = mine.insert(sample_record(n));
        ASSERT_TRUE(id.ok()) << id.error().message;
        mine.note_hit(*id);
        const auto found = mine.find(test_key(n));
        ASSERT_TRUE(found.ok() && found->has_value());
        EXPECT_EQ((*found)->question, sample_record(n).question);
        EXPECT_TRUE(mine.foreign_version().ok());
        if (i % 5 == 4) {
          EXPECT_EQ(must(mine.invalidate({.document = sample_path(n)})).size(), 1U);
        }
        EXPECT_TRUE(mine.add_observations(std::vector{sample_observation(n)}).ok());
        visited(mine, test_scope(0));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(present(*first).size(), 80U);
  EXPECT_EQ(present(*second).size(), 80U);
  EXPECT_EQ(must(first->observations()).size(), 100U);
  first.reset();
  second.reset();
  EXPECT_EQ(must(open()->counts()).n_hits, 80);
}

}  // namespace
}  // namespace docmind::cache

// DiskTier: persistence, the limit of the file, expiry, damage of every kind, several users.
// SPDX-License-Identifier: Apache-2.0
#include "cache/disk_tier.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "base/sqlite.h"
#include "cache_test_support.h"
#include "support/temp_folder.h"

namespace docmind::cache {
namespace {

class DiskTierTest : public testing::Test {
 protected:
  std::unique_ptr<DiskTier> open(int64_t limit_bytes = 64 << 20) {
    auto tier = DiskTier::open({.path = path_, .limit_bytes = limit_bytes, .now = clock_.clock()});
    if (!tier.ok()) {
      ADD_FAILURE() << tier.error().message;
      return nullptr;
    }
    return *std::move(tier);
  }
  void run_sql(const std::string& sql) const {
    auto db = Database::open(path_, Database::Mode::kReadWrite);
    ASSERT_TRUE(db.ok()) << db.error().message;
    const Status done = db->exec(sql);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  int64_t query(const std::string& sql) const {
    auto db = Database::open(path_, Database::Mode::kReadOnly);
    if (!db.ok()) return -1;
    auto value = db->query_int(sql);
    return value.ok() ? *value : -1;
  }

  test::TempFolder folder_;
  std::string path_ = folder_.path("cache.db");
  TestClock clock_;
};

TEST_F(DiskTierTest, KeepsEntriesAcrossOpens) {
  const std::string binary("a\0b\xff", 4);
  {
    auto tier = open();
    ASSERT_TRUE(tier->put(test_key(1), make_entry("old", 1, 0)).ok());
    ASSERT_TRUE(tier->put(test_key(1), make_entry(binary, 11, clock_.now() + 50)).ok());
    ASSERT_TRUE(tier->put(test_key(2), make_entry("")).ok());
    ASSERT_TRUE(tier->put(test_key(3), make_entry("gone")).ok());
    ASSERT_TRUE(tier->erase(test_key(3)).ok());
    EXPECT_EQ(tier->take_warning(), "");
  }
  auto tier = open();
  const auto entry = tier->get(test_key(1));
  ASSERT_TRUE(entry.ok() && entry->has_value());
  EXPECT_EQ(*(*entry)->value, binary);
  EXPECT_EQ((*entry)->created_unix_ms, 11);
  EXPECT_EQ((*entry)->expires_unix_ms, clock_.now() + 50);
  EXPECT_EQ(value_in(*tier, test_key(2)), "");
  EXPECT_EQ(value_in(*tier, test_key(3)), "(none)");
  const TierStats stats = tier->stats();
  EXPECT_EQ(stats.name, "disk");
  EXPECT_EQ(stats.hits, 2u);
  EXPECT_EQ(stats.misses, 1u);
  EXPECT_EQ(stats.n_entries, 2);
  EXPECT_GT(stats.size_bytes, 0);
}

TEST_F(DiskTierTest, IsReadableOnlyByItsOwner) {
  auto tier = open();
  ASSERT_TRUE(tier->put(test_key(1), make_entry("private")).ok());
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat st {};
    ASSERT_EQ(::stat((path_ + suffix).c_str(), &st), 0) << suffix;
    EXPECT_EQ(st.st_mode & 0077, 0u) << suffix;
  }
}

TEST_F(DiskTierTest, DropsEntriesAtTheirTime) {
  auto tier = open();
  ASSERT_TRUE(tier->put(test_key(1), make_entry("short", 0, clock_.now() + 100)).ok());
  clock_.advance_ms(99);
  EXPECT_EQ(value_in(*tier, test_key(1)), "short");
  clock_.advance_ms(1);
  EXPECT_EQ(value_in(*tier, test_key(1)), "(none)");
  EXPECT_EQ(tier->stats().expired, 1u);
  EXPECT_EQ(tier->stats().n_entries, 0);
}

TEST_F(DiskTierTest, KeepsTheFileWithinItsLimit) {
  constexpr int64_t kLimit = 2 << 20;
  auto tier = open(kLimit);
  for (int i = 0; i < 1'000; ++i) {
    clock_.advance_ms(1);
    const auto size = static_cast<size_t>(i * 37 % 30'000);
    ASSERT_TRUE(tier->put(test_key(i), make_entry(std::string(size, 'x'))).ok());
    if (i % 50 == 0) {
      ASSERT_LE(tier->stats().size_bytes, kLimit) << i;
    }
  }
  const TierStats stats = tier->stats();
  EXPECT_GT(stats.evictions, 500u);
  EXPECT_GT(stats.size_bytes, kLimit / 2);
  EXPECT_EQ(value_in(*tier, test_key(0)), "(none)");
  EXPECT_NE(value_in(*tier, test_key(999)), "(none)");
  tier.reset();
  EXPECT_LE(static_cast<int64_t>(std::filesystem::file_size(path_)), kLimit);
}

TEST_F(DiskTierTest, EvictsTheLeastRecentlyUsed) {
  constexpr int64_t kLimit = 1 << 20;
  auto tier = open(kLimit);
  const std::string value(20'000, 'x');
  for (int i = 0; i < 20; ++i) {
    clock_.advance_ms(1);
    ASSERT_TRUE(tier->put(test_key(i), make_entry(value)).ok());
  }
  clock_.advance_ms(3'600'000);
  EXPECT_EQ(value_in(*tier, test_key(0)), value);  // used again, an hour after it was put
  for (int i = 20; i < 60; ++i) {
    clock_.advance_ms(1);
    ASSERT_TRUE(tier->put(test_key(i), make_entry(value)).ok());
  }
  EXPECT_GT(tier->stats().evictions, 0u);
  EXPECT_EQ(value_in(*tier, test_key(0)), value);
  EXPECT_EQ(value_in(*tier, test_key(1)), "(none)");
}

TEST_F(DiskTierTest, NotesUseOnceAnHourOnly) {
  auto tier = open();
  ASSERT_TRUE(tier->put(test_key(1), make_entry("x")).ok());
  const int64_t put_at = clock_.now();
  clock_.advance_ms(3'599'999);
  EXPECT_EQ(value_in(*tier, test_key(1)), "x");
  EXPECT_EQ(query("SELECT used_unix_ms FROM entries"), put_at);
  clock_.advance_ms(1);
  EXPECT_EQ(value_in(*tier, test_key(1)), "x");
  EXPECT_EQ(query("SELECT used_unix_ms FROM entries"), clock_.now());
}

TEST_F(DiskTierTest, PrefersExpiredEntriesForEviction) {
  constexpr int64_t kLimit = 1 << 20;
  auto tier = open(kLimit);
  const std::string value(20'000, 'x');
  ASSERT_TRUE(tier->put(test_key(0), make_entry(value)).ok());
  clock_.advance_ms(1);
  for (int i = 1; i < 30; ++i) {
    ASSERT_TRUE(tier->put(test_key(i), make_entry(value, 0, clock_.now() + 10)).ok());
  }
  clock_.advance_ms(10);
  for (int i = 30; i < 55; ++i) ASSERT_TRUE(tier->put(test_key(i), make_entry(value)).ok());
  EXPECT_EQ(tier->stats().expired, 29u);
  EXPECT_EQ(tier->stats().evictions, 0u);
  EXPECT_EQ(value_in(*tier, test_key(0)), value);
}

TEST_F(DiskTierTest, DoesNotStoreWhatIsTooLarge) {
  auto tier = open(1 << 20);
  ASSERT_TRUE(tier->put(test_key(1), make_entry("old")).ok());
  ASSERT_TRUE(tier->put(test_key(1), make_entry(std::string(200'000, 'x'))).ok());
  EXPECT_EQ(value_in(*tier, test_key(1)), "(none)");
  EXPECT_EQ(tier->stats().rejected, 1u);
}

TEST_F(DiskTierTest, ShrinksToALowerLimitAndWhenCleared) {
  {
    auto tier = open();
    for (int i = 0; i < 100; ++i) {
      clock_.advance_ms(1);
      ASSERT_TRUE(tier->put(test_key(i), make_entry(std::string(50'000, 'x'))).ok());
    }
  }
  ASSERT_GT(std::filesystem::file_size(path_), 4u << 20);
  auto tier = open(1 << 20);
  EXPECT_LE(std::filesystem::file_size(path_), 1u << 20);
  EXPECT_NE(value_in(*tier, test_key(99)), "(none)");
  ASSERT_TRUE(tier->clear().ok());
  EXPECT_EQ(tier->stats().n_entries, 0);
  EXPECT_LE(std::filesystem::file_size(path_), 64u << 10);
  ASSERT_TRUE(tier->put(test_key(1), make_entry("again")).ok());
  EXPECT_EQ(value_in(*tier, test_key(1)), "again");
}

TEST_F(DiskTierTest, MissesAndErasesADamagedValue) {
  auto tier = open();
  ASSERT_TRUE(tier->put(test_key(1), make_entry("right")).ok());
  ASSERT_TRUE(tier->put(test_key(2), make_entry("other")).ok());
  run_sql("UPDATE entries SET value=CAST('wrong' AS BLOB) WHERE id=1");
  EXPECT_EQ(value_in(*tier, test_key(1)), "(none)");
  EXPECT_EQ(value_in(*tier, test_key(2)), "other");
  EXPECT_EQ(tier->stats().errors, 1u);
  EXPECT_EQ(tier->stats().n_entries, 1);
}

TEST_F(DiskTierTest, NoticesValuesThatWereSwapped) {
  auto tier = open();
  ASSERT_TRUE(tier->put(test_key(1), make_entry("a")).ok());
  ASSERT_TRUE(tier->put(test_key(2), make_entry("b")).ok());
  run_sql("UPDATE entries SET (value, checksum) = (SELECT value, checksum FROM entries WHERE id=2) "
          "WHERE id=1");
  EXPECT_EQ(value_in(*tier, test_key(1)), "(none)");
}

TEST_F(DiskTierTest, ReplacesAFileThatIsNoDatabase) {
  const std::string junk = "this is not a database, " + std::string(5'000, '?');
  folder_.write("cache.db", junk);
  auto tier = open();
  const std::string warning = tier->take_warning();
  EXPECT_NE(warning.find("cache.db.corrupt"), std::string::npos) << warning;
  EXPECT_EQ(tier->take_warning(), "");
  EXPECT_EQ(folder_.read("cache.db.corrupt"), junk);
  ASSERT_TRUE(tier->put(test_key(1), make_entry("x")).ok());
  EXPECT_EQ(value_in(*tier, test_key(1)), "x");
}

TEST_F(DiskTierTest, ReplacesADatabaseWithoutItsTable) {
  open().reset();
  run_sql("DROP TABLE entries");
  auto tier = open();
  EXPECT_NE(tier->take_warning(), "");
  ASSERT_TRUE(tier->put(test_key(1), make_entry("x")).ok());
}

TEST_F(DiskTierTest, HealsWhenPagesAreDamagedWhileOpen) {
  {
    auto tier = open();
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(tier->put(test_key(i), make_entry(std::string(3'000, 'x'))).ok());
    }
  }
  // All pages but the first, which holds the schema.
  std::string bytes = folder_.read("cache.db");
  for (size_t i = 4096; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31);
  folder_.write("cache.db", bytes);
  auto tier = open();
  int n_errors = 0;
  for (int i = 0; i < 5; ++i) n_errors += tier->get(test_key(i)).ok() ? 0 : 1;
  EXPECT_EQ(n_errors, 1);  // the first call meets the damage, the next a new file
  EXPECT_NE(tier->take_warning(), "");
  EXPECT_TRUE(folder_.exists("cache.db.corrupt"));
  ASSERT_TRUE(tier->put(test_key(1), make_entry("new")).ok());
  EXPECT_EQ(value_in(*tier, test_key(1)), "new");
}

TEST_F(DiskTierTest, LeavesForeignDatabasesAlone) {
  {
    auto db = Database::open(path_, Database::Mode::kCreate);
    ASSERT_TRUE(db.ok());
    ASSERT_TRUE(db->exec("CREATE TABLE diary(text)").ok());
  }
  const auto tier = DiskTier::open({.path = path_});
  ASSERT_FALSE(tier.ok());
  EXPECT_EQ(tier.error().code, ErrorCode::kMismatch);
  EXPECT_EQ(query("SELECT count(*) FROM diary"), 0);
  EXPECT_FALSE(folder_.exists("cache.db.corrupt"));
}

TEST_F(DiskTierTest, RefusesAnotherSchemaVersion) {
  open().reset();
  run_sql("PRAGMA user_version=99");
  const auto tier = DiskTier::open({.path = path_});
  ASSERT_FALSE(tier.ok());
  EXPECT_EQ(tier.error().code, ErrorCode::kMismatch);
  EXPECT_NE(tier.error().message.find("99"), std::string::npos);
}

TEST_F(DiskTierTest, SaysWhenTheFolderIsMissing) {
  const auto tier = DiskTier::open({.path = folder_.path("missing/cache.db")});
  ASSERT_FALSE(tier.ok());
  EXPECT_EQ(tier.error().code, ErrorCode::kNotFound);
}

TEST_F(DiskTierTest, ReportsAFullDiskAndGoesOn) {
  auto tier = open();
  ASSERT_TRUE(tier->put(test_key(1), make_entry("kept")).ok());
  // The same error that SQLite gives when a write fails for want of space; /dev/full has no files.
  run_sql("CREATE TRIGGER full BEFORE INSERT ON entries BEGIN "
          "SELECT CASE WHEN NEW.size_bytes > 100 THEN RAISE(ABORT, 'disk full') END; END");
  const Status put = tier->put(test_key(2), make_entry(std::string(1'000, 'x')));
  EXPECT_FALSE(put.ok());
  EXPECT_EQ(tier->stats().errors, 1u);
  EXPECT_EQ(value_in(*tier, test_key(1)), "kept");
  EXPECT_EQ(value_in(*tier, test_key(2)), "(none)");
  ASSERT_TRUE(tier->put(test_key(3), make_entry("small")).ok());
  EXPECT_EQ(value_in(*tier, test_key(3)), "small");
}

TEST_F(DiskTierTest, IsSharedByTwoConnectionsAndManyThreads) {
  auto first = open();
  auto second = open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      DiskTier& mine = t % 2 == 0 ? *first : *second;
      for (int i = 0; i < 60; ++i) {
        const Status put = mine.put(test_key(t * 100 + i), make_entry("v" + std::to_string(i)));
        EXPECT_TRUE(put.ok()) << put.error().message;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int t = 0; t < 4; ++t) {
    for (int i = 0; i < 60; ++i) {
      EXPECT_EQ(value_in(*first, test_key(t * 100 + i)), "v" + std::to_string(i));
      EXPECT_EQ(value_in(*second, test_key(t * 100 + i)), "v" + std::to_string(i));
    }
  }
}

}  // namespace
}  // namespace docmind::cache

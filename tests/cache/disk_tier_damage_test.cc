// DiskTier: damage of every kind, files that are not ours or older, a disk that is full.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>

#include "cache/disk_tier.h"
#include "cache_test_support.h"
#include "disk_tier_fixture.h"

namespace docmind::cache {
namespace {

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
      ASSERT_TRUE(tier->put(test_key(i), make_entry(noise(3'000))).ok());
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

// What version 1 of this program wrote, with a row in it.
constexpr const char* kVersion1 = R"sql(
PRAGMA journal_mode=WAL;
CREATE TABLE entries(
  id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, checksum INTEGER NOT NULL,
  created_unix_ms INTEGER NOT NULL, expires_unix_ms INTEGER NOT NULL,
  used_unix_ms INTEGER NOT NULL, size_bytes INTEGER NOT NULL, value BLOB NOT NULL);
CREATE INDEX entries_by_use ON entries(used_unix_ms, size_bytes);
CREATE INDEX entries_by_expiry ON entries(expires_unix_ms) WHERE expires_unix_ms <> 0;
INSERT INTO entries VALUES(1, x'0102', 5, 0, 0, 0, 900000, zeroblob(900000));
PRAGMA application_id=1145916995;
PRAGMA user_version=1;
)sql";

TEST_F(DiskTierTest, BeginsAnewInAFileOfAnOlderVersion) {
  {
    auto db = Database::open(path_, Database::Mode::kCreate);
    ASSERT_TRUE(db.ok());
    ASSERT_TRUE(db->exec(kVersion1).ok());
  }
  auto tier = open();
  const std::string warning = tier->take_warning();
  EXPECT_NE(warning.find("older version"), std::string::npos) << warning;
  EXPECT_NE(warning.find(path_), std::string::npos) << warning;
  EXPECT_EQ(tier->stats().n_entries, 0);
  EXPECT_LE(std::filesystem::file_size(path_), 64u << 10);
  ASSERT_TRUE(tier->put(test_key(1), make_entry("new")).ok());
  EXPECT_EQ(value_in(*tier, test_key(1)), "new");
  EXPECT_EQ(query("PRAGMA user_version"), 2);
  tier = open();
  EXPECT_EQ(tier->take_warning(), "");
  EXPECT_EQ(value_in(*tier, test_key(1)), "new");
  EXPECT_FALSE(folder_.exists("cache.db.corrupt"));
}

// Each would be served, or cost memory, were the row believed.
TEST_F(DiskTierTest, BelievesNoRow) {
  const std::string text(10'000, 'a');
  for (const char* lie :
       {"plain_bytes=4000000000000000000", "plain_bytes=-1", "plain_bytes=9999", "plain_bytes=0",
        "plain_bytes=60000000", "encoding=0", "encoding=2", "encoding=-1", "value=x''",
        "value=substr(value, 1, length(value) - 1)", "value=value || x'00'",
        // A frame of its own that promises 60 MB.
        "value=x'28b52ffd8400879303010000', plain_bytes=60000000",
        "checksum=checksum+1", "expires_unix_ms=1e15", "created_unix_ms=7", "cost_ms=3",
        "cost_ms=9e999", "used_unix_ms=-9223372036854775808, checksum=0"}) {
    auto tier = open();
    ASSERT_TRUE(tier->put(test_key(1), make_entry(text)).ok());
    run_sql(std::string("UPDATE entries SET ") + lie);
    EXPECT_EQ(value_in(*tier, test_key(1)), "(none)") << lie;
    EXPECT_EQ(tier->stats().errors, 1u) << lie;
    EXPECT_EQ(tier->stats().n_entries, 0) << lie;
  }
}

TEST_F(DiskTierTest, RefusesANewerSchemaVersion) {
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
  const Status put = tier->put(test_key(2), make_entry(noise(1'000)));
  EXPECT_FALSE(put.ok());
  EXPECT_EQ(tier->stats().errors, 1u);
  EXPECT_EQ(value_in(*tier, test_key(1)), "kept");
  EXPECT_EQ(value_in(*tier, test_key(2)), "(none)");
  ASSERT_TRUE(tier->put(test_key(3), make_entry("small")).ok());
  EXPECT_EQ(value_in(*tier, test_key(3)), "small");
}

}  // namespace
}  // namespace docmind::cache

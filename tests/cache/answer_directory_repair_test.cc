// AnswerDirectory on files that are damaged, replaced or somebody else's.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <set>
#include <thread>

#include "answer_directory_samples.h"
#include "base/sqlite.h"
#include "cache/answer_directory.h"
#include "support/temp_folder.h"

namespace docmind::cache {
namespace {

class AnswerDirectoryRepair : public testing::Test {
 protected:
  std::unique_ptr<AnswerDirectory> open() {
    auto directory = AnswerDirectory::open({.path = path_});
    if (!directory.ok()) ADD_FAILURE() << directory.error().message;
    return directory.ok() ? *std::move(directory) : nullptr;
  }
  std::unique_ptr<AnswerDirectory> open_with(int64_t n_records) {
    auto directory = open();
    for (int64_t n = 0; n < n_records; ++n) {
      const auto id = directory->insert(sample_record(n));
      EXPECT_TRUE(id.ok()) << id.error().message;
    }
    return directory;
  }
  void run_sql(const std::string& sql) const {
    auto db = Database::open(path_, Database::Mode::kReadWrite);
    ASSERT_TRUE(db.ok()) << db.error().message;
    const Status done = db->exec(sql);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  void remove_files() const {
    for (const char* suffix : {"", "-wal", "-shm", ".corrupt"}) folder_.remove("answers.db" + std::string(suffix));
  }
  static bool has(AnswerDirectory& directory, int64_t n) {
    const auto found = directory.find(test_key(n));
    EXPECT_TRUE(found.ok()) << found.error().message;
    return found.ok() && found->has_value();
  }

  test::TempFolder folder_;
  std::string path_ = folder_.path("answers.db");
};

// Each statement damages one record only.
TEST_F(AnswerDirectoryRepair, DropsADamagedRecordAlone) {
  const std::vector<std::string> damages = {
      "UPDATE answers SET question=CAST('another' AS BLOB) WHERE id=2",
      "UPDATE answers SET vector=CAST('another' AS BLOB) WHERE id=2",
      "UPDATE answers SET tenant=CAST('another' AS BLOB) WHERE id=2",
      "UPDATE answers SET scope=(SELECT scope FROM answers WHERE id=1) WHERE id=2",
      "UPDATE answers SET scope=CAST('short' AS BLOB) WHERE id=2",
      "UPDATE answers SET negative=1-negative WHERE id=2",
      "UPDATE answers SET created_unix_ms=created_unix_ms+1 WHERE id=2",
      "UPDATE answers SET cost_ms=cost_ms*2 WHERE id=2",
      "UPDATE answers SET cost_tokens='many' WHERE id=2",
      "UPDATE answers SET answer_bytes=-1 WHERE id=2",
      "UPDATE answers SET checksum=checksum+1 WHERE id=2",
      "UPDATE answers SET question=zeroblob(5000000) WHERE id=2",
      "DELETE FROM answer_documents WHERE answer_id=2 AND position=1",
      "INSERT INTO answer_documents VALUES(2, 9, CAST('more' AS BLOB), CAST('h' AS BLOB))",
      "UPDATE answer_documents SET content_hash=CAST('other' AS BLOB) WHERE answer_id=2 AND position=0",
      "UPDATE answer_documents SET position=1-position+10 WHERE answer_id=2",
  };
  for (const std::string& damage : damages) {
    remove_files();
    {
      auto directory = open_with(3);
      run_sql(damage);
      EXPECT_FALSE(has(*directory, 1)) << damage;
      EXPECT_FALSE(directory->find(2)->has_value()) << damage;
      EXPECT_TRUE(has(*directory, 0) && has(*directory, 2)) << damage;
      EXPECT_TRUE(directory->list("tenant 1", 10)->empty()) << damage;
      EXPECT_EQ(directory->list("tenant 0", 10)->size(), 1U) << damage;
      EXPECT_EQ(directory->take_warning(), "");
    }
    EXPECT_EQ(open()->counts()->n_records, 2) << damage;
  }
}

TEST_F(AnswerDirectoryRepair, VisitsAndInvalidatesPastHostileRows) {
  auto directory = open_with(6);
  run_sql("UPDATE answers SET scope=(SELECT scope FROM answers WHERE id=1);"
          "UPDATE answers SET vector=zeroblob(5000000) WHERE id=2;"
          "UPDATE answers SET vector=7 WHERE id=3;"
          "UPDATE answers SET key=CAST('short' AS BLOB) WHERE id=4;"
          "UPDATE answers SET id=-5 WHERE id=5");
  std::vector<int64_t> ids;
  ASSERT_TRUE(directory->visit_vectors(test_scope(0), 0, [&](const AnswerVector& row) { ids.push_back(row.id); }).ok());
  EXPECT_EQ(ids, (std::vector<int64_t>{1, 4, 6}));
  const auto keys = directory->invalidate({});
  ASSERT_TRUE(keys.ok()) << keys.error().message;
  EXPECT_EQ(keys->size(), 5U) << "all but the key that is none";
  EXPECT_EQ(directory->counts()->n_records, 0);
}

TEST_F(AnswerDirectoryRepair, SkipsDamagedObservations) {
  auto directory = open();
  const std::vector<Observation> all = {sample_observation(1), sample_observation(2), sample_observation(3)};
  ASSERT_TRUE(directory->add_observations(all).ok());
  run_sql("UPDATE observations SET record=zeroblob(140) WHERE id=2;"
          "INSERT INTO observations(record) VALUES('text'), (zeroblob(5000000)), (3.5)");
  const auto left = directory->observations();
  ASSERT_TRUE(left.ok()) << left.error().message;
  EXPECT_EQ(*left, (std::vector<Observation>{all[0], all[2]}));
}

TEST_F(AnswerDirectoryRepair, ReplacesAFileThatIsNoDatabase) {
  const std::string junk = "this is not a database, " + std::string(5'000, '?');
  folder_.write("answers.db", junk);
  auto directory = open();
  const std::string warning = directory->take_warning();
  EXPECT_NE(warning.find("answers.db.corrupt"), std::string::npos) << warning;
  EXPECT_EQ(directory->take_warning(), "");
  EXPECT_EQ(folder_.read("answers.db.corrupt"), junk);
  ASSERT_TRUE(directory->insert(sample_record(1)).ok());
  EXPECT_TRUE(has(*directory, 1));
}

TEST_F(AnswerDirectoryRepair, TheNewFileGivesNoIdOfTheOld) {
  open_with(20).reset();
  folder_.write("answers.db", "broken");
  auto directory = open();
  EXPECT_NE(directory->take_warning(), "");
  const auto id = directory->insert(sample_record(1));
  ASSERT_TRUE(id.ok());
  EXPECT_GT(*id, 20);
}

TEST_F(AnswerDirectoryRepair, ReplacesADatabaseThatContradictsItself) {
  for (const std::string damage :
       {"DROP TABLE answers", "DROP TABLE answer_documents", "DELETE FROM state", "INSERT INTO state VALUES(1,2,3,4)",
        "UPDATE state SET n_records=0", "UPDATE sqlite_sequence SET seq=9223372036854775807",
        "UPDATE sqlite_sequence SET seq='x'", "ALTER TABLE answers RENAME COLUMN question TO answer",
        "UPDATE answers SET id=9223372036854775807 WHERE id=1"}) {
    open_with(3).reset();
    run_sql(damage);
    auto directory = open();
    EXPECT_NE(directory->take_warning(), "") << damage;
    EXPECT_TRUE(directory->insert(sample_record(1)).ok()) << damage;
    EXPECT_TRUE(has(*directory, 1)) << damage;
    directory.reset();
    remove_files();
  }
}

TEST_F(AnswerDirectoryRepair, HealsWhenATableVanishesWhileOpen) {
  auto directory = open_with(3);
  run_sql("DROP TABLE answers");
  EXPECT_FALSE(has(*directory, 1));
  EXPECT_NE(directory->take_warning(), "");
  EXPECT_TRUE(directory->insert(sample_record(5)).ok());
  EXPECT_TRUE(has(*directory, 5));
}

TEST_F(AnswerDirectoryRepair, ReplacesAFileWhoseRowsCannotBeRemoved) {
  auto directory = open_with(3);
  run_sql("UPDATE answer_documents SET path=zeroblob(5000000) WHERE answer_id=2 AND position=0");
  EXPECT_FALSE(has(*directory, 1));
  EXPECT_TRUE(has(*directory, 2));
  const auto keys = directory->invalidate({});
  EXPECT_TRUE(keys.ok()) << keys.error().message;
  EXPECT_NE(directory->take_warning(), "");
  EXPECT_FALSE(has(*directory, 2));
  EXPECT_TRUE(directory->insert(sample_record(5)).ok());
}

TEST_F(AnswerDirectoryRepair, FollowsAFileThatWasReplaced) {
  auto directory = open_with(3);
  auto other = open();
  const auto version = other->foreign_version();
  directory.reset();
  for (const char* suffix : {"", "-wal", "-shm"}) folder_.remove("answers.db" + std::string(suffix));
  directory = open_with(1);
  EXPECT_TRUE(has(*other, 0));
  EXPECT_FALSE(has(*other, 2)) << "the old file's";
  EXPECT_NE(*other->foreign_version(), *version);
  ASSERT_TRUE(other->insert(sample_record(7)).ok());
  EXPECT_TRUE(has(*directory, 7)) << "both use the file that stands there";
  other.reset();
  ASSERT_TRUE(directory->insert(sample_record(8)).ok());
  auto third = open();
  EXPECT_TRUE(has(*third, 7) && has(*third, 8)) << "the old one's end took no log away";
}

TEST_F(AnswerDirectoryRepair, LeavesForeignFilesAlone) {
  {
    auto db = Database::open(path_, Database::Mode::kCreate);
    ASSERT_TRUE(db.ok());
    ASSERT_TRUE(db->exec("CREATE TABLE diary(text); INSERT INTO diary VALUES('dear')").ok());
  }
  auto directory = AnswerDirectory::open({.path = path_});
  ASSERT_FALSE(directory.ok());
  EXPECT_EQ(directory.error().code, ErrorCode::kMismatch);
  EXPECT_NE(directory.error().message.find(path_), std::string::npos) << directory.error().message;
  EXPECT_FALSE(folder_.exists("answers.db.corrupt"));
  folder_.remove("answers.db");
  open_with(1).reset();
  run_sql("PRAGMA user_version=99");
  directory = AnswerDirectory::open({.path = path_});
  ASSERT_FALSE(directory.ok());
  EXPECT_EQ(directory.error().code, ErrorCode::kMismatch);
  EXPECT_NE(directory.error().message.find("99"), std::string::npos) << directory.error().message;
  directory = AnswerDirectory::open({.path = folder_.path("missing/answers.db")});
  EXPECT_EQ(directory.error().code, ErrorCode::kNotFound);
}

// Whatever the damage: no call hangs or crashes, no wrong record comes out, and in the end it works.
TEST_F(AnswerDirectoryRepair, SurvivesDamageAtRandomPlaces) {
  open_with(60).reset();
  const std::string sound = folder_.read("answers.db");
  std::mt19937 random(20'240'229);
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  for (int round = 0; round < 60; ++round) {
    std::string bytes = sound;
    const size_t n_damages = 1 + below(20);
    for (size_t i = 0; i < n_damages; ++i) {
      const size_t at = below(bytes.size());
      const size_t length = std::min(1 + below(round % 3 == 0 ? 3'000 : 8), bytes.size() - at);
      for (size_t k = 0; k < length; ++k) bytes[at + k] = static_cast<char>(random());
    }
    if (round % 10 == 9) bytes.resize(below(bytes.size()));
    remove_files();
    folder_.write("answers.db", bytes);
    auto opened = AnswerDirectory::open({.path = path_});
    if (!opened.ok()) {  // the damage made it another application's
      EXPECT_EQ(opened.error().code, ErrorCode::kMismatch) << opened.error().message;
      continue;
    }
    AnswerDirectory& directory = **opened;
    for (int64_t n = 0; n < 60; ++n) {
      const auto found = directory.find(test_key(n));
      if (!found.ok() || !found->has_value()) continue;
      AnswerRecord expected = sample_record(n);
      expected.id = (*found)->id;
      expected.used_unix_ms = (*found)->used_unix_ms;  // what changes is not under the checksum
      expected.n_hits = (*found)->n_hits;
      ASSERT_EQ(**found, expected) << "round " << round;
    }
    (void)directory.visit_vectors(test_scope(1), 0, [](const AnswerVector&) {});
    (void)directory.list("tenant 1", 100);
    (void)directory.counts();
    (void)directory.invalidate({.folder = "docs/part3"});
    (void)directory.observations();
    (void)directory.foreign_version();
    bool works = false;
    for (int attempt = 0; attempt < 3 && !works; ++attempt) works = directory.insert(sample_record(77)).ok();
    EXPECT_TRUE(works) << "round " << round;
    EXPECT_TRUE(has(directory, 77)) << "round " << round;
  }
}

// Several find the damage at once; one repairs, and all end up in the same new file.
TEST_F(AnswerDirectoryRepair, ManyRepairAtOnce) {
  for (int round = 0; round < 15; ++round) {
    remove_files();
    folder_.write("answers.db", "broken " + std::string(5'000, 'x'));
    std::vector<std::thread> threads;
    std::vector<std::unique_ptr<AnswerDirectory>> directories(4);
    for (size_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        auto opened = AnswerDirectory::open({.path = path_});
        ASSERT_TRUE(opened.ok()) << opened.error().message;
        directories[t] = *std::move(opened);
        const auto id = directories[t]->insert(sample_record(static_cast<int64_t>(t)));
        ASSERT_TRUE(id.ok()) << id.error().message;
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (auto& directory : directories) {
      ASSERT_NE(directory, nullptr);
      for (int64_t n = 0; n < 4; ++n) ASSERT_TRUE(has(*directory, n)) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace docmind::cache

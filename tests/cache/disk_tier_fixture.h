// DiskTierTest: a disk tier in a folder of its own, and a look at its file from outside.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "base/sqlite.h"
#include "cache/disk_tier.h"
#include "cache_test_support.h"
#include "support/temp_folder.h"

namespace docmind::cache {

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

}  // namespace docmind::cache

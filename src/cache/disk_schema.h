// The SQLite schema of the disk tier: what it holds, its version, and what is not ours.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/error.h"
#include "base/sqlite.h"

namespace docmind::cache {

inline constexpr int kCacheApplicationId = 0x444d4e43;  // "DMNC" in the SQLite header
inline constexpr int kCacheSchemaVersion = 2;

// What was there before.
enum class CacheSchema { kCurrent, kEmpty, kOlder };

// Creates the tables in an empty database, and anew in one of an older version: what a cache holds
// can be made again. kMismatch, the database unchanged, when it belongs to another application or a
// newer version; the message says what to do.
Result<CacheSchema> prepare_cache_schema(const Database& db);

}  // namespace docmind::cache

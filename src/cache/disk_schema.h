// The SQLite schema of the disk tier: what it holds, its version, and what is not ours.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/sqlite.h"

namespace docmind::cache {

inline constexpr int kCacheApplicationId = 0x444d4e43;  // "DMNC" in the SQLite header
inline constexpr int kCacheSchemaVersion = 1;

// Creates the tables in an empty database. kMismatch, the database unchanged, when it belongs to
// another application or has another version; the message says what to do.
Status prepare_cache_schema(const Database& db);

}  // namespace docmind::cache

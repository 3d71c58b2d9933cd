// The store's SQLite schema: what the tables hold, its version, and migrations between versions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/sqlite.h"

namespace docmind::index {

inline constexpr int kApplicationId = 0x444d4e44;  // "DMND" in the SQLite header
inline constexpr int kSchemaVersion = 3;

// Brings the database to kSchemaVersion in one transaction per step: creates it when it is empty,
// migrates it when it is older. kMismatch when it is newer than this build or not ours, kMalformed
// when its version is none that we ever wrote; the database is then unchanged.
Status migrate(const Database& db);

// kMismatch when the database is not ours or newer than this build; fine when it is empty. Only
// reads, so a writer can ask before it changes anything.
Status check_ours(const Database& db);

// kMismatch unless the database has exactly kSchemaVersion; what readers call, who cannot migrate.
Status check_schema(const Database& db);

// One migration step: SQL that turns version `from` into version `from + 1`. Exposed for tests.
std::string_view migration_sql(int from);

}  // namespace docmind::index

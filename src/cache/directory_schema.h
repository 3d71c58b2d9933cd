// The SQLite schema of the answer directory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cache/answer_directory.h"
#include "cache/repairable_file.h"
#include "index/types.h"

namespace docmind::cache {

// Of all documents of one record together; a larger record is not kept.
inline constexpr size_t kMaxDependencyBytes = 16 << 20;
inline constexpr size_t kMaxTenantBytes = 64 << 10;
inline constexpr size_t kMaxVectorBytes = sizeof(float) + static_cast<size_t>(index::kMaxDimension);

// The schema of the file at `path`. One that takes the place of a damaged file (PATH.corrupt is there)
// gives ids above those of its forerunner, as long as fewer than a thousand a second were given.
[[nodiscard]] SchemaSpec directory_schema(const std::string& path);

// Opens or creates the file; kMalformed also when its content contradicts itself.
[[nodiscard]] Result<SchemaFile> open_directory_file(const std::string& path);

// kLimit or kInvalidArgument, with both values, when the record cannot be kept.
[[nodiscard]] Status check_record(const AnswerRecord& record);

// Over every field that never changes; neither the id, uses nor hits.
[[nodiscard]] int64_t checksum_of(const AnswerRecord& record);

}  // namespace docmind::cache

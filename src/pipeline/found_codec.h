// A question's findings as they are remembered: their key and their bytes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/hash.h"
#include "index/store_reader.h"
#include "pipeline/corpus.h"

namespace docmind::pipeline {

// A retrieval is a function of these as long as the store keeps its generation.
Result<Digest> retrieval_key(const index::StoreReader& store, int64_t generation,
                             const std::string& space, std::string_view question,
                             const RetrieveOptions& options);

// Hits and vector; they are kept in memory only, so the bytes are this process's own.
std::string encode_found(const Found& found);
// False, and `found` in no known state, for any other bytes.
bool decode_found(std::string_view bytes, Found& found);

}  // namespace docmind::pipeline

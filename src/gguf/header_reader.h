// Reads the header of one GGUF file: metadata, tensor table and where each tensor's data lies.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "gguf/file.h"

namespace docmind::gguf {

struct Header {
  uint32_t version = 0;
  size_t alignment = 0;
  std::vector<MetadataEntry> metadata;  // in file order, keys differ
  std::vector<TensorInfo> tensors;      // in file order, names differ
};

// `bytes` is the whole file; all views of the result point into it. `path` is for messages. What
// this returns has been checked: every view lies inside, no two tensors overlap, counts of elements
// fit int64_t, rows are whole blocks.
Result<Header> read_header(const std::string& path, std::span<const std::byte> bytes);

}  // namespace docmind::gguf

// Document ids and names: how clients name a document without its path.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace docmind::pipeline {

// The first 16 hexadecimal digits of the path's SHA-256: stable, and says nothing of the file system.
[[nodiscard]] std::string document_id(std::string_view path);
// The last part of the path, as valid UTF-8.
[[nodiscard]] std::string document_name(std::string_view path);

}  // namespace docmind::pipeline

// Document ids and names: how clients name a document without its path.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/document_id.h"

#include "base/hash.h"
#include "base/text.h"

namespace docmind::pipeline {

std::string document_id(std::string_view path) {
  constexpr size_t kIdDigits = 16;
  return to_hex(sha256(path)).substr(0, kIdDigits);
}

std::string document_name(std::string_view path) {
  const size_t slash = path.rfind('/');
  return to_valid_utf8(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

}  // namespace docmind::pipeline

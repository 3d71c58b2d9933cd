// MultipartReader: the parts of a multipart/form-data body that lies in a file (RFC 7578, RFC 2046 section 5.1).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace docmind::server {

struct MultipartLimits {
  size_t max_parts = 100;
  size_t max_header_bytes = 16 << 10;  // of one part
  size_t max_name_bytes = 4 << 10;     // of a field or file name; a longer one keeps its end
};

// Where one part's content lies in the body.
struct MultipartPart {
  std::string name;
  std::string filename;    // as the client sent it: never a path to use
  bool is_file = false;    // it has a file name, an empty one too
  std::string content_type;
  size_t begin = 0, end = 0;  // in bytes of the body
  [[nodiscard]] size_t size() const { return end - begin; }
};

// The boundary of a Content-Type, 1 to 70 characters; kInvalidArgument when it is no multipart/form-data or names none.
[[nodiscard]] Result<std::string> multipart_boundary(std::string_view content_type);

// All parts of `body`; linear in its length. kMalformed names what is missing, kLimit the number that was exceeded.
// Content is taken byte by byte as it is: transfer encodings are refused (RFC 7578, 4.7).
[[nodiscard]] Result<std::vector<MultipartPart>> parse_multipart(std::string_view body, std::string_view boundary,
                                                                 const MultipartLimits& limits = {});

}  // namespace docmind::server

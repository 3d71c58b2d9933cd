// Fuzzes multipart bodies: parts lie within the body, in order, and hold no delimiter.
// SPDX-License-Identifier: Apache-2.0
#include "server/multipart.h"

#include <algorithm>

#include "fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace docmind;
  // The first line is the Content-Type.
  const std::string_view input = fuzz::as_text(data, size);
  const size_t line = std::min(input.find('\n'), input.size());
  const std::string_view body = input.substr(std::min(line + 1, input.size()));
  const Result<std::string> boundary = server::multipart_boundary(input.substr(0, line));
  if (!boundary.ok()) return 0;
  fuzz::require(!boundary->empty() && boundary->size() <= 70, "a boundary has 1 to 70 characters");
  const server::MultipartLimits limits{.max_parts = 10, .max_header_bytes = 200, .max_name_bytes = 20};
  const auto parts = server::parse_multipart(body, *boundary, limits);
  if (!parts.ok()) return 0;
  fuzz::require(parts->size() <= limits.max_parts, "parts are bounded");
  size_t end = 0;
  for (const server::MultipartPart& part : *parts) {
    fuzz::require(part.begin >= end && part.begin <= part.end && part.end <= body.size(), "parts lie in order");
    end = part.end;
    fuzz::require(part.name.size() <= limits.max_name_bytes, "names are bounded");
    fuzz::require(part.filename.size() <= limits.max_name_bytes, "file names are bounded");
    const std::string delimiter = "\r\n--" + *boundary;
    fuzz::require(body.substr(part.begin, part.size()).find(delimiter) == std::string_view::npos,
                  "no part holds a delimiter");
  }
  return 0;
}

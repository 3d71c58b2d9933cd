// Uploads: the files of a multipart request become documents of a collection.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "pipeline/collection.h"

namespace docmind::server {

// Every part with a file name, and every part named "file", in their order. `body_path` is the spooled body, beside
// which the parts are written. All names are checked before the first document is added. kInvalidArgument when there
// is no such part.
[[nodiscard]] Result<std::vector<pipeline::DocumentInfo>> add_uploads(pipeline::Collection& collection,
                                                                      const std::string& body_path,
                                                                      std::string_view content_type);

}  // namespace docmind::server

// BodyFile: a request's body in a temporary file of its own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"

namespace docmind::server {

// The file has mode 0600 and a name that no client chose. It is removed on destruction unless somebody moved it.
class BodyFile {
 public:
  static Result<std::unique_ptr<BodyFile>> create(const std::string& folder);
  ~BodyFile();
  BodyFile(const BodyFile&) = delete;
  BodyFile& operator=(const BodyFile&) = delete;

  Status append(std::string_view bytes);
  // Nothing more comes; the file stays.
  void close() { fd_.reset(); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  BodyFile(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string path_;
  UniqueFd fd_;
};

}  // namespace docmind::server

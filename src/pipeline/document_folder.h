// DocumentFolder: the files that clients uploaded into one collection.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace docmind::pipeline {

// A client's name brought to one that is safe as a file's: the part after the last separator of any system, of
// [A-Za-z0-9._-] and '_' for every run of other bytes, no dot in front, at most 100 bytes with its extension.
// kUnsupported when no reader knows the extension; names those that are known.
[[nodiscard]] Result<std::string> safe_file_name(std::string_view name);

// <folder>/<first 16 hex digits of the content's SHA-256>/<safe name>: nothing of the path comes from a client, and
// the same bytes under the same name are the same file. No member follows a symbolic link below the folder. Any thread.
class DocumentFolder {
 public:
  explicit DocumentFolder(std::string folder) : folder_(std::move(folder)) {}

  struct Stored {
    std::string path;
    int64_t size_bytes = 0;
    bool is_new = true;  // false: it was there
  };
  // Takes over the file at `spooled_path`: on return without an error it is gone from there and safe from a power
  // cut. kLimit when it is larger than `max_bytes`, kInvalidArgument when it is empty.
  [[nodiscard]] Result<Stored> add(std::string_view name, const std::string& spooled_path, int64_t max_bytes) const;
  // kPermission unless the path is of this folder and has the form that add() gives. A file that is gone is no error.
  [[nodiscard]] Status remove(const std::string& path) const;
  [[nodiscard]] bool contains(std::string_view path) const;
  // Paths, sorted.
  [[nodiscard]] std::vector<std::string> files() const;
  [[nodiscard]] const std::string& path() const { return folder_; }

 private:
  std::string folder_;
};

}  // namespace docmind::pipeline

// TempFolder: a folder for one test, removed with all it holds when the test ends.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace docmind::test {

// A new, empty folder below testing::TempDir(), unique among tests and processes. A failed call is
// a failure of the test (ADD_FAILURE). Paths are relative to the folder; names may hold any bytes
// but NUL. Remove folders that a test made unreadable only as the user who owns them.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  // The absolute, canonical path without a trailing slash; of `relative` below it if given.
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string path(std::string_view relative) const;

  // Writes a file and the folders that lead to it; replaces its old content. Returns its path.
  std::string write(std::string_view relative, std::string_view bytes) const;
  // The content of a file.
  [[nodiscard]] std::string read(std::string_view relative) const;
  // Creates a folder and its parents. Returns its path.
  std::string mkdir(std::string_view relative) const;
  // Creates a symbolic link with exactly this target, and the folders that lead to it.
  std::string symlink(std::string_view target, std::string_view relative) const;
  // Removes a file or a folder with all it holds; what is not there is no failure.
  void remove(std::string_view relative) const;
  // Whether something, a broken link included, has this name.
  [[nodiscard]] bool exists(std::string_view relative) const;

 private:
  std::string path_;
};

}  // namespace docmind::test

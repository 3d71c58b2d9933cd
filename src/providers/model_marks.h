// ModelMarks: citation marks as models write them, to marks of passages that were given.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace docmind::providers {

// "[1, 3]", "[1-3]", "[Passage 2]" and "[source 2]" become "[1][3]", "[1][2][3]" and "[2]"; numbers
// of passages that were not given are dropped, and a mark without any other with the space before it.
// Feed pieces as they come; a mark may be split across pieces.
class ModelMarks {
 public:
  explicit ModelMarks(size_t n_passages) : n_passages_(n_passages) {}

  // What can be shown now; what may be a mark is held back.
  [[nodiscard]] std::string feed(std::string_view piece);
  // What was held back, at the end of the text.
  [[nodiscard]] std::string finish();
  // Whether a mark of a given passage came.
  [[nodiscard]] bool any() const { return any_; }

 private:
  std::string resolve();

  size_t n_passages_;
  std::string held_;  // spaces, then "[" and what may be inside of a mark
  bool any_ = false;
};

}  // namespace docmind::providers

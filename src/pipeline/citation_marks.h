// CitationMarks: renumbers "[3]" marks in a stream by order of first use.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace docmind::pipeline {

// A generator cites passages by their rank; a reader wants [1] first. Feed pieces as they arrive;
// a mark may be split across pieces. Marks of passages that do not exist are dropped, so that no
// citation points nowhere.
class CitationMarks {
 public:
  explicit CitationMarks(size_t n_passages) : n_passages_(n_passages) {}

  // What can be shown now; the start of a possible mark is held back.
  [[nodiscard]] std::string feed(std::string_view piece);
  // What was held back, at the end of the text.
  [[nodiscard]] std::string finish();
  // A whole text, in which these quotes of documents stand in this order, their words separated by
  // any white space. Marks inside them are the documents' own and stay as they are.
  [[nodiscard]] std::string feed_around(std::string_view text, std::span<const std::string> quotes);

  // order()[n - 1] is the passage (from 0) that is cited as [n].
  const std::vector<size_t>& order() const { return order_; }

 private:
  std::string replace(size_t number);

  size_t n_passages_;
  std::string held_;  // "[" and digits
  std::vector<size_t> order_;
};

// Whether a text holds what would be taken for a mark: "[12]", a footnote of a document, say.
[[nodiscard]] bool holds_mark(std::string_view text);

}  // namespace docmind::pipeline

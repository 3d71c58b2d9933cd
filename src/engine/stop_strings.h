// StopStrings: ends a stream of text where one of several strings begins.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace docmind::engine {

// The text ends at the first moment at which one of the strings is complete, however it is cut into
// pieces; of several that are complete then, the longest counts. What may still become a string is
// held back, and nothing more. Empty strings are ignored.
class StopStrings {
 public:
  explicit StopStrings(std::vector<std::string> strings);

  // What can be shown now. Nothing after stopped().
  [[nodiscard]] std::string feed(std::string_view piece);
  // What was held back, at the end of the text.
  [[nodiscard]] std::string finish();
  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  std::vector<std::string> strings_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace docmind::engine

// Written configurations as tests look at them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "providers/config_writer.h"
#include "support/docmind.h"

namespace docmind::test {

// Lines that are no comments, without the spaces around them.
inline std::vector<std::string> setting_lines(std::string_view text) {
  std::vector<std::string> lines;
  for (const std::string& line : lines_of(text)) {
    const size_t begin = line.find_first_not_of(' ');
    if (begin == std::string::npos || line[begin] == '#') continue;
    lines.push_back(line.substr(begin, line.find_last_not_of(' ') + 1 - begin));
  }
  return lines;
}

inline bool has_line(std::string_view text, std::string_view wanted) {
  for (const std::string& line : setting_lines(text)) {
    if (line == wanted) return true;
  }
  return false;
}

// The text; a refusal is a failure of the test.
inline std::string config_of(const control::PlanChoice& plan, control::PlanProvider provider,
                             const providers::ConfigWriterOptions& options = {}) {
  const Result<providers::WrittenConfig> written = providers::write_config(plan, provider, options);
  EXPECT_TRUE(written.ok()) << written.error().message;
  return written.ok() ? written->text : std::string();
}

// The sentence of a refusal with that code.
inline std::string refusal_of(const control::PlanChoice& plan, control::PlanProvider provider,
                              const providers::ConfigWriterOptions& options = {},
                              ErrorCode code = ErrorCode::kInvalidArgument) {
  const Result<providers::WrittenConfig> written = providers::write_config(plan, provider, options);
  EXPECT_FALSE(written.ok()) << written->text;
  if (written.ok()) return {};
  EXPECT_EQ(written.error().code, code) << written.error().message;
  return written.error().message;
}

}  // namespace docmind::test

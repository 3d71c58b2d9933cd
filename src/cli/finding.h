// Finding: one line of what 'docmind doctor' reports.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace docmind::cli {

struct Finding {
  enum class Level { kGood, kNote, kBad };
  Level level = Level::kGood;
  std::string topic;
  std::string text;
};

}  // namespace docmind::cli

// Names of levels and formats.
// SPDX-License-Identifier: Apache-2.0
#include "control/controller.h"

namespace docmind::control {

std::string_view level_name(Level level) {
  switch (level) {
    case Level::kConservative: return "conservative";
    case Level::kBalanced: return "balanced";
    case Level::kAggressive: return "aggressive";
  }
  return "";
}

std::string_view kv_format_name(KvFormat format) {
  switch (format) {
    case KvFormat::kF16: return "f16";
    case KvFormat::kInt8: return "int8";
    case KvFormat::kInt4: return "int4";
  }
  return "";
}

}  // namespace docmind::control

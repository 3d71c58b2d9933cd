// quantize_file: from a model file to a smaller one that was measured before it is there.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "base/thread_team.h"
#include "kernels/kernels.h"
#include "quantize/convert.h"
#include "quantize/quality.h"

namespace docmind::quantize {

struct QuantizeOptions {
  Scheme scheme = Scheme::kQ4_K_M;
  Level level = Level::kBalanced;
  std::string calibration;          // text; empty: no importance weights
  std::string calibration_name;     // for the report
  std::optional<QualityOptions> quality = QualityOptions{};  // none: not measured, and the report says so
  bool force = false;               // write the file though it loses more than it may
  bool overwrite = false;           // an existing file at the destination
  // What is going on, in words, and how much of it is done; false stops (kCancelled).
  std::function<bool(std::string_view what, int64_t n_done, int64_t n_total)> progress = {};
};

struct QuantizeReport {
  std::string source, destination;
  Scheme scheme = Scheme::kQ4_K_M;
  Level level = Level::kBalanced;
  std::string calibration_name;
  size_t n_calibrated = 0;          // tensors with importance weights
  Conversion conversion;
  size_t source_file_bytes = 0, file_bytes = 0;
  std::optional<Quality> quality;
  bool written = false;             // false: it lost more than it may, and nothing is at the destination
  double seconds = 0;               // of all
};
// The tensors are in it one by one with `with_tensors`.
[[nodiscard]] json::object report_to_json(const QuantizeReport& report, bool with_tensors);

// Nothing is at the destination before everything is measured, and never half a file. Refused, before any work, with
// kInvalidArgument: a destination that exists (unless overwrite), that is the source, or that a full disk has no room
// for (kIo). A report of a file that was not written has `written` false.
Result<QuantizeReport> quantize_file(const std::string& source, const std::string& destination,
                                     const kernels::KernelTable& table, ThreadTeam& team, ModelAccess& access,
                                     const QuantizeOptions& options);

}  // namespace docmind::quantize

// What 'quantize' prints.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/terminal.h"
#include "quantize/analyse.h"
#include "quantize/quantize_file.h"

namespace docmind::cli {

[[nodiscard]] std::string quantize_report_text(const quantize::QuantizeReport& report, const Terminal& terminal);
// The measurement alone.
[[nodiscard]] std::string quality_report_text(const quantize::Quality& quality, const Terminal& terminal);
// Sizes and errors of each format; `file` is what was analysed.
[[nodiscard]] std::string analysis_table(const quantize::Analysis& analysis, const std::string& file);

}  // namespace docmind::cli

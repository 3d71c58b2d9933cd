// report_to_json: all that is known of a conversion, for programs and for the file itself.
// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "quantize/quantize_file.h"

namespace docmind::quantize {
namespace {

json::object tensor_to_json(const ConvertedTensor& tensor) {
  json::object row{
      {"name", to_valid_utf8(tensor.name)}, {"elements", tensor.n_elements}, {"from", tensor.from}, {"to", tensor.to}};
  if (!tensor.why.empty()) row["why"] = tensor.why;
  if (tensor.weighted) row["weighted"] = true;
  return row;
}

double ratio(size_t before, size_t after) {
  return after == 0 ? 0 : static_cast<double>(before) / static_cast<double>(after);
}

}  // namespace

json::object report_to_json(const QuantizeReport& report, bool with_tensors) {
  const Conversion& conversion = report.conversion;
  json::object out{{"source", to_valid_utf8(report.source)},
                   {"destination", to_valid_utf8(report.destination)},
                   {"written", report.written},
                   {"type", scheme_name(report.scheme)},
                   {"level", level_name(report.level)},
                   {"parameters", conversion.n_parameters},
                   {"bits_per_weight", conversion.n_parameters == 0 ? 0 : conversion.bits_per_weight()},
                   {"tensor_bytes_before", conversion.bytes_before},
                   {"tensor_bytes_after", conversion.bytes_after},
                   {"source_file_bytes", report.source_file_bytes},
                   {"file_bytes", report.file_bytes},
                   {"compression_ratio", ratio(report.source_file_bytes, report.file_bytes)},
                   {"convert_seconds", conversion.seconds},
                   {"seconds", report.seconds}};
  out["calibration"] = nullptr;
  if (!report.calibration_name.empty()) {
    out["calibration"] =
        json::object{{"text", to_valid_utf8(report.calibration_name)}, {"tensors", report.n_calibrated}};
  }
  out["quality"] = nullptr;  // not measured
  if (report.quality) out["quality"] = quality_to_json(*report.quality);
  if (!with_tensors) return out;
  json::array tensors;
  for (const ConvertedTensor& tensor : conversion.tensors) tensors.push_back(tensor_to_json(tensor));
  out["tensors"] = std::move(tensors);
  return out;
}

}  // namespace docmind::quantize

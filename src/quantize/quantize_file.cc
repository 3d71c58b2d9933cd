// quantize_file: from a model file to a smaller one that was measured before it is there.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/quantize_file.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/text.h"
#include "quantize/conversion_plan.h"
#include "quantize/destination.h"

namespace docmind::quantize {
namespace {

// One run, step by step. Whatever fails, the writer's temporary file goes with the run.
class QuantizeRun {
 public:
  QuantizeRun(ModelAccess& access, const QuantizeOptions& options) : access_(access), options_(options) {}

  Result<QuantizeReport> run(const std::string& source, const std::string& destination,
                             const kernels::KernelTable& table, ThreadTeam& team) {
    report_.source = source;
    report_.destination = destination;
    report_.scheme = options_.scheme;
    report_.level = options_.level;
    DM_TRY(check_destination(source, destination, options_.overwrite));
    DM_ASSIGN(const gguf::File file, gguf::File::open(source));
    report_.source_file_bytes = file.file_bytes();
    DM_TRY(check(file));
    DM_TRY(calibrate());
    DM_ASSIGN(gguf::Writer writer, gguf::Writer::create(destination));
    DM_TRY(convert_tensors(file, writer, table, team));
    DM_ASSIGN(const std::string temporary, writer.complete());
    std::error_code error;
    report_.file_bytes = static_cast<size_t>(std::filesystem::file_size(temporary, error));
    if (error) return errno_error("read the size of", temporary, error.value());
    DM_TRY(measure(temporary));
    if (!report_.quality || report_.quality->passes || options_.force) DM_TRY(publish(writer));
    report_.seconds = watch_.elapsed_ms() / 1'000;
    return std::move(report_);
  }

 private:
  // What would fail in the end fails before any work.
  Status check(const gguf::File& file) {
    DM_ASSIGN(const ConversionPlan plan, plan_conversion(file, options_.scheme, options_.level));
    const bool quantizes = std::ranges::any_of(
        plan.tensors, [](const PlannedTensor& tensor) { return !tensor.copied && tensor.to.block_len > 1; });
    if (!options_.calibration.empty() && !quantizes) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("calibration changes nothing: '{}' quantizes no matrix of '{}'",
                               scheme_name(options_.scheme), printable(report_.source))};
    }
    DM_TRY(check_room(report_.destination, plan.file_bytes));
    if (!options_.quality && options_.calibration.empty()) return {};
    const auto kind = access_.kind(report_.source);
    return kind.ok() ? Status() : Status(kind.error());
  }

  [[nodiscard]] bool step(std::string_view what, int64_t n_done, int64_t n_total) const {
    return !options_.progress || options_.progress(what, n_done, n_total);
  }

  Status calibrate() {
    if (options_.calibration.empty()) return {};
    report_.calibration_name = options_.calibration_name.empty() ? "a text" : options_.calibration_name;
    const auto on_step = [&](int64_t done, int64_t total) { return step("calibrating", done, total); };
    DM_ASSIGN(importance_, access_.calibrate(report_.source, options_.calibration, on_step));
    return {};
  }

  Status convert_tensors(const gguf::File& file, gguf::Writer& writer, const kernels::KernelTable& table,
                         ThreadTeam& team) {
    ConvertOptions how{.scheme = options_.scheme, .level = options_.level};
    if (!options_.calibration.empty()) how.importance = &importance_;
    how.progress = [&](size_t done, size_t total, std::string_view) {
      return step("quantizing", static_cast<int64_t>(done), static_cast<int64_t>(total));
    };
    DM_ASSIGN(report_.conversion, convert(file, writer, table, team, how));
    const auto n_weighted = std::ranges::count_if(report_.conversion.tensors, &ConvertedTensor::weighted);
    report_.n_calibrated = static_cast<size_t>(n_weighted);
    if (options_.calibration.empty() || n_weighted > 0) return {};
    return Error{ErrorCode::kMismatch,
                 fmt::format("calibration saw none of the matrices that '{}' quantizes, but {} others",
                             scheme_name(options_.scheme), importance_.n_tensors())};
  }

  Status measure(const std::string& temporary) {
    if (!options_.quality) return {};
    QualityOptions how = *options_.quality;
    if (!how.progress) {
      how.progress = [&](std::string_view what, int64_t done, int64_t total) { return step(what, done, total); };
    }
    DM_ASSIGN(report_.quality, measure_quality(access_, report_.source, temporary, how));
    return {};
  }

  // The report as the file carries it: names without the folders of this machine.
  [[nodiscard]] std::string stored_text(bool with_tensors) const {
    QuantizeReport stored = report_;
    stored.source = std::filesystem::path(report_.source).filename().string();
    stored.destination = std::filesystem::path(report_.destination).filename().string();
    return json::serialize(report_to_json(stored, with_tensors));
  }

  Status publish(gguf::Writer& writer) {
    report_.written = true;
    report_.seconds = watch_.elapsed_ms() / 1'000;
    std::string text = stored_text(true);
    if (text.size() > kReportBytes) text = stored_text(false);
    DM_TRY(writer.fill(kReportKey, text));
    // Measuring took a while: somebody else may have written there.
    DM_TRY(check_destination(report_.source, report_.destination, options_.overwrite));
    return writer.finish();
  }

  ModelAccess& access_;
  const QuantizeOptions& options_;
  Stopwatch watch_;
  Importance importance_;
  QuantizeReport report_;
};

}  // namespace

Result<QuantizeReport> quantize_file(const std::string& source, const std::string& destination,
                                     const kernels::KernelTable& table, ThreadTeam& team, ModelAccess& access,
                                     const QuantizeOptions& options) {
  return QuantizeRun(access, options).run(source, destination, table, team);
}

}  // namespace docmind::quantize

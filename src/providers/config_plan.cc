// What the writers of all providers need to know of a plan.
// SPDX-License-Identifier: Apache-2.0
#include "providers/config_plan.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/text.h"

namespace docmind::providers {
namespace {

constexpr int64_t kMostContext = 100'000'000;
constexpr int64_t kMostConcurrent = 100'000;
constexpr int64_t kMostThreads = 4096;
constexpr int64_t kNoDifferenceShare = 50;  // a fiftieth: scales are counted in more than one way
constexpr int64_t kMostPort = 65'535 - 2;  // the servers of a plan with RAG take the two ports that follow

Status in_range(std::string_view what, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return {};
  return Error{ErrorCode::kInvalidArgument, fmt::format("{} {} is out of range; it may be {} to {}", what,
                                                        format_count(value), format_count(low), format_count(high))};
}

// A name of files that say nothing to a shell: letters, digits, dots and dashes of `text`.
std::string file_name_of(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 80)) out += is_alnum(c) || c == '.' || c == '_' || c == '-' ? c : '-';
  return out.empty() || out[0] == '-' || out[0] == '.' ? "model" + out : out;
}

}  // namespace

Status check_config_plan(const control::PlanChoice& plan, const ConfigWriterOptions& options) {
  const control::PlanModel& model = plan.model;
  DM_TRY(in_range("the plan's context", plan.context, 1, kMostContext));
  DM_TRY(in_range("the plan's number of sequences", plan.concurrent, 1, kMostConcurrent));
  DM_TRY(in_range("the context of all sequences", plan.context * plan.concurrent, 1,
                  std::numeric_limits<int32_t>::max()));
  DM_TRY(in_range("the plan's elements of a head", model.head_dim, 1, 1 << 16));
  DM_TRY(in_range("the plan's file context", model.file_context, 0, kMostContext));
  DM_TRY(in_range("the plan's trained context", model.trained_context, 0, kMostContext));
  DM_TRY(in_range("the plan's largest context", model.largest_context, 0, kMostContext));
  DM_TRY(in_range("the plan's layers", model.n_layers, 0, 1 << 16));
  DM_TRY(in_range("the plan's heads of keys", model.n_kv_heads, 0, 1 << 16));
  DM_TRY(in_range("--threads", options.threads, 0, kMostThreads));
  DM_TRY(in_range("--port", options.port, 0, kMostPort));
  if (!std::isfinite(model.rope_base) || model.rope_base < 0) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("the plan's rotary base {} is no number to use",
                                                          model.rope_base)};
  }
  const int64_t largest = std::max({model.largest_context, model.trained_context, model.file_context});
  if (largest > 0 && plan.context > largest) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the plan's context of {} tokens is beyond the {} that the model can have",
                             format_count(plan.context), format_count(largest))};
  }
  return {};
}

int64_t kv_bytes_beyond_plan(const control::PlanChoice& plan, const ProviderKv& kv) {
  const auto part = std::find_if(plan.parts.begin(), plan.parts.end(),
                                 [](const control::PlanPart& one) { return one.name == "kv"; });
  const control::PlanModel& model = plan.model;
  const double n_elements = 2.0 * static_cast<double>(model.n_layers) * static_cast<double>(model.n_kv_heads) *
                            static_cast<double>(model.head_dim) * static_cast<double>(plan.context) *
                            static_cast<double>(plan.concurrent);
  const double n_bytes = n_elements * kv.bits / 8;
  if (part == plan.parts.end() || part->n_bytes < 0 || n_elements <= 0 || n_bytes > 1e18) return 0;
  const int64_t beyond = static_cast<int64_t>(n_bytes) - part->n_bytes;
  return std::abs(beyond) <= part->n_bytes / kNoDifferenceShare ? 0 : beyond;
}

Status check_config_fits(ConfigTask& task) {
  const control::PlanChoice& plan = task.plan;
  // A plan that names no device's memory cannot be judged beyond its own word.
  const double missing = static_cast<double>(plan.missing_bytes) + static_cast<double>(task.more_bytes);
  const bool changed = task.more_bytes != 0;
  if (changed ? missing <= 0 : plan.fits && missing <= 0) return {};
  const auto shown = static_cast<int64_t>(std::clamp(missing, 1.0, 1e18));
  const std::string sentence = fmt::format(
      "this plan does not fit: {} are missing beyond the {} that '{}' has to give, so the server would not start{}",
      memory_words(shown), memory_words(plan.device.usable_bytes), ellipsize(printable(plan.device.name), 60),
      task.more_bytes > 0 ? fmt::format(" ({} of them because {} has other formats than the plan)",
                                        memory_words(task.more_bytes), provider_title(task.provider))
                          : std::string());
  if (!task.options.force) {
    return Error{ErrorCode::kLimit, sentence + "; take one of the plan's alternatives, or write it with --force"};
  }
  task.warnings.push_back(sentence);
  return {};
}

Result<std::optional<YarnScale>> yarn_of(const control::PlanChoice& plan, int64_t native) {
  if (plan.context <= native) return std::optional<YarnScale>();
  const int64_t original = plan.model.trained_context;
  if (original <= 0 || plan.model.largest_context <= original) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the model has {} tokens of context and no known scaling to the plan's {}",
                             format_count(native), format_count(plan.context))};
  }
  return std::optional(YarnScale{.factor = (plan.context + original - 1) / original, .original = original});
}

Result<std::string> config_model_file(ConfigTask& task) {
  const control::PlanModel& model = task.plan.model;
  std::string path = !task.options.model_path.empty() ? task.options.model_path : model.file;
  if (path.empty()) {
    path = fmt::format("/path/to/{}-{}.gguf", file_name_of(model.name), file_name_of(task.plan.weights));
    task.warnings.push_back(fmt::format("replace '{}' with where the file lies, or name it with --model-file", path));
  }
  DM_TRY(check_config_value("the model's file", path));
  if (path.starts_with('-')) path.insert(0, "./");  // else it would be read as a flag
  return path;
}

std::string memory_words(int64_t n_bytes) {
  constexpr double kGibBytes = 1LL << 30;
  const double gib = static_cast<double>(n_bytes) / kGibBytes;
  return std::abs(gib) < 1 ? format_bytes(n_bytes) : fmt::format("{:.1f} GiB", gib);
}

std::string context_words(const control::PlanChoice& plan) {
  return plan.concurrent == 1 ? format_count(plan.context, "token") + " for one sequence"
                              : fmt::format("{} for each of {}", format_count(plan.context, "token"),
                                            format_count(plan.concurrent, "sequence"));
}

std::vector<ConfigSection> program_sections(const std::vector<ConfigProgram>& programs) {
  std::vector<ConfigSection> sections;
  sections.push_back({ConfigForm::kShell, "script for bash", shell_script(programs)});
  for (const ConfigProgram& program : programs) {
    sections.push_back({ConfigForm::kEnv, fmt::format("environment file for {}", program.title), env_file(program)});
  }
  for (const ConfigProgram& program : programs) {
    sections.push_back({ConfigForm::kSystemd, systemd_unit_path(program), systemd_unit(program)});
  }
  return sections;
}

}  // namespace docmind::providers

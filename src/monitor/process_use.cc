// What this process uses besides memory: processor time, threads, open files.
// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "monitor/proc_text.h"
#include "monitor/process.h"

namespace docmind::monitor {
namespace {

constexpr size_t kStatBytes = 4 * 1024;
constexpr double kMsPerSecond = 1'000;
// Places in /proc/self/stat after the name, which stands in brackets and may hold spaces: see proc(5),
// where the state is the third field.
constexpr size_t kUserTicks = 14 - 3;
constexpr size_t kKernelTicks = 15 - 3;
constexpr size_t kThreads = 20 - 3;

Result<std::vector<std::string_view>> stat_fields(std::string_view text) {
  const size_t bracket = text.rfind(')');
  std::vector<std::string_view> fields;
  if (bracket != std::string_view::npos) {
    text.remove_prefix(bracket + 1);
    while (!text.empty()) {
      const size_t begin = text.find_first_not_of(" \n");
      if (begin == std::string_view::npos) break;
      text.remove_prefix(begin);
      const size_t end = std::min(text.find_first_of(" \n"), text.size());
      fields.push_back(text.substr(0, end));
      text.remove_prefix(end);
    }
  }
  if (fields.size() > kThreads) return fields;
  return Error{ErrorCode::kMalformed, "the system's process status has " + std::to_string(fields.size()) +
                                          " fields after the name, expected at least " +
                                          std::to_string(kThreads + 1)};
}

Result<int64_t> count_files(const std::string& folder) {
  std::error_code error;
  int64_t n = 0;
  std::filesystem::directory_iterator files(folder, error);
  for (; !error && files != std::filesystem::directory_iterator(); files.increment(error)) ++n;
  if (error) return errno_error("list", folder, error.value());
  return n;
}

}  // namespace

Result<ProcessUse> process_use(const SystemRoots& roots) {
  DM_ASSIGN(const std::string text, read_proc(roots.proc + "/self/stat", kStatBytes));
  DM_ASSIGN(const std::vector<std::string_view> fields, stat_fields(text));
  DM_ASSIGN(const int64_t user_ticks, parse_count(fields[kUserTicks], "the time in user mode"));
  DM_ASSIGN(const int64_t kernel_ticks, parse_count(fields[kKernelTicks], "the time in kernel mode"));
  ProcessUse use;
  DM_ASSIGN(use.n_threads, parse_count(fields[kThreads], "the number of threads"));
  DM_ASSIGN(use.n_open_files, count_files(roots.proc + "/self/fd"));
  const double ticks_per_second = std::max<double>(static_cast<double>(::sysconf(_SC_CLK_TCK)), 1);
  use.cpu_ms = (static_cast<double>(user_ticks) + static_cast<double>(kernel_ticks)) * kMsPerSecond / ticks_per_second;
  return use;
}

std::optional<double> CpuMeter::cores_in_use(double cpu_ms, double now_ms) {
  std::optional<double> cores;
  if (last_cpu_ms_ && now_ms > last_now_ms_) {
    cores = std::max(cpu_ms - *last_cpu_ms_, 0.0) / (now_ms - last_now_ms_);
  }
  last_cpu_ms_ = cpu_ms;
  last_now_ms_ = now_ms;
  return cores;
}

}  // namespace docmind::monitor

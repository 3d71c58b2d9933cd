// What the operating system says about this process and machine: memory, CPU, disk space.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace docmind::monitor {

// Where the kernel's text files stand; other folders only in tests.
struct SystemRoots {
  std::string proc = "/proc";
  std::string cgroup = "/sys/fs/cgroup";
};

struct ProcessMemory {
  int64_t rss_bytes = 0;       // resident now
  int64_t peak_rss_bytes = 0;  // the most that was ever resident
};

struct SystemMemory {
  int64_t total_bytes = 0;      // of the machine or of the control group, whichever is less
  int64_t available_bytes = 0;  // what may still be allocated without swapping or being killed
  bool limited_by_cgroup = false;
};

// Instructions that our kernels may choose from; all false where /proc/cpuinfo has no x86 flags.
struct CpuFeatures {
  bool avx2 = false;
  bool fma = false;
  bool f16c = false;
  bool avx_vnni = false;
  bool avx512f = false;
  bool avx512bw = false;
  bool avx512vl = false;
  bool avx512_vnni = false;
  bool avx512_bf16 = false;
  bool amx_tile = false;
  bool amx_int8 = false;
  bool amx_bf16 = false;
};

struct CpuInfo {
  std::string model_name;  // "unknown" where the kernel does not tell
  int n_cpus = 1;          // that this process may run on
  CpuFeatures features;
};

// What this process uses besides memory.
struct ProcessUse {
  double cpu_ms = 0;       // of all its threads since it started, in user and kernel mode
  int64_t n_threads = 0;
  int64_t n_open_files = 0;  // file descriptors: files, sockets, pipes, the one that lists them too
};

// The share of a period in which the process computed, from one reading of ProcessUse to the next.
class CpuMeter {
 public:
  // Cores in use on average since the last call, e.g. 1.5; nullopt on the first call and when no
  // time has passed. `now_ms` is on a steady clock.
  std::optional<double> cores_in_use(double cpu_ms, double now_ms);

 private:
  std::optional<double> last_cpu_ms_;
  double last_now_ms_ = 0;
};

struct DiskSpace {
  int64_t total_bytes = 0;
  int64_t free_bytes = 0;  // for a user without privileges
};

[[nodiscard]] Result<ProcessMemory> process_memory(const SystemRoots& roots = {});
[[nodiscard]] Result<ProcessUse> process_use(const SystemRoots& roots = {});
// Honours the memory limits of control groups (versions 1 and 2) of this process and its parents;
// file cache that the kernel can drop counts as available.
[[nodiscard]] Result<SystemMemory> system_memory(const SystemRoots& roots = {});
[[nodiscard]] Result<CpuInfo> cpu_info(const SystemRoots& roots = {});
// Of the file system that holds `path`, which must exist.
[[nodiscard]] Result<DiskSpace> disk_space(const std::string& path);

}  // namespace docmind::monitor

// What the operating system says about this process and machine: memory, CPU, disk space.
// SPDX-License-Identifier: Apache-2.0
#include "monitor/process.h"

#include <sched.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "monitor/cgroup.h"
#include "monitor/proc_text.h"

namespace docmind::monitor {
namespace {

constexpr size_t kStatusBytes = 64 * 1024;
constexpr int kMaxCpus = 1 << 16;

struct FeatureName {
  std::string_view flag;  // in /proc/cpuinfo
  bool CpuFeatures::*member;
};

constexpr FeatureName kFeatureNames[] = {
    {"avx2", &CpuFeatures::avx2},
    {"fma", &CpuFeatures::fma},
    {"f16c", &CpuFeatures::f16c},
    {"avx_vnni", &CpuFeatures::avx_vnni},
    {"avx512f", &CpuFeatures::avx512f},
    {"avx512bw", &CpuFeatures::avx512bw},
    {"avx512vl", &CpuFeatures::avx512vl},
    {"avx512_vnni", &CpuFeatures::avx512_vnni},
    {"avx512_bf16", &CpuFeatures::avx512_bf16},
    {"amx_tile", &CpuFeatures::amx_tile},
    {"amx_int8", &CpuFeatures::amx_int8},
    {"amx_bf16", &CpuFeatures::amx_bf16},
};

CpuFeatures parse_features(std::string_view flags) {
  CpuFeatures features;
  while (!flags.empty()) {
    const std::string_view flag = flags.substr(0, flags.find(' '));
    flags.remove_prefix(std::min(flag.size() + 1, flags.size()));
    for (const FeatureName& name : kFeatureNames) {
      if (flag == name.flag) features.*name.member = true;
    }
  }
  return features;
}

struct FreeCpuSet {
  void operator()(cpu_set_t* set) const { CPU_FREE(set); }
};

// The kernel refuses a set smaller than its own, so it is doubled until it fits.
Result<int> usable_cpus() {
  for (int n = 1024; n <= kMaxCpus; n *= 2) {
    const std::unique_ptr<cpu_set_t, FreeCpuSet> set(CPU_ALLOC(n));
    if (set == nullptr) break;
    const size_t size = CPU_ALLOC_SIZE(n);
    CPU_ZERO_S(size, set.get());
    if (::sched_getaffinity(0, size, set.get()) == 0) {
      return std::max(1, CPU_COUNT_S(size, set.get()));
    }
    if (errno != EINVAL) return errno_error("read the CPU affinity of", "this process", errno);
  }
  return Error{ErrorCode::kLimit, "the machine has more than " + std::to_string(kMaxCpus) +
                                      " CPUs, the most this program can count"};
}

}  // namespace

Result<ProcessMemory> process_memory(const SystemRoots& roots) {
  DM_ASSIGN(const std::string text, read_proc(roots.proc + "/self/status", kStatusBytes));
  ProcessMemory memory;
  DM_ASSIGN(memory.rss_bytes, parse_kb_field(text, "VmRSS"));
  DM_ASSIGN(memory.peak_rss_bytes, parse_kb_field(text, "VmHWM"));
  // The kernel updates the peak lazily.
  memory.peak_rss_bytes = std::max(memory.peak_rss_bytes, memory.rss_bytes);
  return memory;
}

Result<SystemMemory> system_memory(const SystemRoots& roots) {
  DM_ASSIGN(const std::string text, read_proc(roots.proc + "/meminfo", kStatusBytes));
  SystemMemory memory;
  DM_ASSIGN(memory.total_bytes, parse_kb_field(text, "MemTotal"));
  DM_ASSIGN(memory.available_bytes, parse_kb_field(text, "MemAvailable"));
  DM_ASSIGN(const CgroupMemory group, cgroup_memory(roots));
  if (group.limit_bytes && *group.limit_bytes < memory.total_bytes) {
    memory.total_bytes = *group.limit_bytes;
    memory.limited_by_cgroup = true;
  }
  if (group.available_bytes) {
    memory.available_bytes = std::min(memory.available_bytes, *group.available_bytes);
  }
  return memory;
}

Result<CpuInfo> cpu_info(const SystemRoots& roots) {
  // The first processor's paragraph is enough, and on large machines the whole file is megabytes.
  DM_ASSIGN(const std::string text, read_proc(roots.proc + "/cpuinfo", kStatusBytes));
  CpuInfo info;
  info.model_name = find_field(text, "model name").value_or("unknown");
  info.features = parse_features(find_field(text, "flags").value_or(""));
  DM_ASSIGN(info.n_cpus, usable_cpus());
  return info;
}

Result<DiskSpace> disk_space(const std::string& path) {
  struct statvfs fs {};
  if (::statvfs(path.c_str(), &fs) != 0) return errno_error("read the free space of", path, errno);
  const auto block_bytes = static_cast<int64_t>(fs.f_frsize);
  return DiskSpace{.total_bytes = static_cast<int64_t>(fs.f_blocks) * block_bytes,
                   .free_bytes = static_cast<int64_t>(fs.f_bavail) * block_bytes};
}

}  // namespace docmind::monitor

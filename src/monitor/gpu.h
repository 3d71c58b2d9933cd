// GpuMonitor: memory, use and temperature of NVIDIA GPUs, through NVML where the driver brings it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace docmind::monitor {

struct GpuDevice {
  std::string name;
  int64_t total_bytes = 0;
  int64_t used_bytes = 0;               // by all processes
  std::optional<double> utilisation;    // 0..1 of the last sample period; nullopt: not told
  std::optional<double> temperature_c;  // of the chip
};

// Of one moment.
struct GpuState {
  std::string reason;  // a sentence why `devices` is empty, or why some are missing; else empty
  std::vector<GpuDevice> devices;
  [[nodiscard]] bool present() const { return !devices.empty(); }
};

// Opens the library when it is made and closes it at the end. For one thread.
class GpuMonitor {
 public:
  // `library` is a name for the dynamic linker or a path (tests bring their own).
  explicit GpuMonitor(const std::string& library = "libnvidia-ml.so.1");
  ~GpuMonitor();
  GpuMonitor(GpuMonitor&&) noexcept;
  GpuMonitor& operator=(GpuMonitor&&) noexcept;

  // Some hundred microseconds a device; never fails, the reason says what is missing.
  [[nodiscard]] GpuState read() const;

 private:
  struct Nvml;
  static Result<std::unique_ptr<Nvml>> open(const std::string& library);

  std::unique_ptr<Nvml> nvml_;  // null: `reason_` says why
  std::string reason_;
};

}  // namespace docmind::monitor

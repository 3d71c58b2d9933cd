// GpuMonitor: memory, use and temperature of NVIDIA GPUs, through NVML where the driver brings it.
// SPDX-License-Identifier: Apache-2.0
//
// NVML is part of the driver, so it cannot be linked: the few functions of its public, stable C
// interface that are needed here are declared below and looked up at run time.
#include "monitor/gpu.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <utility>

namespace docmind::monitor {
namespace {

using NvmlReturn = int;  // 0: done
using NvmlHandle = void*;
constexpr NvmlReturn kNvmlDone = 0;
constexpr int kNvmlChipSensor = 0;
constexpr unsigned kNameBytes = 96;    // NVML's own limit, its zero included
constexpr unsigned kMaxDevices = 64;   // more are not listed
constexpr double kPercent = 0.01;

struct NvmlMemory {
  unsigned long long total, free, used;  // bytes
};

struct NvmlUtilisation {
  unsigned gpu, memory;  // percent of the sample period
};

struct CloseLibrary {
  void operator()(void* library) const { ::dlclose(library); }
};

int64_t bytes_of(unsigned long long n) {
  return static_cast<int64_t>(std::min<unsigned long long>(n, INT64_MAX));
}

}  // namespace

// Memory is handed back in the order of the members, last first; shutdown() comes before all.
struct GpuMonitor::Nvml {
  std::unique_ptr<void, CloseLibrary> library;
  NvmlReturn (*init)() = nullptr;
  NvmlReturn (*shutdown)() = nullptr;
  NvmlReturn (*device_count)(unsigned*) = nullptr;
  NvmlReturn (*device)(unsigned, NvmlHandle*) = nullptr;
  NvmlReturn (*name)(NvmlHandle, char*, unsigned) = nullptr;
  NvmlReturn (*memory)(NvmlHandle, NvmlMemory*) = nullptr;
  NvmlReturn (*utilisation)(NvmlHandle, NvmlUtilisation*) = nullptr;
  NvmlReturn (*temperature)(NvmlHandle, int, unsigned*) = nullptr;
  const char* (*error_text)(NvmlReturn) = nullptr;
  bool started = false;

  ~Nvml() {
    if (started) shutdown();
  }

  template <typename F>
  Status find(F& function, const char* symbol) {
    function = reinterpret_cast<F>(::dlsym(library.get(), symbol));
    if (function != nullptr) return {};
    return Error{ErrorCode::kUnsupported, "the NVIDIA driver's library has no function " + std::string(symbol) +
                                              "; a driver of version 450 or newer has it"};
  }

  Status find_all() {
    DM_TRY(find(init, "nvmlInit_v2"));
    DM_TRY(find(shutdown, "nvmlShutdown"));
    DM_TRY(find(device_count, "nvmlDeviceGetCount_v2"));
    DM_TRY(find(device, "nvmlDeviceGetHandleByIndex_v2"));
    DM_TRY(find(name, "nvmlDeviceGetName"));
    DM_TRY(find(memory, "nvmlDeviceGetMemoryInfo"));
    DM_TRY(find(utilisation, "nvmlDeviceGetUtilizationRates"));
    DM_TRY(find(temperature, "nvmlDeviceGetTemperature"));
    return find(error_text, "nvmlErrorString");
  }

  std::string text_of(NvmlReturn code) const {
    const char* text = error_text(code);
    return (text != nullptr ? std::string(text) : "no text") + " (NVML code " + std::to_string(code) + ")";
  }

  Result<GpuDevice> read_device(unsigned index) const {
    NvmlHandle handle = nullptr;
    NvmlMemory bytes{};
    NvmlReturn code = device(index, &handle);
    if (code == kNvmlDone) code = memory(handle, &bytes);
    if (code != kNvmlDone) {
      return Error{ErrorCode::kIo, "GPU " + std::to_string(index) + " cannot be read: " + text_of(code)};
    }
    GpuDevice result;
    result.total_bytes = bytes_of(bytes.total);
    result.used_bytes = bytes_of(bytes.used);
    std::array<char, kNameBytes> text{};
    const bool named = name(handle, text.data(), kNameBytes) == kNvmlDone;
    text.back() = '\0';
    result.name = named ? text.data() : "GPU " + std::to_string(index);
    // Some devices (MIG slices, virtual ones) tell neither; that is no failure.
    NvmlUtilisation use{};
    if (utilisation(handle, &use) == kNvmlDone) result.utilisation = std::min(use.gpu * kPercent, 1.0);
    unsigned degrees = 0;
    if (temperature(handle, kNvmlChipSensor, &degrees) == kNvmlDone) result.temperature_c = degrees;
    return result;
  }
};

GpuMonitor::GpuMonitor(const std::string& library) {
  Result<std::unique_ptr<Nvml>> opened = open(library);
  if (opened.ok()) {
    nvml_ = std::move(opened).value();
  } else {
    reason_ = opened.error().message;
  }
}
GpuMonitor::~GpuMonitor() = default;
GpuMonitor::GpuMonitor(GpuMonitor&&) noexcept = default;
GpuMonitor& GpuMonitor::operator=(GpuMonitor&&) noexcept = default;

Result<std::unique_ptr<GpuMonitor::Nvml>> GpuMonitor::open(const std::string& library) {
  auto nvml = std::make_unique<Nvml>();
  nvml->library.reset(::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL));
  if (nvml->library == nullptr) {
    const char* why = ::dlerror();
    return Error{ErrorCode::kNotFound, "no NVIDIA driver was found: " +
                                           std::string(why != nullptr ? why : "'" + library + "' cannot be loaded")};
  }
  DM_TRY(nvml->find_all());
  const NvmlReturn code = nvml->init();
  if (code != kNvmlDone) {
    return Error{ErrorCode::kUnsupported, "the NVIDIA driver does not start: " + nvml->text_of(code)};
  }
  nvml->started = true;
  return nvml;
}

GpuState GpuMonitor::read() const {
  GpuState state;
  if (nvml_ == nullptr) {
    state.reason = reason_;
    return state;
  }
  unsigned n_devices = 0;
  const NvmlReturn code = nvml_->device_count(&n_devices);
  if (code != kNvmlDone) {
    state.reason = "the number of GPUs cannot be read: " + nvml_->text_of(code);
    return state;
  }
  for (unsigned i = 0; i < std::min(n_devices, kMaxDevices); ++i) {
    Result<GpuDevice> device = nvml_->read_device(i);
    if (device.ok()) {
      state.devices.push_back(std::move(device).value());
    } else {
      state.reason = device.error().message;
    }
  }
  if (n_devices == 0) state.reason = "the NVIDIA driver is there, but it has no GPU";
  return state;
}

}  // namespace docmind::monitor

// A library in place of the NVIDIA driver's: what it answers is chosen by the variable FAKE_NVML.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

constexpr int kDone = 0;
constexpr int kNotSupported = 3;
constexpr int kGpuIsLost = 15;

bool answers(std::string_view what) {
  const char* value = std::getenv("FAKE_NVML");
  return value != nullptr && what == value;
}

uintptr_t index_of(void* device) { return reinterpret_cast<uintptr_t>(device) - 1; }

struct Memory {
  unsigned long long total, free, used;
};
struct Utilisation {
  unsigned gpu, memory;
};

}  // namespace

extern "C" {

int nvmlInit_v2() { return answers("does not start") ? 9 : kDone; }
int nvmlShutdown() { return kDone; }
const char* nvmlErrorString(int code) { return code == kGpuIsLost ? "GPU is lost" : "Driver Not Loaded"; }

int nvmlDeviceGetCount_v2(unsigned* n) {
  *n = answers("no device") ? 0 : 2;
  return answers("no count") ? kGpuIsLost : kDone;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  *device = reinterpret_cast<void*>(static_cast<uintptr_t>(index) + 1);
  return kDone;
}

int nvmlDeviceGetName(void* device, char* name, unsigned n_bytes) {
  if (answers("endless name")) {
    std::memset(name, 'x', n_bytes);  // without an end
  } else {
    std::strncpy(name, index_of(device) == 0 ? "Test GPU A" : "Test GPU B", n_bytes);
  }
  return kDone;
}

int nvmlDeviceGetMemoryInfo(void* device, Memory* memory) {
  if (answers("second is lost") && index_of(device) == 1) return kGpuIsLost;
  *memory = {80ULL << 30, 60ULL << 30, 20ULL << 30};
  return kDone;
}

int nvmlDeviceGetUtilizationRates(void* device, Utilisation* use) {
  if (index_of(device) == 1) return kNotSupported;
  *use = {37, 12};
  return kDone;
}

int nvmlDeviceGetTemperature(void* device, int, unsigned* degrees) {
  if (index_of(device) == 1) return kNotSupported;
  *degrees = 61;
  return kDone;
}
}

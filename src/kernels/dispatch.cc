// Which kernel table runs: detection, names and the list of what this build has.
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <fmt/format.h>

#include "base/text.h"
#include "kernels/kernels.h"
#include "kernels/tables.h"

namespace docmind::kernels {
namespace {

#if defined(__x86_64__)
// Clang's check does not know this one.
bool has_f16c() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}
#endif

// The compilers' checks ask the operating system as well whether it saves the wide registers.
bool cpu_runs(Isa isa) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512vnni");
  switch (isa) {
    case Isa::kScalar: return true;
    case Isa::kAvx2: return avx2;
    case Isa::kAvx512Vnni: return avx512;
    case Isa::kAvx512Bf16: return avx512 && __builtin_cpu_supports("avx512bf16");
  }
#endif
  return isa == Isa::kScalar;
}

// Best first.
constexpr std::array kIsas = {Isa::kAvx512Bf16, Isa::kAvx512Vnni, Isa::kAvx2, Isa::kScalar};

}  // namespace

std::string_view isa_name(Isa isa) {
  switch (isa) {
    case Isa::kScalar: return "scalar";
    case Isa::kAvx2: return "avx2";
    case Isa::kAvx512Vnni: return "avx512_vnni";
    case Isa::kAvx512Bf16: return "avx512_bf16";
  }
  return "unknown";
}

Isa best_isa() {
  for (const Isa isa : kIsas) {
    if (cpu_runs(isa)) return isa;
  }
  return Isa::kScalar;
}

Result<const KernelTable*> kernel_table(Isa isa) {
  if (!cpu_runs(isa)) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("this CPU cannot run the {} kernels; the best it has is {}", isa_name(isa),
                             isa_name(best_isa()))};
  }
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx2: return &avx2::table();
    case Isa::kAvx512Vnni: return &avx512::table();
    case Isa::kAvx512Bf16: return &avx512::bf16_table();
#endif
    default: return &ref::table();
  }
}

Result<const KernelTable*> kernel_table_named(std::string_view name) {
  if (name == "auto") return kernel_table(best_isa());
  for (const Isa isa : kIsas) {
    if (isa_name(isa) == name) return kernel_table(isa);
  }
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("'{}' is no instruction set; use auto, avx512_bf16, avx512_vnni, avx2 or scalar",
                           printable(name))};
}

}  // namespace docmind::kernels

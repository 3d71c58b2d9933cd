// The kernel tables of this build; only dispatch.cc looks at them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/kernels.h"

namespace docmind::kernels {

namespace ref {
[[nodiscard]] const KernelTable& table();
}
namespace avx2 {
[[nodiscard]] const KernelTable& table();
}
namespace avx512 {
[[nodiscard]] const KernelTable& table();       // VNNI
[[nodiscard]] const KernelTable& bf16_table();  // the same with bfloat16 products in attention
}

}  // namespace docmind::kernels

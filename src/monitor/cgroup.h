// The memory limits that control groups set on this process.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "base/error.h"
#include "monitor/process.h"

namespace docmind::monitor {

struct CgroupMemory {
  std::optional<int64_t> limit_bytes;      // the tightest limit; nullopt: there is none
  std::optional<int64_t> available_bytes;  // the least that any limited group has left
};

// Looks at the process's own group and at all its parents, in versions 1 and 2. Files that are
// missing mean no limit (a container often sees only a part of the tree); files that hold something
// else than a number are kMalformed.
[[nodiscard]] Result<CgroupMemory> cgroup_memory(const SystemRoots& roots);

}  // namespace docmind::monitor

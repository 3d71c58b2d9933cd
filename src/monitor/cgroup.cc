// The memory limits that control groups set on this process.
// SPDX-License-Identifier: Apache-2.0
#include "monitor/cgroup.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "monitor/proc_text.h"

namespace docmind::monitor {
namespace {

constexpr size_t kFileBytes = 64 * 1024;
// Version 1 writes a number near 2^63 for "no limit".
constexpr int64_t kNoLimit = int64_t{1} << 60;

// The file names of one version.
struct Layout {
  std::string_view limit;
  std::string_view usage;
  std::string_view droppable;  // the line of memory.stat with file cache the kernel can drop
};
constexpr Layout kVersion1 = {"memory.limit_in_bytes", "memory.usage_in_bytes",
                              "total_inactive_file"};
constexpr Layout kVersion2 = {"memory.max", "memory.current", "inactive_file"};

// nullopt: the file is not there, or says "max".
Result<std::optional<int64_t>> read_number(const std::string& path) {
  Result<std::string> text = read_proc(path, kFileBytes);
  if (!text.ok()) return std::optional<int64_t>();
  const std::string_view number = std::string_view(*text).substr(0, text->find('\n'));
  if (number == "max") return std::optional<int64_t>();
  DM_ASSIGN(const int64_t value, parse_count(number, "'" + path + "'"));
  return std::optional<int64_t>(value);
}

Result<int64_t> read_droppable(const std::string& path, std::string_view key) {
  Result<std::string> read = read_proc(path, kFileBytes);
  if (!read.ok()) return int64_t{0};
  std::string_view text = *read;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.starts_with(key) && line.substr(key.size()).starts_with(' ')) {
      return parse_count(line.substr(key.size() + 1), key);
    }
  }
  return int64_t{0};
}

void keep_least(std::optional<int64_t>& least, int64_t value) {
  least = std::min(least.value_or(value), value);
}

Status look_at(const std::string& folder, const Layout& layout, CgroupMemory& memory) {
  const auto file = [&](std::string_view name) { return folder + "/" + std::string(name); };
  DM_ASSIGN(const std::optional<int64_t> limit, read_number(file(layout.limit)));
  if (!limit || *limit >= kNoLimit) return {};
  keep_least(memory.limit_bytes, *limit);
  DM_ASSIGN(const std::optional<int64_t> usage, read_number(file(layout.usage)));
  if (!usage) return {};
  DM_ASSIGN(const int64_t droppable, read_droppable(file("memory.stat"), layout.droppable));
  const int64_t pinned = std::max<int64_t>(0, *usage - droppable);
  keep_least(memory.available_bytes, std::max<int64_t>(0, *limit - pinned));
  return {};
}

// `group` and every parent up to the root of the tree.
Status look_up_from(const std::string& tree, std::string_view group, const Layout& layout,
                    CgroupMemory& memory) {
  // A path with ".." names a group outside of what this container sees; only the root is ours then.
  if (group.find("..") != std::string_view::npos) group = "/";
  while (true) {
    while (group.ends_with('/')) group.remove_suffix(1);
    DM_TRY(look_at(tree + std::string(group), layout, memory));
    if (group.empty()) return {};
    group = group.substr(0, group.rfind('/') + 1);
  }
}

bool names_memory(std::string_view controllers) {
  while (!controllers.empty()) {
    const std::string_view one = controllers.substr(0, controllers.find(','));
    if (one == "memory") return true;
    controllers.remove_prefix(std::min(one.size() + 1, controllers.size()));
  }
  return false;
}

}  // namespace

Result<CgroupMemory> cgroup_memory(const SystemRoots& roots) {
  CgroupMemory memory;
  Result<std::string> read = read_proc(roots.proc + "/self/cgroup", kFileBytes);
  if (!read.ok()) return memory;  // a kernel without control groups
  std::string_view text = *read;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    // "4:memory:/path" in version 1, "0::/path" in version 2
    const size_t first = line.find(':');
    const size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string_view group = line.substr(second + 1);
    if (controllers.empty()) DM_TRY(look_up_from(roots.cgroup, group, kVersion2, memory));
    if (names_memory(controllers)) {
      DM_TRY(look_up_from(roots.cgroup + "/memory", group, kVersion1, memory));
    }
  }
  return memory;
}

}  // namespace docmind::monitor

// Where each setting lies in Config; the table itself is config_fields().
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/config.h"

namespace docmind {

using ConfigSlot = std::variant<std::string*, int64_t*, double*, bool*, std::vector<std::string>*>;
// `name` is one of the table's.
[[nodiscard]] ConfigSlot config_slot(Config& config, std::string_view name);

}  // namespace docmind

// What names a model behind another server, for people and for keys of caches and stores.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "providers/upstream.h"

namespace docmind::providers {

// "ollama:qwen3:0.6b"
[[nodiscard]] std::string upstream_label(const Upstream& upstream);
// "ollama/qwen3:0.6b/<digest>": without the address, so that a server may move.
[[nodiscard]] std::string upstream_identity(const Upstream& upstream, const UpstreamCapabilities& known);

}  // namespace docmind::providers

// Models of other servers that can be asked who they are at any time, and whose faults are not those of who asks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "providers/provider.h"

namespace docmind::cli {

// A server that is away takes time to tell that, and a thread that serves many must not wait for it. So servers are
// asked when these are made and by generate() only: info() and identity_now() tell what was last known. Errors of a
// kind that would blame the user's request are kIo. Around a route, not within, which goes by the kinds of errors.
[[nodiscard]] std::shared_ptr<const providers::Generator> steady_upstream(
    std::shared_ptr<const providers::Generator> inner);
[[nodiscard]] std::shared_ptr<const providers::Embedder> steady_upstream(
    std::shared_ptr<const providers::Embedder> inner);
[[nodiscard]] std::shared_ptr<const providers::Reranker> steady_upstream(
    std::shared_ptr<const providers::Reranker> inner);

}  // namespace docmind::cli

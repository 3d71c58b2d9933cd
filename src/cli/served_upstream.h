// Models of other servers as a server of our own uses them: its threads must not wait for them unasked, and what they
// do wrong is no fault of its clients.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "providers/provider.h"

namespace docmind::cli {

// Other servers are asked who they are when they are made and by generate() only: info() and identity_now() tell what
// was last known. Errors of a kind that would blame the client are kIo.
[[nodiscard]] std::shared_ptr<const providers::Generator> served_upstream(
    std::shared_ptr<const providers::Generator> inner);
[[nodiscard]] std::shared_ptr<const providers::Embedder> served_upstream(
    std::shared_ptr<const providers::Embedder> inner);
[[nodiscard]] std::shared_ptr<const providers::Reranker> served_upstream(
    std::shared_ptr<const providers::Reranker> inner);

}  // namespace docmind::cli

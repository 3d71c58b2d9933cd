// A model as a server of OpenAI's protocol lists it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "providers/openai_upstream.h"

namespace docmind::providers {

struct OpenAiUpstream::Listed {
  std::string id;
  std::string owner{};      // "llamacpp", "vllm", "docmind", "organization_owner"
  std::string role{};       // of docmind's own server
  std::string fingerprint{};
  std::optional<int64_t> n_context{};
};

}  // namespace docmind::providers

// ModelSpec: how a user names a model, in this process or behind another server.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace docmind::providers {

enum class UpstreamKind { kNative, kOllama, kLlamaCpp, kVllm, kOpenAi };
[[nodiscard]] std::string_view upstream_kind_name(UpstreamKind kind);  // "ollama", as in a spec

// "KIND:MODEL@URL". KIND is ollama, llamacpp, vllm, lmstudio or openai; "@URL" may be left out but for openai
// (http://127.0.0.1 and the port 11434, 8080, 8000 or 1234); MODEL may be left out where the server has one model only
// ("llamacpp:"). Anything without such a KIND is a native model: a file or the name of a pulled one ("native:x" too).
struct ModelSpec {
  UpstreamKind kind = UpstreamKind::kNative;
  std::string model;  // a path or name for kNative
  std::string url;    // without a trailing slash and without "/v1"; empty for kNative
  bool lm_studio = false;

  [[nodiscard]] bool native() const { return kind == UpstreamKind::kNative; }
  [[nodiscard]] std::string text() const;  // parse_model_spec gives the same back
};
// kInvalidArgument names what is wrong and shows the form. A path that exists wins over a KIND.
[[nodiscard]] Result<ModelSpec> parse_model_spec(std::string_view text);

}  // namespace docmind::providers

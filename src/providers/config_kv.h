// Formats of keys and values as each provider names them. There is no common set: what one takes another rejects.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "providers/config_version.h"

namespace docmind::providers {

struct ProviderKv {
  std::string keys{}, values{};    // types of the provider; vLLM has one name for both, in `keys`
  double bits = 16;                // of an element with its scales, the mean of keys and values
  std::vector<std::string> warnings{};  // what may go wrong
  std::vector<std::string> notes{};     // what is good to know
  [[nodiscard]] bool quantized() const { return bits < 16; }
};

// `name` is one of ours ("f16", "int8", "k8v4", "int4", "mixed") or the provider's own ("q8_0"; for llama.cpp also a
// pair "q8_0/q4_0"). kInvalidArgument names the nearest that exists; formats of weights ("q4_K_M") are none of KV.
// `gpu` and `head_dim` (elements of one head) decide what runs, `version` what exists.
[[nodiscard]] Result<ProviderKv> ollama_kv(std::string_view name, int64_t head_dim, const ProviderVersion& version);
[[nodiscard]] Result<ProviderKv> llamacpp_kv(std::string_view name, int64_t head_dim, bool gpu);
[[nodiscard]] Result<ProviderKv> vllm_kv(std::string_view name, bool gpu, const ProviderVersion& version);

// What is known of quantized keys and values in models of that architecture; empty: nothing bad.
[[nodiscard]] std::vector<std::string> kv_model_warnings(std::string_view architecture, std::string_view model_name,
                                                         int64_t n_parameters, const ProviderKv& kv);

}  // namespace docmind::providers

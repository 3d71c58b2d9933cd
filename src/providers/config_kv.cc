// Formats of keys and values as each provider names them.
// Sources: documentation and source of each provider; the figures of the warnings name theirs.
// SPDX-License-Identifier: Apache-2.0
#include "providers/config_kv.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/text.h"

namespace docmind::providers {
namespace {

struct GgmlType {
  std::string_view name;
  double bits;
};
// What llama.cpp's --cache-type-k and --cache-type-v take.
constexpr std::array kGgmlKvTypes = {
    GgmlType{"f32", 32},   GgmlType{"f16", 16},    GgmlType{"bf16", 16}, GgmlType{"q8_0", 8.5},  GgmlType{"q4_0", 4.5},
    GgmlType{"q4_1", 5.0}, GgmlType{"iq4_nl", 4.5}, GgmlType{"q5_0", 5.5}, GgmlType{"q5_1", 6.0},
};
constexpr int64_t kGgmlKvBlock = 32;     // elements of a block of the quantized types
constexpr int64_t kRotatedHeadMultiple = 64;   // heads of a multiple of that are rotated

struct VllmType {
  std::string_view name;
  double bits;
  std::string_view first;  // version that has it for certain
};
constexpr std::array kVllmKvTypes = {
    VllmType{"auto", 16, "0.1.0"},
    VllmType{"bfloat16", 16, "0.11.0"},
    VllmType{"float16", 16, "0.20.0"},
    VllmType{"fp8", 8, "0.3.0"},
    VllmType{"fp8_e4m3", 8, "0.5.0"},
    VllmType{"fp8_e5m2", 8, "0.5.0"},
    VllmType{"fp8_inc", 8, "0.10.0"},
    VllmType{"int8_per_token_head", 8.25, "0.20.0"},
    VllmType{"fp8_per_token_head", 8.25, "0.20.0"},
    VllmType{"int4_per_token_head", 4.25, "0.24.0"},
    VllmType{"turboquant_k8v4", 6.125, "0.20.0"},
    VllmType{"turboquant_4bit_nc", 4.25, "0.20.0"},
    VllmType{"turboquant_k3v4_nc", 4.6, "0.20.0"},
    VllmType{"turboquant_3bit_nc", 3.3, "0.20.0"},
    VllmType{"nvfp4", 4.5, "0.24.0"},
    VllmType{"nvfp4_4over6", 4.5, "0.28.0"},
};

std::string lower_kv_name(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
  }
  if (out == "fp16" || out == "float16") return "f16";
  return out;
}

// q4_K_M and its like: ways to store weights.
bool is_weight_type(std::string_view name) {
  constexpr std::array<std::string_view, 7> kOthers = {"nf4", "fp4", "mxfp4", "awq", "gptq", "iq4_xs", "q8_k"};
  if (std::find(kOthers.begin(), kOthers.end(), name) != kOthers.end()) return true;
  const bool k_quant = name.size() >= 4 && name[0] == 'q' && is_digit(name[1]) && name.substr(2, 2) == "_k";
  return k_quant || name.starts_with("iq1") || name.starts_with("iq2") || name.starts_with("iq3");
}

Error unknown_kv(std::string_view provider, std::string_view name, std::span<const std::string_view> known,
                 std::string_view nearest) {
  const std::string shown = ellipsize(printable(name), 40);
  if (is_weight_type(lower_kv_name(name))) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("'{}' is a format of weights; no provider stores keys and values in it. {} takes {}; "
                             "the nearest is '{}'",
                             shown, provider, fmt::join(known, ", "), nearest)};
  }
  const std::optional<std::string_view> meant = nearest_name(lower_kv_name(name), known);
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{} has no KV format '{}'; it takes {}{}", provider, shown, fmt::join(known, ", "),
                           meant ? fmt::format("; did you mean '{}'?", *meant) : std::string())};
}

// The nearest by bits: what a person who asks for that many bits can have.
std::string_view nearest_by_bits(std::string_view name) {
  return name.find('4') != std::string_view::npos || name.find('3') != std::string_view::npos ? "q4_0" : "q8_0";
}

const GgmlType* find_ggml(std::string_view name) {
  const auto* found = std::find_if(kGgmlKvTypes.begin(), kGgmlKvTypes.end(),
                                   [&](const GgmlType& type) { return type.name == name; });
  return found == kGgmlKvTypes.end() ? nullptr : found;
}

Status check_head(std::string_view type, int64_t head_dim) {
  if (head_dim > 0 && head_dim % kGgmlKvBlock == 0) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("'{}' stores keys and values in blocks of {} elements, and {} elements of a head are no "
                           "multiple of that; the nearest format is 'f16'",
                           type, kGgmlKvBlock, head_dim)};
}

void note_rotation(ProviderKv& kv, int64_t head_dim) {
  if (head_dim % kRotatedHeadMultiple == 0) {
    kv.notes.push_back("builds since April 2026 rotate quantized keys and values (Hadamard), which older ones do not: "
                       "measure quality with the build you run; LLAMA_ATTN_ROT_DISABLE=1 turns it off");
  } else {
    kv.warnings.push_back(fmt::format("heads of {} elements are not rotated before keys and values are quantized "
                                      "(only multiples of {} are), so expect more loss than published figures",
                                      head_dim, kRotatedHeadMultiple));
  }
}

const VllmType* find_vllm(std::string_view name) {
  const auto* found = std::find_if(kVllmKvTypes.begin(), kVllmKvTypes.end(),
                                   [&](const VllmType& type) { return type.name == name; });
  return found == kVllmKvTypes.end() ? nullptr : found;
}

// Our names as vLLM's of that version; its own pass through.
std::string vllm_name(std::string_view name, const ProviderVersion& version, std::vector<std::string>& warnings) {
  const std::string wanted = lower_kv_name(name);
  if (name == "float16") return "float16";
  if (wanted == "f16") return "auto";
  if (wanted == "bf16") return "bfloat16";
  if (wanted == "int8") {
    if (version.has("0.20.0")) return "int8_per_token_head";
    warnings.push_back(fmt::format("vLLM {} has no 8-bit integers for keys and values; fp8 takes the same memory",
                                   version.name()));
    return "fp8";
  }
  if (wanted == "k8v4" || wanted == "mixed") return "turboquant_k8v4";
  if (wanted == "int4") return version.has("0.24.0") ? "int4_per_token_head" : "turboquant_4bit_nc";
  return wanted;
}

void note_vllm(ProviderKv& kv, const ProviderVersion& version) {
  if (!kv.keys.starts_with("turboquant")) {
    if (kv.keys.ends_with("per_token_head")) {
      kv.notes.push_back(kv.keys + " runs in the Triton attention backend only");
    }
    return;
  }
  if (version.known() && version.has("0.25.0") && !version.has("0.27.0")) {
    kv.warnings.push_back("vLLM 0.25 and 0.26 end with \"Unknown TurboQuant cache dtype: 'auto'\" at the start of some "
                          "models; if yours does, take 0.27 or newer, or fp8");
  }
  kv.notes.push_back("vLLM's own study (May 2026) found fp8 the better default: k8v4 no real gain, 4bit_nc 1 to 4 "
                     "points lost, 3-bit formats about 20");
}

}  // namespace

Result<ProviderKv> ollama_kv(std::string_view name, int64_t head_dim, const ProviderVersion& version) {
  constexpr std::array<std::string_view, 3> kKnown = {"f16", "q8_0", "q4_0"};
  const std::string wanted = lower_kv_name(name);
  if (wanted == "k8v4" || wanted == "mixed" || wanted.find('/') != std::string::npos) {
    const size_t slash = wanted.find('/');
    if (slash != std::string::npos && wanted.substr(0, slash) == wanted.substr(slash + 1)) {
      return ollama_kv(wanted.substr(0, slash), head_dim, version);
    }
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("Ollama gives keys and values one type, so '{}' does not exist there; the nearest that "
                             "keeps the quality of keys is 'q8_0' (--kv int8), or use llama.cpp's server",
                             ellipsize(printable(name), 40))};
  }
  const std::string type = wanted == "int8" ? "q8_0" : wanted == "int4" ? "q4_0" : wanted;
  if (std::find(kKnown.begin(), kKnown.end(), type) == kKnown.end()) {
    return unknown_kv("Ollama", name, kKnown, nearest_by_bits(type));
  }
  ProviderKv kv{.keys = type, .values = type, .bits = find_ggml(type)->bits};
  if (!kv.quantized()) return kv;
  if (!version.has("0.5.0")) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("Ollama {} cannot quantize keys and values, 0.5.0 is the first that can; the nearest "
                             "format is 'f16'",
                             version.name())};
  }
  DM_TRY(check_head(type, head_dim));
  note_rotation(kv, head_dim);
  return kv;
}

Result<ProviderKv> llamacpp_kv(std::string_view name, int64_t head_dim, bool gpu) {
  std::array<std::string_view, kGgmlKvTypes.size()> known;
  std::transform(kGgmlKvTypes.begin(), kGgmlKvTypes.end(), known.begin(), [](const GgmlType& t) { return t.name; });
  std::string wanted = lower_kv_name(name);
  if (wanted == "int8") wanted = "q8_0";
  else if (wanted == "int4") wanted = "q4_0";
  else if (wanted == "k8v4" || wanted == "mixed") wanted = "q8_0/q4_0";
  const size_t slash = std::min(wanted.find('/'), wanted.size());
  const std::string keys = wanted.substr(0, slash);
  const std::string values = slash < wanted.size() ? wanted.substr(slash + 1) : keys;
  for (const std::string& type : {keys, values}) {
    if (find_ggml(type) != nullptr) continue;
    return unknown_kv("llama.cpp", slash < wanted.size() ? type : std::string(name), known, nearest_by_bits(type));
  }
  const double bits = (find_ggml(keys)->bits + find_ggml(values)->bits) / 2;
  ProviderKv kv{.keys = keys, .values = values, .bits = bits};
  for (const std::string& type : {keys, values}) {
    if (find_ggml(type)->bits < 16) DM_TRY(check_head(type, head_dim));
  }
  if (find_ggml(keys)->bits < 16 || find_ggml(values)->bits < 16) note_rotation(kv, head_dim);
  const bool compiled_in = keys == values && (keys == "f16" || keys == "bf16" || keys == "q8_0" || keys == "q4_0");
  if (!gpu || compiled_in) return kv;
  if (keys == "iq4_nl" || values == "iq4_nl") {
    kv.warnings.push_back("CUDA has no attention kernel for iq4_nl whatever the build, so attention runs on the CPU; "
                          "q4_0 has one");
  } else {
    kv.warnings.push_back(fmt::format(
        "the CUDA kernels of a default build take equal f16, bf16, q8_0 or q4_0 only; with {}-{} it runs attention on "
        "the CPU or converts, many times slower. Build with -DGGML_CUDA=ON -DGGML_CUDA_FA_ALL_QUANTS=ON, or since "
        "September 2026 with -DGGML_CUDA=ON -DGGML_CUDA_FA_QUANTS=\"{}-{}\"",
        keys, values, keys, values));
  }
  return kv;
}

Result<ProviderKv> vllm_kv(std::string_view name, bool gpu, const ProviderVersion& version) {
  std::vector<std::string_view> known;
  for (const VllmType& type : kVllmKvTypes) {
    if (version.has(type.first)) known.push_back(type.name);
  }
  ProviderKv kv;
  kv.keys = vllm_name(name, version, kv.warnings);
  const VllmType* type = find_vllm(kv.keys);
  if (type == nullptr) {
    const std::string_view by_bits = nearest_by_bits(kv.keys) == "q8_0" ? "fp8"
                                     : version.has("0.24.0")            ? "int4_per_token_head"
                                     : version.has("0.20.0")            ? "turboquant_4bit_nc"
                                                                        : "fp8";
    return unknown_kv("vLLM", name, known, by_bits);
  }
  if (!version.has(type->first)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("vLLM {} has no KV format '{}' ({} is known to have it); the nearest is '{}'",
                             version.name(), type->name, type->first, type->bits < 16 ? "fp8" : "auto")};
  }
  kv.values = kv.keys;
  kv.bits = type->bits;
  if (kv.quantized() && !gpu) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("'{}' needs a GPU, and the plan is for a CPU; the nearest KV format is 'auto'",
                             type->name)};
  }
  note_vllm(kv, version);
  return kv;
}

std::vector<std::string> kv_model_warnings(std::string_view architecture, std::string_view model_name,
                                           int64_t n_parameters, const ProviderKv& kv) {
  std::vector<std::string> warnings;
  if (!kv.quantized()) return warnings;
  const std::string arch = lower_kv_name(architecture);
  const std::string name = lower_kv_name(model_name);
  constexpr int64_t kSmallModel = 2'500'000'000;
  constexpr double kFourBitKeys = 6;
  const bool coarse_keys = kv.keys.find('4') != std::string::npos || kv.keys.find('3') != std::string::npos;
  if (arch.find("gpt-oss") != std::string::npos || arch.find("gpt_oss") != std::string::npos ||
      name.find("gpt-oss") != std::string::npos) {
    warnings.push_back("gpt-oss has attention sinks that quantized keys and values harm: with q8_0 only 74.9% of the "
                       "most likely tokens stayed the same; prefer f16");
  } else if (arch == "qwen2" || arch == "qwen2moe" || name.starts_with("qwen2")) {
    warnings.push_back("Qwen2 and Qwen2.5 have outliers in the biases of keys: 4 bits for both raised the perplexity "
                       "of Qwen2.5-7B from 6.58 to 218; prefer f16, and check 8 bits on your own text");
  } else if (kv.bits < kFourBitKeys && coarse_keys && n_parameters > 0 && n_parameters < kSmallModel) {
    warnings.push_back("small models lose much with 4-bit keys (Qwen3-0.6B-Base: perplexity 13.51 to 47.84 even with "
                       "rotation); keep keys at 8 bits");
  }
  return warnings;
}

}  // namespace docmind::providers

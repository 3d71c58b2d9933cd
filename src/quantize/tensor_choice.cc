// Which tensor of a model becomes which type: schemes, levels, and the mixes that the field calls _S and _M.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/tensor_choice.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "quantize/tensor_roles.h"

namespace docmind::quantize {
namespace {

using kernels::TensorType;

struct SchemeRow {
  Scheme scheme;
  std::string_view name;
  TensorType main;     // of most matrices
  uint32_t file_type;  // the values of general.file_type that llama.cpp gives these mixes
};

constexpr SchemeRow kSchemes[] = {
    {Scheme::kFp16, "fp16", TensorType::kF16, 1},       {Scheme::kInt8, "int8", TensorType::kQ8_0, 7},
    {Scheme::kInt4, "int4", TensorType::kQ4_K, 15},     {Scheme::kDynamic, "dynamic", TensorType::kQ8_0, 7},
    {Scheme::kQ8_0, "q8_0", TensorType::kQ8_0, 7},      {Scheme::kQ6_K, "q6_k", TensorType::kQ6_K, 18},
    {Scheme::kQ5_K_M, "q5_k_m", TensorType::kQ5_K, 17}, {Scheme::kQ5_K_S, "q5_k_s", TensorType::kQ5_K, 16},
    {Scheme::kQ4_K_M, "q4_k_m", TensorType::kQ4_K, 15}, {Scheme::kQ4_K_S, "q4_k_s", TensorType::kQ4_K, 14},
    {Scheme::kQ4_0, "q4_0", TensorType::kQ4_0, 2},
};

constexpr std::string_view kLevelNames[] = {"conservative", "balanced", "aggressive"};

const SchemeRow& row_of(Scheme scheme) {
  return *std::ranges::find(kSchemes, scheme, &SchemeRow::scheme);
}

bool has_levels(Scheme scheme) {
  return scheme == Scheme::kInt8 || scheme == Scheme::kInt4 || scheme == Scheme::kDynamic;
}

// The nearest of `names` and all of them.
Error unknown_name(std::string_view what, std::string_view text, std::span<const std::string_view> names) {
  const auto nearest = nearest_name(text, names);
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("'{}' is no {}{}; there are {}", printable(text), what,
                           nearest ? fmt::format(", '{}' is the nearest", *nearest) : "", fmt::join(names, ", "))};
}

bool is_value(Role role) { return role == Role::kValue || role == Role::kFused; }

// What one tensor becomes, and why it is not the scheme's main type.
struct Choice {
  TensorType type;
  std::string why = {};
};

// Layers that the _M mixes spend more bits on: the first eighth, the last one, and each third between.
bool gets_more_bits(int64_t layer, int64_t n_layers) {
  return layer < n_layers / 8 || layer >= 7 * n_layers / 8 || (layer - n_layers / 8) % 3 == 2;
}

// 80 layers with grouped queries: value matrices that serve many heads, an eighth of the size of others.
bool shares_values(const ModelFacts& model) {
  if (model.n_layers != 80) return false;
  return model.architecture == "qwen2" || (model.architecture == "llama" && model.n_heads != model.n_kv_heads);
}

Choice choose_value(const ModelFacts& model, Scheme scheme, TensorType main, int64_t layer) {
  const bool medium = scheme == Scheme::kQ4_K_M || scheme == Scheme::kQ5_K_M;
  if (medium && gets_more_bits(layer, model.n_layers)) {
    return {TensorType::kQ6_K, "values of this layer, where errors cost most"};
  }
  if (scheme == Scheme::kQ4_K_S && layer < 4) {
    return {TensorType::kQ5_K, "values of the first four layers"};
  }
  if (main == TensorType::kQ4_K && shares_values(model)) return {TensorType::kQ5_K, "values that many heads share"};
  return {main};
}

Choice choose_down(const ModelFacts& model, Scheme scheme, TensorType main, int64_t layer) {
  const bool medium = scheme == Scheme::kQ4_K_M || scheme == Scheme::kQ5_K_M;
  if (medium && gets_more_bits(layer, model.n_layers)) {
    return {TensorType::kQ6_K, "the way down of this layer, where errors cost most"};
  }
  if (scheme == Scheme::kQ4_K_S && layer < model.n_layers / 8) {
    return {TensorType::kQ5_K, "the way down of the first eighth of the layers"};
  }
  return {main};
}

// The mixes of llama.cpp. A file without output.weight has its embeddings treated as the output, encoders' too.
Choice choose_mixed(const ModelFacts& model, Scheme scheme, Role role, bool has_output, int64_t layer) {
  const TensorType main = row_of(scheme).main;
  const bool output = role == Role::kOutput || (role == Role::kEmbedding && !has_output);
  if (output && main != TensorType::kQ8_0 && main != TensorType::kF16) {
    if (main == TensorType::kQ6_K) return {main};
    return {TensorType::kQ6_K, role == Role::kOutput ? "the output" : "the embeddings, where no output is apart"};
  }
  if (is_value(role)) return choose_value(model, scheme, main, layer);
  if (role == Role::kDown) return choose_down(model, scheme, main, layer);
  return {main};
}

Choice choose_int8(Role role, Level level) {
  const bool vocabulary = role == Role::kOutput || role == Role::kEmbedding;
  if (level == Level::kConservative && vocabulary) return {TensorType::kF16, "vocabulary at the conservative level"};
  if (level != Level::kAggressive || is_value(role) || role == Role::kDown) return {TensorType::kQ8_0};
  return {TensorType::kQ6_K, "the aggressive level"};
}

Choice choose_int4(const ModelFacts& model, Role role, Level level, bool has_output, int64_t layer) {
  if (level == Level::kAggressive) return choose_mixed(model, Scheme::kQ4_K_S, role, has_output, layer);
  if (level == Level::kBalanced) return choose_mixed(model, Scheme::kQ4_K_M, role, has_output, layer);
  if (is_value(role) || role == Role::kDown) return {TensorType::kQ6_K, "the conservative level"};
  if (role == Role::kOutput || role == Role::kEmbedding) {
    return {TensorType::kQ8_0, "vocabulary at the conservative level"};
  }
  return {TensorType::kQ4_K};
}

// As int8, but a table that is only looked up is never multiplied with quantized activations: bits there
// cost no time.
Choice choose_dynamic(const ModelFacts& model, Role role, Level level) {
  if (role != Role::kEmbedding || model.tied) return choose_int8(role, level);
  if (level == Level::kAggressive) return {TensorType::kQ8_0, "a table that is only looked up"};
  return {TensorType::kF16, "a table that is only looked up"};
}

// The next type whose blocks fill the rows.
Choice fit_rows(Choice choice, int64_t n_cols) {
  const auto wanted = kernels::tensor_type_info(choice.type);
  if (n_cols % wanted.block_len == 0) return choice;
  const auto eight = kernels::tensor_type_info(TensorType::kQ8_0);
  const bool fits = n_cols % eight.block_len == 0;
  return {fits ? TensorType::kQ8_0 : TensorType::kF16,
          fmt::format("rows of {} are no whole blocks of {}", n_cols, fits ? wanted.block_len : eight.block_len)};
}

TensorChoice choose_one(const ModelFacts& model, const TensorFacts& tensor, Scheme scheme, Level level,
                        bool has_output) {
  const Role role = role_of(tensor);
  if (role == Role::kKept) return {};
  const int64_t layer = layer_of(tensor.name);
  Choice choice{row_of(scheme).main};
  if (scheme == Scheme::kInt8) choice = choose_int8(role, level);
  else if (scheme == Scheme::kInt4) choice = choose_int4(model, role, level, has_output, layer);
  else if (scheme == Scheme::kDynamic) choice = choose_dynamic(model, role, level);
  else choice = choose_mixed(model, scheme, role, has_output, layer);
  choice = fit_rows(std::move(choice), tensor.dims[0]);
  return {.keep = false, .type = choice.type, .why = std::move(choice.why)};
}

}  // namespace

std::string_view scheme_name(Scheme scheme) { return row_of(scheme).name; }

std::string_view level_name(Level level) { return kLevelNames[static_cast<size_t>(level)]; }

Result<Scheme> parse_scheme(std::string_view text) {
  std::string name = fold_case(text);
  if (name == "q5_k" || name == "q4_k") name += "_m";
  const auto* const row = std::ranges::find(kSchemes, name, &SchemeRow::name);
  if (row != std::end(kSchemes)) return row->scheme;
  std::array<std::string_view, std::size(kSchemes)> names;
  std::ranges::transform(kSchemes, names.begin(), &SchemeRow::name);
  return unknown_name("type to quantize to", text, names);
}

Result<Level> parse_level(std::string_view text) {
  const auto* const found = std::ranges::find(kLevelNames, fold_case(text));
  if (found == std::end(kLevelNames)) return unknown_name("level", text, kLevelNames);
  return static_cast<Level>(found - std::begin(kLevelNames));
}

uint32_t file_type(Scheme scheme, Level level) {
  if (level == Level::kAggressive) {
    if (scheme == Scheme::kInt8 || scheme == Scheme::kDynamic) return row_of(Scheme::kQ6_K).file_type;
    if (scheme == Scheme::kInt4) return row_of(Scheme::kQ4_K_S).file_type;
  }
  return row_of(scheme).file_type;
}

Result<std::vector<TensorChoice>> choose_types(const ModelFacts& model, std::span<const TensorFacts> tensors,
                                               Scheme scheme, Level level) {
  if (level != Level::kBalanced && !has_levels(scheme)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("'{}' has no level '{}': only int8, int4 and dynamic have levels", scheme_name(scheme),
                             level_name(level))};
  }
  const bool has_output = std::ranges::find(tensors, "output.weight", &TensorFacts::name) != tensors.end();
  std::vector<TensorChoice> choices;
  choices.reserve(tensors.size());
  for (const TensorFacts& tensor : tensors) choices.push_back(choose_one(model, tensor, scheme, level, has_output));
  return choices;
}

}  // namespace docmind::quantize

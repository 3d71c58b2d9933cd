// Quantizing on load: the same model, to the last bit, as a file that was quantized with the same kernel.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include "base/aligned_buffer.h"
#include "model/model_bytes.h"
#include "model/model_edit.h"
#include "model/quantize_on_load.h"

namespace docmind {
namespace {

using kernels::TensorType;
using model::QuantizeOnLoad;
using test::Architecture;
using test::LoadedDecoder;
using test::LoadedEncoder;
using test::ModelSpec;
using test::require;

std::vector<float> floats_of(const gguf::TensorInfo& tensor) {
  const auto type = static_cast<TensorType>(tensor.gguf_type);
  const size_t row = kernels::row_bytes(kernels::tensor_type_info(type), tensor.dims[0]);
  std::vector<float> values(static_cast<size_t>(tensor.n_elements()));
  for (int64_t i = 0; i < tensor.dims[1]; ++i) {
    kernels::dequantize_row(type, tensor.data.data() + static_cast<size_t>(i) * row, tensor.dims[0],
                            values.data() + i * tensor.dims[0]);
  }
  return values;
}

test::ModelEdit::Tensor quantized(const gguf::TensorInfo& tensor, TensorType type) {
  const int64_t cols = tensor.dims[0], rows = tensor.dims[1];
  const std::vector<float> values = floats_of(tensor);
  const auto scratch = require(AlignedBuffer::allocate(kernels::quantize_scratch_bytes(cols)));
  std::vector<std::byte> blocks(static_cast<size_t>(rows) * kernels::row_bytes(kernels::tensor_type_info(type), cols));
  const kernels::QuantizeJob job{.type = type, .x = values.data(), .n_rows = rows, .cols = cols, .out = blocks.data()};
  EXPECT_TRUE(require(kernels::kernel_table_named("auto"))->quantize_rows(job, scratch.data()));
  return {{.name = std::string(tensor.name), .dims = {cols, rows}, .gguf_type = static_cast<uint32_t>(type)},
          std::move(blocks)};
}

// The model of the spec with those matrices quantized that `type_of` names.
using TypeOf = std::function<std::optional<TensorType>(std::string_view tensor)>;
gguf::File open_quantized(const ModelSpec& spec, const test::TempFolder& folder, const TypeOf& type_of) {
  test::ModelEdit edit;
  const gguf::File file = test::open_random_model(spec, folder);
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    if (tensor.n_dims != 2) continue;
    if (const auto type = type_of(tensor.name)) edit.tensors.push_back(quantized(tensor, *type));
  }
  return test::open_edited_model(spec, edit, folder);
}

bool is_layer_matrix(std::string_view name) {
  return name.starts_with("blk.") && name.ends_with(".weight") && name.find("norm") == std::string_view::npos;
}
std::optional<TensorType> all_int8(std::string_view name) {
  if (is_layer_matrix(name) || name == "output.weight") return TensorType::kQ8_0;
  return {};
}
std::optional<TensorType> all_int8_tied(std::string_view name) {
  return name == "token_embd.weight" ? TensorType::kQ8_0 : all_int8(name);
}
bool is_key_or_value(std::string_view name) {
  return name.ends_with("attn_k.weight") || name.ends_with("attn_v.weight");
}
std::optional<TensorType> int4_tied(std::string_view name) {
  if (name == "token_embd.weight" || is_key_or_value(name)) return TensorType::kQ8_0;
  if (is_layer_matrix(name)) return TensorType::kQ4_0;
  return {};
}

void expect_same_decoder(const ModelSpec& spec, QuantizeOnLoad quantize, const TypeOf& type_of) {
  const test::TempFolder folder;
  LoadedDecoder from_floats(spec, {.quantize = quantize});
  LoadedDecoder from_blocks(open_quantized(spec, folder, type_of), {});
  EXPECT_EQ(from_floats->weight_bytes(), from_blocks->weight_bytes());
  EXPECT_EQ(from_floats->scratch_bytes(), from_blocks->scratch_bytes());
  EXPECT_EQ(from_floats->decode_read_bytes(), from_blocks->decode_read_bytes());
  const auto tokens = test::random_tokens(70, spec.n_vocab);
  EXPECT_EQ(test::all_logits(*from_floats, tokens), test::all_logits(*from_blocks, tokens));
  EXPECT_EQ(test::all_logits(*from_floats, std::span(tokens).first(1)),
            test::all_logits(*from_blocks, std::span(tokens).first(1)));
}

TEST(QuantizeOnLoad, Int8IsTheFileThatTheSameKernelWrites) {
  for (const auto type : {TensorType::kF32, TensorType::kF16, TensorType::kBF16}) {
    SCOPED_TRACE(kernels::tensor_type_info(type).name);
    ModelSpec spec = test::small_spec(Architecture::kQwen3, type);
    expect_same_decoder(spec, QuantizeOnLoad::kInt8, all_int8_tied);
    spec = test::small_spec(Architecture::kLlama, type);
    spec.tied_output = false;
    spec.n_vocab = 327;  // the last panel is not whole
    expect_same_decoder(spec, QuantizeOnLoad::kInt8, all_int8);
  }
  expect_same_decoder(test::small_spec(Architecture::kQwen2, TensorType::kF16), QuantizeOnLoad::kInt8, all_int8_tied);
}

TEST(QuantizeOnLoad, Int4KeepsOutputKeysAndValuesInEightBits) {
  expect_same_decoder(test::small_spec(Architecture::kQwen3, TensorType::kF16), QuantizeOnLoad::kInt4, int4_tied);
}

TEST(QuantizeOnLoad, EncodersAreTheFileThatTheSameKernelWrites) {
  ModelSpec spec = test::small_spec(Architecture::kBert, TensorType::kF16);
  spec.n_kv_heads = spec.n_heads;
  spec.pooling = 2;
  for (const auto quantize : {QuantizeOnLoad::kInt8, QuantizeOnLoad::kInt4}) {
    const test::TempFolder folder;
    LoadedEncoder from_floats(spec, {.quantize = quantize});
    LoadedEncoder from_blocks(
        open_quantized(spec, folder,
                       [&](std::string_view name) -> std::optional<TensorType> {
                         if (!is_layer_matrix(name)) return {};
                         const bool wide = quantize == QuantizeOnLoad::kInt8 || is_key_or_value(name);
                         return wide ? TensorType::kQ8_0 : TensorType::kQ4_0;
                       }),
        {});
    EXPECT_EQ(from_floats->weight_bytes(), from_blocks->weight_bytes());
    const auto text = test::random_tokens(50, spec.n_vocab), other = test::random_tokens(7, spec.n_vocab, 2);
    const std::span<const test::TokenId> texts[] = {text, other};
    std::vector<float> a(2 * static_cast<size_t>(spec.n_embd)), b(a.size());
    require(from_floats->embed(texts, true, a));
    require(from_blocks->embed(texts, true, b));
    EXPECT_EQ(a, b);
  }
}

TEST(QuantizeOnLoad, AClassifierStaysAsItIs) {
  ModelSpec spec = test::small_spec(Architecture::kBert, TensorType::kF16);
  spec.n_kv_heads = spec.n_heads;
  spec.pooling = 4;
  spec.classifier = true;
  const test::TempFolder folder;
  LoadedEncoder from_floats(spec, {.quantize = QuantizeOnLoad::kInt8});
  LoadedEncoder from_blocks(open_quantized(spec, folder, all_int8), {});
  const auto text = test::random_tokens(50, spec.n_vocab);
  const std::span<const test::TokenId> texts[] = {text};
  float a = 0, b = 1;
  require(from_floats->rank(texts, {&a, 1}));
  require(from_blocks->rank(texts, {&b, 1}));
  EXPECT_EQ(a, b);
}

TEST(QuantizeOnLoad, ChangesNothingOfOtherFiles) {
  const ModelSpec spec = test::small_spec(Architecture::kQwen3, TensorType::kQ4_K);
  LoadedDecoder plain(spec), asked(spec, {.quantize = QuantizeOnLoad::kInt8});
  const auto tokens = test::random_tokens(20, spec.n_vocab);
  EXPECT_EQ(plain->weight_bytes(), asked->weight_bytes());
  EXPECT_EQ(test::all_logits(*plain, tokens), test::all_logits(*asked, tokens));
  EXPECT_EQ(require(model::model_bytes(plain.file(), QuantizeOnLoad::kInt4, 1, 64)).n_quantized, 0);
}

TEST(QuantizeOnLoad, RowsThatAreNoWholeBlocksStay) {
  ModelSpec spec = test::small_spec(Architecture::kLlama, TensorType::kF16);
  spec.n_ff = 172;
  expect_same_decoder(spec, QuantizeOnLoad::kInt8, [](std::string_view name) -> std::optional<TensorType> {
    return name.ends_with("ffn_down.weight") ? std::nullopt : all_int8_tied(name);
  });
}

// Gains of keys and queries are vectors, which stay floats: folding is as exact as it was.
TEST(QuantizeOnLoad, FoldedKeyScalesChangeNothing) {
  const ModelSpec spec = test::small_spec(Architecture::kQwen3, TensorType::kF16);
  LoadedDecoder folded(spec, {.quantize = QuantizeOnLoad::kInt8});
  LoadedDecoder plain(spec, {.fold_key_scales = false, .quantize = QuantizeOnLoad::kInt8});
  const auto tokens = test::random_tokens(40, spec.n_vocab);
  EXPECT_EQ(test::all_logits(*folded, tokens), test::all_logits(*plain, tokens));
}

TEST(QuantizeOnLoad, DoesNotDependOnThreads) {
  const ModelSpec spec = test::small_spec(Architecture::kQwen3, TensorType::kBF16);
  LoadedDecoder one(spec, {.n_threads = 1, .quantize = QuantizeOnLoad::kInt4});
  LoadedDecoder three(spec, {.n_threads = 3, .quantize = QuantizeOnLoad::kInt4});
  const auto tokens = test::random_tokens(40, spec.n_vocab);
  EXPECT_EQ(test::all_logits(*one, tokens), test::all_logits(*three, tokens));
}

TEST(QuantizeOnLoad, NamesAMatrixThatIsNoNumbers) {
  const ModelSpec spec = test::small_spec(Architecture::kLlama, TensorType::kF32);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -3e38f}) {
    const test::TempFolder folder;
    test::ModelEdit edit;
    edit.tensors.push_back(test::float_tensor("blk.1.ffn_up.weight", spec.n_ff, spec.n_embd,
                                              [&](int64_t r, int64_t c) { return r == 200 && c == 77 ? bad : 0.01f; }));
    const gguf::File file = test::open_edited_model(spec, edit, folder);
    ThreadTeam team(2);
    const model::LoadOptions options{.kernels = require(kernels::kernel_table_named("auto")), .team = &team,
                                     .progress = {}, .quantize = QuantizeOnLoad::kInt8};
    const auto loaded = model::Decoder::load(file, options);
    ASSERT_FALSE(loaded.ok()) << bad;
    EXPECT_EQ(loaded.error().code, ErrorCode::kMalformed);
    EXPECT_NE(loaded.error().message.find("'blk.1.ffn_up.weight'"), std::string::npos) << loaded.error().message;
  }
}

TEST(QuantizeOnLoad, ProgressCountsTheFileAndStops) {
  const test::TempFolder folder;
  const gguf::File file = test::open_random_model(test::small_spec(Architecture::kLlama, TensorType::kF16), folder);
  ThreadTeam team(2);
  size_t total = 0, last = 0;
  model::LoadOptions options{.kernels = require(kernels::kernel_table_named("auto")), .team = &team,
                             .progress = [&](size_t done, size_t of) { last = done; total = of; return true; },
                             .quantize = QuantizeOnLoad::kInt8};
  ASSERT_TRUE(model::Decoder::load(file, options).ok());
  EXPECT_EQ(last, total);
  EXPECT_GT(total, file.file_bytes() / 2);
  options.progress = [](size_t done, size_t of) { return done < of / 2; };
  EXPECT_EQ(model::Decoder::load(file, options).error().code, ErrorCode::kCancelled);
}

TEST(QuantizeOnLoad, TypesFollowTheRole) {
  using model::type_on_load;
  constexpr auto kInt4 = QuantizeOnLoad::kInt4;
  EXPECT_EQ(type_on_load(QuantizeOnLoad::kNone, "output.weight", TensorType::kF16, 64), TensorType::kF16);
  EXPECT_EQ(type_on_load(kInt4, "output.weight", TensorType::kF16, 64), TensorType::kQ8_0);
  EXPECT_EQ(type_on_load(kInt4, "blk.3.attn_q.weight", TensorType::kBF16, 64), TensorType::kQ4_0);
  EXPECT_EQ(type_on_load(kInt4, "blk.3.attn_q.weight", TensorType::kQ6_K, 256), TensorType::kQ6_K);
  EXPECT_EQ(type_on_load(kInt4, "blk.3.ffn_down.weight", TensorType::kF32, 172), TensorType::kF32);
  EXPECT_EQ(type_on_load(QuantizeOnLoad::kInt8, "cls.weight", TensorType::kF32, 64), TensorType::kF32);
}

}  // namespace
}  // namespace docmind

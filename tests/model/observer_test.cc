// ActivationObserver: sees, under each matrix' name, the rows that it is multiplied with.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstring>
#include <map>

#include <gtest/gtest.h>

#include "model/model_edit.h"

namespace docmind {
namespace {

using kernels::TensorType;
using test::Architecture;
using test::LoadedDecoder;
using test::LoadedEncoder;
using test::ModelSpec;
using test::require;

class Recorder final : public model::ActivationObserver {
 public:
  struct Rows {
    int64_t n_rows = 0, cols = 0;
    int n_calls = 0;
    std::vector<float> values;
  };
  void see(std::string_view tensor, const float* rows, int64_t stride, int64_t n_rows, int64_t cols) override {
    Rows& seen = of[std::string(tensor)];
    EXPECT_TRUE(seen.cols == 0 || seen.cols == cols);
    seen.cols = cols;
    seen.n_rows += n_rows;
    ++seen.n_calls;
    for (int64_t i = 0; i < n_rows; ++i) {
      seen.values.insert(seen.values.end(), rows + i * stride, rows + i * stride + cols);
    }
  }
  std::map<std::string, Rows> of;
};

// rows * matrix^T in double, [rows, rows of the matrix].
std::vector<double> product(const gguf::File& file, const std::string& tensor, const Recorder::Rows& x) {
  const gguf::TensorInfo* matrix = file.find_tensor(tensor);
  const auto type = static_cast<TensorType>(matrix->gguf_type);
  const size_t row = kernels::row_bytes(kernels::tensor_type_info(type), x.cols);
  std::vector<double> out;
  std::vector<float> weights(static_cast<size_t>(x.cols));
  for (const float* values = x.values.data(); values != x.values.data() + x.values.size(); values += x.cols) {
    for (int64_t r = 0; r < matrix->dims[1]; ++r) {
      kernels::dequantize_row(type, matrix->data.data() + static_cast<size_t>(r) * row, x.cols, weights.data());
      double sum = 0;
      for (int64_t c = 0; c < x.cols; ++c) sum += static_cast<double>(values[c]) * weights[static_cast<size_t>(c)];
      out.push_back(sum);
    }
  }
  return out;
}

double silu(double v) { return v / (1 + std::exp(-v)); }

TEST(ActivationObserver, SeesEachMatrixOfADecoderWithItsRows) {
  ModelSpec spec = test::small_spec(Architecture::kQwen3, TensorType::kF32);
  spec.tied_output = false;
  Recorder recorder;
  LoadedDecoder decoder(spec, {.max_batch_tokens = 8, .observer = &recorder});
  constexpr int64_t kTokens = 20;  // three pieces
  const auto tokens = test::random_tokens(kTokens, spec.n_vocab);
  const std::vector<float> logits = test::all_logits(*decoder, tokens);
  EXPECT_EQ(recorder.of.size(), 1U + 7 * static_cast<size_t>(spec.n_layers));
  for (const auto& [name, rows] : recorder.of) {
    const gguf::TensorInfo* tensor = decoder.file().find_tensor(name);
    ASSERT_NE(tensor, nullptr) << name;
    EXPECT_EQ(rows.cols, tensor->dims[0]) << name;
    EXPECT_EQ(rows.n_rows, kTokens) << name;
    EXPECT_EQ(rows.n_calls, 3) << name;
  }
  const auto& of = recorder.of;
  EXPECT_EQ(of.at("blk.1.attn_q.weight").values, of.at("blk.1.attn_v.weight").values);
  EXPECT_EQ(of.at("blk.1.ffn_gate.weight").values, of.at("blk.1.ffn_up.weight").values);
  EXPECT_NE(of.at("blk.0.ffn_up.weight").values, of.at("blk.1.ffn_up.weight").values);
  // Norms are applied: the products are what comes next.
  const auto gate = product(decoder.file(), "blk.1.ffn_gate.weight", of.at("blk.1.ffn_gate.weight"));
  const auto up = product(decoder.file(), "blk.1.ffn_up.weight", of.at("blk.1.ffn_up.weight"));
  const std::vector<float>& down = of.at("blk.1.ffn_down.weight").values;
  ASSERT_EQ(down.size(), gate.size());
  for (size_t i = 0; i < down.size(); ++i) ASSERT_NEAR(down[i], silu(gate[i]) * up[i], 1e-3) << i;
  const auto expected = product(decoder.file(), "output.weight", of.at("output.weight"));
  ASSERT_EQ(expected.size(), logits.size());
  for (size_t i = 0; i < logits.size(); ++i) ASSERT_NEAR(logits[i], expected[i], 1e-3) << i;
}

TEST(ActivationObserver, NamesATiedOutputAndOnlyRowsThatHaveLogits) {
  const ModelSpec spec = test::small_spec(Architecture::kLlama, TensorType::kQ8_0);
  Recorder recorder;
  LoadedDecoder decoder(spec, {.observer = &recorder});
  const test::OwnSequence sequence(*decoder, 30);
  const auto tokens = test::random_tokens(10, spec.n_vocab);
  std::vector<float> last(static_cast<size_t>(spec.n_vocab));
  require(decoder->forward(*sequence, tokens, last));
  EXPECT_EQ(recorder.of.at("token_embd.weight").n_rows, 1);
  EXPECT_EQ(recorder.of.at("blk.0.ffn_down.weight").n_rows, 10);
  EXPECT_EQ(recorder.of.at("blk.1.attn_k.weight").n_rows, 10);
  EXPECT_EQ(recorder.of.at("blk.1.ffn_down.weight").n_rows, 1) << "the last layer, where only wanted rows go on";
  require(decoder->forward(*sequence, {tokens.data(), 1}, last));  // decoding is seen as well
  EXPECT_EQ(recorder.of.at("blk.0.attn_q.weight").n_rows, 11);
}

TEST(ActivationObserver, ChangesNothing) {
  const ModelSpec spec = test::small_spec(Architecture::kQwen3, TensorType::kQ8_0);
  Recorder recorder;
  LoadedDecoder watched(spec, {.observer = &recorder}), alone(spec);
  const auto tokens = test::random_tokens(20, spec.n_vocab);
  EXPECT_EQ(test::all_logits(*watched, tokens), test::all_logits(*alone, tokens));
}

TEST(ActivationObserver, SeesTheMatricesOfAnEncoder) {
  ModelSpec spec = test::small_spec(Architecture::kBert, TensorType::kF32);
  spec.n_kv_heads = spec.n_heads;
  Recorder recorder;
  LoadedEncoder encoder(spec, {.observer = &recorder});
  const auto text = test::random_tokens(12, spec.n_vocab), other = test::random_tokens(5, spec.n_vocab, 2);
  const std::span<const test::TokenId> texts[] = {text, other};
  std::vector<float> out(2 * static_cast<size_t>(spec.n_embd));
  require(encoder->embed(texts, true, out));
  EXPECT_EQ(recorder.of.size(), 6 * static_cast<size_t>(spec.n_layers));
  for (const auto& [name, rows] : recorder.of) {
    EXPECT_EQ(rows.n_rows, 17) << name;
    EXPECT_EQ(rows.cols, encoder.file().find_tensor(name)->dims[0]) << name;
  }
}

TEST(ActivationObserver, SeesFusedMatricesOnce) {
  ModelSpec spec = test::small_spec(Architecture::kBert, TensorType::kF32);
  spec.n_kv_heads = spec.n_heads;
  spec.n_layers = 1;
  test::ModelEdit edit;
  edit.tensors.push_back(test::float_tensor("blk.0.attn_qkv.weight", 3 * spec.n_embd, spec.n_embd,
                                            [](int64_t r, int64_t c) { return r % 7 == c % 5 ? 0.02f : -0.01f; }));
  for (const char* name : {"q", "k", "v"}) {
    edit.without_tensors.insert(std::string("blk.0.attn_") + name + ".weight");
    edit.without_tensors.insert(std::string("blk.0.attn_") + name + ".bias");
  }
  const test::TempFolder folder;
  Recorder recorder;
  LoadedEncoder encoder(test::open_edited_model(spec, edit, folder), {.observer = &recorder});
  const auto text = test::random_tokens(12, spec.n_vocab);
  const std::span<const test::TokenId> texts[] = {text};
  std::vector<float> out(static_cast<size_t>(spec.n_embd));
  require(encoder->embed(texts, true, out));
  EXPECT_EQ(recorder.of.at("blk.0.attn_qkv.weight").n_rows, 12);
  EXPECT_EQ(recorder.of.at("blk.0.attn_qkv.weight").n_calls, 1);
  EXPECT_EQ(recorder.of.size(), 4U);
}

}  // namespace
}  // namespace docmind

// Files that 'docmind quantize' writes: llama.cpp loads them and computes what our engine does.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "parity/models.h"
#include "support/docmind.h"

namespace docmind::test {
namespace {

const std::vector<TokenId> kPositions = {0, 1, 15, 16, 47, 79};
// As in decoder_parity_test: llama.cpp rounds the activations of K types 256 at a time, so logits are kept flat.
constexpr float kFlat = 0.4f;

class QuantizedParity : public ParityTest, public testing::WithParamInterface<std::tuple<Architecture, std::string>> {
 protected:
  std::string quantized(const ModelSpec& spec, const std::string& type) {
    const std::string source = require(write_model(spec, box_.folder.path("source.gguf")));
    const std::string path = box_.folder.path("smaller.gguf");
    const ProcessResult done = box_.run({"quantize", source, path, "--type", type, "--force"});
    EXPECT_EQ(done.code, 0) << done.err;
    return path;
  }

  Sandbox box_;
};

TEST_P(QuantizedParity, IsReadByLlamaCppWithTheSameDistributions) {
  const auto [architecture, type] = GetParam();
  const ModelSpec spec{.architecture = architecture, .type = kernels::TensorType::kF32, .n_layers = 3,
                       .logit_gain = kFlat};
  const std::string path = quantized(spec, type);
  const std::vector<TokenId> tokens = random_tokens(80, spec.n_vocab);
  oracle().load(path);
  const std::vector<double> expected = oracle().logits(tokens, kPositions);
  LoadedDecoder decoder(require(gguf::File::open(path)), {});
  const double found =
      worst_divergence(expected, rows_at(all_logits(*decoder, tokens), kPositions, spec.n_vocab), spec.n_vocab);
  EXPECT_LE(found, largest_divergence(kernels::TensorType::kQ4_K)) << type;
  report_worst("worst KL", found);
}

using namespace std::string_literals;

INSTANTIATE_TEST_SUITE_P(Files, QuantizedParity,
                         testing::Combine(testing::Values(Architecture::kLlama, Architecture::kQwen3),
                                          testing::Values("fp16"s, "q8_0"s, "q6_k"s, "q5_k_m"s, "q4_k_m"s, "q4_k_s"s,
                                                          "q4_0"s, "dynamic"s)),
                         [](const auto& info) {
                           const bool llama = std::get<0>(info.param) == Architecture::kLlama;
                           return (llama ? "llama_" : "qwen3_") + std::get<1>(info.param);
                         });

class QuantizedEncoderParity : public ParityTest, public testing::WithParamInterface<const char*> {};

TEST_P(QuantizedEncoderParity, IsReadByLlamaCppWithTheSameVectors) {
  Sandbox box;
  const ModelSpec spec{.architecture = Architecture::kBert, .type = kernels::TensorType::kF32, .n_kv_heads = 4,
                       .pooling = 2};
  const std::string source = require(write_model(spec, box.folder.path("source.gguf")));
  const std::string path = box.folder.path("smaller.gguf");
  const ProcessResult done = box.run({"quantize", source, path, "--type", GetParam(), "--force"});
  ASSERT_EQ(done.code, 0) << done.err;
  const std::vector<TokenId> tokens = random_tokens(60, spec.n_vocab);
  oracle().load(path);
  const std::vector<double> expected = oracle().embed(tokens);
  LoadedEncoder encoder(require(gguf::File::open(path)), {});
  std::vector<float> got(static_cast<size_t>(spec.n_embd));
  const std::span<const TokenId> sequences[] = {tokens};
  require(encoder->embed(sequences, false, got));
  EXPECT_GE(cosine(expected, got), least_cosine(kernels::TensorType::kQ4_K)) << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Files, QuantizedEncoderParity, testing::Values("fp16", "int8", "int4", "dynamic"));

}  // namespace
}  // namespace docmind::test

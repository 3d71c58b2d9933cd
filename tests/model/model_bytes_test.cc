// model_bytes: what is told from the header is what loading takes, to the byte.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "model/model_bytes.h"
#include "model/model_fixture.h"

namespace docmind {
namespace {

using kernels::TensorType;
using model::ModelBytes;
using model::QuantizeOnLoad;
using test::Architecture;
using test::LoadedDecoder;
using test::LoadedEncoder;
using test::ModelSpec;
using test::require;

constexpr QuantizeOnLoad kWays[] = {QuantizeOnLoad::kNone, QuantizeOnLoad::kInt8, QuantizeOnLoad::kInt4};

TEST(ModelBytes, AreThoseOfLoadedDecoders) {
  for (const auto type : {TensorType::kF32, TensorType::kF16, TensorType::kQ8_0, TensorType::kQ4_K}) {
    for (const auto quantize : kWays) {
      for (const auto architecture : {Architecture::kLlama, Architecture::kQwen2, Architecture::kQwen3}) {
        ModelSpec spec = test::small_spec(architecture, type);
        spec.tied_output = architecture != Architecture::kLlama;
        LoadedDecoder decoder(spec, {.max_batch_tokens = 70, .n_threads = 3, .quantize = quantize});
        const ModelBytes told = require(model::model_bytes(decoder.file(), quantize, 3, 70));
        EXPECT_EQ(told.weights, decoder->weight_bytes());
        EXPECT_EQ(told.scratch, decoder->scratch_bytes());
        EXPECT_EQ(told.decode_read, decoder->decode_read_bytes());
        EXPECT_EQ(told.in_file > 0, !spec.tied_output);
      }
    }
  }
}

TEST(ModelBytes, AreThoseOfLoadedEncoders) {
  for (const auto type : {TensorType::kF16, TensorType::kQ8_0}) {
    for (const auto quantize : kWays) {
      ModelSpec spec = test::small_spec(Architecture::kBert, type);
      spec.n_kv_heads = spec.n_heads;
      spec.classifier = type == TensorType::kF16;
      spec.pooling = spec.classifier ? 4 : 1;
      LoadedEncoder encoder(spec, {.max_batch_tokens = 90, .n_threads = 1, .quantize = quantize});
      const ModelBytes told = require(model::model_bytes(encoder.file(), quantize, 1, 90));
      EXPECT_EQ(told.weights, encoder->weight_bytes());
      EXPECT_EQ(told.scratch, encoder->scratch_bytes());
      EXPECT_GT(told.in_file, 0U);
    }
  }
}

TEST(ModelBytes, QuantizingTakesWhatTheTypesSay) {
  const test::TempFolder folder;
  ModelSpec spec = test::small_spec(Architecture::kQwen3, TensorType::kF32);
  const gguf::File file = test::open_random_model(spec, folder);
  const auto bytes = [&](QuantizeOnLoad way) { return require(model::model_bytes(file, way, 1, 64)); };
  const ModelBytes plain = bytes(QuantizeOnLoad::kNone), eight = bytes(QuantizeOnLoad::kInt8),
                   four = bytes(QuantizeOnLoad::kInt4);
  EXPECT_EQ(plain.n_quantized, 0);
  EXPECT_EQ(eight.n_quantized, 1 + 7 * spec.n_layers);
  EXPECT_EQ(four.n_quantized, eight.n_quantized);
  EXPECT_EQ(eight.decode_read * 32 * 4, plain.decode_read * 34) << "34 bytes for 32 floats";
  EXPECT_LT(four.decode_read, eight.decode_read);
  EXPECT_EQ(plain.weights - plain.decode_read, eight.weights - eight.decode_read) << "vectors stay";
}

// From shapes alone, as for a model of which there is no file.
TEST(ModelBytes, ScratchFollowsFromShapes) {
  ModelSpec spec = test::small_spec(Architecture::kQwen3, TensorType::kQ8_0);
  spec.head_dim = 128;
  LoadedDecoder decoder(spec, {.max_batch_tokens = 200, .n_threads = 2});
  const model::DecoderConfig& config = decoder->config();
  const int64_t q = config.n_heads * config.head_dim;
  const model::MatrixShape shapes[] = {{TensorType::kQ8_0, config.n_ff, config.n_embd},
                                       {TensorType::kQ8_0, config.n_embd, q},
                                       {TensorType::kQ8_0, config.n_embd, config.n_ff}};
  EXPECT_EQ(model::decoder_scratch_bytes(config, shapes, 2, 200), decoder->scratch_bytes());
  EXPECT_GT(model::forward_pass_bytes(config, 200), model::forward_pass_bytes(config, 100));
  EXPECT_LT(model::forward_pass_bytes(config, 200), decoder->scratch_bytes());
}

TEST(ModelBytes, RefusesWhatLoadingRefuses) {
  const test::TempFolder folder;
  ModelSpec spec;
  spec.extra_metadata = [](gguf::Writer& writer) { writer.add("qwen3.expert_count", uint32_t{8}); };
  const gguf::File file = test::open_random_model(spec, folder);
  EXPECT_EQ(model::model_bytes(file, QuantizeOnLoad::kNone, 1, 64).error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace docmind

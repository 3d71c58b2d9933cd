// What models may claim: metadata out of range, tensors that contradict it, kinds we do not run.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <gtest/gtest.h>

#include "model/model_edit.h"

namespace docmind {
namespace {

using kernels::TensorType;
using test::Architecture;
using test::ModelEdit;
using test::ModelSpec;
using test::value;

ModelSpec tiny(Architecture architecture) {
  ModelSpec spec;
  spec.architecture = architecture;
  spec.type = TensorType::kF32;
  spec.n_layers = 1;
  spec.n_embd = 64;
  spec.n_ff = 64;
  spec.n_heads = 4;
  spec.n_kv_heads = architecture == Architecture::kBert ? 4 : 2;
  spec.head_dim = 16;
  spec.n_vocab = 320;
  return spec;
}

template <typename Net>
Result<std::unique_ptr<Net>> load(const gguf::File& file, const model::LoadProgress& progress = {}) {
  ThreadTeam team(1);
  return Net::load(file, {.kernels = test::require(kernels::kernel_table_named("auto")), .team = &team,
                          .progress = progress});
}

struct Refusal {
  ModelEdit edit;
  ErrorCode code;
  std::string sentence;  // without the file's name
};

template <typename Net>
void expect_refused(const ModelSpec& spec, const Refusal& refusal) {
  SCOPED_TRACE(refusal.sentence);
  const test::TempFolder folder;
  const gguf::File file = test::open_edited_model(spec, refusal.edit, folder);
  const auto net = load<Net>(file);
  ASSERT_FALSE(net.ok());
  EXPECT_EQ(net.error().code, refusal.code);
  EXPECT_NE(net.error().message.find(refusal.sentence), std::string::npos) << net.error().message;
  EXPECT_NE(net.error().message.find("edited.gguf'"), std::string::npos) << net.error().message;
}

Refusal of_key(const std::string& key, ModelEdit::AddKey add, ErrorCode code, std::string sentence) {
  ModelEdit edit;
  edit.keys[key] = std::move(add);
  return {std::move(edit), code, std::move(sentence)};
}

TEST(DecoderConfigTest, ValuesOutOfRangeAreRefused) {
  const auto malformed = ErrorCode::kMalformed;
  for (const Refusal& refusal : {
           of_key("llama.block_count", {}, malformed, "the metadata has no 'llama.block_count'"),
           of_key("llama.block_count", value<uint32_t>(0), malformed, "'llama.block_count' is 0; it must be from 1 to"),
           of_key("llama.block_count", value<uint64_t>(uint64_t{1} << 40), malformed, "is 1099511627776; it must"),
           of_key("llama.block_count", value<uint32_t>(2), malformed, "'blk.1.attn_norm.weight' is missing"),
           of_key("llama.block_count", value<float>(1), malformed, "'llama.block_count' has the type f32"),
           of_key("llama.embedding_length", value<int32_t>(-64), malformed, "is -64"),
           of_key("llama.embedding_length", value<uint32_t>(32), malformed,
                  "'token_embd.weight' is 320 x 64; the metadata asks for 320 x 32"),
           of_key("llama.feed_forward_length", value<uint32_t>(63), malformed, "asks for 63 x 64"),
           of_key("llama.attention.head_count", value<uint32_t>(0), malformed, "is 0"),
           of_key("llama.attention.head_count_kv", value<uint32_t>(3), malformed,
                  "4 attention heads cannot share 3 key heads"),
           of_key("llama.attention.head_count_kv", value<uint32_t>(8), malformed, "is 8; it must be from 1 to 4"),
           of_key("llama.attention.key_length", value<uint32_t>(15), malformed, "heads are 15 wide"),
           of_key("llama.attention.value_length", value<uint32_t>(8), ErrorCode::kUnsupported,
                  "keys are 16 wide and values 8"),
           of_key("llama.attention.layer_norm_rms_epsilon", {}, malformed, "has no"),
           of_key("llama.attention.layer_norm_rms_epsilon", value(-1.0f), malformed, "is -1"),
           of_key("llama.context_length", value<uint32_t>(0), malformed, "is 0"),
           of_key("llama.rope.dimension_count", value<uint32_t>(18), malformed, "is 18; it must be from 2 to 16"),
           of_key("llama.rope.dimension_count", value<uint32_t>(7), malformed, "is 7, not an even number"),
           of_key("llama.rope.freq_base", value(0.0f), malformed, "is 0"),
           of_key("llama.rope.freq_base", value(NAN), malformed, "'llama.rope.freq_base' is nan"),
           of_key("llama.rope.scaling.factor", value(-4.0f), malformed, "is -4"),
           of_key("llama.rope.scaling.type", value(std::string_view("longrope")), ErrorCode::kUnsupported,
                  "'llama.rope.scaling.type' is 'longrope'; none, linear and yarn"),
           of_key("llama.expert_count", value<uint32_t>(8), ErrorCode::kUnsupported, "'llama.expert_count' is 8"),
           of_key("general.architecture", value(std::string_view("gpt2")), ErrorCode::kUnsupported,
                  "the architecture 'gpt2' cannot generate text"),
       }) {
    expect_refused<model::Decoder>(tiny(Architecture::kLlama), refusal);
  }
}

TEST(DecoderConfigTest, TensorsThatDoNotFitAreRefused) {
  const ModelSpec spec = tiny(Architecture::kQwen3);
  const auto zero = [](int64_t, int64_t) { return 0.0f; };
  for (const std::string name : {"token_embd.weight", "output_norm.weight", "blk.0.attn_k.weight",
                                 "blk.0.attn_k_norm.weight", "blk.0.ffn_down.weight"}) {
    Refusal missing{{}, ErrorCode::kMalformed, "tensor '" + name + "'"};
    missing.edit.without_tensors = {name};
    expect_refused<model::Decoder>(spec, missing);
    Refusal wrong{{}, ErrorCode::kMalformed, "tensor '" + name + "' is 3 x 32"};
    wrong.edit.tensors = {test::float_tensor(name, 3, 32, zero)};
    expect_refused<model::Decoder>(spec, wrong);
  }
  Refusal type{{}, ErrorCode::kUnsupported, "'blk.0.ffn_up.weight' has the type IQ4_NL; F32, F16, BF16, Q8_0"};
  type.edit.tensors = {{{.name = "blk.0.ffn_up.weight", .dims = {64, 64}, .gguf_type = 20, .n_bytes = 64 * 36},
                        std::vector<std::byte>(64 * 36)}};
  expect_refused<model::Decoder>(spec, type);
  Refusal factors{{}, ErrorCode::kMalformed, "element 3 of 'rope_freqs.weight' is 0"};
  factors.edit.tensors = {test::float_tensor("rope_freqs.weight", 1, 8, [](int64_t, int64_t c) { return c < 3; })};
  expect_refused<model::Decoder>(spec, factors);
}

TEST(DecoderConfigTest, DefaultsAreThoseOfTheFormat) {
  const test::TempFolder folder;
  ModelEdit edit;
  for (const char* key : {"attention.key_length", "attention.value_length", "rope.dimension_count", "rope.freq_base"}) {
    edit.keys[std::string("llama.") + key] = {};
  }
  edit.keys["llama.rope.scaling.factor"] = value(2.5f);  // without a type: linear
  test::LoadedDecoder decoder(test::open_edited_model(tiny(Architecture::kLlama), edit, folder), {});
  EXPECT_EQ(decoder->config().head_dim, 16);
  EXPECT_EQ(decoder->config().n_rot, 16);
  EXPECT_EQ(decoder->config().rope_base, 10'000.0f);
  EXPECT_EQ(decoder->config().rope_scaling, model::RopeScaling::kLinear);
  EXPECT_EQ(decoder->config().rope_factor, 2.5f);
  EXPECT_FALSE(decoder->config().neox_rope);
}

TEST(EncoderConfigTest, ValuesOutOfRangeAreRefused) {
  const auto malformed = ErrorCode::kMalformed;
  for (const Refusal& refusal : {
           of_key("bert.attention.head_count", value<uint32_t>(5), malformed, "64 columns cannot be shared by 5"),
           of_key("bert.attention.layer_norm_epsilon", {}, malformed, "has no 'bert.attention.layer_norm_epsilon'"),
           of_key("bert.pooling_type", value<uint32_t>(5), malformed,
                  "'bert.pooling_type' is 5; it must be from 0 to 4"),
           of_key("bert.context_length", value<uint32_t>(513), malformed,
                  "'position_embd.weight' has 512 rows for a context of 513"),
           of_key("bert.attention.causal", value(true), ErrorCode::kUnsupported, "'bert.attention.causal' is true"),
           of_key("general.architecture", value(std::string_view("nomic-bert")), ErrorCode::kUnsupported,
                  "the architecture 'nomic-bert' cannot embed"),
       }) {
    expect_refused<model::Encoder>(tiny(Architecture::kBert), refusal);
  }
}

TEST(LoadTest, ProgressCountsToTheEndAndCanStop) {
  const test::TempFolder folder;
  const gguf::File file = test::open_random_model(tiny(Architecture::kQwen3), folder);
  size_t last = 0, total = 0;
  ASSERT_TRUE(load<model::Decoder>(file, [&](size_t done, size_t of) {
                EXPECT_GT(done, last);
                last = done;
                total = of;
                return true;
              }).ok());
  EXPECT_EQ(last, total);
  // q, k, v and o, gate, up and down, embeddings.
  EXPECT_EQ(total, 4u * (64 * 64 + 2 * 32 * 64 + 64 * 64 + 3 * 64 * 64 + 320 * 64));
  const auto stopped = load<model::Decoder>(file, [](size_t, size_t) { return false; });
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
}

TEST(LoadTest, OptionsAreChecked) {
  const test::TempFolder folder;
  const gguf::File file = test::open_random_model(tiny(Architecture::kQwen3), folder);
  EXPECT_EQ(model::Decoder::load(file, {}).error().code, ErrorCode::kInvalidArgument);
  ThreadTeam team(1);
  model::LoadOptions options{.kernels = test::require(kernels::kernel_table_named("auto")), .team = &team,
                             .max_batch_tokens = 0, .progress = {}};
  const auto decoder = model::Decoder::load(file, options);
  ASSERT_FALSE(decoder.ok());
  EXPECT_EQ(decoder.error().message, "a model takes 1 to 65536 tokens at once, not 0");
}

}  // namespace
}  // namespace docmind

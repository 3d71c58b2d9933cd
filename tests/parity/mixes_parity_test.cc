// The mixes against llama.cpp's own quantizer: the type of every tensor, for every architecture and many depths.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <stdlib.h>

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "model/model_fixture.h"
#include "parity/library_quantizer.h"
#include "quantize/conversion_plan.h"

namespace docmind::test {
namespace {

using quantize::Level;
using quantize::Scheme;

using Schemes = std::span<const Scheme>;
constexpr Scheme kAllMixes[] = {Scheme::kFp16,   Scheme::kQ8_0,   Scheme::kQ6_K,   Scheme::kQ5_K_M,
                                Scheme::kQ5_K_S, Scheme::kQ4_K_M, Scheme::kQ4_K_S, Scheme::kQ4_0};
// Those that treat layers differently.
constexpr Scheme kLayeredMixes[] = {Scheme::kQ4_K_M, Scheme::kQ4_K_S, Scheme::kQ5_K_M};

class MixesParity : public testing::Test {
 protected:
  void SetUp() override {
    const std::optional<std::string> reason = library_quantizer_missing();
    if (!reason) return;
    if (::getenv("DOCMIND_REQUIRE_ORACLE") != nullptr) FAIL() << *reason;
    GTEST_SKIP() << *reason;
  }

  // As small as the mixes allow: rows of one block.
  static ModelSpec tiny(Architecture architecture, int64_t n_layers, bool tied) {
    ModelSpec spec{.architecture = architecture, .type = kernels::TensorType::kF16, .n_layers = n_layers, .n_embd = 256,
                   .n_ff = 256, .n_heads = 4, .n_kv_heads = 1, .n_vocab = 320, .n_context = 64, .tied_output = tied};
    if (architecture == Architecture::kBert) spec.n_kv_heads = spec.n_heads;
    return spec;
  }

  void compare(const ModelSpec& spec, std::string_view what, Schemes schemes = kAllMixes) const {
    compare_file(require(write_model(spec, folder_.path("in.gguf"))), what, schemes);
  }

  void compare_file(const std::string& path, std::string_view what, Schemes schemes = kAllMixes) const {
    const gguf::File in = require(gguf::File::open(path));
    for (const Scheme scheme : schemes) {
      const auto plan = require(plan_conversion(in, scheme, Level::kBalanced));
      const uint32_t file_type = quantize::file_type(scheme, Level::kBalanced);
      quantize_with_library(path, folder_.path("library.gguf"), file_type);
      const gguf::File library = require(gguf::File::open(folder_.path("library.gguf")));
      EXPECT_EQ(require(library.integer("general.file_type")), file_type);
      for (const quantize::PlannedTensor& planned : plan.tensors) {
        const std::string name(planned.tensor->name);
        const gguf::TensorInfo* const theirs = library.find_tensor(name);
        ASSERT_NE(theirs, nullptr) << name;
        if (name.starts_with("cls.")) continue;  // we keep the heads of rerankers
        EXPECT_EQ(planned.to.name, kernels::gguf_type_name(expected_type(*theirs)))
            << what << ": " << name << " with " << scheme_name(scheme);
      }
    }
  }

  // Where rows are no whole blocks of 256, llama.cpp takes types that we do not compute with, and we more bits.
  static uint32_t expected_type(const gguf::TensorInfo& theirs) {
    const std::string_view name = kernels::gguf_type_name(theirs.gguf_type);
    const bool fallback = name == "Q5_0" || name == "Q5_1";
    return fallback ? static_cast<uint32_t>(kernels::TensorType::kQ8_0) : theirs.gguf_type;
  }

  TempFolder folder_;
};

TEST_F(MixesParity, EveryArchitectureAndDepth) {
  for (const Architecture architecture :
       {Architecture::kLlama, Architecture::kQwen2, Architecture::kQwen3, Architecture::kBert}) {
    compare(tiny(architecture, 1, true), fmt::format("architecture {}", static_cast<int>(architecture)));
    for (const int64_t n_layers : {9, 24}) {
      compare(tiny(architecture, n_layers, n_layers == 24),
              fmt::format("architecture {}, {} layers", static_cast<int>(architecture), n_layers), kLayeredMixes);
    }
  }
}

TEST_F(MixesParity, ValuesThatManyHeadsShare) {
  constexpr Scheme kSmall[] = {Scheme::kQ4_K_M};
  for (const Architecture architecture : {Architecture::kLlama, Architecture::kQwen2, Architecture::kQwen3}) {
    compare(tiny(architecture, 80, false), "80 layers, grouped", kSmall);
  }
  ModelSpec own = tiny(Architecture::kLlama, 80, true);
  own.n_kv_heads = own.n_heads;
  compare(own, "80 layers, a value head for each query head", kSmall);
}

TEST_F(MixesParity, RowsThatBlocksDoNotFill) {
  ModelSpec spec = tiny(Architecture::kLlama, 3, false);
  spec.n_embd = 320, spec.n_heads = 5, spec.n_ff = 352;
  compare(spec, "rows of 320 and 352");
  spec.n_ff = 344;
  compare(spec, "rows of 320 and 344");
  spec.n_embd = 240, spec.n_heads = 4, spec.head_dim = 60, spec.n_ff = 256;
  compare(spec, "rows of 240 and 256");
}

TEST_F(MixesParity, Rerankers) {
  ModelSpec spec = tiny(Architecture::kBert, 4, true);
  spec.classifier = true, spec.pooling = 4;
  compare(spec, "a classifier");
}

// An encoder with its queries, keys and values in one matrix.
TEST_F(MixesParity, FusedMatrices) {
  const std::string plain = require(write_model(tiny(Architecture::kBert, 9, true), folder_.path("plain.gguf")));
  const gguf::File in = require(gguf::File::open(plain));
  {
    gguf::Writer writer = require(gguf::Writer::create(folder_.path("fused.gguf")));
    for (const gguf::MetadataEntry& entry : in.metadata()) writer.add(entry);
    std::vector<std::vector<std::byte>> data;
    for (const gguf::TensorInfo& tensor : in.tensors()) {
      std::string name(tensor.name);
      if (name.find("attn_k.") != std::string::npos || name.find("attn_v.") != std::string::npos) continue;
      std::vector<int64_t> dims(tensor.dims, tensor.dims + tensor.n_dims);
      std::vector<std::byte> bytes(tensor.data.begin(), tensor.data.end());
      if (const size_t at = name.find("attn_q."); at != std::string::npos) {
        name.replace(at, 6, "attn_qkv");
        dims.back() *= 3;
        for (int i = 0; i < 2; ++i) bytes.insert(bytes.end(), tensor.data.begin(), tensor.data.end());
      }
      writer.declare({name, dims, tensor.gguf_type});
      data.push_back(std::move(bytes));
    }
    for (const auto& bytes : data) require(writer.append(bytes));
    require(writer.finish());
  }
  compare_file(folder_.path("fused.gguf"), "fused", kLayeredMixes);
}

}  // namespace
}  // namespace docmind::test

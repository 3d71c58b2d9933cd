// Writes GGUF models of random weights, for tests: every architecture and tensor type, any size.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "gguf/writer.h"
#include "kernels/tensor_type.h"

namespace docmind::test {

enum class Architecture { kLlama, kQwen2, kQwen3, kBert };
// kArchitecture: llama-bpe for llama, qwen2 for qwen2 and qwen3, WordPiece for bert.
enum class ModelTokenizer { kArchitecture, kByteBpe, kSentencePiece, kWordPiece, kUnigram };
enum class ModelRope { kPlain, kLinear, kYarn, kLlama3 };  // kLlama3: a tensor of frequency factors

// The same spec gives the same bytes. The defaults are nano sizes that all tensor types divide.
struct ModelSpec {
  Architecture architecture = Architecture::kQwen3;
  kernels::TensorType type = kernels::TensorType::kQ8_0;  // of the matrices; norms and biases are F32
  // Another type for a matrix, by its name ("blk.0.ffn_down.weight").
  std::function<std::optional<kernels::TensorType>(std::string_view)> type_of{};
  int64_t n_layers = 2;
  int64_t n_embd = 256;
  int64_t n_ff = 512;
  int64_t n_heads = 4;
  int64_t n_kv_heads = 2;  // n_heads for bert
  int64_t head_dim = 64;   // n_embd / n_heads but for qwen3
  int64_t n_vocab = 512;   // at least 320
  int64_t n_context = 512;
  bool tied_output = true;
  float logit_gain = 2.5f;  // about the deviation of a decoder's logits
  ModelRope rope = ModelRope::kPlain;
  float rope_factor = 4;  // linear and yarn
  int64_t rope_original_context = 128;
  int pooling = 1;          // bert: GGUF's pooling_type (1 mean, 2 CLS, 4 rank)
  bool classifier = false;  // bert: the tensors cls and cls.output of a reranker
  ModelTokenizer tokenizer = ModelTokenizer::kArchitecture;
  uint64_t seed = 1;
  int n_files = 1;  // more: a split model; `path` is then that of its first file
  uint32_t alignment = 32;
  // Called before the tensors are written, to add or change what a test needs.
  std::function<void(gguf::Writer&)> extra_metadata{};
};

// The types of llama.cpp's Q4_K_M: Q6_K for the output and for half of the value and down matrices.
[[nodiscard]] ModelSpec with_mixed_types(ModelSpec spec);

// Of a split model "folder/x.gguf" becomes "folder/x-00001-of-0000N.gguf"; returns the path to open.
Result<std::string> write_model(const ModelSpec& spec, const std::string& path);

}  // namespace docmind::test

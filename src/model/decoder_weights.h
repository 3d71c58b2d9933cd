// DecoderWeights: the packed weights of a causal language model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "model/decoder.h"
#include "model/matrix_names.h"
#include "model/row_table.h"
#include "model/scratch_sizes.h"
#include "model/weight_plan.h"

namespace docmind::model {

struct DecoderLayer {
  const float* attention_norm = nullptr;  // [n_embd]
  Linear q, k, v, attention_output;
  const float* q_norm = nullptr;  // [head_dim], qwen3 only
  const float* k_norm = nullptr;
  const float* ffn_norm = nullptr;  // [n_embd]
  Linear gate, up, down;
};

inline kv::Geometry kv_geometry(const DecoderConfig& config) {
  return {.n_layers = config.n_layers, .n_kv_heads = config.n_kv_heads, .head_dim = config.head_dim};
}

struct DecoderWeights {
  DecoderConfig config;
  AlignedBuffer memory;  // all that was packed
  std::vector<DecoderLayer> layers;
  const float* output_norm = nullptr;
  Linear output;                        // of a tied model: the token embeddings
  RowTable embeddings;                  // [n_vocab, n_embd]; packed if tied, otherwise in the file
  const float* rope_factors = nullptr;  // [n_rot / 2], or none

  MatrixNames names;  // filled if there is an observer
  ActivationObserver* observer = nullptr;

  // Not movable: layers and tables point into it. kMalformed and kUnsupported as Decoder::load.
  Status load(const gguf::File& file, const LoadOptions& options);
  // The first half of it: reads the sizes and names every tensor, which gets type and shape but no data.
  Status plan(const gguf::File& file, WeightPlan& plan);
  // The layers' and the output's.
  [[nodiscard]] std::vector<MatrixShape> matrices() const;
  [[nodiscard]] std::span<const float> factors() const {
    return {rope_factors, rope_factors != nullptr ? static_cast<size_t>(config.n_rot / 2) : 0};
  }
  // Calls visit(linear) for every matrix of the layers.
  template <typename Visit>
  void for_each_layer_matrix(Visit&& visit) const {
    for (const DecoderLayer& layer : layers) {
      for (const Linear* linear : {&layer.q, &layer.k, &layer.v, &layer.attention_output, &layer.gate, &layer.up,
                                   &layer.down}) {
        visit(*linear);
      }
    }
  }

  DecoderWeights() = default;
  DecoderWeights(const DecoderWeights&) = delete;
  DecoderWeights& operator=(const DecoderWeights&) = delete;
};

}  // namespace docmind::model

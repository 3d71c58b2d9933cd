// EncoderWeights: the packed weights of a bidirectional model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/aligned_buffer.h"
#include "model/encoder.h"
#include "model/matrix_names.h"
#include "model/row_table.h"
#include "model/scratch_sizes.h"
#include "model/weight_plan.h"

namespace docmind::model {

struct LayerNorm {
  const float* gain = nullptr;
  const float* bias = nullptr;
};

struct EncoderLayer {
  Linear q, k, v, attention_output;
  LayerNorm attention_norm;
  Linear up, down;
  LayerNorm output_norm;
};

struct EncoderWeights {
  EncoderConfig config;
  AlignedBuffer memory;          // all that was packed
  RowTable tokens;               // [n_vocab, n_embd], in the file
  RowTable positions;            // [at least n_context, n_embd], in the file
  const float* type = nullptr;   // [n_embd] of the first token type, or none
  LayerNorm embedding_norm;
  std::vector<EncoderLayer> layers;
  // A reranker's head: tanh of the dense layer (which may be missing), then one row of scores.
  Linear dense, score;
  bool has_dense = false;

  MatrixNames names;  // filled if there is an observer
  ActivationObserver* observer = nullptr;

  // Not movable: layers point into it. kMalformed and kUnsupported as Encoder::load.
  Status load(const gguf::File& file, const LoadOptions& options);
  // The first half of it: reads the sizes and names every tensor, which gets type and shape but no data.
  Status plan(const gguf::File& file, WeightPlan& plan);
  // The layers' and the classifier's.
  [[nodiscard]] std::vector<MatrixShape> matrices() const;
  // Calls visit(linear) for every matrix of the layers.
  template <typename Visit>
  void for_each_layer_matrix(Visit&& visit) const {
    for (const EncoderLayer& layer : layers) {
      for (const Linear* linear : {&layer.q, &layer.k, &layer.v, &layer.attention_output, &layer.up, &layer.down}) {
        visit(*linear);
      }
    }
  }

  EncoderWeights() = default;
  EncoderWeights(const EncoderWeights&) = delete;
  EncoderWeights& operator=(const EncoderWeights&) = delete;
};

}  // namespace docmind::model

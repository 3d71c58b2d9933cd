// model_bytes: what a model takes in memory, told from its file's header or its shapes without loading it.
// SPDX-License-Identifier: Apache-2.0
#include "model/model_bytes.h"

#include "model/decoder_scratch.h"
#include "model/decoder_weights.h"
#include "model/encoder_scratch.h"
#include "model/encoder_weights.h"

namespace docmind::model {
namespace {

size_t tensor_bytes(const gguf::File& file, std::string_view name) {
  const gguf::TensorInfo* tensor = file.find_tensor(name);
  return tensor != nullptr ? tensor->data.size() : 0;
}

Result<ModelBytes> decoder_bytes(const gguf::File& file, QuantizeOnLoad quantize, size_t n_threads,
                                 int64_t max_batch_tokens) {
  DecoderWeights weights;
  WeightPlan plan(file, quantize);
  DM_TRY(weights.plan(file, plan));
  const std::vector<MatrixShape> matrices = weights.matrices();
  ModelBytes bytes{.weights = plan.n_bytes(), .n_quantized = plan.n_quantized()};
  for (const MatrixShape& matrix : matrices) {
    bytes.decode_read += kernels::packed_bytes(matrix.type, matrix.rows, matrix.cols);
  }
  bytes.scratch = decoder_scratch_bytes(weights.config, matrices, n_threads, max_batch_tokens);
  if (plan.has("output.weight")) bytes.in_file = tensor_bytes(file, "token_embd.weight");
  return bytes;
}

Result<ModelBytes> encoder_bytes(const gguf::File& file, QuantizeOnLoad quantize, size_t n_threads,
                                 int64_t max_batch_tokens) {
  EncoderWeights weights;
  WeightPlan plan(file, quantize);
  DM_TRY(weights.plan(file, plan));
  return ModelBytes{
      .weights = plan.n_bytes(),
      .scratch = encoder_scratch_bytes(weights.config, weights.matrices(), n_threads, max_batch_tokens),
      .in_file = tensor_bytes(file, "token_embd.weight") + tensor_bytes(file, "position_embd.weight"),
      .n_quantized = plan.n_quantized()};
}

}  // namespace

Result<ModelBytes> model_bytes(const gguf::File& file, QuantizeOnLoad quantize, size_t n_threads,
                               int64_t max_batch_tokens) {
  return file.architecture() == "bert" ? encoder_bytes(file, quantize, n_threads, max_batch_tokens)
                                       : decoder_bytes(file, quantize, n_threads, max_batch_tokens);
}

size_t decoder_scratch_bytes(const DecoderConfig& config, std::span<const MatrixShape> matrices, size_t n_threads,
                             int64_t max_batch_tokens) {
  return decoder_scratch(config, matrices, max_batch_tokens).n_bytes({decoder_row_width(config)}, n_threads) +
         forward_pass_bytes(config, max_batch_tokens);
}

size_t forward_pass_bytes(const DecoderConfig& config, int64_t max_tokens) {
  return PassState::bytes(pass_sizes(config, max_tokens));
}

}  // namespace docmind::model

// DecoderPass: a forward pass of a causal language model over a batch of sequences, layer by layer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "base/error.h"
#include "model/decoder_layers.h"
#include "model/pass_state.h"

namespace docmind::model {

// Borrows the layers, which others use between its calls.
class DecoderPass final : public ForwardPass {
 public:
  explicit DecoderPass(DecoderLayers& layers) : layers_(layers), config_(layers.config()) {}
  // kLimit when the system has not the memory; once, before start().
  Status allocate(int64_t max_tokens);
  [[nodiscard]] size_t scratch_bytes() const { return state_.memory_bytes(); }

  [[nodiscard]] int64_t max_tokens() const override { return state_.max_rows(); }
  [[nodiscard]] Status start(std::span<const BatchItem> items, PassKind kind) override;
  bool advance(int64_t n_layers) override;
  [[nodiscard]] int64_t n_layers_left() const override { return n_layers_left_; }
  void abandon() override;

 private:
  [[nodiscard]] Status check(std::span<const BatchItem> items, PassKind kind) const;
  [[nodiscard]] Status check(const BatchItem& item, PassKind kind) const;
  void commit();

  DecoderLayers& layers_;
  const DecoderConfig& config_;
  PassState state_;
  int64_t n_layers_left_ = 0;
};

}  // namespace docmind::model

// Encoder: a bidirectional model (bert: BERT, XLM-RoBERTa) for embeddings and reranking.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/error.h"
#include "gguf/file.h"
#include "model/decoder.h"

namespace docmind::model {

enum class Pooling { kNone, kMean, kCls, kLast, kRank };  // in the order of GGUF's pooling_type

struct EncoderConfig {
  std::string architecture;
  int64_t n_layers = 0;
  int64_t n_embd = 0;
  int64_t n_ff = 0;
  int64_t n_heads = 0;
  int64_t head_dim = 0;
  int64_t n_vocab = 0;
  int64_t n_context = 0;  // longest sequence
  float norm_eps = 0;
  Pooling pooling = Pooling::kNone;
  bool has_classifier = false;  // a reranker's head
};

// Not thread-safe: one pass at a time.
class Encoder {
 public:
  // Errors as Decoder::load. The file must outlive the Encoder, which reads its tables there.
  static Result<std::unique_ptr<Encoder>> load(const gguf::File& file, const LoadOptions& options);
  virtual ~Encoder() = default;

  [[nodiscard]] virtual const EncoderConfig& config() const = 0;
  [[nodiscard]] virtual size_t weight_bytes() const = 0;
  [[nodiscard]] virtual size_t scratch_bytes() const = 0;
  [[nodiscard]] virtual int64_t macs_per_token() const = 0;

  // Sequences of different lengths go through together without padding, at most max_batch_tokens at
  // a time (a longer sequence alone, up to n_context; the scratch grows once for it). kLimit names a
  // sequence that is longer than n_context.
  using Sequences = std::span<const std::span<const TokenId>>;
  // One pooled vector a sequence, out [sequences.size(), n_embd]; of unit length when `normalise`.
  [[nodiscard]] virtual Status embed(Sequences sequences, bool normalise, std::span<float> out) = 0;
  // One raw classifier score (logit) a sequence; kUnsupported without a classifier.
  [[nodiscard]] virtual Status rank(Sequences sequences, std::span<float> out) = 0;
};

}  // namespace docmind::model

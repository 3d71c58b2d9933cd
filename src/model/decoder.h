// Decoder: a causal language model (qwen3, qwen2, llama) whose weights are packed for this CPU.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/error.h"
#include "base/thread_team.h"
#include "gguf/file.h"
#include "kernels/kernels.h"

namespace docmind::model {

using TokenId = int32_t;

// Called while weights are packed, from the loading thread; returning false stops (kCancelled).
using LoadProgress = std::function<bool(size_t bytes_done, size_t bytes_total)>;

enum class RopeScaling { kNone, kLinear, kYarn };

struct DecoderConfig {
  std::string architecture;  // "llama", "qwen2", "qwen3"
  int64_t n_layers = 0;
  int64_t n_embd = 0;
  int64_t n_ff = 0;
  int64_t n_heads = 0;
  int64_t n_kv_heads = 0;
  int64_t head_dim = 0;
  int64_t n_rot = 0;
  int64_t n_vocab = 0;
  int64_t n_context = 0;  // what the model was made for (context_length)
  float rms_eps = 0;
  bool neox_rope = false;
  float rope_base = 10'000;
  RopeScaling rope_scaling = RopeScaling::kNone;
  float rope_factor = 1;
  int64_t rope_original_context = 0;
  float yarn_ext_factor = -1, yarn_attn_factor = 1, yarn_beta_fast = 32, yarn_beta_slow = 1;
};

struct LoadOptions {
  const kernels::KernelTable* kernels = nullptr;  // required
  ThreadTeam* team = nullptr;                     // required; also used by every forward()
  int64_t max_batch_tokens = 512;                 // the largest piece that a forward pass takes at once
  LoadProgress progress;
};

// The keys and values of one sequence, owned by the caller, of one Decoder.
class Sequence {
 public:
  virtual ~Sequence() = default;
  [[nodiscard]] virtual int64_t n_tokens() const = 0;   // held now
  [[nodiscard]] virtual int64_t capacity() const = 0;   // at most
  [[nodiscard]] virtual size_t memory_bytes() const = 0;
  // Forgets the tokens from `n_tokens` on.
  virtual void truncate(int64_t n_tokens) = 0;
};

// Not thread-safe: one forward pass at a time (the team has one caller).
class Decoder {
 public:
  // kUnsupported names the architecture or the tensor and its type; kMalformed a shape that
  // contradicts the metadata. The file must outlive the Decoder (an untied model's embeddings stay there).
  static Result<std::unique_ptr<Decoder>> load(const gguf::File& file, const LoadOptions& options);
  virtual ~Decoder() = default;

  [[nodiscard]] virtual const DecoderConfig& config() const = 0;
  [[nodiscard]] virtual size_t weight_bytes() const = 0;   // packed
  [[nodiscard]] virtual size_t scratch_bytes() const = 0;
  // Bytes that one decoding step must read of the weights: the bound of its speed.
  [[nodiscard]] virtual size_t decode_read_bytes() const = 0;
  // Multiply-accumulates of one prefill token in weight matrices (without output and attention).
  [[nodiscard]] virtual int64_t macs_per_token() const = 0;

  // Room for `capacity` tokens; kLimit when the system has not the memory.
  [[nodiscard]] virtual Result<std::unique_ptr<Sequence>> new_sequence(int64_t capacity) const = 0;

  // Appends `tokens` to the sequence and writes logits: one row [n_vocab] for the last token when
  // logits has n_vocab floats, one a token when it has tokens.size() * n_vocab, none when empty.
  // Long inputs are cut into pieces of max_batch_tokens. After an error the sequence holds what it
  // held before. Allocates nothing.
  [[nodiscard]] virtual Status forward(Sequence& sequence, std::span<const TokenId> tokens,
                                       std::span<float> logits) = 0;
};

}  // namespace docmind::model

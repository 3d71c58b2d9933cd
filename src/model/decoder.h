// Decoder: a causal language model (qwen3, qwen2, llama) whose weights are packed for this CPU.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/thread_team.h"
#include "gguf/file.h"
#include "kernels/kernels.h"
#include "kv/layout.h"
#include "kv/sequence.h"

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

// What the matrices of a file in floats (F32, F16, BF16) become when they are packed: Q8_0, or Q4_0 with output, keys
// and values in Q8_0. Matrices in other types, rows that are no whole blocks, tables that are only looked up and a
// reranker's classifier stay as they are.
enum class QuantizeOnLoad { kNone, kInt8, kInt4 };

// Is told, in passes that run on a model loaded with it, what each matrix is multiplied with. Borrowed; called on the
// thread of the pass, before the products.
class ActivationObserver {
 public:
  virtual ~ActivationObserver() = default;
  // rows [n_rows, cols] with a stride in floats; `tensor` is the matrix' name in the file. Beyond keys and values of a
  // decoder's last layer only those rows are computed, and seen, whose logits are wanted.
  virtual void see(std::string_view tensor, const float* rows, int64_t stride, int64_t n_rows, int64_t cols) = 0;
};

struct LoadOptions {
  const kernels::KernelTable* kernels = nullptr;  // required
  ThreadTeam* team = nullptr;                     // required; also used by every pass
  int64_t max_batch_tokens = 512;                 // the largest piece that a forward pass takes at once
  // Scales queries and keys against each other by powers of two (exact), so that stored keys are of size one;
  // only where a model normalises both (qwen3). Off for comparisons.
  bool fold_key_scales = true;
  LoadProgress progress;
  QuantizeOnLoad quantize = QuantizeOnLoad::kNone;
  ActivationObserver* observer = nullptr;
};

// The part of a forward pass that one sequence has.
struct BatchItem {
  kv::Sequence* sequence = nullptr;
  std::span<const TokenId> tokens;  // they follow sequence->tokens(); one in a decode pass
  std::span<float> logits;          // none, n_vocab floats for the last token, or tokens.size() * n_vocab
};

// kPrefill: any number of tokens of each sequence. kDecode: one token each, keys and values are read in
// place. Either way a sequence's result does not depend, to the last bit, on what else is in the pass nor
// on how its prompt was cut into passes; but the two kinds round differently.
enum class PassKind { kPrefill, kDecode };

// A forward pass that can pause between layers, so that a long one does not hold up others: while one
// is open, others of the same Decoder may run over other sequences. Made by a Decoder, for one thread.
class ForwardPass {
 public:
  virtual ~ForwardPass() = default;  // an open pass is forgotten; its sequences are not touched
  [[nodiscard]] virtual int64_t max_tokens() const = 0;
  // Opens a pass over sequences that differ from each other and reserves their room: kLimit when there is
  // none; then, and for wrong arguments (kInvalidArgument), nothing is open. What the items refer to
  // must stay until the pass is done or abandoned; the items themselves are copied.
  [[nodiscard]] virtual Status start(std::span<const BatchItem> items, PassKind kind) = 0;
  // Computes up to `n_layers` more layers, the logits with the last; true when the pass is done and
  // its tokens are committed. Allocates nothing.
  virtual bool advance(int64_t n_layers) = 0;
  [[nodiscard]] virtual int64_t n_layers_left() const = 0;  // 0: none is open
  // Forgets an open pass; its sequences hold what they held before, and give back what was reserved.
  virtual void abandon() = 0;
};

// Not thread-safe: one forward pass at a time (the team has one caller).
class Decoder {
 public:
  // kUnsupported names the architecture or the tensor and its type; kMalformed a shape that contradicts the metadata,
  // or a matrix that cannot be quantized since it has numbers that are not finite. The file must outlive the Decoder
  // (an untied model's embeddings stay there).
  static Result<std::unique_ptr<Decoder>> load(const gguf::File& file, const LoadOptions& options);
  virtual ~Decoder() = default;

  [[nodiscard]] virtual const DecoderConfig& config() const = 0;
  [[nodiscard]] virtual size_t weight_bytes() const = 0;   // packed
  [[nodiscard]] virtual size_t scratch_bytes() const = 0;
  // Bytes that one decoding step must read of the weights: the bound of its speed.
  [[nodiscard]] virtual size_t decode_read_bytes() const = 0;
  // Multiply-accumulates of one prefill token in weight matrices (without output and attention).
  [[nodiscard]] virtual int64_t macs_per_token() const = 0;

  // What its sequences are made of: kv::Cache::create.
  [[nodiscard]] virtual kv::Geometry kv_geometry() const = 0;

  // For passes of up to `max_tokens` tokens, 1 to max_batch_tokens (otherwise kInvalidArgument); kLimit when the
  // system has not the memory. The Decoder must outlive it.
  [[nodiscard]] virtual Result<std::unique_ptr<ForwardPass>> new_pass(int64_t max_tokens) = 0;

  // A whole pass over one sequence: a decode pass for a single token, otherwise prefill in pieces of
  // max_batch_tokens. After an error the sequence holds what it held before; less where, in sealed formats, the
  // budget ends in the middle of a prompt (Sequence::truncate).
  [[nodiscard]] virtual Status forward(kv::Sequence& sequence, std::span<const TokenId> tokens,
                                       std::span<float> logits) = 0;
};

}  // namespace docmind::model

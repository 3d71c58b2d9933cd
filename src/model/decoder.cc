// Decoder: loads a causal language model and checks what a forward pass is asked for.
// SPDX-License-Identifier: Apache-2.0
#include "model/decoder.h"

#include <algorithm>

#include <fmt/format.h>

#include "model/decoder_pass.h"
#include "model/decoder_weights.h"
#include "model/kv_sequence.h"
#include "model/load_check.h"

namespace docmind::model {
namespace {

class PackedDecoder final : public Decoder {
 public:
  explicit PackedDecoder(int64_t max_batch_tokens) : max_batch_tokens_(max_batch_tokens) {}

  Status open(const gguf::File& file, const LoadOptions& options) {
    DM_TRY(weights_.load(file, *options.team, options.progress));
    pass_ = std::make_unique<DecoderPass>(weights_, *options.kernels, *options.team, max_batch_tokens_);
    DM_TRY(pass_->allocate());
    weights_.for_each_layer_matrix([&](const Linear& linear) {
      macs_per_token_ += linear.weight.rows * linear.weight.cols;
      decode_read_bytes_ += kernels::packed_bytes(linear.weight.type, linear.weight.rows, linear.weight.cols);
    });
    const kernels::PackedMatrix& output = weights_.output.weight;
    decode_read_bytes_ += kernels::packed_bytes(output.type, output.rows, output.cols);
    return {};
  }

  [[nodiscard]] const DecoderConfig& config() const override { return weights_.config; }
  [[nodiscard]] size_t weight_bytes() const override { return weights_.memory.size(); }
  [[nodiscard]] size_t scratch_bytes() const override { return pass_->scratch_bytes(); }
  [[nodiscard]] size_t decode_read_bytes() const override { return decode_read_bytes_; }
  [[nodiscard]] int64_t macs_per_token() const override { return macs_per_token_; }

  [[nodiscard]] Result<std::unique_ptr<Sequence>> new_sequence(int64_t capacity) const override {
    DM_ASSIGN(std::unique_ptr<Sequence> sequence, KvSequence::create(pass_->kv_layout(), capacity));
    return sequence;
  }

  [[nodiscard]] Status forward(Sequence& sequence, std::span<const TokenId> tokens, std::span<float> logits) override {
    auto* kv = dynamic_cast<KvSequence*>(&sequence);
    if (kv == nullptr || kv->layout() != pass_->kv_layout()) {
      return Error{ErrorCode::kInvalidArgument, "the sequence was made by another model"};
    }
    DM_TRY(check(*kv, tokens, logits));
    const auto n = static_cast<int64_t>(tokens.size());
    const int64_t n_logit_rows = static_cast<int64_t>(logits.size()) / config().n_vocab;
    const int64_t first_logit = n - n_logit_rows;
    const int64_t start = kv->n_tokens();
    float* to = logits.data();
    for (int64_t begin = 0; begin < n; begin += max_batch_tokens_) {
      const int64_t end = std::min(begin + max_batch_tokens_, n);
      const int64_t n_rows = end - std::clamp(first_logit, begin, end);
      const auto piece = tokens.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
      pass_->run(*kv, piece, start + begin, n_rows, to);
      to += n_rows * config().n_vocab;
    }
    kv->commit(start + n);
    return {};
  }

 private:
  Status check(const KvSequence& sequence, std::span<const TokenId> tokens, std::span<float> logits) const {
    DM_TRY(check_tokens(tokens, config().n_vocab));
    const auto n = static_cast<int64_t>(tokens.size());
    if (n > sequence.capacity() - sequence.n_tokens()) {
      return Error{ErrorCode::kLimit, fmt::format("{} tokens do not fit a sequence that holds {} of {}", n,
                                                  sequence.n_tokens(), sequence.capacity())};
    }
    const size_t n_vocab = static_cast<size_t>(config().n_vocab);
    const bool fits = logits.empty() || logits.size() == tokens.size() * n_vocab ||
                      (n > 0 && logits.size() == n_vocab);
    if (fits) return {};
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} logits were asked for {} tokens of a vocabulary of {}; none, one row or a row a "
                             "token are possible", logits.size(), n, n_vocab)};
  }

  int64_t max_batch_tokens_;
  DecoderWeights weights_;
  std::unique_ptr<DecoderPass> pass_;
  size_t decode_read_bytes_ = 0;
  int64_t macs_per_token_ = 0;
};

}  // namespace

Result<std::unique_ptr<Decoder>> Decoder::load(const gguf::File& file, const LoadOptions& options) {
  DM_TRY(check_options(options));
  auto decoder = std::make_unique<PackedDecoder>(options.max_batch_tokens);
  DM_TRY(decoder->open(file, options));
  return std::unique_ptr<Decoder>(std::move(decoder));
}

}  // namespace docmind::model

// Decoder: loads a causal language model and runs whole passes over one sequence.
// SPDX-License-Identifier: Apache-2.0
#include "model/decoder.h"

#include <algorithm>

#include <fmt/format.h>

#include "model/decoder_pass.h"
#include "model/decoder_weights.h"
#include "model/load_check.h"

namespace docmind::model {
namespace {

class PackedDecoder final : public Decoder {
 public:
  Status open(const gguf::File& file, const LoadOptions& options) {
    DM_TRY(weights_.load(file, options));
    layers_ = std::make_unique<DecoderLayers>(weights_, *options.kernels, *options.team, options.max_batch_tokens);
    DM_TRY(layers_->allocate());
    pass_ = std::make_unique<DecoderPass>(*layers_);
    DM_TRY(pass_->allocate(options.max_batch_tokens));
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
  [[nodiscard]] size_t scratch_bytes() const override { return layers_->scratch_bytes() + pass_->scratch_bytes(); }
  [[nodiscard]] size_t decode_read_bytes() const override { return decode_read_bytes_; }
  [[nodiscard]] int64_t macs_per_token() const override { return macs_per_token_; }
  [[nodiscard]] kv::Geometry kv_geometry() const override { return model::kv_geometry(weights_.config); }

  [[nodiscard]] Result<std::unique_ptr<ForwardPass>> new_pass(int64_t max_tokens) override {
    if (max_tokens < 1 || max_tokens > layers_->max_rows()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("a pass takes 1 to {} tokens, not {}", layers_->max_rows(), max_tokens)};
    }
    auto pass = std::make_unique<DecoderPass>(*layers_);
    DM_TRY(pass->allocate(max_tokens));
    return std::unique_ptr<ForwardPass>(std::move(pass));
  }

  [[nodiscard]] Status forward(kv::Sequence& sequence, std::span<const TokenId> tokens,
                               std::span<float> logits) override {
    const auto n = static_cast<int64_t>(tokens.size());
    DM_TRY(check_tokens(tokens, config().n_vocab));
    DM_TRY(check_logits(logits.size(), tokens.size(), config().n_vocab));
    DM_TRY(check_room(sequence, n));
    const int64_t start = sequence.n_tokens();
    for (int64_t begin = 0; begin < n; begin += layers_->max_rows()) {
      const int64_t end = std::min(begin + layers_->max_rows(), n);
      const BatchItem item{.sequence = &sequence,
                           .tokens = tokens.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)),
                           .logits = logits_of(logits, n, begin, end)};
      Status started = pass_->start({&item, 1}, n == 1 ? PassKind::kDecode : PassKind::kPrefill);
      if (!started.ok()) return back_to(sequence, start, std::move(started).error());
      pass_->advance(config().n_layers);
    }
    return {};
  }

 private:
  static Status check_room(const kv::Sequence& sequence, int64_t n) {
    if (n <= sequence.capacity() - sequence.n_tokens()) return {};
    return Error{ErrorCode::kLimit, fmt::format("{} tokens do not fit a sequence that holds {} of {}", n,
                                                sequence.n_tokens(), sequence.capacity())};
  }

  // The part of the logits that tokens [begin, end) of `n` give.
  [[nodiscard]] std::span<float> logits_of(std::span<float> logits, int64_t n, int64_t begin, int64_t end) const {
    const int64_t n_vocab = config().n_vocab;
    const int64_t first = n - static_cast<int64_t>(logits.size()) / n_vocab;  // the first token that has some
    const int64_t from = std::max(begin, first);
    if (from >= end) return {};
    return logits.subspan(static_cast<size_t>((from - first) * n_vocab), static_cast<size_t>((end - from) * n_vocab));
  }

  // Without the pieces that were done before one failed.
  static Error back_to(kv::Sequence& sequence, int64_t n_tokens, Error error) {
    const int64_t n_left = sequence.truncate(n_tokens);
    if (n_left == n_tokens) return error;
    return std::move(error).with_context(fmt::format("the sequence went back from {} to {} tokens", n_tokens, n_left));
  }

  DecoderWeights weights_;
  std::unique_ptr<DecoderLayers> layers_;
  std::unique_ptr<DecoderPass> pass_;  // of forward()
  size_t decode_read_bytes_ = 0;
  int64_t macs_per_token_ = 0;
};

}  // namespace

Result<std::unique_ptr<Decoder>> Decoder::load(const gguf::File& file, const LoadOptions& options) {
  DM_TRY(check_options(options));
  auto decoder = std::make_unique<PackedDecoder>();
  DM_TRY(decoder->open(file, options));
  return std::unique_ptr<Decoder>(std::move(decoder));
}

}  // namespace docmind::model

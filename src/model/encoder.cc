// Encoder: loads a bidirectional model, checks what is asked for and cuts it into batches.
// SPDX-License-Identifier: Apache-2.0
#include "model/encoder.h"

#include <algorithm>

#include <fmt/format.h>

#include "model/encoder_batch.h"
#include "model/encoder_pass.h"
#include "model/encoder_scratch.h"
#include "model/encoder_weights.h"
#include "model/load_check.h"
#include "model/pooling.h"

namespace docmind::model {
namespace {

class PackedEncoder final : public Encoder {
 public:
  explicit PackedEncoder(const LoadOptions& options) : kernels_(*options.kernels), team_(*options.team) {}

  Status open(const gguf::File& file, const LoadOptions& options) {
    DM_TRY(weights_.load(file, options));
    weights_.for_each_layer_matrix(
        [&](const Linear& linear) { macs_per_token_ += linear.weight.rows * linear.weight.cols; });
    return make_room(options.max_batch_tokens);
  }

  [[nodiscard]] const EncoderConfig& config() const override { return weights_.config; }
  [[nodiscard]] size_t weight_bytes() const override { return weights_.memory.size(); }
  [[nodiscard]] size_t scratch_bytes() const override { return pass_->scratch_bytes(); }
  [[nodiscard]] int64_t macs_per_token() const override { return macs_per_token_; }

  [[nodiscard]] Status embed(Sequences sequences, bool unit_length, std::span<float> out) override {
    const auto n = static_cast<size_t>(config().n_embd);
    DM_TRY(check_pooling());
    DM_TRY(check(sequences, out.size(), n));
    DM_TRY(fit_longest(sequences));
    float* to = out.data();
    while (!sequences.empty()) {
      const int64_t n_done = batch_->fill(sequences);
      embed_batch(to);
      for (int64_t i = 0; i < n_done; ++i, to += n) {
        if (unit_length) normalise(to, config().n_embd);
      }
      sequences = sequences.subspan(static_cast<size_t>(n_done));
    }
    return {};
  }

  [[nodiscard]] Status rank(Sequences sequences, std::span<float> out) override {
    if (!config().has_classifier) {
      return Error{ErrorCode::kUnsupported, "the model has no classifier of one score (the tensor 'cls.output.weight' "
                                            "with one row), so it cannot rerank"};
    }
    DM_TRY(check(sequences, out.size(), 1));
    DM_TRY(fit_longest(sequences));
    while (!sequences.empty()) {
      const auto n_done = static_cast<size_t>(batch_->fill(sequences));
      (void)pass_->run(*batch_, OutputRows::kFirst);
      pass_->score(static_cast<int64_t>(n_done), out.data());
      out = out.subspan(n_done);
      sequences = sequences.subspan(n_done);
    }
    return {};
  }

 private:
  Status check_pooling() const {
    const Pooling pooling = config().pooling;
    if (pooling == Pooling::kMean || pooling == Pooling::kCls || pooling == Pooling::kLast) return {};
    return Error{ErrorCode::kUnsupported,
                 fmt::format("'{}.pooling_type' is {}, which makes no vector of a text; 1 (mean), 2 (CLS) and 3 (last) "
                             "do", config().architecture, static_cast<int>(pooling))};
  }

  Status check(Sequences sequences, size_t n_out, size_t n_per_sequence) const {
    if (n_out != sequences.size() * n_per_sequence) {
      return Error{ErrorCode::kInvalidArgument, fmt::format("{} sequences give {} numbers, not {}", sequences.size(),
                                                            sequences.size() * n_per_sequence, n_out)};
    }
    for (size_t i = 0; i < sequences.size(); ++i) {
      if (sequences[i].empty()) return Error{ErrorCode::kInvalidArgument, fmt::format("sequence {} is empty", i)};
      if (static_cast<int64_t>(sequences[i].size()) > config().n_context) {
        return Error{ErrorCode::kLimit, fmt::format("sequence {} has {} tokens; the model takes {}", i,
                                                    sequences[i].size(), config().n_context)};
      }
      if (auto status = check_tokens(sequences[i], config().n_vocab); !status.ok()) {
        return Error(status.error()).with_context(fmt::format("sequence {}", i));
      }
    }
    return {};
  }

  Status make_room(int64_t max_tokens) {
    const int64_t max_blocks = encoder_blocks(max_tokens);
    auto pass = std::make_unique<EncoderPass>(weights_, kernels_, team_, max_tokens, max_blocks);
    DM_TRY(pass->allocate());
    pass_ = std::move(pass);
    batch_ = std::make_unique<EncoderBatch>(max_tokens, max_blocks, Executor::kQueryTile);
    return {};
  }

  Status fit_longest(Sequences sequences) {
    size_t longest = 0;
    for (const auto sequence : sequences) longest = std::max(longest, sequence.size());
    if (static_cast<int64_t>(longest) <= batch_->max_tokens()) return {};
    return make_room(static_cast<int64_t>(longest));
  }

  void embed_batch(float* to) {
    const int64_t n = config().n_embd;
    if (config().pooling == Pooling::kMean) {
      const float* rows = pass_->run(*batch_, OutputRows::kAll);
      for (const EncoderBatch::Part& part : batch_->parts()) {
        mean_of_rows(rows + part.first_row * n, part.n(), n, to);
        to += n;
      }
      return;
    }
    const float* rows = pass_->run(*batch_, config().pooling == Pooling::kCls ? OutputRows::kFirst : OutputRows::kLast);
    std::copy_n(rows, batch_->parts().size() * static_cast<size_t>(n), to);
  }

  const kernels::KernelTable& kernels_;
  ThreadTeam& team_;
  EncoderWeights weights_;
  std::unique_ptr<EncoderPass> pass_;
  std::unique_ptr<EncoderBatch> batch_;
  int64_t macs_per_token_ = 0;
};

}  // namespace

Result<std::unique_ptr<Encoder>> Encoder::load(const gguf::File& file, const LoadOptions& options) {
  DM_TRY(check_options(options));
  auto encoder = std::make_unique<PackedEncoder>(options);
  DM_TRY(encoder->open(file, options));
  return std::unique_ptr<Encoder>(std::move(encoder));
}

}  // namespace docmind::model

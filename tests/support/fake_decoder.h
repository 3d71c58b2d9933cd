// FakeDecoder: logits that are a hash of all that the sequence holds; for tests of the scheduler.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "model/decoder.h"
#include "tokenizer/tokenizer.h"

namespace docmind::test {

struct FakeModel {
  int64_t n_layers = 2;
  // Time that a layer takes, for one pass and for each of its tokens; given to `spend`.
  double layer_ms = 0;
  double token_layer_ms = 0;
  std::function<void(double ms)> spend = [](double) {};
  std::optional<model::TokenId> nan_after = {};      // logits are NaN once this token was fed
  std::optional<model::TokenId> refused_token = {};  // a pass with it does not start
};

// 64 tokens: prompts are of the first 32, generated are the others, of which the last is the end mark (about
// one in 64). Each layer stores a hash of everything before it where keys and values belong and reads it from there,
// so a wrong block gives another text; and the two kinds of passes store different hashes, as real ones round
// differently. Only for the format f16.
class FakeDecoder final : public model::Decoder {
 public:
  static constexpr model::TokenId kNPromptTokens = 32, kNTokens = 64, kEnd = 63;

  explicit FakeDecoder(FakeModel model = {});
  [[nodiscard]] const model::DecoderConfig& config() const override { return config_; }
  [[nodiscard]] size_t weight_bytes() const override { return 0; }
  [[nodiscard]] size_t scratch_bytes() const override { return 0; }
  [[nodiscard]] size_t decode_read_bytes() const override { return 0; }
  [[nodiscard]] int64_t macs_per_token() const override { return 1; }
  [[nodiscard]] kv::Geometry kv_geometry() const override {
    return {.n_layers = model.n_layers, .n_kv_heads = 1, .head_dim = 16};
  }
  [[nodiscard]] Result<std::unique_ptr<model::ForwardPass>> new_pass(int64_t max_tokens) override;
  [[nodiscard]] Status forward(kv::Sequence& sequence, std::span<const model::TokenId> tokens,
                               std::span<float> logits) override;

  FakeModel model;
  int64_t n_limits = 0;         // so many passes do not start for lack of room
  int64_t n_rows_computed = 0;  // tokens of all finished passes

 private:
  model::DecoderConfig config_;
};

// One printable character a token.
std::unique_ptr<tokenizer::Tokenizer> fake_tokenizer();

}  // namespace docmind::test

// FakeDecoder: logits that are a hash of all that the sequence holds; for tests of the scheduler.
// SPDX-License-Identifier: Apache-2.0
#include "support/fake_decoder.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

namespace docmind::test {
namespace {

using model::BatchItem;
using model::PassKind;
using model::TokenId;

uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t x = a + 0x9e3779b97f4a7c15u * (b + 1);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// What is stored of a token in a layer: in its keys, and in its values again.
uint64_t load(const kernels::KvView& view, int64_t head_dim, int64_t token) {
  const std::byte* block = view.blocks[token / kernels::kKvBlockTokens];
  if (block == nullptr) return 0;
  const auto at = static_cast<size_t>((token % kernels::kKvBlockTokens) * head_dim) * sizeof(kernels::Half);
  uint64_t keys = 0, values = 0;
  std::memcpy(&keys, block + view.k_offset + at, sizeof keys);
  std::memcpy(&values, block + view.v_offset + at, sizeof values);
  return keys == ~values ? keys : 0;
}

class FakePass final : public model::ForwardPass {
 public:
  FakePass(FakeDecoder& decoder, int64_t max_tokens) : decoder_(decoder), max_tokens_(max_tokens) {}

  [[nodiscard]] int64_t max_tokens() const override { return max_tokens_; }
  [[nodiscard]] int64_t n_layers_left() const override { return n_left_; }
  void abandon() override { n_left_ = 0; }

  Status start(std::span<const BatchItem> items, PassKind kind) override {
    n_left_ = 0;
    n_tokens_ = 0;
    for (const BatchItem& item : items) {
      n_tokens_ += static_cast<int64_t>(item.tokens.size());
      DM_TRY(check(item, kind));
    }
    if (items.empty() || n_tokens_ > max_tokens_) return Error{ErrorCode::kInvalidArgument, "a pass of a wrong size"};
    if (decoder_.n_limits > 0) {
      --decoder_.n_limits;
      return Error{ErrorCode::kLimit, "no room, for once"};
    }
    for (const BatchItem& item : items) DM_TRY(item.sequence->reserve(static_cast<int64_t>(item.tokens.size())));
    items_.assign(items.begin(), items.end());
    kind_ = kind;
    n_left_ = decoder_.model.n_layers;
    return {};
  }

  bool advance(int64_t n_layers) override {
    for (; n_layers > 0 && n_left_ > 0; --n_layers) {
      const int64_t layer = decoder_.model.n_layers - n_left_;
      for (BatchItem& item : items_) compute(item, layer);
      decoder_.model.spend(decoder_.model.layer_ms + decoder_.model.token_layer_ms * static_cast<double>(n_tokens_));
      if (--n_left_ == 0) finish();
    }
    return n_left_ == 0;
  }

 private:
  Status check(const BatchItem& item, PassKind kind) const {
    if (kind == PassKind::kDecode && item.tokens.size() != 1) {
      return Error{ErrorCode::kInvalidArgument, "a decode pass takes one token"};
    }
    for (const TokenId token : item.tokens) {
      if (token < 0 || token >= FakeDecoder::kNTokens || token == decoder_.model.refused_token) {
        return Error{ErrorCode::kInvalidArgument, "token " + std::to_string(token) + " is refused"};
      }
    }
    return {};
  }

  void compute(BatchItem& item, int64_t layer) const {
    const int64_t start = item.sequence->n_tokens();
    const int64_t head_dim = decoder_.kv_geometry().head_dim;
    const kernels::KvView view = item.sequence->view(layer);
    uint64_t all = static_cast<uint64_t>(layer) + 1;
    for (int64_t i = 0; i < start; ++i) all = mix(all, load(view, head_dim, i));
    for (size_t i = 0; i < item.tokens.size(); ++i) {
      const int64_t position = start + static_cast<int64_t>(i);
      const uint64_t state = mix(mix(all, static_cast<uint64_t>(item.tokens[i])), static_cast<uint64_t>(kind_));
      const uint64_t inverse = ~state;
      std::memcpy(item.sequence->keys(layer, 0, position), &state, sizeof state);
      std::memcpy(item.sequence->values(layer, 0, position), &inverse, sizeof inverse);
      all = mix(all, state);
    }
    const bool last = layer + 1 == decoder_.model.n_layers;
    if (last && !item.logits.empty()) fill_logits(item, all);
  }

  void fill_logits(BatchItem& item, uint64_t state) const {
    const auto poisoned = [&](std::span<const TokenId> tokens) {
      return decoder_.model.nan_after && std::ranges::count(tokens, *decoder_.model.nan_after) > 0;
    };
    const bool is_nan = poisoned(item.sequence->tokens()) || poisoned(item.tokens);
    for (size_t token = 0; token < item.logits.size(); ++token) {
      const bool generated = token >= static_cast<size_t>(FakeDecoder::kNPromptTokens);
      const float value = static_cast<float>(mix(state, token) >> 40) * 0x1p-22f;
      item.logits[token] = is_nan ? std::numeric_limits<float>::quiet_NaN() : generated ? value : -100;
    }
  }

  void finish() {
    for (BatchItem& item : items_) item.sequence->commit(item.tokens);
    decoder_.n_rows_computed += n_tokens_;
  }

  FakeDecoder& decoder_;
  const int64_t max_tokens_;
  std::vector<BatchItem> items_;
  PassKind kind_ = PassKind::kPrefill;
  int64_t n_left_ = 0;
  int64_t n_tokens_ = 0;
};

class FakeTokenizer final : public tokenizer::Tokenizer {
 public:
  explicit FakeTokenizer(tokenizer::Vocabulary vocabulary) : Tokenizer(std::move(vocabulary)) {}
  [[nodiscard]] std::vector<TokenId> encode(std::string_view text, const tokenizer::EncodeOptions&) const override {
    std::vector<TokenId> tokens;
    for (const char c : text) tokens.push_back(static_cast<TokenId>(c - '0') % FakeDecoder::kNTokens);
    return tokens;
  }
  [[nodiscard]] std::string piece(TokenId token, bool) const override {
    return {static_cast<char>('0' + token)};
  }
};

}  // namespace

FakeDecoder::FakeDecoder(FakeModel its_model) : model(std::move(its_model)) {
  config_.architecture = "fake";
  config_.n_layers = model.n_layers;
  config_.n_vocab = kNTokens;
  config_.n_context = 1'024;
}

Result<std::unique_ptr<model::ForwardPass>> FakeDecoder::new_pass(int64_t max_tokens) {
  return std::unique_ptr<model::ForwardPass>(std::make_unique<FakePass>(*this, max_tokens));
}

Status FakeDecoder::forward(kv::Sequence& sequence, std::span<const TokenId> tokens, std::span<float> logits) {
  FakePass pass(*this, static_cast<int64_t>(tokens.size()));
  const BatchItem item{.sequence = &sequence, .tokens = tokens, .logits = logits};
  DM_TRY(pass.start({&item, 1}, tokens.size() == 1 ? PassKind::kDecode : PassKind::kPrefill));
  pass.advance(model.n_layers);
  return {};
}

std::unique_ptr<tokenizer::Tokenizer> fake_tokenizer() {
  tokenizer::Vocabulary vocabulary;
  for (TokenId token = 0; token < FakeDecoder::kNTokens; ++token) {
    vocabulary.tokens.emplace_back(1, static_cast<char>('0' + token));
  }
  vocabulary.eos = FakeDecoder::kEnd;
  return std::make_unique<FakeTokenizer>(std::move(vocabulary));
}

}  // namespace docmind::test

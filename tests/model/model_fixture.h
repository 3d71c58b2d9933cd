// LoadedModel: a random model on disk, opened and loaded for a test.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/thread_team.h"
#include "gguf/file.h"
#include "kernels/kernels.h"
#include "kv/cache.h"
#include "model/decoder.h"
#include "model/encoder.h"
#include "support/model_writer.h"
#include "support/temp_folder.h"

namespace docmind::test {

using model::TokenId;

// How a model is loaded.
struct LoadSetup {
  int64_t max_batch_tokens = 64;
  size_t n_threads = 2;
  std::string isa = "auto";
  bool fold_key_scales = true;
  model::QuantizeOnLoad quantize = model::QuantizeOnLoad::kNone;
  model::ActivationObserver* observer = nullptr;
};

// A value or a failed test.
template <typename T>
T require(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}
inline void require(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.error().message);
}

inline gguf::File open_random_model(const ModelSpec& spec, const TempFolder& folder) {
  return require(gguf::File::open(require(write_model(spec, folder.path("model.gguf")))));
}

// Net is model::Decoder or model::Encoder.
template <typename Net>
class LoadedModel {
 public:
  explicit LoadedModel(const ModelSpec& spec, const LoadSetup& setup = {})
    : LoadedModel(std::make_unique<TempFolder>(), spec, setup) {}
  LoadedModel(gguf::File file, const LoadSetup& setup) : file_(std::move(file)), team_(setup.n_threads) {
    const model::LoadOptions options{.kernels = require(kernels::kernel_table_named(setup.isa)),
                                     .team = &team_,
                                     .max_batch_tokens = setup.max_batch_tokens,
                                     .fold_key_scales = setup.fold_key_scales,
                                     .progress = {},
                                     .quantize = setup.quantize,
                                     .observer = setup.observer};
    net_ = require(Net::load(file_, options));
  }

  Net& operator*() { return *net_; }
  Net* operator->() { return net_.get(); }
  [[nodiscard]] const gguf::File& file() const { return file_; }

 private:
  LoadedModel(std::unique_ptr<TempFolder> folder, const ModelSpec& spec, const LoadSetup& setup)
    : LoadedModel(open_random_model(spec, *folder), setup) {
    folder_ = std::move(folder);
  }

  std::unique_ptr<TempFolder> folder_;
  gguf::File file_;
  ThreadTeam team_;
  std::unique_ptr<Net> net_;
};

using LoadedDecoder = LoadedModel<model::Decoder>;
using LoadedEncoder = LoadedModel<model::Encoder>;

// Small, but with several KV heads and blocks.
ModelSpec small_spec(Architecture architecture, kernels::TensorType type);

constexpr double kExactDivergence = 1e-7;  // float rounding

// `n` token ids below `n_vocab`, the same for the same seed.
std::vector<TokenId> random_tokens(int64_t n, int64_t n_vocab, uint64_t seed = 1);

// A cache for sequences of the decoder, with room for what tests need.
std::unique_ptr<kv::Cache> new_cache(const model::Decoder& decoder, const kv::FormatOptions& format = {},
                                     size_t budget_bytes = size_t{256} << 20);

// A sequence and the cache that it alone uses.
class OwnSequence {
 public:
  OwnSequence(const model::Decoder& decoder, int64_t capacity, const kv::FormatOptions& format = {})
    : cache_(new_cache(decoder, format)), sequence_(require(cache_->new_sequence(capacity))) {}

  kv::Sequence& operator*() const { return *sequence_; }
  kv::Sequence* operator->() const { return sequence_.get(); }

 private:
  std::unique_ptr<kv::Cache> cache_;  // outlives its sequence
  std::unique_ptr<kv::Sequence> sequence_;
};

// The logits of every token, [tokens.size(), n_vocab], from a new sequence.
std::vector<float> all_logits(model::Decoder& decoder, std::span<const TokenId> tokens);

// The KL divergence of softmax(got) from softmax(expected), the largest of all rows of n_vocab.
double worst_divergence(std::span<const double> expected, std::span<const float> got, int64_t n_vocab);
std::vector<double> as_doubles(std::span<const float> values);
double cosine(std::span<const double> a, std::span<const float> b);

}  // namespace docmind::test

// What KV formats cost a trained model: the gates of each format, and the plain block scheme at equal bytes.
// SPDX-License-Identifier: Apache-2.0
#include "engine/kv_quality.h"

#include <filesystem>
#include <map>

#include <gtest/gtest.h>

#include "../../bench/plain_kv.h"
#include "base/thread_team.h"
#include "engine/sampler.h"
#include "gguf/file.h"

namespace docmind::engine {
namespace {

namespace fs = std::filesystem;

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

const fs::path kStories = fs::path(DOCMIND_SOURCE_DIR) / "../shared/data/models/stories260K.gguf";

// Made once: the measurement of a text of the model's own writing with all variants.
class KvQualityOfStories : public testing::Test {
 protected:
  static constexpr int64_t kTokens = 1'024;

  static void SetUpTestSuite() {
    if (!fs::exists(kStories)) return;
    const gguf::File file = must(gguf::File::open(kStories.string()));
    const kernels::KernelTable* table = must(kernels::kernel_table_named("auto"));
    ThreadTeam team(2);
    const auto decoder = must(model::Decoder::load(file, {.kernels = table, .team = &team, .progress = {}}));
    const std::vector<model::TokenId> text = write(*decoder, *table);
    std::vector<KvVariant> variants;
    for (const kv::Format format : {kv::Format::kInt8, kv::Format::kK8V4, kv::Format::kInt4, kv::Format::kMixed}) {
      variants.push_back({.name = std::string(kv::format_name(format)), .format = {.format = format}});
    }
    variants.push_back({.name = "plain 8", .format = {}, .after_piece = bench::plain_kv(8, 128)});
    variants.push_back({.name = "plain 4", .format = {}, .after_piece = bench::plain_kv(4, 128)});
    for (KvQuality& one : must(measure_kv_quality(*decoder, *table, text, variants, {}))) results[one.name] = one;
  }
  static void TearDownTestSuite() { results.clear(); }
  void SetUp() override {
    if (results.empty()) GTEST_SKIP() << "stories260K.gguf is not there";
  }

  static std::vector<model::TokenId> write(model::Decoder& decoder, const kernels::KernelTable& table) {
    const auto cache = must(kv::Cache::create(decoder.kv_geometry(), {.format = {}, .budget_bytes = size_t{64} << 20, .identity = {}}, table));
    const auto sequence = must(cache->new_sequence(kTokens));
    SamplingOptions options;
    options.temperature = 1;
    options.seed = 1;
    std::vector<float> logits(static_cast<size_t>(decoder.config().n_vocab));
    Sampler sampler(options, logits.size());
    std::vector<model::TokenId> text = {1};
    while (static_cast<int64_t>(text.size()) < kTokens) {
      const Status status = decoder.forward(*sequence, std::span(text).last(1), logits);
      if (!status.ok()) throw std::runtime_error(status.error().message);
      text.push_back(must(sampler.sample(logits)));
    }
    return text;
  }

  static inline std::map<std::string, KvQuality> results;
};

TEST_F(KvQualityOfStories, EveryFormatPassesItsGate) {
  EXPECT_LE(results["int8"].mean_kl, 0.003);
  EXPECT_GE(results["int8"].same_top, 0.985);
  EXPECT_LE(results["int4"].mean_kl, 0.02);
  EXPECT_GE(results["int4"].same_top, 0.96);
  EXPECT_LE(results["mixed"].mean_kl, 0.05);
  EXPECT_GE(results["mixed"].same_top, 0.94);
  for (const auto& [name, one] : results) EXPECT_EQ(one.n_tokens, kTokens - 1) << name;
}

TEST_F(KvQualityOfStories, FewerBitsCostMore) {
  EXPECT_LT(results["int8"].mean_kl, results["k8v4"].mean_kl);
  EXPECT_LT(results["k8v4"].mean_kl, results["int4"].mean_kl);
  EXPECT_LT(results["int4"].mean_kl, results["mixed"].mean_kl);
  EXPECT_GT(results["int8"].mean_kl, 0);
  EXPECT_NEAR(results["int8"].perplexity_ratio(), 1, 0.002);
}

// Both take 8.5 and 4.5 bits a value here, and leave the same tokens exact.
TEST_F(KvQualityOfStories, OursLosesLessThanPlainBlocksOfTheSameSize) {
  EXPECT_LT(results["int8"].mean_kl, 0.7 * results["plain 8"].mean_kl);
  EXPECT_LT(results["int4"].mean_kl, 0.7 * results["plain 4"].mean_kl);
}

}  // namespace
}  // namespace docmind::engine

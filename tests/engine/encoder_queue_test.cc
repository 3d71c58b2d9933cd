// The queues of EmbeddingModel and RerankModel: what is computed together is what is computed alone.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine/embedding_model.h"
#include "engine/engine_test_support.h"
#include "engine/rerank_model.h"
#include "support/model_writer.h"
#include "support/temp_folder.h"

namespace docmind::engine {
namespace {

constexpr size_t kCallers = 8;

test::ModelSpec spec_of(kernels::TensorType type, int pooling, bool classifier = false) {
  return {.architecture = test::Architecture::kBert, .type = type, .n_heads = 4, .n_kv_heads = 4,
          .pooling = pooling, .classifier = classifier};
}

std::string random_text(std::mt19937& random) {
  static const char* const kWords[] = {"pump", "grease", "weeks", "lease", "notice", "coffee", "the", "of"};
  std::string text;
  const size_t n_words = random() % (random() % 4 == 0 ? 120 : 12);
  for (size_t i = 0; i < n_words; ++i) text += std::string(kWords[random() % 8]) + " ";
  return text;
}

// Texts of one caller, a few at a time.
struct Caller {
  std::vector<std::vector<std::string>> calls;

  explicit Caller(unsigned seed) {
    std::mt19937 random(seed);
    for (int i = 0; i < 6; ++i) {
      calls.emplace_back();
      for (size_t n = 1 + random() % 4; n > 0; --n) calls.back().push_back(random_text(random));
    }
  }
};

std::vector<std::string_view> views(const std::vector<std::string>& texts) { return {texts.begin(), texts.end()}; }

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

template <typename Body>
void for_each_caller(Body&& body) {
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kCallers; ++i) {
    threads.emplace_back([&body, i] {
      for (const auto& texts : Caller(static_cast<unsigned>(i)).calls) body(texts, i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

using Case = std::tuple<kernels::TensorType, int>;  // of the matrices; pooling

class EncoderQueues : public testing::TestWithParam<Case> {};

TEST_P(EncoderQueues, VectorsDoNotDependOnWhatIsBesideThem) {
  const test::TempFolder folder;
  const auto [type, pooling] = GetParam();
  const std::string path = must(test::write_model(spec_of(type, pooling), folder.path("e.gguf")));
  const auto alone = must(EmbeddingModel::load(path, {.n_threads = 1}));
  const auto together = must(EmbeddingModel::load(path, {.n_threads = 2}));
  for_each_caller([&](const std::vector<std::string>& texts, size_t caller) {
    const BatchCall call{.priority = caller % 2 == 0 ? BatchPriority::kInteractive : BatchPriority::kBackground};
    std::vector<float> rows(texts.size() * together->dimension());
    must(together->embed(views(texts), rows, {}, call));
    std::vector<float> row(alone->dimension());
    for (size_t i = 0; i < texts.size(); ++i) {
      const std::string_view text = texts[i];
      must(alone->embed({&text, 1}, row, {}));
      EXPECT_TRUE(same_bits(row, std::span(rows).subspan(i * row.size(), row.size()))) << text;
    }
  });
  const BatchStats stats = together->queue().stats();
  EXPECT_EQ(stats.n_requests, kCallers * 6);
  EXPECT_EQ(stats.n_failed + stats.n_cancelled + stats.n_refused, 0U);
  EXPECT_LE(stats.batch_cost.max, ModelParts::kBatchTokens);
}

INSTANTIATE_TEST_SUITE_P(Types, EncoderQueues,
                         testing::Values(Case{kernels::TensorType::kF32, 1}, Case{kernels::TensorType::kF32, 2},
                                         Case{kernels::TensorType::kF16, 2}, Case{kernels::TensorType::kQ8_0, 1},
                                         Case{kernels::TensorType::kQ8_0, 2}, Case{kernels::TensorType::kQ4_K, 2}));

TEST(RerankQueue, ScoresDoNotDependOnWhatIsBesideThem) {
  const test::TempFolder folder;
  for (const auto type : {kernels::TensorType::kF32, kernels::TensorType::kQ8_0}) {
    const std::string path = must(test::write_model(spec_of(type, 4, true), folder.path("r.gguf")));
    const auto alone = must(RerankModel::load(path, {.n_threads = 1}));
    const auto together = must(RerankModel::load(path, {.n_threads = 2}));
    for_each_caller([&](const std::vector<std::string>& texts, size_t) {
      const RerankReport report = must(together->rank("pump grease", views(texts), {}));
      ASSERT_EQ(report.scores.size(), texts.size());
      for (size_t i = 0; i < texts.size(); ++i) {
        const std::string_view text = texts[i];
        const RerankReport one = must(alone->rank("pump grease", {&text, 1}, {}));
        EXPECT_TRUE(same_bits({&one.scores[0].logit, 1}, {&report.scores[i].logit, 1})) << text;
      }
    });
  }
}

class LoadedQueue : public testing::Test {
 protected:
  const test::TempFolder folder_;
  const std::unique_ptr<EmbeddingModel> model_ = must(EmbeddingModel::load(
      must(test::write_model(spec_of(kernels::TensorType::kF32, 2), folder_.path("e.gguf"))), {.n_threads = 1}));
};

TEST_F(LoadedQueue, ALargeCallIsCutIntoBatches) {
  const std::vector<TokenSequence> texts(20, TokenSequence(100, 5));
  std::vector<float> rows(texts.size() * model_->dimension());
  ASSERT_TRUE(model_->embed_tokens(texts, rows, {}).ok());
  EXPECT_EQ(model_->queue().stats().n_batches, 4U) << "five of 100 tokens in 512";
  model_->queue().set_limits({.max_cost = 1'000});
  ASSERT_TRUE(model_->embed_tokens(texts, rows, {}).ok());
  EXPECT_EQ(model_->queue().stats().n_batches, 6U);
}

TEST_F(LoadedQueue, ATextThatTheModelRefusesFailsAlone) {
  const std::vector<TokenSequence> texts = {{5, 6}, {}, {7}};
  auto vectors = model_->queue().run({texts.begin(), texts.end()}, {});
  ASSERT_TRUE(vectors.ok());
  EXPECT_TRUE((*vectors)[0].ok());
  EXPECT_EQ((*vectors)[1].error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE((*vectors)[2].ok());
  std::vector<float> rows(texts.size() * model_->dimension());
  EXPECT_EQ(model_->embed_tokens(texts, rows, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(model_->embed_tokens(texts, {}, {}).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(LoadedQueue, CancelDropsWhatIsNotComputed) {
  const CancelToken cancel;
  cancel.cancel();
  const std::vector<TokenSequence> texts(3, TokenSequence(10, 5));
  std::vector<float> rows(texts.size() * model_->dimension());
  EXPECT_EQ(model_->embed_tokens(texts, rows, cancel).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(model_->queue().stats().n_batches, 0U);
  EXPECT_EQ(model_->queue().stats().n_cancelled, 3U);
}

}  // namespace
}  // namespace docmind::engine

// CachingEmbedder, CachingReranker: the results of the inner model, each computed once, never another's.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/caching_models.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>

#include "base/hash.h"
#include "base/sqlite.h"
#include "index/vector_matrix.h"
#include "pipeline/pipeline_test_support.h"

namespace docmind::pipeline {
namespace {

using cache::Computation;
using cache::ComputationCache;
using providers::EmbedKind;
using Texts = std::vector<std::string_view>;

constexpr size_t kDimension = 48;

// A random unit vector for each text, another one for each name and kind; remembers what it was asked for.
class RandomEmbedder final : public providers::Embedder {
 public:
  explicit RandomEmbedder(std::string identity) : identity_(std::move(identity)) {}
  providers::EmbedderInfo info() const override { return {{"random", identity_}, kDimension, true}; }
  Status embed(std::span<const std::string_view> texts, EmbedKind kind, std::span<float> out,
               const CancelToken& cancel) const override {
    if (cancel.cancelled()) return Error{ErrorCode::kCancelled, "embedding was stopped"};
    for (size_t i = 0; i < texts.size(); ++i) {
      asked.emplace_back(texts[i]);
      std::mt19937_64 random(hash64(identity_ + std::string(texts[i]), kind == EmbedKind::kQuestion));
      std::normal_distribution<float> normal;
      const std::span<float> row = out.subspan(i * kDimension, kDimension);
      float square = 0;
      for (float& value : row) {
        value = normal(random);
        square += value * value;
      }
      for (float& value : row) value /= std::sqrt(square);
    }
    return {};
  }
  int64_t n_tokens() const override { return static_cast<int64_t>(asked.size()); }
  mutable std::vector<std::string> asked;

 private:
  std::string identity_;
};

// A score from question, heading, title and text.
class HashReranker final : public providers::Reranker {
 public:
  explicit HashReranker(std::string identity) : identity_(std::move(identity)) {}
  providers::ProviderInfo info() const override { return {"hash", identity_}; }
  Result<std::vector<double>> rerank(std::string_view question, std::span<const providers::Passage> passages,
                                     const CancelToken& cancel) const override {
    if (cancel.cancelled()) return Error{ErrorCode::kCancelled, "reranking was stopped"};
    std::vector<double> scores;
    for (const providers::Passage& passage : passages) {
      asked.emplace_back(passage.text);
      const std::string all = identity_ + "|" + std::string(question) + "|" + std::string(passage.title) + "|" +
                              std::string(passage.heading) + "|" + std::string(passage.text);
      scores.push_back(static_cast<double>(hash64(all) >> 11) * 0x1p-53);
    }
    return scores;
  }
  mutable std::vector<std::string> asked;

 private:
  std::string identity_;
};

class CachingModelsTest : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    computed.reset();
    computed = must(ComputationCache::open({.disk_path = path}, nullptr));
  }
  // As another process would find it.
  void reopen() {
    must(computed->flush());
    open();
  }
  static std::vector<float> embed(const providers::Embedder& embedder, const Texts& texts, EmbedKind kind) {
    std::vector<float> rows(texts.size() * kDimension);
    must(embedder.embed(texts, kind, rows, {}));
    return rows;
  }
  // What a store keeps of each row.
  static std::vector<std::string> stored(const std::vector<float>& rows) {
    std::vector<std::string> all;
    for (size_t at = 0; at < rows.size(); at += kDimension) {
      all.push_back(index::encode_vector(std::span(rows).subspan(at, kDimension)));
    }
    return all;
  }
  static std::vector<double> rerank(const providers::Reranker& reranker, std::string_view question,
                                    const std::vector<providers::Passage>& passages) {
    return must(reranker.rerank(question, passages, {}));
  }
  // Every value of the cache file becomes `bytes`; memory forgets.
  void damage_values(std::string_view column_value) {
    must(computed->flush());
    computed.reset();
    {
      const Database db = must(Database::open(path, Database::Mode::kReadWrite));
      must(db.exec("UPDATE entries SET value=" + std::string(column_value)));
    }
    open();
  }

  test::TempFolder folder;
  std::string path = folder.path("computed.db");
  std::unique_ptr<ComputationCache> computed;
  RandomEmbedder plain{"model/1"};  // computes what is right
  RandomEmbedder inner{"model/1"};  // asked by the one that remembers
};

TEST_F(CachingModelsTest, QuestionsGetTheVeryVectorsOfTheModel) {
  const CachingEmbedder caching(inner, *computed);
  const Texts texts{"one", "two", "three", ""};
  const std::vector<float> expected = embed(plain, texts, EmbedKind::kQuestion);
  EXPECT_EQ(embed(caching, texts, EmbedKind::kQuestion), expected);
  EXPECT_EQ(embed(caching, texts, EmbedKind::kQuestion), expected);
  EXPECT_EQ(inner.asked.size(), 4U);
  reopen();
  const CachingEmbedder later(inner, *computed);
  EXPECT_EQ(embed(later, texts, EmbedKind::kQuestion), expected);
  EXPECT_EQ(inner.asked.size(), 4U);
  EXPECT_EQ(later.info().provider.identity, "model/1");
  EXPECT_EQ(later.n_tokens(), 4) << "tokens of the model alone";
}

TEST_F(CachingModelsTest, DocumentsGetVectorsThatAStoreKeepsAlike) {
  std::vector<std::string> names;
  for (int i = 0; i < 200; ++i) names.push_back("chunk " + std::to_string(i));
  const Texts texts(names.begin(), names.end());
  const std::vector<std::string> expected = stored(embed(plain, texts, EmbedKind::kDocument));
  const CachingEmbedder caching(inner, *computed);
  EXPECT_EQ(stored(embed(caching, texts, EmbedKind::kDocument)), expected);
  EXPECT_EQ(stored(embed(caching, texts, EmbedKind::kDocument)), expected);
  reopen();
  const CachingEmbedder later(inner, *computed);
  EXPECT_EQ(stored(embed(later, texts, EmbedKind::kDocument)), expected);
  EXPECT_EQ(inner.asked.size(), 200U);
}

TEST_F(CachingModelsTest, OnlyWhatIsMissingIsComputedAndEachRowStandsInItsPlace) {
  const CachingEmbedder caching(inner, *computed);
  embed(caching, {"b", "d"}, EmbedKind::kQuestion);
  inner.asked.clear();
  const Texts texts{"a", "b", "c", "d", "e"};
  EXPECT_EQ(embed(caching, texts, EmbedKind::kQuestion), embed(plain, texts, EmbedKind::kQuestion));
  EXPECT_EQ(inner.asked, (std::vector<std::string>{"a", "c", "e"}));
  inner.asked.clear();
  embed(caching, {}, EmbedKind::kQuestion);
  EXPECT_TRUE(inner.asked.empty());
}

TEST_F(CachingModelsTest, KindsAndModelsShareNothing) {
  const RandomEmbedder other("model/2");
  const CachingEmbedder caching(inner, *computed);
  const CachingEmbedder caching_other(other, *computed);
  embed(caching, {"text"}, EmbedKind::kDocument);
  EXPECT_EQ(embed(caching, {"text"}, EmbedKind::kQuestion), embed(plain, {"text"}, EmbedKind::kQuestion));
  EXPECT_EQ(embed(caching_other, {"text"}, EmbedKind::kQuestion),
            embed(RandomEmbedder("model/2"), {"text"}, EmbedKind::kQuestion));
  EXPECT_EQ(inner.asked.size(), 2U);
  EXPECT_EQ(other.asked.size(), 1U);
}

TEST_F(CachingModelsTest, DamagedFilesAreComputedAnew) {
  const Texts texts{"one", "two"};
  const HashReranker judge("judge/1");
  const std::vector<providers::Passage> passages{{.text = "p"}, {.text = "q"}};
  const std::vector<float> questions = embed(plain, texts, EmbedKind::kQuestion);
  const std::vector<std::string> documents = stored(embed(plain, texts, EmbedKind::kDocument));
  const std::vector<double> scores = rerank(judge, "question", passages);
  embed(CachingEmbedder(inner, *computed), texts, EmbedKind::kQuestion);
  for (const char* value : {"x'00'", "zeroblob(192)", "zeroblob(4000)", "'text'"}) {
    damage_values(value);
    EXPECT_EQ(embed(CachingEmbedder(inner, *computed), texts, EmbedKind::kQuestion), questions) << value;
    EXPECT_EQ(stored(embed(CachingEmbedder(inner, *computed), texts, EmbedKind::kDocument)), documents) << value;
    EXPECT_EQ(rerank(CachingReranker(judge, *computed), "question", passages), scores) << value;
  }
}

// Whole values of a wrong form, as another version or a hostile file could leave them.
TEST_F(CachingModelsTest, ValuesThatAreNoVectorOrScoreAreComputedAnew) {
  const auto bytes_of = [](const auto& values) {
    return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0]));
  };
  const Digest vector_key = FieldHasher().add("embedding 1").add("model/1").add(int64_t{1}).add("text").finish();
  const Digest row_key = FieldHasher().add("embedding 1").add("model/1").add(int64_t{0}).add("text").finish();
  const Digest score_key =
      FieldHasher().add("rerank 1").add("judge/1").add("question").add("").add("").add("p").finish();
  const HashReranker judge("judge/1");
  // These are the keys.
  const std::vector<float> ones(kDimension, 1.0F);
  computed->keep(Computation::kEmbedding, vector_key, bytes_of(ones), 1);
  computed->keep(Computation::kEmbedding, row_key, index::encode_vector(ones), 1);
  computed->keep(Computation::kRerank, score_key, bytes_of(std::array{7.0}), 1);
  ASSERT_EQ(embed(CachingEmbedder(inner, *computed), {"text"}, EmbedKind::kQuestion), ones);
  ASSERT_EQ(stored(embed(CachingEmbedder(inner, *computed), {"text"}, EmbedKind::kDocument)), stored(ones));
  ASSERT_EQ(rerank(CachingReranker(judge, *computed), "question", {{.text = "p"}}), std::vector{7.0});

  const double nan = std::nan("");
  const std::vector<float> nans(kDimension, std::nanf(""));
  const std::vector<std::string> wrong{"", "x", std::string(3, '\0'), bytes_of(nans), bytes_of(std::array{nan}),
                                       std::string(sizeof(float) + kDimension, '\xff'),
                                       bytes_of(std::vector<float>(kDimension + 1)), std::string(1 << 20, 'a')};
  for (const std::string& value : wrong) {
    for (const Digest& key : {vector_key, row_key}) computed->keep(Computation::kEmbedding, key, value, 1);
    computed->keep(Computation::kRerank, score_key, value, 1);
    EXPECT_EQ(embed(CachingEmbedder(inner, *computed), {"text"}, EmbedKind::kQuestion),
              embed(plain, {"text"}, EmbedKind::kQuestion));
    EXPECT_EQ(stored(embed(CachingEmbedder(inner, *computed), {"text"}, EmbedKind::kDocument)),
              stored(embed(plain, {"text"}, EmbedKind::kDocument)));
    EXPECT_EQ(rerank(CachingReranker(judge, *computed), "question", {{.text = "p"}}),
              rerank(HashReranker("judge/1"), "question", {{.text = "p"}}));
  }
}

TEST_F(CachingModelsTest, AFailureIsPassedOnAndNotRemembered) {
  const CachingEmbedder caching(inner, *computed);
  const CancelToken cancel;
  cancel.cancel();
  std::vector<float> row(kDimension);
  const Texts texts{"text"};
  const Status stopped = caching.embed(texts, EmbedKind::kQuestion, row, cancel);
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(embed(caching, texts, EmbedKind::kQuestion), embed(plain, texts, EmbedKind::kQuestion));
  const HashReranker judge("judge/1");
  const CachingReranker reranker(judge, *computed);
  const std::vector<providers::Passage> passages{{.text = "p"}};
  EXPECT_FALSE(reranker.rerank("question", passages, cancel).ok());
  EXPECT_EQ(rerank(reranker, "question", passages).size(), 1U);
  EXPECT_EQ(judge.asked.size(), 1U);
}

TEST_F(CachingModelsTest, ScoresAreThoseOfTheModelAndComputedOnce) {
  const HashReranker right("judge/1");
  const HashReranker judge("judge/1");
  const std::vector<providers::Passage> some{{.text = "b", .title = "T", .heading = "H"}, {.text = "d"}};
  const std::vector<providers::Passage> all{
      {.text = "a"}, {.text = "b", .title = "T", .heading = "H"}, {.text = "c"}, {.text = "d"}};
  rerank(CachingReranker(judge, *computed), "question", some);
  reopen();
  const CachingReranker caching(judge, *computed);
  judge.asked.clear();
  EXPECT_EQ(rerank(caching, "question", all), rerank(right, "question", all));
  EXPECT_EQ(judge.asked, (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(rerank(caching, "question", all), rerank(right, "question", all));
  EXPECT_EQ(judge.asked.size(), 2U);
}

TEST_F(CachingModelsTest, AScoreIsOfOneQuestionModelTitleAndHeading) {
  const HashReranker judge("judge/1");
  const HashReranker other("judge/2");
  const CachingReranker caching(judge, *computed);
  rerank(caching, "question", {{.text = "b", .title = "T", .heading = "H"}});
  judge.asked.clear();
  rerank(caching, "another question", {{.text = "b", .title = "T", .heading = "H"}});
  rerank(caching, "question", {{.text = "b", .title = "U", .heading = "H"}});
  rerank(caching, "question", {{.text = "b", .title = "T", .heading = "I"}});
  rerank(caching, "question", {{.text = "b", .title = "TH", .heading = ""}});
  EXPECT_EQ(judge.asked.size(), 4U);
  rerank(CachingReranker(other, *computed), "question", {{.text = "b", .title = "T", .heading = "H"}});
  EXPECT_EQ(other.asked.size(), 1U);
}

}  // namespace
}  // namespace docmind::pipeline

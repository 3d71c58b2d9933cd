// Models of files for measurements: a trained language model, random encoders, and what calibration sees.
// SPDX-License-Identifier: Apache-2.0
#include "providers/native_model_access.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>

#include <gtest/gtest.h>

#include "base/thread_team.h"
#include "engine/load_tokenizer.h"
#include "gguf/file.h"
#include "gguf/writer.h"
#include "kernels/kernels.h"
#include "quantize/convert.h"
#include "quantize/quality.h"
#include "support/model_writer.h"
#include "support/temp_folder.h"

namespace docmind::providers {
namespace {

namespace fs = std::filesystem;
using quantize::Importance;
using quantize::ModelKind;
using quantize::Quality;
using quantize::Scheme;

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}
void must(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.error().message);
}

const std::string kStoriesPath =
    (fs::path(DOCMIND_SOURCE_DIR) / "../shared/data/models/stories260K.gguf").lexically_normal().string();

const std::string kStory =
    "Once upon a time, there was a little girl named Lily. She loved to play outside in the park with her friends. One "
    "day, she saw a big red ball. She wanted to play with it, but it was too high in the tree. Her mom said, \"Do not "
    "climb the tree, you may fall.\" Lily was sad, but then her friend Tom came and helped her to get the ball with a "
    "long stick. They were very happy and played together all day. ";

class NativeAccess : public testing::Test {
 protected:
  std::string convert(const std::string& from, Scheme scheme, const std::string& name) const {
    const gguf::File file = must(gguf::File::open(from));
    const std::string path = folder_.path(name);
    gguf::Writer writer = must(gguf::Writer::create(path));
    ThreadTeam team(2);
    const kernels::KernelTable* table = must(kernels::kernel_table_named("auto"));
    must(quantize::convert(file, writer, *table, team, {.scheme = scheme}));
    must(writer.finish());
    return path;
  }
  std::string random_model(test::ModelSpec spec, const std::string& name) const {
    return must(test::write_model(spec, folder_.path(name)));
  }
  std::string random_encoder(bool reranker, const std::string& name) const {
    return random_model({.architecture = test::Architecture::kBert, .type = kernels::TensorType::kF32, .n_kv_heads = 4,
                         .pooling = reranker ? 4 : 1, .classifier = reranker}, name);
  }
  quantize::QualityOptions options() const {
    quantize::QualityOptions options;
    options.text = kStory + kStory;
    options.scratch_folder = folder_.path();
    return options;
  }

  test::TempFolder folder_;
  std::unique_ptr<quantize::ModelAccess> access_ = make_native_model_access({.engine = {.n_threads = 2}});
};

TEST_F(NativeAccess, KnowsTheKindOfAFile) {
  EXPECT_EQ(must(access_->kind(random_model({}, "text.gguf"))), ModelKind::kLanguage);
  EXPECT_EQ(must(access_->kind(random_encoder(false, "embed.gguf"))), ModelKind::kEmbedding);
  EXPECT_EQ(must(access_->kind(random_encoder(true, "rerank.gguf"))), ModelKind::kRerank);
  EXPECT_EQ(access_->kind(folder_.path("none.gguf")).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(access_->open_language(folder_.path("embed.gguf")).error().code, ErrorCode::kUnsupported);
}

TEST_F(NativeAccess, ATrainedModelLosesMoreWithFewerBits) {
  if (!fs::exists(kStoriesPath)) GTEST_SKIP() << "stories260K.gguf is not there";
  const auto measure = [&](const std::string& path) {
    return must(quantize::measure_quality(*access_, kStoriesPath, path, options()));
  };
  const Quality same = measure(kStoriesPath);
  EXPECT_LT(same.language->mean_kld, 2e-6);
  EXPECT_EQ(same.language->same_top, 1);
  EXPECT_EQ(same.language->perplexity_ratio(), 1);
  EXPECT_LT(same.language->source_perplexity, 8) << "the text is of the kind that it was trained on";
  EXPECT_GT(same.language->n_tokens, 250);
  const Quality eight = measure(convert(kStoriesPath, Scheme::kQ8_0, "q8.gguf"));
  const Quality four = measure(convert(kStoriesPath, Scheme::kQ4_0, "q4.gguf"));
  EXPECT_GT(eight.language->mean_kld, same.language->mean_kld);
  EXPECT_LT(eight.language->mean_kld, 0.002);
  EXPECT_GT(eight.language->same_top, 0.97);
  EXPECT_NEAR(eight.language->perplexity_ratio(), 1, 0.01);
  EXPECT_TRUE(eight.passes);
  EXPECT_GT(four.language->mean_kld, 5 * eight.language->mean_kld);
  EXPECT_LT(four.language->same_top, eight.language->same_top);
  EXPECT_GE(four.language->worst_kld, four.language->kld_99_9);
  EXPECT_EQ(four.language->source_perplexity, same.language->source_perplexity);
}

TEST_F(NativeAccess, PiecesOfAContextAreItsWhole) {
  const auto model = must(access_->open_language(random_model({}, "text.gguf")));
  const std::vector<int32_t> tokens = model->encode("some words that are tokens of some vocabulary");
  ASSERT_GT(tokens.size(), 8u);
  const auto n_vocab = static_cast<size_t>(model->n_vocab());
  std::vector<float> whole(tokens.size() * n_vocab), pieces(whole.size());
  EXPECT_EQ(model->logits(tokens, whole).error().code, ErrorCode::kInvalidArgument) << "no context was begun";
  must(model->begin_context());
  must(model->logits(tokens, whole));
  must(model->begin_context());
  must(model->logits(std::span(tokens).first(5), std::span(pieces).first(5 * n_vocab)));
  must(model->logits(std::span(tokens).subspan(5), std::span(pieces).subspan(5 * n_vocab)));
  EXPECT_EQ(whole, pieces);
  EXPECT_EQ(model->first_token(), std::nullopt);  // qwen has none
}

// Settings of a server do not change what a file is measured as.
TEST_F(NativeAccess, AFileIsMeasuredAsItIs) {
  const auto served = make_native_model_access(
      {.engine = {.n_threads = 1, .n_context = 100'000, .quantize = model::QuantizeOnLoad::kInt4}, .n_context = 64});
  const std::string path = random_model({.type = kernels::TensorType::kF32}, "text.gguf");
  const auto plain = must(access_->open_language(path)), with_settings = must(served->open_language(path));
  EXPECT_EQ(plain->n_context(), 512);
  EXPECT_EQ(with_settings->n_context(), 64);
  const std::vector<int32_t> tokens = plain->encode("a few words to read");
  std::vector<float> a(tokens.size() * static_cast<size_t>(plain->n_vocab())), b(a.size());
  must(plain->begin_context());
  must(plain->logits(tokens, a));
  must(with_settings->begin_context());
  must(with_settings->logits(tokens, b));
  EXPECT_EQ(a, b);
}

TEST_F(NativeAccess, EmbeddersAndRerankersInEightBits) {
  const std::string embedder = random_encoder(false, "embed.gguf"), reranker = random_encoder(true, "rerank.gguf");
  const Quality same = must(quantize::measure_quality(*access_, embedder, embedder, options()));
  EXPECT_NEAR(same.embedding->mean_cosine, 1, 1e-6);
  EXPECT_NEAR(same.embedding->kendall_tau, 1, 1e-12);
  EXPECT_EQ(same.embedding->ndcg_10, same.embedding->source_ndcg_10);
  EXPECT_EQ(same.sample, "the built-in labelled set");
  const Quality eight =
      must(quantize::measure_quality(*access_, embedder, convert(embedder, Scheme::kQ8_0, "e8.gguf"), options()));
  EXPECT_LT(eight.embedding->mean_cosine, 1 - 1e-9);
  EXPECT_GT(eight.embedding->cosine_1, 0.98);
  EXPECT_GT(eight.embedding->kendall_tau, 0.8);
  quantize::QualityOptions few = options();
  few.labelled = quantize::builtin_labelled_set();
  few.labelled->queries.resize(8);
  const Quality ranked =
      must(quantize::measure_quality(*access_, reranker, convert(reranker, Scheme::kQ8_0, "r8.gguf"), few));
  EXPECT_GT(ranked.rerank->spearman, 0.8);
  EXPECT_EQ(ranked.rerank->n_pairs, ranked.rerank->n_queries * 16);
  EXPECT_GT(ranked.rerank->mean_probability_change, 0);
  EXPECT_EQ(quantize::measure_quality(*access_, embedder, reranker, options()).error().code, ErrorCode::kMismatch);
}

TEST_F(NativeAccess, AModelThatDoesNotFitIsNotLoaded) {
  bool loaded = false;
  const model::LoadProgress noted = [&](size_t, size_t) { return loaded = true; };
  const auto small =
      make_native_model_access({.engine = {.n_threads = 1, .progress = noted}, .memory_limit_bytes = 100'000});
  const std::string text = random_model({}, "text.gguf");
  const auto check = [&](const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::kLimit) << error.message;
    EXPECT_NE(error.message.find("98 KiB"), std::string::npos) << error.message;
    EXPECT_NE(error.message.find("MiB"), std::string::npos) << error.message;
  };
  check(small->open_language(text).error());
  check(small->open_embedding(random_encoder(false, "embed.gguf")).error());
  check(small->open_rerank(random_encoder(true, "rerank.gguf")).error());
  check(small->calibrate(text, kStory, {}).error());
  check(small->calibrate(folder_.path("embed.gguf"), kStory, {}).error());
  EXPECT_FALSE(loaded);
  const auto large = make_native_model_access({.engine = {.n_threads = 1}, .memory_limit_bytes = size_t{1} << 30});
  EXPECT_TRUE(large->open_language(text).ok());
}

// --- calibration ---

// Matrices of the layers that a pass multiplies with, by name, and their columns.
std::map<std::string, size_t> matrices_of(const std::string& path) {
  std::map<std::string, size_t> columns;
  const gguf::File file = must(gguf::File::open(path));
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    if (tensor.n_dims == 2 && tensor.name.starts_with("blk.")) {
      columns.emplace(std::string(tensor.name), static_cast<size_t>(tensor.dims[0]));
    }
  }
  return columns;
}

TEST_F(NativeAccess, CalibrationSeesEveryMatrix) {
  for (const std::string& path : {random_model({.tied_output = false}, "text.gguf"),
                                  random_encoder(false, "embed.gguf"), random_encoder(true, "rerank.gguf")}) {
    const Importance importance = must(access_->calibrate(path, kStory, {}));
    const std::map<std::string, size_t> matrices = matrices_of(path);
    ASSERT_GE(matrices.size(), 12u) << path;
    for (const auto& [name, columns] : matrices) {
      const std::span<const float> means = importance.find(name);
      ASSERT_EQ(means.size(), columns) << path << ": " << name;
      for (const float mean : means) EXPECT_GE(mean, 0) << name;
      EXPECT_GT(*std::max_element(means.begin(), means.end()), 0) << name;
    }
  }
  EXPECT_EQ(must(access_->calibrate(folder_.path("text.gguf"), kStory, {})).find("output.weight").size(), 256u);
}

// In the first layer the queries are made from normalised embeddings, which can be computed here.
TEST_F(NativeAccess, MeansAreThoseOfTheTextsTokens) {
  if (!fs::exists(kStoriesPath)) GTEST_SKIP() << "stories260K.gguf is not there";
  const gguf::File file = must(gguf::File::open(kStoriesPath));
  const gguf::TensorInfo* embeddings = file.find_tensor("token_embd.weight");
  const gguf::TensorInfo* gain = file.find_tensor("blk.0.attn_norm.weight");
  ASSERT_TRUE(embeddings != nullptr && gain != nullptr && embeddings->gguf_type == 0 && gain->gguf_type == 0);
  const auto* rows = reinterpret_cast<const float*>(embeddings->data.data());
  const auto* gains = reinterpret_cast<const float*>(gain->data.data());
  const auto n = static_cast<size_t>(embeddings->dims[0]);
  const auto tokens = must(engine::load_tokenizer(file))->encode(kStory, {.add_special = true, .parse_special = false});
  ASSERT_LT(tokens.size(), 512u);  // one context
  std::vector<double> means(n);
  for (const int32_t token : tokens) {
    const float* row = rows + static_cast<size_t>(token) * n;
    double squares = 0;
    for (size_t c = 0; c < n; ++c) squares += static_cast<double>(row[c]) * row[c];
    for (size_t c = 0; c < n; ++c) {
      const double value = row[c] / std::sqrt(squares / static_cast<double>(n) + 1e-5) * gains[c];
      means[c] += value * value / static_cast<double>(tokens.size());
    }
  }
  const Importance importance = must(access_->calibrate(kStoriesPath, kStory, {}));
  for (const char* name : {"blk.0.attn_q.weight", "blk.0.attn_k.weight", "blk.0.attn_v.weight"}) {
    const std::span<const float> got = importance.find(name);
    ASSERT_EQ(got.size(), n);
    for (size_t c = 0; c < n; ++c) EXPECT_NEAR(got[c], means[c], 1e-4 * means[c]) << name << " column " << c;
  }
}

TEST_F(NativeAccess, CalibrationTellsItsStepsAndStops) {
  const std::string path = random_model({.n_context = 64}, "text.gguf");
  int64_t last = -1, total = 0;
  must(access_->calibrate(path, kStory, [&](int64_t n_done, int64_t n_total) {
    EXPECT_GT(n_done, last);
    last = n_done;
    total = n_total;
    return true;
  }));
  EXPECT_EQ(last, total);
  const auto stop = [](int64_t n_done, int64_t) { return n_done == 0; };
  EXPECT_EQ(access_->calibrate(path, kStory, stop).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(access_->calibrate(path, "", {}).error().code, ErrorCode::kInvalidArgument);
  const std::string embedder = random_encoder(false, "embed.gguf");
  EXPECT_EQ(access_->calibrate(embedder, " \n ", {}).error().code, ErrorCode::kInvalidArgument);
}

TEST(Passages, AreCutBetweenLinesAndWords) {
  using Passages = std::vector<std::string_view>;
  EXPECT_EQ(cut_passages("one two\nthree four five", 10), (Passages{"one two", "three", "four five"}));
  EXPECT_EQ(cut_passages("abcdefgh", 3), (Passages{"abc", "def", "gh"}));
  EXPECT_EQ(cut_passages("\xe8\x8c\xb6\xe8\x8c\xb6", 4), (Passages{"\xe8\x8c\xb6", "\xe8\x8c\xb6"}));
  EXPECT_EQ(cut_passages("\xe8\x8c\xb6", 1).size(), 3u);  // never an empty one
  EXPECT_TRUE(cut_passages(" \n\t", 10).empty());
}

}  // namespace
}  // namespace docmind::providers

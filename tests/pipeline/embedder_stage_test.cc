// Vectors and ranks from models: which chunks get them, whose they are, and how they rank.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/hash.h"
#include "pipeline/embedder_stage.h"
#include "pipeline/pipeline_test_support.h"

namespace docmind::pipeline {
namespace {

constexpr size_t kDimension = 64;

// Words hashed into a vector; counts what it is asked for.
class WordEmbedder final : public providers::Embedder {
 public:
  explicit WordEmbedder(std::string name) : name_(std::move(name)) {}

  providers::EmbedderInfo info() const override { return {{name_, "test/" + name_}, kDimension, true}; }
  Status embed(std::span<const std::string_view> texts, providers::EmbedKind, std::span<float> out,
               const CancelToken& cancel) const override {
    if (cancel.cancelled()) return Error{ErrorCode::kCancelled, "embedding was stopped"};
    WordAnalyzer analyzer;
    std::fill(out.begin(), out.end(), 0.0f);
    for (size_t i = 0; i < texts.size(); ++i) {
      const std::span<float> row = out.subspan(i * kDimension, kDimension);
      for (const Word& word : analyzer.analyze(texts[i])) {
        if (!word.stop) row[hash64(word.stem) % kDimension] += 1;
        ++n_tokens_;
      }
      double square = 0;
      for (const float value : row) square += static_cast<double>(value) * value;
      for (float& value : row) value /= static_cast<float>(std::sqrt(std::max(square, 1e-9)));
      ++n_texts;
    }
    return {};
  }
  int64_t n_tokens() const override { return n_tokens_; }

  mutable int64_t n_texts = 0;

 private:
  std::string name_;
  mutable int64_t n_tokens_ = 0;
};

// Likes passages with one word, whatever the question.
class WordReranker final : public providers::Reranker {
 public:
  explicit WordReranker(std::string word) : word_(std::move(word)) {}
  providers::ProviderInfo info() const override { return {"word", "test/word/" + word_}; }
  Result<std::vector<double>> rerank(std::string_view, std::span<const providers::Passage> passages,
                                     const CancelToken&) const override {
    std::vector<double> scores;
    for (const providers::Passage& passage : passages) {
      scores.push_back(passage.text.find(word_) != std::string_view::npos ? 0.9 : 0.1);
    }
    n_passages = passages.size();
    return scores;
  }
  mutable size_t n_passages = 0;

 private:
  std::string word_;
};

class EmbedderStageTest : public AskerTest {
 protected:
  Result<IndexReport> index_with(const providers::Embedder& with, const CancelToken& cancel = {},
                                 const ProgressSink& progress = [](const IndexProgress&) {}) {
    const index::StoreWriter writer = open_writer();
    EmbedderStage stage(with, *metrics);
    return Indexer(writer, stage, *metrics).run(request(), progress, cancel);
  }
  void write_notes(int n) const {
    for (int i = 0; i < n; ++i) {
      write("note" + std::to_string(i) + ".md",
            "# Note " + std::to_string(i) + "\n\nThe zebra number " + std::to_string(i) + " eats grass.\n");
    }
  }
  WordEmbedder embedder{"words"};
};

TEST_F(EmbedderStageTest, EmbedsEachNewChunkOnce) {
  write_notes(40);
  int64_t n_tokens = 0;
  int64_t n_done = 0;
  const IndexReport first = must(index_with(embedder, {}, [&](const IndexProgress& progress) {
    if (progress.phase != IndexProgress::Phase::kEmbed) return;
    EXPECT_EQ(progress.n_total, 40);
    EXPECT_GE(progress.n_tokens, n_tokens);
    n_tokens = progress.n_tokens;
    n_done = progress.n_done;
  }));
  EXPECT_EQ(first.totals.n_vectors, 40);
  EXPECT_FALSE(first.trained);
  EXPECT_EQ(n_done, 40);
  EXPECT_EQ(n_tokens, embedder.n_tokens());
  write("other.md", "# Lease\n\nThe notice period is three months.\n");
  must(index_with(embedder));
  EXPECT_EQ(embedder.n_texts, 41);
  EXPECT_EQ(must(reader().embedder())->identity, "test/words");
  open({.embedder = &embedder});
  const Retrieval found = retrieve("notice period of the lease");
  ASSERT_FALSE(found.passages.empty());
  EXPECT_EQ(found.vector_kind, "exact");
  EXPECT_EQ(found.passages[0].title, "Lease");
  EXPECT_EQ(found.origins[0].vector_rank, 1U);
  EXPECT_EQ(corpus->embedder_identity(), "test/words");
}

TEST_F(EmbedderStageTest, KeepsWhatWasMadeWhenStopped) {
  write_notes(60);
  const CancelToken cancel;
  const Result<IndexReport> stopped = index_with(embedder, cancel, [&](const IndexProgress& progress) {
    if (progress.phase == IndexProgress::Phase::kEmbed && progress.n_done > 0) cancel.cancel();
  });
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  const int64_t n_kept = must(reader().counts()).n_vectors;
  EXPECT_GT(n_kept, 0);
  EXPECT_LT(n_kept, 60);
  EXPECT_EQ(embedder.n_texts, n_kept);
  EXPECT_EQ(must(index_with(embedder)).totals.n_vectors, 60);
  EXPECT_EQ(embedder.n_texts, 60) << "none was made twice";
}

TEST_F(EmbedderStageTest, AStoreBelongsToItsEmbedder) {
  write_notes(5);
  must(index_with(embedder));
  const auto expect_mismatch = [](const Status& status, const std::string& words) {
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, ErrorCode::kMismatch);
    EXPECT_NE(status.error().message.find(words), std::string::npos) << status.error().message;
    EXPECT_NE(status.error().message.find("test/words"), std::string::npos) << status.error().message;
    EXPECT_NE(status.error().message.find("index --reembed"), std::string::npos) << status.error().message;
  };
  const WordEmbedder other("others");
  const auto status_of = [](const auto& result) { return result.ok() ? Status() : Status(Error(result.error())); };
  expect_mismatch(status_of(index_with(other)), "test/others");
  EXPECT_EQ(other.n_texts, 0);
  expect_mismatch(status_of(try_index(request())), "lexical");
  open({.embedder = &other});
  expect_mismatch(status_of(corpus->refresh()), "test/others");
  open();
  expect_mismatch(status_of(corpus->refresh()), "--embedder");
}

TEST_F(EmbedderStageTest, ALexicalStoreRefusesAModel) {
  write_notes(5);
  index();
  const Result<IndexReport> refused = index_with(embedder);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kMismatch);
  open({.embedder = &embedder});
  EXPECT_EQ(corpus->refresh().error().code, ErrorCode::kMismatch);
}

TEST_F(EmbedderStageTest, AModelsProbabilityRanksWhatItSees) {
  write_notes(6);
  index();
  const WordReranker reranker("number 4");
  open({.reranker = &reranker});
  const Retrieval found = retrieve("zebra eats grass", {.top_k = 6, .rerank_depth = 6});
  ASSERT_EQ(found.passages.size(), 6U);
  EXPECT_EQ(reranker.n_passages, 6U);
  EXPECT_EQ(found.passages[0].title, "Note 4");
  EXPECT_DOUBLE_EQ(found.passages[0].score, 0.9);
  EXPECT_DOUBLE_EQ(found.passages[1].score, 0.1);
  const Retrieval two = retrieve("zebra eats grass", {.top_k = 6, .rerank_depth = 2});
  EXPECT_EQ(reranker.n_passages, 2U);
  ASSERT_EQ(two.passages.size(), 6U);
  for (size_t i = 1; i < two.passages.size(); ++i) EXPECT_LE(two.passages[i].score, two.passages[i - 1].score);
  EXPECT_LT(two.passages[2].score, 0.1) << "what the model did not see comes after what it saw";
}

// Writes as a model does, in pieces and with marks of its own.
class ScriptedGenerator final : public providers::Generator {
 public:
  providers::ProviderInfo info() const override { return {"scripted", "test/scripted"}; }
  bool quotes_documents() const override { return false; }
  Result<providers::GenerateResult> generate(const providers::GenerateRequest& request,
                                             const providers::TextSink& sink, const CancelToken&) const override {
    max_tokens = request.max_tokens;
    providers::GenerateResult result;
    for (const char* piece : {"It eats ", "grass [1", "]."}) {
      result.text += piece;
      if (!sink(piece)) return Error{ErrorCode::kCancelled, "stopped"};
    }
    return result;
  }
  mutable int max_tokens = 0;
};

TEST_F(EmbedderStageTest, AWrittenAnswerStreamsThoughADocumentHasMarksOfItsOwn) {
  write("zebra.md", "# Zebra\n\nThe zebra eats grass [7] and drinks water.\n");
  index();
  open();
  const ScriptedGenerator scripted;
  Asker asker_of_model(*corpus, scripted, SharedByAskers{}, *metrics);
  std::vector<std::string> pieces;
  const Answer answer = must(asker_of_model.ask("What does the zebra eat?", {.max_tokens = 77},
                                                [&](std::string_view piece) {
                                                  pieces.emplace_back(piece);
                                                  return true;
                                                },
                                                {}));
  EXPECT_EQ(answer.text, "It eats grass [1].");
  ASSERT_GE(pieces.size(), 3U);
  EXPECT_EQ(pieces[0], "It eats ");
  EXPECT_EQ(scripted.max_tokens, 77);
  ASSERT_EQ(answer.citations.size(), 1U);
  EXPECT_EQ(answer.citations[0].path, doc("zebra.md"));
}

}  // namespace
}  // namespace docmind::pipeline

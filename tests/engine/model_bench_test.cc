// bench_model: the rates that a model has, no others, and limits that they are held against.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "engine/engine_test_support.h"
#include "engine/model_bench.h"
#include "support/model_writer.h"
#include "support/temp_folder.h"

namespace docmind::engine {
namespace {

BenchOptions quick() {
  BenchOptions options;
  options.engine.n_threads = 1;
  options.n_prompt = 48;
  options.n_generate = 4;
  options.n_runs = 1;
  return options;
}

void expect_rate(const std::optional<BenchRate>& rate) {
  ASSERT_TRUE(rate);
  EXPECT_GT(rate->per_second, 0);
  EXPECT_GT(rate->of_limit, 0);
}

TEST(ModelBench, MeasuresWhatEachKindCanDo) {
  const test::TempFolder folder;
  const BenchReport text = must(bench_model(must(test::write_model({}, folder.path("t.gguf"))), quick(), {}));
  EXPECT_EQ(text.kind, ModelKind::kText);
  expect_rate(text.prefill);
  expect_rate(text.decode);
  EXPECT_FALSE(text.prefill_4096 || text.embed || text.embed_batch || text.rerank_pairs);
  EXPECT_GT(text.first_token_ms, 0);
  EXPECT_GT(text.peak_rss_bytes, static_cast<int64_t>(text.model.file_bytes));
  EXPECT_GT(text.limits.read_gb_per_s, 0);
  EXPECT_GT(text.limits.int8_gmac_per_s, 0);

  test::ModelSpec bert{.architecture = test::Architecture::kBert, .n_kv_heads = 4, .n_context = 64, .pooling = 2};
  const BenchReport embedder = must(bench_model(must(test::write_model(bert, folder.path("e.gguf"))), quick(), {}));
  expect_rate(embedder.embed);
  expect_rate(embedder.embed_batch);
  EXPECT_FALSE(embedder.prefill || embedder.decode || embedder.rerank_pairs);

  bert.pooling = 4;
  bert.classifier = true;
  const BenchReport reranker = must(bench_model(must(test::write_model(bert, folder.path("r.gguf"))), quick(), {}));
  expect_rate(reranker.rerank_pairs);
  EXPECT_FALSE(reranker.prefill || reranker.embed);
}

TEST(ModelBench, StopsWhenCancelled) {
  const test::TempFolder folder;
  const CancelToken cancel;
  BenchOptions options = quick();
  options.on_step = [&](std::string_view step) {
    if (step != "loading") cancel.cancel();
  };
  const auto stopped = bench_model(must(test::write_model({}, folder.path("t.gguf"))), options, cancel);
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace docmind::engine

// TextModel: the KV format of new texts changes while others run.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/engine_test_support.h"
#include "engine/text_model.h"
#include "support/model_writer.h"
#include "support/temp_folder.h"

namespace docmind::engine {
namespace {

using enum kv::Format;

class KvFormatSwitch : public testing::Test {
 protected:
  std::unique_ptr<TextModel> load(kv::Format format, SchedulerOptions scheduler = {}, size_t budget_bytes = 0) const {
    const test::ModelSpec spec{.n_layers = 2, .n_context = 1'024};
    return must(TextModel::load(must(test::write_model(spec, folder_.path("m.gguf"))),
                                {.n_threads = 1,
                                 .kv_format = {.format = format},
                                 .kv_budget_bytes = budget_bytes,
                                 .exact_reuse = true,
                                 .scheduler = scheduler}));
  }
  // Long enough that pages of it are sealed.
  static TextRequest request(int first, int64_t n_tokens = 60, int n_prompt = 320) {
    TextRequest request{.prompt = {}, .options = {.sampling = {}, .max_tokens = n_tokens, .ignore_end = true}};
    for (int i = 0; i < n_prompt; ++i) request.prompt.push_back((first + i * 7 + i * i) % 200);
    request.options.sampling.n_top_logprobs = 0;
    return request;
  }
  static Generation run(TextModel& model, TextRequest wanted) {
    return must(must(model.submit(std::move(wanted)))->finish());
  }
  static void expect_same(const Generation& got, const Generation& want) {
    EXPECT_EQ(got.kv_settings, want.kv_settings);
    EXPECT_EQ(got.text, want.text);
    ASSERT_EQ(got.scored.size(), want.scored.size());
    for (size_t i = 0; i < got.scored.size(); ++i) {
      EXPECT_EQ(got.scored[i].chosen.token, want.scored[i].chosen.token) << i;
      EXPECT_EQ(got.scored[i].chosen.logprob, want.scored[i].chosen.logprob) << i;
    }
  }

  test::TempFolder folder_;
};

TEST_F(KvFormatSwitch, RunningTextsKeepTheirFormatAndNewOnesGetTheOther) {
  const auto exact = load(kF16), small = load(kInt4);
  const Generation old_alone = run(*exact, request(1, 400));
  const Generation new_exact = run(*exact, request(2)), new_small = run(*small, request(2));
  EXPECT_EQ(old_alone.kv_settings, "f16");
  EXPECT_EQ(new_small.kv_settings, "int4/64/128");
  ASSERT_NE(new_exact.scored.back().chosen.logprob, new_small.scored.back().chosen.logprob) << "nothing would be seen";

  const auto model = load(kF16);
  const auto running = must(model->submit(request(1, 400)));
  ASSERT_TRUE(running->next());
  ASSERT_TRUE(model->set({.kv_format = kInt4}).ok());
  EXPECT_EQ(model->kv_settings(), "f16");
  EXPECT_EQ(model->kv_settings_now(), "int4/64/128");
  expect_same(run(*model, request(2)), new_small);
  expect_same(must(running->finish()), old_alone);
  const SchedulerStats stats = model->stats();
  ASSERT_EQ(stats.kv_formats.size(), 2U);
  EXPECT_EQ(stats.kv_formats[0].format, kF16);
  EXPECT_EQ(stats.kv_formats[1].format, kInt4);
  EXPECT_GT(stats.kv_formats[1].held_bytes, 0U);
  EXPECT_EQ(stats.kv.held_bytes, stats.kv_formats[0].held_bytes + stats.kv_formats[1].held_bytes);

  ASSERT_TRUE(model->set({}).ok());
  EXPECT_EQ(model->kv_settings_now(), "f16");
  expect_same(run(*model, request(2)), new_exact);
}

TEST_F(KvFormatSwitch, ARequestMayNameItsFormat) {
  const auto model = load(kF16);
  TextRequest named = request(3);
  named.kv_format = kInt8;
  const Generation want = run(*load(kInt8), request(3));
  expect_same(run(*model, named), want);
  ASSERT_TRUE(model->set({.kv_format = kInt4}).ok());
  expect_same(run(*model, named), want);
  named.kv_format = kF16;
  EXPECT_EQ(run(*model, named).kv_settings, "f16");
}

TEST_F(KvFormatSwitch, AFormatThatTakesMoreThanTheConfiguredOneIsRefused) {
  const auto model = load(kInt8);
  const Status refused = model->set({.max_sequences = 1, .kv_format = kF16});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(refused.error().message.find("the configured int8"), std::string::npos) << refused.error().message;
  EXPECT_EQ(model->kv_settings_now(), "int8/64/128");
  TextRequest named = request(4);
  named.kv_format = kF16;
  EXPECT_EQ(model->submit(named).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(model->set({.kv_format = kK8V4}).ok());
  EXPECT_EQ(run(*model, request(4)).kv_settings, "k8v4/64/128");
}

TEST_F(KvFormatSwitch, TextsOfOnePromptHaveOneFormat) {
  const auto model = load(kF16, {.max_sequences = 1});
  const auto streams = must(model->submit_many(request(5, 100), 3));
  ASSERT_TRUE(streams[0]->next());
  ASSERT_TRUE(model->set({.max_sequences = 1, .kv_format = kInt4}).ok());
  for (const auto& stream : streams) EXPECT_EQ(must(stream->finish()).kv_settings, "f16");
}

TEST_F(KvFormatSwitch, APromptThatOnlyASmallerFormatHoldsFitsAfterTheSwitch) {
  const auto probe = load(kF16);
  const kv::Layout exact = must(kv::Layout::create(probe->decoder().kv_geometry(), {}));
  const auto model = load(kF16, {.prefill_tokens = 64}, exact.sequence_bytes(500));
  const Result<std::unique_ptr<TextStream>> refused = model->submit(request(6, 20, 800));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kLimit);
  ASSERT_TRUE(model->set({.prefill_tokens = 64, .kv_format = kInt4}).ok());
  const Generation made = run(*model, request(6, 20, 800));
  EXPECT_EQ(made.n_completion_tokens, 20);
  EXPECT_LE(model->stats().kv.peak_bytes, model->stats().kv.budget_bytes);
}

TEST_F(KvFormatSwitch, PrefixesOfTheConfiguredFormatAreSaved) {
  const auto model = load(kF16);
  static_cast<void>(run(*model, request(7)));
  ASSERT_TRUE(model->set({.kv_format = kInt8}).ok());
  static_cast<void>(run(*model, request(8)));
  ASSERT_TRUE(model->save_prefixes(folder_.path("warm.kv"), size_t{1} << 30).ok());
  const auto next = load(kF16);
  EXPECT_GE(must(next->restore_prefixes(folder_.path("warm.kv"))), 320);
  EXPECT_GT(run(*next, request(7)).n_reused_tokens, 300);
  EXPECT_LT(run(*next, request(8)).n_reused_tokens, 16);
  EXPECT_EQ(load(kInt8)->restore_prefixes(folder_.path("warm.kv")).error().code, ErrorCode::kMismatch);
}

}  // namespace
}  // namespace docmind::engine

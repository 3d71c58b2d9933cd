// SchedulerCore: batches, slices of prompts, cancels, deadlines, memory, and errors of one request.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/engine_test_support.h"
#include "support/scheduler_run.h"
#include "support/temp_folder.h"

namespace docmind::engine {
namespace {

using test::alone;
using test::fake_request;
using test::SchedulerRun;

// The memory of a scheduler without texts holds prefixes and nothing else.
void expect_idle(const SchedulerRun& run) {
  EXPECT_EQ(run.core->n_running(), 0U);
  EXPECT_EQ(run.core->n_waiting(), 0U);
  EXPECT_EQ(run.core->caches().stats().referenced_bytes, 0U);
  EXPECT_EQ(run.core->caches().stats().n_sequences, 0);
  EXPECT_EQ(run.meter.n_waiting.load(), 0);
}

TEST(SchedulerCore, GeneratesTogetherWhatItGeneratesAlone) {
  SchedulerRun run({.n_blocks = 200});
  std::vector<TextRequest> requests;
  for (uint64_t i = 0; i < 12; ++i) {
    TextRequest request = fake_request(3 + static_cast<int64_t>(i * 7), 20, i);
    request.options.ignore_end = i % 2 == 0;
    request.options.sampling.temperature = i % 3 == 0 ? 0 : 1;
    request.options.sampling.seed = i;
    requests.push_back(request);
    run.submit(request);
  }
  run.run();
  for (size_t i = 0; i < requests.size(); ++i) {
    const Generation got = must(run.streams[i]->finish());
    const Generation expected = alone(requests[i]);
    EXPECT_EQ(got.text, expected.text) << i;
    EXPECT_EQ(got.finish, expected.finish) << i;
    EXPECT_EQ(got.n_completion_tokens, expected.n_completion_tokens) << i;
  }
  const SchedulerStats stats = run.stats();
  EXPECT_EQ(stats.n_finished, 12);
  EXPECT_EQ(stats.n_admitted, 12);
  EXPECT_GT(stats.mean_batch(), 3);
  EXPECT_LE(stats.mean_batch(), 8);
  EXPECT_EQ(stats.first_token.count, 12U);
  EXPECT_EQ(stats.queue_wait.count, 12U);
  expect_idle(run);
}

TEST(SchedulerCore, ACancelFreesMemoryInTheSameStep) {
  SchedulerRun run;
  run.submit(fake_request(40, 100, 1));
  run.submit(fake_request(40, 100, 2));
  run.core->caches().evict();
  for (int i = 0; i < 10; ++i) run.core->step();
  const size_t both = run.core->caches().stats().referenced_bytes;
  run.streams[0]->cancel();
  run.core->step();
  EXPECT_EQ(run.core->n_running(), 1U);
  EXPECT_LT(run.core->caches().stats().referenced_bytes, both);
  const Generation cut = must(run.streams[0]->finish());
  EXPECT_EQ(cut.finish, FinishReason::kCancelled);
  EXPECT_EQ(cut.n_prompt_tokens, 40);
  run.run();
  EXPECT_EQ(must(run.streams[1]->finish()).text, alone(fake_request(40, 100, 2)).text);
  expect_idle(run);
}

TEST(SchedulerCore, ACancelInAPrefillPassLeavesItsNeighboursUnharmed) {
  SchedulerRun run({.model = {.n_layers = 8}});
  run.submit(fake_request(30, 10, 1));
  run.submit(fake_request(30, 10, 2));
  run.core->step();  // four of eight layers are done
  EXPECT_EQ(run.decoder.n_rows_computed, 0);
  run.streams[0]->cancel();
  run.run();
  EXPECT_EQ(must(run.streams[0]->finish()).n_completion_tokens, 0);
  test::FakeModel model{.n_layers = 8};
  EXPECT_EQ(must(run.streams[1]->finish()).text, alone(fake_request(30, 10, 2), model).text);
  EXPECT_EQ(run.decoder.n_rows_computed, 30 + 9) << "the cancelled prompt was computed";
  expect_idle(run);
}

TEST(SchedulerCore, ADeadRequestInTheQueueCostsNothing) {
  SchedulerRun run({.options = {.max_sequences = 1}});
  TextRequest soon = fake_request(20, 10, 3);
  soon.deadline = run.now + std::chrono::milliseconds(5);
  run.submit(fake_request(20, 10, 1));
  run.submit(fake_request(20, 10, 2));
  run.submit(soon);
  run.core->step();
  run.streams[1].reset();  // its reader is gone
  run.pass_time(6);
  run.run();
  EXPECT_EQ(run.decoder.n_rows_computed, 20 + 9);
  const Generation late = must(run.streams[2]->finish());
  EXPECT_EQ(late.finish, FinishReason::kDeadline);
  EXPECT_EQ(late.n_completion_tokens, 0);
  const SchedulerStats stats = run.stats();
  EXPECT_EQ(stats.n_cancelled, 1);
  EXPECT_EQ(stats.n_expired, 1);
  EXPECT_EQ(stats.n_admitted, 1);
  expect_idle(run);
}

TEST(SchedulerCore, ATextWhoseTimeIsOverEndsWhereItIs) {
  SchedulerRun run({.model = {.layer_ms = 1}});
  TextRequest request = fake_request(10, 100, 1);
  request.deadline = run.now + std::chrono::milliseconds(30);
  run.submit(request);
  run.run();
  const Generation cut = must(run.streams[0]->finish());
  EXPECT_EQ(cut.finish, FinishReason::kDeadline);
  EXPECT_GT(cut.n_completion_tokens, 5);
  EXPECT_LT(cut.n_completion_tokens, 20);
  EXPECT_TRUE(alone(fake_request(10, 100, 1)).text.starts_with(cut.text));
}

TEST(SchedulerCore, ALongPromptDoesNotHoldUpRunningStreams) {
  // A decode pass takes 20 ms of base and next to nothing for its rows, a layer of a prefill pass of 256 up to 11 ms.
  SchedulerRun run({.model = {.n_layers = 20, .layer_ms = 1, .token_layer_ms = 0.04}, .n_context = 4'096,
                    .n_blocks = 400});
  for (uint64_t i = 0; i < 5; ++i) run.submit(fake_request(8, 600, i));
  while (run.stats().n_generated < 100) run.core->step();
  const double before = run.stats().between_tokens.p95_ms;
  run.submit(fake_request(2'048, 2, 9));
  std::string piece;
  while (run.streams[5]->next_for(std::chrono::milliseconds(0), piece) == TextStream::Got::kNothingYet) {
    ASSERT_TRUE(run.core->step());
    EXPECT_LT(run.stats().step_ms, 2 * before);
    EXPECT_TRUE(run.stats().n_running < 6 || run.stats().prefill_ms > 0) << "a layer a step at least";
  }
  EXPECT_LT(run.stats().between_tokens.p95_ms, 2 * before);
  run.run();
  EXPECT_EQ(run.stats().n_finished, 6);
}

TEST(SchedulerCore, ShortPromptsDoNotWaitBehindLongOnes) {
  SchedulerRun run({.n_context = 2'048, .n_blocks = 400, .options = {.max_sequences = 4, .prefill_tokens = 64}});
  run.submit(fake_request(1'000, 2, 1));
  run.submit(fake_request(1'000, 2, 2));
  run.submit(fake_request(20, 2, 3));
  run.core->step();
  EXPECT_EQ(run.decoder.n_rows_computed, 64);
  EXPECT_EQ(run.stats().n_generated, 1) << "the short prompt was in the first pass";
  // The long ones take turns: the first is not done much before the second.
  std::string piece;
  while (run.streams[0]->next_for(std::chrono::milliseconds(0), piece) == TextStream::Got::kNothingYet) {
    run.core->step();
  }
  EXPECT_GT(run.decoder.n_rows_computed, 1'000 + 800);
  run.run();
  EXPECT_EQ(run.stats().n_finished, 3);
}

TEST(SchedulerCore, PromptsThatBeginAlikeShareMemoryAndWork) {
  SchedulerRun run;
  TextRequest first = fake_request(64, 4, 1), second = first;
  second.prompt.resize(80, 5);
  run.submit(first);
  run.run();
  const int64_t n_before = run.decoder.n_rows_computed;
  run.submit(second);
  run.run();
  const Generation got = must(run.streams[1]->finish());
  EXPECT_EQ(got.n_reused_tokens, 64);
  EXPECT_EQ(run.decoder.n_rows_computed - n_before, 16 + 3);
  EXPECT_EQ(got.text, alone(second).text);
}

// Eight texts that each need up to 7 blocks, in 16 blocks.
class Pressure : public testing::TestWithParam<bool> {};

TEST_P(Pressure, TextsThatMakeRoomFinishLaterWithTheSameOutput) {
  const test::TempFolder folder;
  SchedulerRun run({.n_blocks = 16, .spill_folder = GetParam() ? folder.path() : ""});
  std::vector<TextRequest> requests;
  for (uint64_t i = 0; i < 8; ++i) {
    requests.push_back(fake_request(20 + static_cast<int64_t>(i), 80, i));
    requests.back().options.sampling.temperature = 1;
    requests.back().priority = i % 4 == 3 ? Priority::kBackground : Priority::kNormal;
    run.submit(requests.back());
  }
  run.run();
  for (size_t i = 0; i < requests.size(); ++i) {
    std::string streamed;
    while (const auto piece = run.streams[i]->next()) streamed += *piece;
    const Generation got = must(run.streams[i]->finish());
    EXPECT_EQ(got.text, alone(requests[i]).text) << i;
    EXPECT_EQ(streamed, got.text) << "nothing twice";
  }
  const SchedulerStats stats = run.stats();
  EXPECT_GT(stats.n_preempted, 3);
  EXPECT_EQ(stats.n_generated, 8 * 80);
  EXPECT_LE(stats.kv.peak_bytes, stats.kv.budget_bytes);
  if (GetParam()) {
    EXPECT_EQ(stats.n_spilled, stats.n_restored);
    EXPECT_EQ(stats.n_recomputed, 0);
    EXPECT_GT(stats.n_spilled, 0);
  } else {
    EXPECT_EQ(stats.n_recomputed, stats.n_preempted);
    EXPECT_GT(stats.n_replayed, 0);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  expect_idle(run);
}

INSTANTIATE_TEST_SUITE_P(SchedulerCore, Pressure, testing::Bool(), [](const auto& p) {
  return p.param ? "Spilled" : "Recomputed";
});

TEST(SchedulerCore, ATextThatCannotFitAloneFailsWithNumbers) {
  SchedulerRun run({.n_blocks = 5});
  EXPECT_FALSE(run.core->check_fits(90, kv::Format::kF16).ok());
  EXPECT_TRUE(run.core->check_fits(60, kv::Format::kF16).ok());
  run.submit(fake_request(20, 200, 1));
  run.submit(fake_request(20, 10, 2));
  run.run();
  const Result<Generation> failed = run.streams[0]->finish();
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, ErrorCode::kLimit);
  EXPECT_NE(failed.error().message.find_first_of("0123456789"), std::string::npos) << failed.error().message;
  EXPECT_EQ(must(run.streams[1]->finish()).text, alone(fake_request(20, 10, 2)).text);
  expect_idle(run);
}

TEST(SchedulerCore, APoisonedRequestFailsAlone) {
  SchedulerRun run({.model = {.nan_after = 7, .refused_token = 9}});
  const auto with_token = [](model::TokenId token, uint64_t seed) {
    TextRequest request = fake_request(20, 30, seed);
    std::ranges::replace_if(request.prompt, [](model::TokenId t) { return t == 7 || t == 9; }, 8);
    if (token >= 0) request.prompt[10] = token;
    return request;
  };
  run.submit(with_token(-1, 1));
  run.submit(with_token(7, 2));
  run.submit(with_token(9, 3));
  run.submit(with_token(-1, 4));
  run.run();
  EXPECT_EQ(run.streams[1]->finish().error().code, ErrorCode::kMalformed);
  EXPECT_EQ(run.streams[2]->finish().error().message, "token 9 is refused");
  EXPECT_EQ(must(run.streams[0]->finish()).text, alone(with_token(-1, 1)).text);
  EXPECT_EQ(must(run.streams[3]->finish()).text, alone(with_token(-1, 4)).text);
  EXPECT_EQ(run.stats().n_failed, 2);
  expect_idle(run);
}

TEST(SchedulerCore, APassThatFindsNoRoomLosesNothing) {
  SchedulerRun run;
  for (uint64_t i = 0; i < 4; ++i) run.submit(fake_request(20, 30, i));
  for (int i = 0; i < 60; ++i) {
    run.decoder.n_limits = i % 7 == 0 ? 1 : 0;
    run.core->step();
  }
  run.run();
  for (uint64_t i = 0; i < 4; ++i) EXPECT_EQ(must(run.streams[i]->finish()).text, alone(fake_request(20, 30, i)).text);
}

TEST(SchedulerCore, SetpointsCountFromTheNextStepOn) {
  SchedulerRun run({.n_blocks = 200});
  EXPECT_TRUE(run.core->set({.max_sequences = 2, .prefill_tokens = 8, .prefill_share = 0.5}).ok());
  for (uint64_t i = 0; i < 6; ++i) run.submit(fake_request(20, 10, i));
  run.core->step();
  EXPECT_EQ(run.core->n_running(), 2U);
  EXPECT_EQ(run.decoder.n_rows_computed, 8);
  EXPECT_TRUE(run.core->set({.max_sequences = 100, .prefill_tokens = 1'000, .prefill_share = 0.5}).ok());
  run.core->step();
  EXPECT_EQ(run.core->n_running(), 6U);
  run.run();
  EXPECT_EQ(run.stats().n_finished, 6);
}

TEST(SchedulerCore, TheEndOfTheSchedulerEndsItsTexts) {
  SchedulerRun run({.options = {.max_sequences = 1}});
  run.submit(fake_request(20, 100, 1));
  run.submit(fake_request(20, 100, 2));
  run.core->step();
  run.core->step();
  run.core->stop();
  expect_idle(run);
  for (const auto& stream : run.streams) EXPECT_EQ(stream->finish().error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace docmind::engine

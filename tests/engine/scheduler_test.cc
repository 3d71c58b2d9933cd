// Scheduler: many threads ask one; backpressure, streams, dropped readers, the end.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "engine/engine_test_support.h"
#include "engine/scheduler.h"
#include "support/scheduler_run.h"
#include "support/temp_folder.h"

namespace docmind::engine {
namespace {

using test::alone;
using test::fake_request;

// While it is closed, passes stand still.
class Gate {
 public:
  void set(bool open) {
    {
      const std::lock_guard lock(mutex_);
      open_ = open;
    }
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
};

class SchedulerThread : public testing::Test {
 protected:
  void start(SchedulerOptions options = {}, size_t budget_blocks = 64) {
    scheduler.reset();
    decoder = std::make_unique<test::FakeDecoder>(test::FakeModel{.spend = [this](double) { gate.pass(); }});
    tokenizer = test::fake_tokenizer();
    const size_t block = test::SchedulerRun::block_bytes(*decoder);
    const kv::CacheOptions cache{.format = {}, .budget_bytes = budget_blocks * block, .identity = "fake"};
    scheduler = must(Scheduler::start({.decoder = decoder.get(),
                                       .kernels = must(kernels::kernel_table_named("scalar")),
                                       .tokenizer = tokenizer.get(),
                                       .n_context = 256,
                                       .cache = cache,
                                       .options = options}));
  }
  void TearDown() override { gate.set(true); }

  Gate gate;
  std::unique_ptr<test::FakeDecoder> decoder;
  std::unique_ptr<tokenizer::Tokenizer> tokenizer;
  std::unique_ptr<Scheduler> scheduler;
};

TEST_F(SchedulerThread, StreamsPiecesToManyThreads) {
  start();
  std::vector<std::thread> threads;
  std::vector<std::string> streamed(16), texts(16);
  for (uint64_t i = 0; i < streamed.size(); ++i) {
    threads.emplace_back([&, i] {
      auto stream = must(scheduler->submit(fake_request(20, 30, i)));
      while (const auto piece = stream->next()) streamed[i] += *piece;
      texts[i] = must(stream->finish()).text;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (uint64_t i = 0; i < streamed.size(); ++i) {
    EXPECT_EQ(texts[i], alone(fake_request(20, 30, i)).text);
    EXPECT_EQ(streamed[i], texts[i]);
  }
  const SchedulerStats stats = scheduler->stats();
  EXPECT_EQ(stats.n_finished, 16);
  EXPECT_EQ(stats.n_queued, 0);
  EXPECT_EQ(stats.n_running, 0);
  EXPECT_EQ(stats.kv.referenced_bytes, 0U);
}

TEST_F(SchedulerThread, AFullQueueAnswersAtOnceWithARetryHint) {
  start({.max_sequences = 1, .max_queued = 2});
  gate.set(false);
  std::vector<std::unique_ptr<TextStream>> streams;
  streams.push_back(must(scheduler->submit(fake_request(8, 4, 0))));
  while (scheduler->stats().n_queued > 0) std::this_thread::yield();  // it is admitted
  streams.push_back(must(scheduler->submit(fake_request(8, 4, 1))));
  streams.push_back(must(scheduler->submit(fake_request(8, 4, 2))));
  const auto refused = scheduler->submit(fake_request(8, 4, 3));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kBusy);
  EXPECT_EQ(refused.error().message, "2 requests wait already; try again in 1000 ms");
  EXPECT_EQ(scheduler->retry_after_ms(), 1'000) << "nothing is known yet";
  EXPECT_EQ(scheduler->stats().n_refused, 1);
  gate.set(true);
  for (size_t i = 0; i < streams.size(); ++i) {
    EXPECT_EQ(must(streams[i]->finish()).text, alone(fake_request(8, 4, i)).text);
  }
  EXPECT_LT(scheduler->retry_after_ms(), 1'000);
  EXPECT_TRUE(scheduler->submit(fake_request(8, 4, 3)).ok());
}

TEST_F(SchedulerThread, ARefusalNamesWhatIsWrong) {
  start();
  const auto refusal = [&](TextRequest request) {
    const auto result = scheduler->submit(std::move(request));
    return result.ok() ? Error{ErrorCode::kInternal, "accepted"} : result.error();
  };
  EXPECT_EQ(refusal(fake_request(0, 4)).message, "the prompt is empty");
  EXPECT_EQ(refusal(fake_request(4, 0)).message, "max_tokens must be at least 1, not 0");
  TextRequest strange = fake_request(4, 4);
  strange.prompt[2] = 64;
  EXPECT_EQ(refusal(strange).message, "the prompt has token 64, the model's are 0 to 63");
  EXPECT_EQ(refusal(fake_request(256, 4)).code, ErrorCode::kLimit);
  start({}, 5);
  const Error too_large = refusal(fake_request(100, 4));
  EXPECT_EQ(too_large.code, ErrorCode::kLimit);
  EXPECT_NE(too_large.message.find("100 tokens need"), std::string::npos) << too_large.message;
}

TEST_F(SchedulerThread, ADroppedStreamEndsItsTextOnly) {
  start();
  auto kept = must(scheduler->submit(fake_request(20, 60, 1)));
  // A text may be over before it is dropped: until one was not.
  while (scheduler->stats().n_cancelled == 0) {
    auto dropped = must(scheduler->submit(fake_request(20, 200, 2)));
    EXPECT_TRUE(dropped->next());
  }
  EXPECT_EQ(must(kept->finish()).text, alone(fake_request(20, 60, 1)).text);
  while (scheduler->stats().n_running + scheduler->stats().n_queued > 0) std::this_thread::yield();
  EXPECT_EQ(scheduler->stats().kv.referenced_bytes, 0U);
}

TEST_F(SchedulerThread, StoppingHereKeepsWhatWasRead) {
  start();
  auto stream = must(scheduler->submit(fake_request(20, 60, 1)));
  const std::string first = *stream->next(), second = *stream->next();
  const Generation cut = must(stream->stop_here());
  EXPECT_EQ(cut.text, first + second);
  EXPECT_EQ(cut.n_completion_tokens, 2);
  EXPECT_EQ(cut.finish, FinishReason::kCancelled);
}

TEST_F(SchedulerThread, AReaderMayBeCalledInsteadOfWaiting) {
  start();
  std::atomic<int> n_calls{0};
  TextRequest request = fake_request(20, 10, 1);
  request.on_ready = [&] { ++n_calls; };
  auto stream = must(scheduler->submit(std::move(request)));
  std::string piece, text;
  EXPECT_EQ(must(stream->finish()).n_completion_tokens, 10);
  while (n_calls < 11) std::this_thread::yield();  // ten pieces and the end
}

TEST_F(SchedulerThread, ItsEndEndsTextsAtOnceAndStreamsOutliveIt) {
  start({.max_sequences = 2, .max_queued = 3'000});
  std::vector<std::unique_ptr<TextStream>> streams;
  // So many that they are not over before the scheduler's end.
  for (uint64_t i = 0; i < 2'000; ++i) streams.push_back(must(scheduler->submit(fake_request(20, 200, i))));
  EXPECT_TRUE(streams[0]->next());
  scheduler.reset();
  int n_cancelled = 0;
  for (const auto& stream : streams) {
    const Result<Generation> outcome = stream->finish();
    if (!outcome.ok()) {
      EXPECT_EQ(outcome.error().code, ErrorCode::kCancelled);
      ++n_cancelled;
    }
  }
  EXPECT_GT(n_cancelled, 0);
}

TEST_F(SchedulerThread, ARestartedOneBeginsWarm) {
  const test::TempFolder folder;
  start();
  const TextRequest request = fake_request(64, 4, 1);
  const std::string text = must(must(scheduler->submit(request))->finish()).text;
  ASSERT_TRUE(scheduler->save_prefixes(folder.path("prefixes"), 1 << 20).ok());
  start();
  EXPECT_GE(must(scheduler->restore_prefixes(folder.path("prefixes"))), 48);
  const Generation warm = must(must(scheduler->submit(request))->finish());
  EXPECT_GE(warm.n_reused_tokens, 48);
  EXPECT_EQ(warm.text, text);
  EXPECT_EQ(scheduler->restore_prefixes(folder.path("absent")).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace docmind::engine

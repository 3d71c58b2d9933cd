// Properties of model specs and of generators made of generators, with threads.
// SPDX-License-Identifier: Apache-2.0
#include "providers/generator_routes.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <mutex>
#include <thread>

#include "providers/model_spec.h"

namespace docmind::providers {
namespace {

TEST(ModelSpecProperties, TextIsReadBackToTheSame) {
  const auto ok = rc::check("parse(text(parse(x))) == parse(x)", [] {
    const std::string kind = *rc::gen::element<std::string>("", "native:", "ollama:", "llamacpp:", "vllm:",
                                                            "lmstudio:", "openai:", "other:");
    const std::string model = *rc::gen::container<std::string>(
        rc::gen::element('a', ':', '@', '/', '.', '1', 'v', 'h', 't', 'p', ' ', '-'));
    const std::string url = *rc::gen::element<std::string>("", "@http://h", "@https://h:1/v1", "@http://h/v1/v1//",
                                                           "@http://[::1]:9/p", "@http://v1/");
    const Result<ModelSpec> spec = parse_model_spec(kind + model + url);
    if (!spec.ok()) {
      RC_ASSERT(spec.error().code == ErrorCode::kInvalidArgument);
      return;
    }
    const Result<ModelSpec> again = parse_model_spec(spec->text());
    RC_ASSERT(again.ok());
    RC_ASSERT(again->text() == spec->text());
    RC_ASSERT(again->kind == spec->kind);
    RC_ASSERT(again->model == spec->model);
    RC_ASSERT(again->url == spec->url);
    RC_ASSERT(again->lm_studio == spec->lm_studio);
  });
  EXPECT_TRUE(ok);
}

TEST(ModelSpecProperties, AnyBytesGiveASpecOrARefusal) {
  const auto ok = rc::check("no bytes break it", [] {
    const auto bytes = *rc::gen::arbitrary<std::string>();
    const Result<ModelSpec> spec = parse_model_spec(bytes);
    if (!spec.ok()) RC_ASSERT(spec.error().code == ErrorCode::kInvalidArgument);
  });
  EXPECT_TRUE(ok);
}

// Answers after a while, sometimes with an error, and knows how many it has to do.
class CountingGenerator final : public Generator {
 public:
  CountingGenerator(std::string name, int fails_every) : name_(std::move(name)), fails_every_(fails_every) {}
  ProviderInfo info() const override { return {name_, "same/1"}; }
  bool quotes_documents() const override { return false; }
  Result<GenerateResult> generate(const GenerateRequest&, const TextSink& sink, const CancelToken&) const override {
    const int64_t n_now = ++n_in_flight;
    for (int64_t most = n_most; n_now > most && !n_most.compare_exchange_weak(most, n_now);) continue;
    std::this_thread::yield();
    const int64_t call = ++n_calls;
    --n_in_flight;
    if (fails_every_ > 0 && call % fails_every_ == 0) return Error{ErrorCode::kIo, "broken"};
    if (!sink(name_)) return Error{ErrorCode::kCancelled, "stopped"};
    GenerateResult result;
    result.text = name_;
    return result;
  }
  mutable std::atomic<int64_t> n_in_flight{0}, n_most{0}, n_calls{0};

 private:
  const std::string name_;
  const int fails_every_;
};

// A generator that does not return before it is let go, so that the loads are known exactly.
class HeldGenerator final : public Generator {
 public:
  ProviderInfo info() const override { return {"held", "same/1"}; }
  Result<GenerateResult> generate(const GenerateRequest&, const TextSink&, const CancelToken&) const override {
    ++n_held;
    let_go.wait();
    --n_held;
    return GenerateResult{};
  }
  mutable std::atomic<int64_t> n_held{0};
  mutable std::latch let_go{1};
};

TEST(PoolProperties, LoadsOfEqualsNeverDifferByMoreThanOne) {
  const auto ok = rc::check("n requests at a time over m generators", [] {
    const auto n_generators = *rc::gen::inRange<size_t>(1, 5);
    const auto n_requests = *rc::gen::inRange<size_t>(0, 13);
    std::vector<std::shared_ptr<HeldGenerator>> held;
    std::vector<RoutedGenerator> routed;
    for (size_t i = 0; i < n_generators; ++i) {
      held.push_back(std::make_shared<HeldGenerator>());
      routed.push_back({held.back()});
    }
    const auto pool = make_pool(routed, {});
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < n_requests; ++i) {
      threads.emplace_back([&] { (void)pool->generate({.question = "?", .passages = {}}, {}, {}).ok(); });
    }
    const auto total = [&] {
      int64_t n = 0;
      for (const auto& one : held) n += one->n_held;
      return n;
    };
    while (total() < static_cast<int64_t>(n_requests)) std::this_thread::yield();
    const auto [least, most] = std::ranges::minmax(
        held, {}, [](const auto& one) { return one->n_held.load(); });
    const int64_t spread = most->n_held - least->n_held;
    for (const auto& one : held) one->let_go.count_down();
    threads.clear();
    RC_ASSERT(spread <= 1);
    RC_ASSERT(total() == 0);
  });
  EXPECT_TRUE(ok);
}

TEST(PoolProperties, EveryQuestionGetsOneAnswerOrOneErrorAndNothingStaysInFlight) {
  const auto ok = rc::check("threads, failures and circuits", [] {
    const auto n_generators = *rc::gen::inRange<size_t>(1, 5);
    const auto n_threads = *rc::gen::inRange(1, 5);
    const auto n_each = *rc::gen::inRange(1, 20);
    std::vector<std::shared_ptr<CountingGenerator>> counting;
    std::vector<RoutedGenerator> routed;
    for (size_t i = 0; i < n_generators; ++i) {
      counting.push_back(std::make_shared<CountingGenerator>("g" + std::to_string(i), *rc::gen::inRange(0, 4)));
      const bool available = *rc::gen::arbitrary<bool>();
      routed.push_back({counting.back(), [available] { return available; }});
    }
    std::atomic<int64_t> n_logged{0}, n_rerouted{0}, n_wrong{0};
    const auto pool = make_pool(routed, [&](std::string_view) { ++n_logged; });
    std::vector<std::jthread> threads;
    for (int t = 0; t < n_threads; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < n_each; ++i) {
          std::string streamed;
          const Result<GenerateResult> result = pool->generate({.question = "?", .passages = {}},
                                                               [&](std::string_view piece) {
                                                                 streamed += piece;
                                                                 return true;
                                                               },
                                                               {});
          const bool right = result.ok() ? streamed == result->text : streamed.empty();
          if (!right) ++n_wrong;
          if (result.ok() && !result->route.empty()) ++n_rerouted;
        }
      });
    }
    threads.clear();
    RC_ASSERT(n_wrong == 0);
    RC_ASSERT(n_logged == n_rerouted);
    for (const auto& one : counting) RC_ASSERT(one->n_in_flight == 0);
    // Loads are back at nothing: now everybody who is available has his turn.
    const auto is_open = [&](size_t i) { return routed[i].available(); };
    const bool any = std::ranges::any_of(routed, [](const RoutedGenerator& one) { return one.available(); });
    std::vector<int64_t> before;
    for (const auto& one : counting) before.push_back(one->n_calls);
    for (size_t i = 0; i < n_generators; ++i) {
      (void)pool->generate({.question = "?", .passages = {}}, [](std::string_view) { return true; }, {}).ok();
    }
    for (size_t i = 0; i < n_generators; ++i) {
      if (any && !is_open(i)) RC_ASSERT(counting[i]->n_calls == before[i]);
      else RC_ASSERT(counting[i]->n_calls > before[i]);
    }
  });
  EXPECT_TRUE(ok);
}

}  // namespace
}  // namespace docmind::providers

// Fail-over, pools and routing by complexity: who is asked, who answers, and what is said about it.
// SPDX-License-Identifier: Apache-2.0
#include "providers/generator_routes.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

#include "providers/fake_generator.h"

namespace docmind::providers {
namespace {

struct Asked {
  Result<GenerateResult> result = GenerateResult{};
  std::string streamed;
};

Asked ask(const Generator& generator, const CancelToken& cancel = {}, std::string_view question = "How heavy is it?") {
  Asked asked;
  asked.result = generator.generate({.question = question, .passages = {}},
                                    [&](std::string_view piece) {
                                      asked.streamed += piece;
                                      return true;
                                    },
                                    cancel);
  return asked;
}

struct Log {
  std::vector<std::string> sentences;
  RouteLog sink() {
    return [this](std::string_view sentence) { sentences.emplace_back(sentence); };
  }
};

using Shared = std::shared_ptr<FakeGenerator>;
std::vector<RoutedGenerator> routed(const std::vector<Shared>& generators) {
  std::vector<RoutedGenerator> all;
  for (const Shared& one : generators) all.push_back({one});
  return all;
}

TEST(Failover, TheFirstAnswersAloneWhenItCan) {
  Log log;
  const Shared first = answering("first"), second = answering("second");
  const auto route = make_failover(routed({first, second}), log.sink());
  const Asked asked = ask(*route);
  ASSERT_TRUE(asked.result.ok());
  EXPECT_EQ(asked.result->identity, "") << "that of info()";
  EXPECT_EQ(asked.result->provider, "");
  EXPECT_EQ(asked.result->route, "");
  EXPECT_EQ(second->n_calls, 0);
  EXPECT_TRUE(log.sentences.empty());
  EXPECT_EQ(route->info().identity, "first/1");
}

TEST(Failover, TheNextAnswersAfterErrorsOfTheServerAndSaysSo) {
  for (const ErrorCode code : {ErrorCode::kIo, ErrorCode::kBusy, ErrorCode::kMalformed, ErrorCode::kNotFound}) {
    Log log;
    const auto route = make_failover(
        routed({failing("first", code, {""}), failing("second", ErrorCode::kIo), answering("third")}), log.sink());
    const Asked asked = ask(*route);
    ASSERT_TRUE(asked.result.ok()) << error_code_name(code);
    EXPECT_EQ(asked.streamed, "yes");
    EXPECT_EQ(asked.result->identity, "third/1") << "cached as what it is";
    EXPECT_EQ(asked.result->provider, "third");
    EXPECT_EQ(asked.result->route,
              "'third' answers because 'first' failed: first cannot; 'second' failed: second cannot");
    ASSERT_EQ(log.sentences.size(), 1U);
    EXPECT_EQ(log.sentences[0], asked.result->route);
  }
}

TEST(Failover, WhatIsWrongWithTheRequestIsWrongEverywhere) {
  for (const ErrorCode code : {ErrorCode::kInvalidArgument, ErrorCode::kPermission, ErrorCode::kUnsupported,
                               ErrorCode::kLimit, ErrorCode::kMismatch, ErrorCode::kCancelled, ErrorCode::kInternal}) {
    const Shared second = answering("second");
    const Asked asked = ask(*make_failover(routed({failing("first", code), second}), {}));
    ASSERT_FALSE(asked.result.ok()) << error_code_name(code);
    EXPECT_EQ(asked.result.error().code, code);
    EXPECT_EQ(second->n_calls, 0) << error_code_name(code);
  }
}

TEST(Failover, NobodyGetsTwoBeginningsOfAnAnswer) {
  const Shared second = answering("second");
  const Asked asked = ask(*make_failover(routed({failing("first", ErrorCode::kIo, {"", "half"}), second}), {}));
  ASSERT_FALSE(asked.result.ok());
  EXPECT_EQ(asked.result.error().message, "first cannot");
  EXPECT_EQ(asked.streamed, "half");
  EXPECT_EQ(second->n_calls, 0);
}

TEST(Failover, ACancelledQuestionIsNotAskedAgain) {
  const CancelToken cancel;
  const Shared second = answering("second");
  const Shared first = fake("first", {.pieces = {}, .error = Error{ErrorCode::kIo, "closed"},
                                      .meanwhile = [&] { cancel.cancel(); }});
  EXPECT_FALSE(ask(*make_failover(routed({first, second}), {}), cancel).result.ok());
  EXPECT_EQ(second->n_calls, 0);
}

TEST(Failover, AllFailedGivesTheFirstErrorWithWhatTheOthersSaid) {
  const Asked asked =
      ask(*make_failover(routed({failing("first", ErrorCode::kBusy), failing("second", ErrorCode::kIo)}), {}));
  ASSERT_FALSE(asked.result.ok());
  EXPECT_EQ(asked.result.error().code, ErrorCode::kBusy);
  EXPECT_EQ(asked.result.error().message, "first cannot; 'second': second cannot");
}

TEST(Failover, AnOpenCircuitIsPassedOver) {
  bool closed = false;
  const Shared first = answering("first"), second = answering("second");
  const auto route = make_failover({{first, [&] { return closed; }}, {second}}, {});
  EXPECT_EQ(route->identity_now(), "second/1") << "so that its cached answers are found meanwhile";
  const Asked asked = ask(*route);
  EXPECT_EQ(asked.result->provider, "second");
  EXPECT_EQ(asked.result->route, "'second' answers because 'first' failed before and is left alone for a while");
  EXPECT_EQ(first->n_calls, 0);
  closed = true;
  EXPECT_EQ(ask(*route).result->provider, "");
  EXPECT_EQ(first->n_calls, 1);
  EXPECT_EQ(route->identity_now(), "first/1");
}

TEST(Failover, WithAllCircuitsOpenTheFirstSaysWhatIsWrong) {
  const auto never = [] { return false; };
  const Asked asked = ask(*make_failover(
      {{failing("first", ErrorCode::kBusy), never}, {failing("second", ErrorCode::kBusy), never}}, {}));
  ASSERT_FALSE(asked.result.ok());
  EXPECT_TRUE(asked.result.error().message.starts_with("first cannot")) << asked.result.error().message;
}

TEST(Failover, ARouteWithinARouteTellsBoth) {
  const std::shared_ptr<const Generator> inner =
      make_failover(routed({failing("a", ErrorCode::kIo), answering("b")}), {});
  const Asked asked = ask(*make_failover({{failing("x", ErrorCode::kIo)}, {inner}}, {}));
  EXPECT_EQ(asked.result->identity, "b/1");
  EXPECT_EQ(asked.result->provider, "b");
  EXPECT_NE(asked.result->route.find("x cannot"), std::string::npos);
  EXPECT_NE(asked.result->route.find("a cannot"), std::string::npos);
}

TEST(Failover, QuotesWhereOneOfThemDoes) {
  const Shared quoting = fake("q", {.pieces = {}, .error = {}, .quotes = true});
  EXPECT_FALSE(make_failover(routed({answering("a")}), {})->quotes_documents());
  EXPECT_TRUE(make_failover(routed({answering("a"), quoting}), {})->quotes_documents());
}

TEST(Pool, IdleEqualsTakeTurns) {
  const Shared a = answering("a"), b = answering("b"), c = answering("c");
  const auto pool = make_pool(routed({a, b, c}), {});
  for (int i = 0; i < 30; ++i) EXPECT_TRUE(ask(*pool).result.ok());
  EXPECT_EQ(a->n_calls, 10);
  EXPECT_EQ(b->n_calls, 10);
  EXPECT_EQ(c->n_calls, 10);
  EXPECT_EQ(pool->info().identity, "a/1");
}

TEST(Pool, TheLeastLoadedIsTaken) {
  // While `a` works on one question, all others go to `b`.
  std::unique_ptr<Generator> pool;
  const Shared b = answering("b");
  const Shared a = fake("a", {.pieces = {"yes"}, .error = {}, .meanwhile = [&] {
                                if (b->n_calls > 0) return;
                                for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(*pool).result->provider, "b");
                              }});
  pool = make_pool(routed({a, b}), {});
  EXPECT_EQ(ask(*pool).result->provider, "") << "the first is who info() says";
  EXPECT_EQ(a->n_calls, 1);
  EXPECT_EQ(b->n_calls, 5);
}

TEST(Pool, AnswersAreThoseOfTheFirstWhoeverMadeThem) {
  Log log;
  const auto pool = make_pool(routed({failing("a", ErrorCode::kIo), answering("b")}), log.sink());
  const Asked asked = ask(*pool);
  EXPECT_EQ(asked.result->identity, "") << "the same model";
  EXPECT_EQ(asked.result->provider, "b");
  EXPECT_EQ(asked.result->route, "'b' answers because 'a' failed: a cannot");
  EXPECT_EQ(log.sentences.size(), 1U);
}

TEST(Pool, AnIdentityIsToldOnlyWhereSettingsWereChangedForATime) {
  const Shared plain = fake("b", {.pieces = {"yes"}, .error = {}, .identity = "b/1"});
  const Shared changed = fake("c", {.pieces = {"yes"}, .error = {}, .identity = "c/8-bit"});
  EXPECT_EQ(ask(*make_pool(routed({failing("a", ErrorCode::kIo), plain}), {})).result->identity, "");
  EXPECT_EQ(ask(*make_pool(routed({failing("a", ErrorCode::kIo), changed}), {})).result->identity, "c/8-bit");
}

TEST(Pool, OpenCircuitsAreSkippedUnlessAllAre) {
  bool closed = false;
  const Shared a = answering("a"), b = answering("b");
  const auto is_closed = [&] { return closed; };
  const auto pool = make_pool({{a, is_closed}, {b}}, {});
  for (int i = 0; i < 4; ++i) ask(*pool);
  EXPECT_EQ(a->n_calls, 0);
  EXPECT_TRUE(ask(*make_pool({{a, is_closed}, {b, is_closed}}, {})).result.ok());
}

TEST(Pool, EachIsTriedOnceAndAllFailedTellsOfAll) {
  const Shared a = failing("a", ErrorCode::kIo), b = failing("b", ErrorCode::kBusy);
  const Asked asked = ask(*make_pool(routed({a, b}), {}));
  ASSERT_FALSE(asked.result.ok());
  EXPECT_EQ(asked.result.error().message, "a cannot; 'b': b cannot");
  EXPECT_EQ(a->n_calls + b->n_calls, 2);
  const Shared c = failing("c", ErrorCode::kIo, {"half"});
  EXPECT_FALSE(ask(*make_pool(routed({c, b}), {})).result.ok());
  EXPECT_EQ(b->n_calls, 1) << "not after text was shown";
}

TEST(Pool, AnExceptionDoesNotLeaveARequestCounted) {
  bool throws = true;
  const Shared a = fake("a", {.pieces = {"yes"}, .error = {}, .meanwhile = [&] {
                                if (throws) throw std::runtime_error("no memory");
                              }});
  const Shared b = answering("b");
  const auto pool = make_pool(routed({a, b}), {});
  EXPECT_THROW(ask(*pool), std::runtime_error);
  throws = false;
  for (int i = 0; i < 10; ++i) ask(*pool);
  EXPECT_EQ(a->n_calls, 6) << "it has its turns like before";
  EXPECT_EQ(b->n_calls, 5);
}

TEST(ComplexityRouter, SendsQuestionsWhereTheyBelong) {
  const Shared small = answering("small"), large = answering("large");
  const auto router = make_complexity_router(small, large, {});
  const Asked easy = ask(*router, {}, "How heavy is the pump?");
  EXPECT_EQ(easy.result->provider, "small");
  EXPECT_EQ(easy.result->route, "'small' was chosen because the question is short and factual");
  EXPECT_EQ(easy.result->identity, "") << "that of the pair";
  const Asked hard = ask(*router, {}, "Why is the pump heavy?");
  EXPECT_EQ(hard.result->provider, "large");
  EXPECT_EQ(hard.result->route, "'large' was chosen because the question asks for a reason ('why')");
  EXPECT_EQ(small->n_calls, 1);
  EXPECT_EQ(large->n_calls, 1);
}

TEST(ComplexityRouter, ThePairsIdentityIsThatOfBoth) {
  const auto identity = [](const char* small, const char* large) {
    return make_complexity_router(answering(small), answering(large), {})->info().identity;
  };
  EXPECT_NE(identity("a", "b"), identity("a", "c"));
  EXPECT_NE(identity("a", "b"), identity("c", "b"));
  EXPECT_NE(identity("a", "b"), identity("b", "a"));
  EXPECT_EQ(identity("a", "b"), identity("a", "b"));
}

TEST(ComplexityRouter, AnotherIdentityOfTheLargeOneIsFoundAgainAsLongAsItLasts) {
  const Shared small = answering("small");
  const Shared changed =
      fake("large", {.pieces = {"yes"}, .error = {}, .identity = "large/8-bit", .identity_now = "large/8-bit"});
  const auto router = make_complexity_router(small, changed, {});
  const Asked asked = ask(*router, {}, "Why?");
  EXPECT_NE(asked.result->identity, router->info().identity);
  EXPECT_EQ(asked.result->identity, router->identity_now());
}

TEST(ComplexityRouter, TheLargeOneAnswersWhereTheSmallOneFails) {
  Log log;
  const Shared large = answering("large");
  const auto router = make_complexity_router(failing("small", ErrorCode::kIo), large, log.sink());
  const Asked asked = ask(*router);
  ASSERT_TRUE(asked.result.ok());
  EXPECT_EQ(asked.result->provider, "large");
  EXPECT_NE(asked.result->identity, "") << "not what the pair would say";
  EXPECT_EQ(asked.result->route, "'large' was chosen because 'small' failed: small cannot");
  EXPECT_EQ(log.sentences, std::vector<std::string>{"'large' answers because 'small' failed: small cannot"});
  const Asked half = ask(*make_complexity_router(failing("small", ErrorCode::kIo, {"half"}), large, {}));
  EXPECT_FALSE(half.result.ok());
  const Asked both =
      ask(*make_complexity_router(failing("small", ErrorCode::kIo), failing("large", ErrorCode::kBusy), {}));
  EXPECT_EQ(both.result.error().code, ErrorCode::kBusy);
  EXPECT_NE(both.result.error().message.find("small cannot"), std::string::npos);
}

}  // namespace
}  // namespace docmind::providers

// TokenConstraint: the masks are what trying each token alone would give, whatever the vocabulary.
// SPDX-License-Identifier: Apache-2.0
#include "engine/token_constraint.h"

#include <gtest/gtest.h>

#include <random>

#include "engine/constraint_pool.h"
#include "engine/engine_test_support.h"
#include "engine/load_tokenizer.h"
#include "support/schema_samples.h"

namespace docmind::engine {
namespace {

using tokenizer::TokenId;
using tokenizer::Tokenizer;

constexpr size_t kBits = 64;

bool has_bit(std::span<const uint64_t> mask, size_t i) { return (mask[i / kBits] >> (i % kBits) & 1) != 0; }

std::unique_ptr<Tokenizer> bytes_and(std::vector<std::string> texts) {
  tokenizer::Vocabulary vocabulary;
  vocabulary.kind = tokenizer::VocabularyKind::kSentencePieceBpe;
  vocabulary.tokens = {"<s>", "</s>"};
  vocabulary.types = {tokenizer::TokenType::kControl, tokenizer::TokenType::kControl};
  vocabulary.eos = 1;
  for (int byte = 0; byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof text, "<0x%02X>", static_cast<unsigned>(byte));
    vocabulary.tokens.emplace_back(text);
    vocabulary.types.push_back(tokenizer::TokenType::kByte);
  }
  for (std::string& text : texts) {
    vocabulary.tokens.push_back(std::move(text));
    vocabulary.types.push_back(tokenizer::TokenType::kNormal);
  }
  vocabulary.scores.assign(vocabulary.tokens.size(), 0);
  return must(Tokenizer::create(std::move(vocabulary)));
}

// Tokens of several bytes that cross the ends of strings, values and characters.
std::unique_ptr<Tokenizer> small_vocabulary() {
  return bytes_and({"{\"",      "\":",
                    "\",\"",    "\"}",
                    "}}",       "[[",
                    "]]",       "[{\"",
                    "true",     "null",
                    "tr",       "12",
                    "3.5",      "\",",
                    "\\u",      "00",
                    "\xc3\xa9", "\xe4\xb8",
                    "\xb8\xad", "abc",
                    "a\"",      "a\":",
                    "\\\"",     "ab\",\"",
                    "{\"a\":",  "\n",
                    "}\n",      "foo-",
                    "xyz",      "[1,2",
                    "],[",      "kind\":\"one\"",
                    "\"",       "aaaaaaaaaaaaaaaa"});
}

// Walks at random, and compares each mask on the way with single steps.
void compare(const Grammar& grammar, TokenConstraint constraint, const VocabularyTrie& vocabulary, uint64_t seed,
             int n_steps) {
  std::mt19937_64 random(seed);
  GrammarStates states(compiled(grammar).program(), compiled(grammar).max_levels());
  GrammarStates::State state = states.start();
  for (int step = 0; step < n_steps && !constraint.ended(); ++step) {
    const auto allowed = constraint.allowed();
    ASSERT_TRUE(allowed.ok()) << allowed.error().message;
    std::vector<TokenId> good;
    for (size_t id = 0; id < vocabulary.n_vocab(); ++id) {
      const auto token = static_cast<TokenId>(id);
      GrammarStates::State next = state;
      for (const char byte : vocabulary.bytes(token)) next = states.step(next, static_cast<uint8_t>(byte));
      const bool ends = std::ranges::find(vocabulary.end_tokens(), token) != vocabulary.end_tokens().end();
      const bool text = !vocabulary.bytes(token).empty();
      const bool wanted = ends ? states.complete(state) : text && next != GrammarStates::kDead;
      ASSERT_EQ(has_bit(*allowed, id), wanted)
          << "token " << id << " '" << vocabulary.bytes(token) << "' in step " << step;
      if (wanted && !ends) good.push_back(token);
    }
    if (good.empty()) return;
    const TokenId token = good[random() % good.size()];
    ASSERT_TRUE(constraint.accept(token).ok());
    for (const char byte : vocabulary.bytes(token)) state = states.step(state, static_cast<uint8_t>(byte));
  }
}

TEST(TokenConstraint, MasksAreThoseOfTryingEachToken) {
  const auto tokenizer = small_vocabulary();
  const size_t n_vocab = tokenizer->n_tokens() + 7;  // rows of logits may be longer
  ConstraintPool pool(*tokenizer, n_vocab);
  const auto vocabulary = VocabularyTrie::create(*tokenizer, n_vocab);
  for (uint64_t seed = 0; seed < 60; ++seed) {
    test::SchemaSamples samples(seed);
    const auto grammar = must(Grammar::from_json_schema(samples.schema(3)));
    compare(*grammar, pool.open(grammar), *vocabulary, seed, 60);
    if (HasFatalFailure()) FAIL() << "seed " << seed;
  }
  const auto any = must(Grammar::json_object());
  for (uint64_t seed = 0; seed < 20; ++seed) compare(*any, pool.open(any), *vocabulary, seed, 80);
}

TEST(TokenConstraint, NestingEndsInTime) {
  const auto tokenizer = small_vocabulary();
  ConstraintPool pool(*tokenizer, tokenizer->n_tokens());
  const auto vocabulary = VocabularyTrie::create(*tokenizer, tokenizer->n_tokens());
  const auto grammar = must(Grammar::from_json_schema({{"type", "array"}}, {.max_text_depth = 5}));
  TokenConstraint constraint = pool.open(grammar);
  const TokenId two = *tokenizer->find("[[");
  const TokenId one = static_cast<TokenId>('[' + 2);
  for (const TokenId token : {two, two}) {
    EXPECT_TRUE(has_bit(must(constraint.allowed()), static_cast<size_t>(token)));
    EXPECT_TRUE(constraint.accept(token).ok());
  }
  EXPECT_FALSE(has_bit(must(constraint.allowed()), static_cast<size_t>(two)));
  EXPECT_TRUE(has_bit(must(constraint.allowed()), static_cast<size_t>(one)));
  EXPECT_TRUE(constraint.accept(one).ok());
  EXPECT_FALSE(has_bit(must(constraint.allowed()), static_cast<size_t>(one)));
}

TEST(TokenConstraint, EndsWhenNothingCanFollow) {
  const auto tokenizer = small_vocabulary();
  ConstraintPool pool(*tokenizer, tokenizer->n_tokens());
  const auto grammar = must(Grammar::from_json_schema({{"enum", json::array{true, json::value(nullptr)}}}));
  TokenConstraint constraint = pool.open(grammar);
  EXPECT_FALSE(constraint.ended());
  EXPECT_TRUE(constraint.accept(*tokenizer->find("null")).ok());
  EXPECT_TRUE(constraint.ended());
  EXPECT_TRUE(has_bit(must(constraint.allowed()), 1));  // the end mark
  EXPECT_EQ(constraint.accept(*tokenizer->find("null")).error().code, ErrorCode::kInternal);
}

TEST(TokenConstraint, SaysWhenTheVocabularyCannotWriteIt) {
  tokenizer::Vocabulary vocabulary;
  vocabulary.kind = tokenizer::VocabularyKind::kSentencePieceBpe;
  vocabulary.tokens = {"a", "b"};
  const auto tokenizer = must(Tokenizer::create(std::move(vocabulary)));
  ConstraintPool pool(*tokenizer, 2);
  TokenConstraint constraint = pool.open(must(Grammar::json_object()));
  const auto allowed = constraint.allowed();
  ASSERT_FALSE(allowed.ok());
  EXPECT_NE(allowed.error().message.find("none of the model's 2 tokens"), std::string::npos) << allowed.error().message;
}

// What is known of a grammar is forgotten when it has grown; texts that are in the middle go on.
TEST(TokenConstraint, GoesOnWithFreshMasks) {
  const auto tokenizer = small_vocabulary();
  ConstraintPool pool(*tokenizer, tokenizer->n_tokens());
  const auto vocabulary = VocabularyTrie::create(*tokenizer, tokenizer->n_tokens());
  const auto grammar = must(Grammar::json_object());
  TokenMasks old(grammar, vocabulary);
  GrammarStates::State state = old.states().start();
  for (const char c : std::string_view("{\"a\":[1,{\"b\":\"x"))
    state = old.states().step(state, static_cast<uint8_t>(c));
  TokenMasks fresh(grammar, vocabulary);
  GrammarStates::State moved = fresh.states().take_over(old.states(), state);
  EXPECT_TRUE(std::ranges::equal(old.mask(state), fresh.mask(moved)));
  for (const char c : std::string_view("y\"}]}")) moved = fresh.states().step(moved, static_cast<uint8_t>(c));
  EXPECT_TRUE(fresh.states().complete(moved));
}

}  // namespace
}  // namespace docmind::engine

// Properties of grammars: what may be written is valid, and what is valid may be written.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <random>
#include <string>

#include "engine/grammar.h"
#include "engine/grammar_impl.h"
#include "engine/grammar_states.h"
#include "support/schema_samples.h"

namespace docmind::engine {
namespace {

using test::SchemaSamples;

// Goes on at random, and after a while towards the end. Empty when it takes too long.
std::string random_text(const Grammar& grammar, uint64_t seed) {
  constexpr size_t kLong = 200, kTooLong = 20'000;
  std::mt19937_64 random(seed);
  GrammarStates states(compiled(grammar).program(), compiled(grammar).max_levels());
  GrammarStates::State state = states.start();
  std::string text;
  while (text.size() < kTooLong) {
    std::string next, ending;
    for (int byte = 0; byte < 256; ++byte) {
      const char c = static_cast<char>(byte);
      if (states.step(state, static_cast<uint8_t>(byte)) == GrammarStates::kDead) continue;
      next += c;
      if (std::string_view("}]\"").find(c) != std::string_view::npos) ending += c;
    }
    if (next.empty()) return states.complete(state) ? text : "dead end: " + text;
    if (states.complete(state) && (text.size() > kLong || random() % 4 == 0)) return text;
    const std::string& from = text.size() > kLong && !ending.empty() ? ending : next;
    const char c = from[random() % from.size()];
    state = states.step(state, static_cast<uint8_t>(c));
    text += c;
  }
  return {};
}

bool accepts(const Grammar& grammar, std::string_view text) {
  GrammarStates states(compiled(grammar).program(), compiled(grammar).max_levels());
  GrammarStates::State state = states.start();
  for (const char c : text) state = states.step(state, static_cast<uint8_t>(c));
  return states.complete(state);
}

constexpr size_t kMaxDepth = 100;

TEST(GrammarProperty, TextsAreValidForTheirSchema) {
  EXPECT_TRUE(rc::check("texts of a grammar are valid for its schema", [](uint64_t seed) {
    SchemaSamples samples(seed);
    const json::value schema = samples.schema(3);
    const auto grammar = Grammar::from_json_schema(schema);
    RC_LOG() << json::serialize(schema);
    if (!grammar.ok()) RC_LOG() << grammar.error().message;
    RC_ASSERT(grammar.ok());
    for (uint64_t i = 0; i < 5; ++i) {
      const std::string text = random_text(**grammar, seed + i);
      if (text.empty()) continue;
      RC_LOG() << text;
      const auto value = parse_json(text, kMaxDepth, text.size());
      RC_ASSERT(value.ok());
      RC_ASSERT(test::is_valid(*value, schema, schema));
    }
  }));
}

TEST(GrammarProperty, ValidValuesAreAccepted) {
  EXPECT_TRUE(rc::check("valid values may be written", [](uint64_t seed) {
    SchemaSamples samples(seed);
    const json::value schema = samples.schema(3);
    const auto grammar = Grammar::from_json_schema(schema);
    RC_ASSERT(grammar.ok());
    for (int i = 0; i < 5; ++i) {
      const std::string text = test::compact_json(samples.value_of(schema, schema));
      RC_LOG() << json::serialize(schema) << "\n" << text;
      RC_ASSERT(accepts(**grammar, text));
    }
  }));
}

TEST(GrammarProperty, JsonObjectsAreJson) {
  EXPECT_TRUE(rc::check("texts of the JSON grammar are JSON objects", [](uint64_t seed) {
    const auto grammar = Grammar::json_object();
    RC_ASSERT(grammar.ok());
    const std::string text = random_text(**grammar, seed);
    RC_LOG() << text;
    if (text.empty()) return;
    const auto value = parse_json(text, kMaxDepth, text.size());
    RC_ASSERT(value.ok());
    RC_ASSERT(value->is_object());
  }));
}

}  // namespace
}  // namespace docmind::engine

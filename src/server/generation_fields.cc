// GenerationFields: what chats and completions have in common, as OpenAI's clients send it.
// SPDX-License-Identifier: Apache-2.0
#include "server/generation_fields.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "server/response_text.h"

namespace docmind::server {
namespace {

constexpr size_t kMaxBiases = 1'024;
constexpr double kMaxBias = 100;
constexpr int64_t kManyTokens = 1 << 30;

// {"token id": bias}
std::vector<engine::TokenBias> read_logit_bias(JsonFields& fields) {
  std::vector<engine::TokenBias> biases;
  const json::object* given = fields.object("logit_bias");
  if (given == nullptr) return biases;
  if (given->size() > kMaxBiases) {
    fields.fail("logit_bias", fmt::format("has {} tokens; at most {} are allowed", given->size(), kMaxBiases));
    return biases;
  }
  for (const auto& [key, value] : *given) {
    int32_t token = -1;
    const auto [end, failure] = std::from_chars(key.data(), key.data() + key.size(), token);
    if (failure != std::errc{} || end != key.data() + key.size() || token < 0) {
      fields.fail("logit_bias", fmt::format("has the key '{}'; keys are token ids of the model, see /tokenize",
                                            std::string_view(key.data(), std::min<size_t>(key.size(), 40))));
      return biases;
    }
    const double bias = value.is_number() ? value.to_number<double>() : kMaxBias + 1;
    if (!(bias >= -kMaxBias && bias <= kMaxBias)) {
      fields.fail("logit_bias", fmt::format("of token {} must be a number between -100 and 100", token));
      return biases;
    }
    biases.push_back({token, static_cast<float>(bias)});
  }
  return biases;
}

void read_sampling(JsonFields& fields, engine::SamplingOptions& sampling) {
  sampling.temperature = fields.real("temperature", 0, 2).value_or(1);
  sampling.top_p = fields.real("top_p", 0, 1).value_or(1);
  // -1 is "all" in some clients.
  sampling.top_k = static_cast<size_t>(std::max<int64_t>(0, fields.integer("top_k", -1, kManyTokens).value_or(0)));
  sampling.min_p = fields.real("min_p", 0, 1).value_or(0);
  sampling.presence_penalty = fields.real("presence_penalty", -2, 2).value_or(0);
  sampling.frequency_penalty = fields.real("frequency_penalty", -2, 2).value_or(0);
  for (const std::string_view name : {"repetition_penalty", "repeat_penalty"}) {
    if (const auto penalty = fields.real(name, 0.01, 10)) sampling.repetition_penalty = *penalty;
  }
  sampling.biases = read_logit_bias(fields);
  const auto seed = fields.integer("seed", std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
  sampling.seed = seed ? static_cast<uint64_t>(*seed) : random_seed();
}

}  // namespace

std::vector<std::string> read_stop(JsonFields& fields) {
  std::vector<std::string> stop = fields.texts("stop", kMaxStopStrings).value_or(std::vector<std::string>());
  std::erase(stop, std::string());
  for (const std::string& text : stop) {
    if (text.size() > kMaxStopBytes) {
      fields.fail("stop", fmt::format("has a text of {} bytes; at most {} are allowed", text.size(), kMaxStopBytes));
    }
  }
  return stop;
}

GenerationFields read_generation_fields(JsonFields& fields, int64_t max_tokens) {
  GenerationFields made;
  read_sampling(fields, made.options.sampling);
  made.options.stop = read_stop(fields);
  made.options.max_tokens = max_tokens;
  for (const std::string_view name : {"max_tokens", "max_completion_tokens"}) {
    if (const auto wanted = fields.integer(name, 1, kManyTokens))
      made.options.max_tokens = std::min(*wanted, max_tokens);
  }
  made.n = fields.integer("n", 1, kMaxTexts).value_or(1);
  made.stream = fields.boolean("stream").value_or(false);
  if (const json::object* given = fields.object("stream_options")) {
    JsonFields options(*given, "stream_options.");
    made.include_usage = options.boolean("include_usage").value_or(false);
    fields.adopt(options);
  }
  return made;
}

}  // namespace docmind::server

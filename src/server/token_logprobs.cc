// Log-probabilities of tokens in the forms of OpenAI's chat and completions.
// SPDX-License-Identifier: Apache-2.0
#include "server/token_logprobs.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::server {
namespace {

constexpr double kLeastLogprob = -9'999;  // JSON has no infinity

double finite_logprob(double logprob) { return logprob > kLeastLogprob ? logprob : kLeastLogprob; }

json::object scored_object(const tokenizer::Tokenizer& tokenizer, const engine::TokenLogprob& scored) {
  const std::string bytes = tokenizer.piece(scored.token, true);
  json::array list;
  for (const char byte : bytes) list.emplace_back(static_cast<int64_t>(static_cast<unsigned char>(byte)));
  return {{"token", to_valid_utf8(bytes)}, {"logprob", finite_logprob(scored.logprob)}, {"bytes", std::move(list)}};
}

// As OpenAI's completions name a token that is no whole character.
std::string completion_token(const std::string& bytes) {
  if (is_valid_utf8(bytes)) return bytes;
  std::string name = "bytes:";
  for (const char byte : bytes) name += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
  return name;
}

}  // namespace

int64_t count_characters(std::string_view utf8) {
  return std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

json::object chat_logprobs(const tokenizer::Tokenizer& tokenizer, std::span<const engine::ScoredToken> tokens) {
  json::array content;
  for (const engine::ScoredToken& token : tokens) {
    json::object object = scored_object(tokenizer, token.chosen);
    json::array top;
    for (const engine::TokenLogprob& other : token.top) top.push_back(scored_object(tokenizer, other));
    object["top_logprobs"] = std::move(top);
    content.push_back(std::move(object));
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

json::object CompletionLogprobs::next(std::span<const engine::ScoredToken> tokens) {
  json::array texts, logprobs, tops, offsets;
  for (const engine::ScoredToken& token : tokens) {
    const std::string bytes = tokenizer_.piece(token.chosen.token, true);
    texts.emplace_back(completion_token(bytes));
    logprobs.emplace_back(finite_logprob(token.chosen.logprob));
    json::object top;
    for (const engine::TokenLogprob& other : token.top) {
      top[completion_token(tokenizer_.piece(other.token, true))] = finite_logprob(other.logprob);
    }
    tops.push_back(std::move(top));
    offsets.emplace_back(n_characters_);
    n_characters_ += count_characters(bytes);
  }
  return {{"tokens", std::move(texts)}, {"token_logprobs", std::move(logprobs)}, {"top_logprobs", std::move(tops)},
          {"text_offset", std::move(offsets)}};
}

}  // namespace docmind::server

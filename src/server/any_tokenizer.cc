// any_tokenizer: the tokenizer that a request for tokens means.
// SPDX-License-Identifier: Apache-2.0
#include "server/any_tokenizer.h"

#include <fmt/format.h>

#include "server/model_names.h"

namespace docmind::server {

const tokenizer::Tokenizer* any_tokenizer(pipeline::Service& service, std::string_view tenant, std::string_view name,
                                          TokensOf first, ApiError& error) {
  const pipeline::Models& models = service.models();
  const auto fits = [&](const std::string& own) { return name.empty() || name == own || without_tag(name) == own; };
  const tokenizer::Tokenizer* of_text = models.text && fits(models.text_name) ? &models.text->tokenizer() : nullptr;
  const tokenizer::Tokenizer* of_vectors = nullptr;
  if (models.rerank && fits(models.rerank_name)) of_vectors = &models.rerank->tokenizer();
  if (models.embedding && fits(models.embedding_name)) of_vectors = &models.embedding->tokenizer();
  const tokenizer::Tokenizer* best = first == TokensOf::kText ? of_text : of_vectors;
  if (best == nullptr) best = first == TokensOf::kText ? of_vectors : of_text;
  if (best != nullptr) return best;
  if (!name.empty()) {
    error = unknown_model(service, tenant, name);
  } else {
    error = {.status = 404, .message = "no model is loaded, so there is no vocabulary", .code = "model_not_found"};
  }
  return nullptr;
}

std::vector<tokenizer::TokenId> read_token_ids(JsonFields& fields, std::string_view name, const json::array& list,
                                               size_t n_vocab) {
  std::vector<tokenizer::TokenId> ids;
  ids.reserve(list.size());
  for (size_t i = 0; i < list.size(); ++i) {
    json::error_code failure;
    const int64_t id = list[i].is_number() ? list[i].to_number<int64_t>(failure) : -1;
    if (failure || id < 0 || id >= static_cast<int64_t>(n_vocab)) {
      fields.fail(fmt::format("{}[{}]", name, i), fmt::format("must be a token id between 0 and {}", n_vocab - 1));
      return {};
    }
    ids.push_back(static_cast<tokenizer::TokenId>(id));
  }
  return ids;
}

}  // namespace docmind::server

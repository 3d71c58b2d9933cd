// any_tokenizer: the tokenizer that a request for tokens means.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/service.h"
#include "server/json_fields.h"
#include "tokenizer/tokenizer.h"

namespace docmind::server {

// Which of the loaded models goes first where the request names none.
enum class TokensOf { kText, kVectors };

// That of the model `name`, or of the first one. Null: `error` says that there is none.
[[nodiscard]] const tokenizer::Tokenizer* any_tokenizer(pipeline::Service& service, std::string_view tenant,
                                                        std::string_view name, TokensOf first, ApiError& error);

// The ids in `list`, each in [0, n_vocab).
[[nodiscard]] std::vector<tokenizer::TokenId> read_token_ids(JsonFields& fields, std::string_view name,
                                                             const json::array& list, size_t n_vocab);

}  // namespace docmind::server

// A route that answers with vectors, in whichever dialect.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/routes.h"
#include "server/vector_work.h"

namespace docmind::server {

inline constexpr std::string_view kCutTokensHeader = "x-docmind-truncated-tokens";

// What is cut is told in a header too, whatever the dialect's body has room for.
[[nodiscard]] HeaderList cut_headers(int64_t n_cut_tokens);
// Whose work it is and until when; nothing, and `error`, when the request's own limit is no number.
[[nodiscard]] std::optional<VectorCall> vector_call(const Exchange& exchange, const RouteOptions& options,
                                                    ApiError& error);

struct EmbeddingRoute {
  std::optional<EmbeddingRequest> (*parse)(std::string_view body, ApiError& error);
  std::string (*format)(const Exchange& exchange, const EmbeddingRequest& request, const VectorTarget& target,
                        const Embedded& made);
  Dialect dialect = Dialect::kOpenAi;
};
void add_embedding_route(Router& router, pipeline::Service& service, const RouteOptions& options,
                         std::string_view path, const EmbeddingRoute& route);

}  // namespace docmind::server

// Shapes and routes of Hugging Face's text-embeddings-inference (TEI).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/json.h"
#include "server/router.h"
#include "server/vector_work.h"

namespace docmind::server {

// [[...], ...] of /embed.
[[nodiscard]] std::string tei_vectors(const Exchange& exchange, const EmbeddingRequest& request,
                                      const VectorTarget& target, const Embedded& made);
// [{index, score, text?}] of /rerank, best first.
[[nodiscard]] json::array tei_ranks(const RerankRequest& request, const Ranked& ranked);

// GET /info and POST /decode. POST /tokenize is llama.cpp's route too: see tei_tokens().
void add_tei_routes(Router& router, pipeline::Service& service);
// Of POST /tokenize with "inputs": [[{id, text, special, start, stop}]]. False: `error` says what is wrong.
[[nodiscard]] bool tei_tokens(pipeline::Service& service, std::string_view tenant, const json::object& body,
                              json::array& tokens, ApiError& error);

}  // namespace docmind::server

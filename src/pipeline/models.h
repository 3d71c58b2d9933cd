// Models: what is loaded into this process and shared by questions, clients and indexing.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/embedding_model.h"
#include "engine/rerank_model.h"
#include "engine/text_model.h"
#include "providers/generator_routes.h"
#include "providers/provider.h"
#include "providers/upstream.h"

namespace docmind::pipeline {

// A model that runs behind another server.
struct RemoteModel {
  std::string role;  // "text", "embedding", "rerank"
  std::string name;  // for clients
  std::shared_ptr<providers::Upstream> upstream;
};

// Null where the configuration names none. One process, one memory budget: none evicts another.
struct Models {
  std::shared_ptr<engine::TextModel> text;
  std::shared_ptr<engine::EmbeddingModel> embedding;
  std::shared_ptr<engine::RerankModel> rerank;
  // The names that clients use: of a pulled model, or the file without folder and ".gguf".
  std::string text_name, embedding_name, rerank_name;
  // As the RAG path uses them, these models or those of other servers; null: the built-in extractive and lexical ones.
  std::shared_ptr<const providers::Generator> generator;
  std::shared_ptr<const providers::Embedder> embedder;
  std::shared_ptr<const providers::Reranker> reranker;
  // Where `generator` fails, answers are extracted.
  bool falls_back_to_extractive = false;
  providers::RouteLog route_log = {};
  std::vector<RemoteModel> remote;  // all that the above may ask, the first of a role before those that help it out

  // The first of a role; null: there is none.
  [[nodiscard]] const RemoteModel* remote_of(std::string_view role) const {
    for (const RemoteModel& one : remote) {
      if (one.role == role) return &one;
    }
    return nullptr;
  }
};

}  // namespace docmind::pipeline

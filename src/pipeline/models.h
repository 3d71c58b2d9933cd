// Models: what is loaded into this process and shared by questions, clients and indexing.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "engine/embedding_model.h"
#include "engine/rerank_model.h"
#include "engine/text_model.h"
#include "providers/provider.h"

namespace docmind::pipeline {

// Null where the configuration names none. One process, one memory budget: none evicts another.
struct Models {
  std::shared_ptr<engine::TextModel> text;
  std::shared_ptr<engine::EmbeddingModel> embedding;
  std::shared_ptr<engine::RerankModel> rerank;
  // The names that clients use: of a pulled model, or the file without folder and ".gguf".
  std::string text_name, embedding_name, rerank_name;
  // The same models as the RAG path uses them; null: the built-in extractive and lexical ones.
  std::shared_ptr<const providers::Generator> generator;
  std::shared_ptr<const providers::Embedder> embedder;
  std::shared_ptr<const providers::Reranker> reranker;
};

}  // namespace docmind::pipeline

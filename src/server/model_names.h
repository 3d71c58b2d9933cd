// Model names: what clients may ask for, and which model or collection is meant.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/service.h"
#include "server/status_map.h"

namespace docmind::server {

enum class ModelRole { kText, kEmbedding, kRerank, kDocuments, kLexical };
[[nodiscard]] std::string_view model_role_name(ModelRole role);  // "text"

inline constexpr std::string_view kDocumentsModel = "docmind";       // of the collection "default"; "docmind/NAME"
inline constexpr std::string_view kLexicalModel = "docmind-lexical";  // embeds and reranks where no model is loaded
inline constexpr std::string_view kDefaultCollection = "default";

struct ListedModel {
  std::string id;
  ModelRole role = ModelRole::kText;
  int64_t n_context = 0;  // 0: not of this kind, or not known
  std::string owner = "docmind";  // or the kind of the server that runs it
};
// All that this tenant may name, the loaded ones first. A language model of another server is not among them: it
// answers from documents only.
[[nodiscard]] std::vector<ListedModel> list_models(pipeline::Service& service, std::string_view tenant);

// `name` without ":latest", which Ollama's clients add.
[[nodiscard]] std::string_view without_tag(std::string_view name);
// 404 model_not_found that lists what there is.
[[nodiscard]] ApiError unknown_model(pipeline::Service& service, std::string_view tenant, std::string_view name);

// Who answers a chat: the language model, or a collection of documents.
struct ChatTarget {
  std::string model;                      // as named in the response
  std::optional<std::string> collection;  // none: the language model
};
// `collection`: the request's field. No name: the language model, or "docmind" where none is loaded.
[[nodiscard]] std::optional<ChatTarget> find_chat_model(pipeline::Service& service, std::string_view tenant,
                                                        std::string_view name,
                                                        const std::optional<std::string>& collection,
                                                        ApiError& error);
// kText alone: for completions and whatever else a collection cannot do.
[[nodiscard]] bool find_text_model(pipeline::Service& service, std::string_view tenant, std::string_view name,
                                   ApiError& error);
// Which model is meant; nothing when there is none of that name. `role` is kEmbedding or kRerank.
struct VectorTarget {
  std::string model;
  bool lexical = false;                   // the built-in one
  providers::Upstream* remote = nullptr;  // of another server; of the service's models
};
[[nodiscard]] std::optional<VectorTarget> find_vector_model(pipeline::Service& service, std::string_view tenant,
                                                            ModelRole role, std::string_view name, ApiError& error);

}  // namespace docmind::server

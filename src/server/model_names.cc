// Model names: what clients may ask for, and which model or collection is meant.
// SPDX-License-Identifier: Apache-2.0
#include "server/model_names.h"

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::server {
namespace {

constexpr std::string_view kLatestTag = ":latest";

bool is_named(std::string_view wanted, std::string_view name) {
  return !name.empty() && (wanted == name || without_tag(wanted) == name);
}

const pipeline::RemoteModel* remote_named(const pipeline::Models& models, std::string_view name) {
  for (const pipeline::RemoteModel& one : models.remote) {
    if (is_named(name, one.name)) return &one;
  }
  return nullptr;
}

// A client that was told of the model elsewhere.
ApiError answers_documents_only(const pipeline::RemoteModel& model) {
  const providers::ModelSpec& spec = model.upstream->options().spec;
  return bad_field("model", fmt::format("is '{}', which runs on another server and answers from documents here: ask "
                                        "'{}', or chat with it directly at {}",
                                        printable(model.name), kDocumentsModel, printable(spec.url)));
}

// The collection that "docmind" or "docmind/NAME" stands for.
std::optional<std::string> collection_of(std::string_view name) {
  name = without_tag(name);
  if (name == kDocumentsModel) return std::string(kDefaultCollection);
  const std::string prefix = std::string(kDocumentsModel) + "/";
  if (name.starts_with(prefix) && name.size() > prefix.size()) return std::string(name.substr(prefix.size()));
  return std::nullopt;
}

ApiError wrong_role(std::string_view name, std::string_view does, std::string_view instead) {
  return bad_field("model", fmt::format("is '{}', which {}; {}", printable(name), does, instead));
}

}  // namespace

std::string_view model_role_name(ModelRole role) {
  switch (role) {
    case ModelRole::kText: return "text";
    case ModelRole::kEmbedding: return "embedding";
    case ModelRole::kRerank: return "rerank";
    case ModelRole::kDocuments: return "documents";
    case ModelRole::kLexical: return "lexical";
  }
  return "";
}

std::string_view without_tag(std::string_view name) {
  return name.ends_with(kLatestTag) ? name.substr(0, name.size() - kLatestTag.size()) : name;
}

std::vector<ListedModel> list_models(pipeline::Service& service, std::string_view tenant) {
  const pipeline::Models& models = service.models();
  std::vector<ListedModel> all;
  if (models.text) all.push_back({models.text_name, ModelRole::kText, models.text->n_context()});
  if (models.embedding) {
    all.push_back({models.embedding_name, ModelRole::kEmbedding, models.embedding->encoder().config().n_context});
  }
  if (models.rerank) {
    all.push_back({models.rerank_name, ModelRole::kRerank, models.rerank->encoder().config().n_context});
  }
  for (const pipeline::RemoteModel& one : models.remote) {
    const ModelRole role = one.role == "embedding" ? ModelRole::kEmbedding : ModelRole::kRerank;
    if (one.role == "text") continue;
    const providers::ModelSpec& spec = one.upstream->options().spec;
    all.push_back({one.name, role, 0, std::string(providers::upstream_kind_name(spec.kind))});
  }
  all.push_back({std::string(kDocumentsModel), ModelRole::kDocuments, 0});
  for (const std::string& name : service.collection_names(tenant)) {
    if (name != kDefaultCollection)
      all.push_back({fmt::format("{}/{}", kDocumentsModel, name), ModelRole::kDocuments, 0});
  }
  const bool embeds = models.embedding != nullptr || models.remote_of("embedding") != nullptr;
  const bool reranks = models.rerank != nullptr || models.remote_of("rerank") != nullptr;
  if (!embeds || !reranks) all.push_back({std::string(kLexicalModel), ModelRole::kLexical, 0});
  return all;
}

ApiError unknown_model(pipeline::Service& service, std::string_view tenant, std::string_view name) {
  std::string names;
  for (const ListedModel& model : list_models(service, tenant)) {
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", model.id);
  }
  return {.status = 404,
          .message = fmt::format("there is no model '{}' here; there is {}", printable(name), names),
          .type = "invalid_request_error",
          .code = "model_not_found",
          .param = "model"};
}

std::optional<ChatTarget> find_chat_model(pipeline::Service& service, std::string_view tenant, std::string_view name,
                                          const std::optional<std::string>& collection, ApiError& error) {
  const pipeline::Models& models = service.models();
  const bool is_text = models.text != nullptr && is_named(name, models.text_name);
  if (const auto of_name = collection_of(name); of_name && !is_text) {
    return ChatTarget{std::string(without_tag(name)), collection.value_or(*of_name)};
  }
  if (!name.empty() && !is_text) {
    const pipeline::RemoteModel* remote = remote_named(models, name);
    if (remote != nullptr && remote->role == "text" && !collection) {
      error = answers_documents_only(*remote);
      return std::nullopt;
    }
    if (remote != nullptr && remote->role == "text") return ChatTarget{std::string(kDocumentsModel), *collection};
    if (remote != nullptr || (models.embedding && is_named(name, models.embedding_name)) ||
        (models.rerank && is_named(name, models.rerank_name)) || is_named(name, kLexicalModel)) {
      error = wrong_role(name, "does not write text",
                         models.text ? fmt::format("'{}' does", models.text_name)
                                     : fmt::format("'{}' answers from documents", kDocumentsModel));
    } else {
      error = unknown_model(service, tenant, name);
    }
    return std::nullopt;
  }
  if (collection) return ChatTarget{is_text ? models.text_name : std::string(kDocumentsModel), *collection};
  if (models.text) return ChatTarget{models.text_name, std::nullopt};
  return ChatTarget{std::string(kDocumentsModel), std::string(kDefaultCollection)};
}

bool find_text_model(pipeline::Service& service, std::string_view tenant, std::string_view name, ApiError& error) {
  const std::optional<ChatTarget> target = find_chat_model(service, tenant, name, std::nullopt, error);
  if (!target) return false;
  if (!target->collection) return true;
  if (service.models().text) {
    error = wrong_role(name, "answers chats from documents only",
                       fmt::format("'{}' continues a text", service.models().text_name));
  } else if (const pipeline::RemoteModel* remote = service.models().remote_of("text")) {
    error = answers_documents_only(*remote);
  } else {
    error = {.status = 404, .message = "no language model is loaded; start docmind serve with --model",
             .type = "invalid_request_error", .code = "model_not_found", .param = "model"};
  }
  return false;
}

std::optional<VectorTarget> find_vector_model(pipeline::Service& service, std::string_view tenant, ModelRole role,
                                              std::string_view name, ApiError& error) {
  const pipeline::Models& models = service.models();
  const bool embeds = role == ModelRole::kEmbedding;
  const pipeline::RemoteModel* remote = models.remote_of(model_role_name(role));
  const bool loaded = remote != nullptr || (embeds ? models.embedding != nullptr : models.rerank != nullptr);
  const std::string& own = remote != nullptr ? remote->name : embeds ? models.embedding_name : models.rerank_name;
  if (loaded && (name.empty() || is_named(name, own))) {
    return VectorTarget{own, false, remote != nullptr ? remote->upstream.get() : nullptr};
  }
  if (!loaded && (name.empty() || is_named(name, kLexicalModel))) return VectorTarget{std::string(kLexicalModel), true};
  const bool another = (models.text && is_named(name, models.text_name)) || collection_of(name) ||
                       (models.embedding && is_named(name, models.embedding_name)) ||
                       (models.rerank && is_named(name, models.rerank_name)) || remote_named(models, name) != nullptr;
  if (another) {
    error = wrong_role(name, embeds ? "does not make embeddings" : "does not rerank",
                       fmt::format("'{}' does", loaded ? std::string_view(own) : kLexicalModel));
  } else {
    error = unknown_model(service, tenant, name);
  }
  return std::nullopt;
}

}  // namespace docmind::server

// EmbeddingRequest, RerankRequest: what clients of each dialect send, checked; free of any model.
// SPDX-License-Identifier: Apache-2.0
#include "server/vector_request.h"

#include <fmt/format.h>

#include "base/text.h"
#include "server/generation_fields.h"

namespace docmind::server {
namespace {

constexpr int64_t kMaxDimensions = 1 << 20;
constexpr int64_t kMaxCut = 1 << 30;

// Clients that split texts by tiktoken's tokens send ids of its vocabulary.
constexpr std::string_view kNoTokenIds =
    "must be text, not token ids: those of tiktoken mean nothing in this model's vocabulary; send text "
    "(LangChain: check_embedding_ctx_length=False)";

bool is_token_ids(const json::value& value) {
  const json::array* list = value.if_array();
  return list != nullptr && !list->empty() && (list->front().is_number() || list->front().is_array());
}

// The texts of `name`, none of them empty.
void read_texts(JsonFields& fields, std::string_view name, EmbeddingRequest& request) {
  request.field = name;
  const json::value* value = fields.any(name);
  if (value == nullptr) return fields.fail(name, "is missing; it must be a text or a list of texts");
  if (is_token_ids(*value)) return fields.fail(name, kNoTokenIds);
  request.is_list = value->is_array();
  request.texts = fields.texts(name, kMaxVectorTexts).value_or(std::vector<std::string>());
  if (request.texts.empty()) return fields.fail(name, "is an empty list");
  for (size_t i = 0; i < request.texts.size(); ++i) {
    if (request.texts[i].empty()) {
      return fields.fail(request.is_list ? fmt::format("{}[{}]", name, i) : std::string(name), "is an empty text");
    }
  }
}

template <typename Request>
std::optional<Request> finished(Request request, const JsonFields& fields, ApiError& error) {
  if (fields.ok()) return request;
  error = *fields.error();
  return std::nullopt;
}

// A field or list that has nothing in it is an error of its own kind in TEI.
void note_tei_empty(const JsonFields& fields, ApiError& error) {
  if (!fields.ok() && fields.error()->message.find("empty") != std::string::npos) error.code = "empty";
}

void read_truncation_direction(JsonFields& fields) {
  const auto direction = fields.text("truncation_direction", 32);
  if (direction && *direction != "Right" && *direction != "right") {
    fields.fail("truncation_direction", fmt::format("is '{}'; only ends of texts are cut here (Right)", *direction));
  }
}

std::vector<std::string> read_documents(JsonFields& fields, std::string_view name) {
  std::vector<std::string> documents;
  const json::array* list = fields.array(name, kMaxVectorTexts);
  if (list == nullptr || list->empty()) {
    fields.fail(name, list == nullptr ? "is missing; it must be a list of texts" : "is an empty list");
    return documents;
  }
  for (size_t i = 0; i < list->size(); ++i) {
    const json::value* value = &(*list)[i];
    if (const json::object* object = value->if_object()) {
      value = object->if_contains("text");
    }
    if (value == nullptr || !value->is_string()) {
      fields.fail(fmt::format("{}[{}]", name, i), "must be a text or an object with a text");
      return documents;
    }
    documents.emplace_back(value->get_string().data(), value->get_string().size());
  }
  return documents;
}

}  // namespace

std::optional<EmbeddingRequest> parse_embedding_request(std::string_view body, ApiError& error) {
  const std::optional<json::object> object = parse_body(body, error);
  if (!object) return std::nullopt;
  JsonFields fields(*object);
  EmbeddingRequest request;
  request.model = fields.text("model", kMaxModelNameBytes).value_or("");
  read_texts(fields, "input", request);
  const std::string format = fields.text("encoding_format", 32).value_or("float");
  if (format != "float" && format != "base64") {
    fields.fail("encoding_format", fmt::format("is '{}'; it must be float or base64", format));
  }
  request.base64 = format == "base64";
  request.n_dimensions = fields.integer("dimensions", 1, kMaxDimensions);
  request.truncate = fields.boolean("truncate").value_or(false);
  if (const auto cut = fields.integer("truncate_prompt_tokens", -1, kMaxCut)) {
    if (*cut == 0) fields.fail("truncate_prompt_tokens", "is 0; it must be at least 1, or -1 for the model's context");
    request.truncate = true;
    if (*cut > 0) request.max_tokens = *cut;
  }
  return finished(std::move(request), fields, error);
}

std::optional<EmbeddingRequest> parse_tei_embed_request(std::string_view body, ApiError& error) {
  const std::optional<json::object> object = parse_body(body, error);
  if (!object) return std::nullopt;
  JsonFields fields(*object);
  EmbeddingRequest request;
  request.model = fields.text("model", kMaxModelNameBytes).value_or("");
  read_texts(fields, "inputs", request);
  request.n_dimensions = fields.integer("dimensions", 1, kMaxDimensions);
  request.truncate = fields.boolean("truncate").value_or(false);
  read_truncation_direction(fields);
  if (!fields.boolean("normalize").value_or(true)) {
    fields.fail("normalize", "is false; vectors have unit length here");
  }
  if (const auto prompt = fields.text("prompt_name", 256)) {
    fields.fail("prompt_name", fmt::format("is '{}', but the model has no prompts by name", printable(*prompt)));
  }
  auto made = finished(std::move(request), fields, error);
  note_tei_empty(fields, error);
  return made;
}

std::optional<EmbeddingRequest> parse_ollama_embed_request(std::string_view body, ApiError& error) {
  const std::optional<json::object> object = parse_body(body, error);
  if (!object) return std::nullopt;
  JsonFields fields(*object);
  EmbeddingRequest request;
  request.model = fields.text("model", kMaxModelNameBytes).value_or("");
  request.truncate = fields.boolean("truncate").value_or(true);
  request.n_dimensions = fields.integer("dimensions", 1, kMaxDimensions);
  const json::value* input = fields.any("input");
  // Ollama's clients load a model by asking for nothing.
  const bool nothing = input == nullptr || (input->is_string() && input->get_string().empty()) ||
                       (input->is_array() && input->get_array().empty());
  if (!nothing) read_texts(fields, "input", request);
  return finished(std::move(request), fields, error);
}

std::optional<EmbeddingRequest> parse_ollama_embeddings_request(std::string_view body, ApiError& error) {
  const std::optional<json::object> object = parse_body(body, error);
  if (!object) return std::nullopt;
  JsonFields fields(*object);
  EmbeddingRequest request;
  request.model = fields.text("model", kMaxModelNameBytes).value_or("");
  request.truncate = true;
  request.field = "prompt";
  std::string prompt = fields.text("prompt").value_or("");
  if (!prompt.empty()) request.texts.push_back(std::move(prompt));
  return finished(std::move(request), fields, error);
}

std::optional<RerankRequest> parse_rerank_request(std::string_view body, ApiError& error) {
  const std::optional<json::object> object = parse_body(body, error);
  if (!object) return std::nullopt;
  JsonFields fields(*object);
  RerankRequest request;
  request.tei = object->contains("texts") && !object->contains("documents");
  request.model = fields.text("model", kMaxModelNameBytes).value_or("");
  request.query = fields.required_text("query");
  if (request.query.empty()) fields.fail("query", "is empty");
  request.documents = read_documents(fields, request.tei ? "texts" : "documents");
  request.truncate = fields.boolean("truncate").value_or(false);
  if (request.tei) {
    request.raw_scores = fields.boolean("raw_scores").value_or(false);
    request.return_documents = fields.boolean("return_text").value_or(false);
    read_truncation_direction(fields);
  } else {
    request.top_n = fields.integer("top_n", 1, kMaxCut);
    request.return_documents = fields.boolean("return_documents").value_or(false);
    request.max_tokens_per_doc = fields.integer("max_tokens_per_doc", 1, kMaxCut);
    if (request.max_tokens_per_doc) request.truncate = true;
  }
  const bool tei = request.tei;
  auto made = finished(std::move(request), fields, error);
  if (tei) note_tei_empty(fields, error);
  return made;
}

}  // namespace docmind::server

// Shapes and routes of Hugging Face's text-embeddings-inference (TEI).
// SPDX-License-Identifier: Apache-2.0
#include "server/tei.h"

#include <fmt/format.h>

#include "base/text.h"
#include "server/any_tokenizer.h"
#include "server/send.h"
#include "server/vector_json.h"

namespace docmind::server {
namespace {

constexpr size_t kMaxIds = 1 << 20;

std::string_view pooling_name(model::Pooling pooling) {
  switch (pooling) {
    case model::Pooling::kCls: return "cls";
    case model::Pooling::kLast: return "last_token";
    default: return "mean";
  }
}

// Client libraries ask for the model's kind and for how much they may send.
json::object tei_info(pipeline::Service& service) {
  const pipeline::Models& models = service.models();
  json::object info;
  int64_t n_context = 0;
  int64_t n_batch = 0;
  if (models.embedding) {
    info["model_id"] = models.embedding_name;
    info["model_type"] = json::object{{"embedding", json::object{
        {"pooling", pooling_name(models.embedding->encoder().config().pooling)}}}};
    n_context = models.embedding->encoder().config().n_context;
    n_batch = models.embedding->queue().limits().max_cost;
  } else if (models.rerank) {
    info["model_id"] = models.rerank_name;
    info["model_type"] = json::object{{"reranker", json::object{{"id2label", json::object{{"0", "LABEL_0"}}},
                                                                {"label2id", json::object{{"LABEL_0", 0}}}}}};
    n_context = models.rerank->encoder().config().n_context;
    n_batch = models.rerank->queue().limits().max_cost;
  } else {
    info["model_id"] = kLexicalModel;
    info["model_type"] = json::object{{"embedding", json::object{{"pooling", "mean"}}}};
  }
  info["model_sha"] = nullptr;
  info["model_dtype"] = "float32";
  info["max_concurrent_requests"] = service.options().n_workers + service.options().max_waiting;
  info["max_input_length"] = n_context;
  info["max_batch_tokens"] = n_batch;
  info["max_batch_requests"] = nullptr;
  info["max_client_batch_size"] = kMaxVectorTexts;
  info["auto_truncate"] = false;
  info["tokenization_workers"] = service.options().n_workers;
  info["version"] = service.options().version;
  info["sha"] = nullptr;
  info["docker_label"] = nullptr;
  return info;
}

json::array tokens_of_text(const tokenizer::Tokenizer& tokenizer, std::string_view text, bool add_special) {
  json::array tokens;
  for (const tokenizer::TokenId id : tokenizer.encode(text, {.add_special = add_special, .parse_special = false})) {
    const bool special = tokenizer.piece(id, false).empty();
    tokens.push_back(json::object{{"id", id}, {"text", to_valid_utf8(tokenizer.piece(id, true))},
                                  {"special", special}, {"start", nullptr}, {"stop", nullptr}});
  }
  return tokens;
}

// {"ids": [1, 2]} or {"ids": [[1, 2], [3]]}
void decode_tokens(pipeline::Service& service, const ExchangePtr& exchange) {
  ApiError error;
  const auto body = parse_body(exchange->request().body, error);
  if (!body) return send_error(exchange, error, Dialect::kTei);
  JsonFields fields(*body);
  const std::string model = fields.text("model", 512).value_or("");
  const bool skip_special = fields.boolean("skip_special_tokens").value_or(true);
  const json::array* ids = fields.array("ids", kMaxIds);
  if (ids == nullptr) fields.fail("ids", "is missing; it must be a list of token ids, or of such lists");
  const tokenizer::Tokenizer* tokenizer =
      fields.ok() ? any_tokenizer(service, exchange->caller().tenant, model, TokensOf::kVectors, error) : nullptr;
  json::array texts;
  if (tokenizer != nullptr) {
    const auto add = [&](const std::string& name, const json::array& list) {
      const auto read = read_token_ids(fields, name, list, tokenizer->n_tokens());
      if (fields.ok()) texts.emplace_back(to_valid_utf8(tokenizer->decode(read, !skip_special)));
    };
    if (!ids->empty() && ids->front().is_array()) {
      for (size_t i = 0; i < ids->size() && fields.ok(); ++i) {
        const json::array* list = (*ids)[i].if_array();
        if (list == nullptr) fields.fail(fmt::format("ids[{}]", i), "must be a list of token ids");
        else add(fmt::format("ids[{}]", i), *list);
      }
    } else {
      add("ids", *ids);
    }
  }
  if (!fields.ok()) error = *fields.error();
  if (!fields.ok() || tokenizer == nullptr) return send_error(exchange, error, Dialect::kTei);
  send_json(exchange, texts);
}

}  // namespace

std::string tei_vectors(const Exchange&, const EmbeddingRequest& request, const VectorTarget&, const Embedded& made) {
  std::string out = "[";
  const std::span<const float> rows(made.rows);
  for (size_t i = 0; i < request.texts.size(); ++i) {
    if (i > 0) out += ',';
    append_vector(out, rows.subspan(i * made.dimension, made.dimension));
  }
  return out + "]";
}

json::array tei_ranks(const RerankRequest& request, const Ranked& ranked) {
  json::array all;
  for (const Ranked::Place& place : ranked.best) {
    json::object one{{"index", place.document}, {"score", place.score}};
    if (request.return_documents) one["text"] = request.documents[place.document];
    all.push_back(std::move(one));
  }
  return all;
}

bool tei_tokens(pipeline::Service& service, std::string_view tenant, const json::object& body, json::array& tokens,
                ApiError& error) {
  JsonFields fields(body);
  const std::string model = fields.text("model", 512).value_or("");
  const bool add_special = fields.boolean("add_special_tokens").value_or(true);
  const std::vector<std::string> inputs = fields.texts("inputs", kMaxVectorTexts).value_or(std::vector<std::string>());
  if (inputs.empty()) fields.fail("inputs", "is missing or empty; it must be a text or a list of texts");
  if (!fields.ok()) {
    error = *fields.error();
    return false;
  }
  const tokenizer::Tokenizer* tokenizer = any_tokenizer(service, tenant, model, TokensOf::kVectors, error);
  if (tokenizer == nullptr) return false;
  for (const std::string& text : inputs) tokens.push_back(tokens_of_text(*tokenizer, text, add_special));
  return true;
}

void add_tei_routes(Router& router, pipeline::Service& service) {
  router.add({.method = "GET", .pattern = "/info",
              .handler = [&service](const ExchangePtr& exchange) { send_json(exchange, tei_info(service)); },
              .dialect = Dialect::kTei, .is_work = false});
  router.add({.method = "POST", .pattern = "/decode", .handler = [&service](const ExchangePtr& exchange) {
    look_at_request(service, exchange, Dialect::kTei, [&service, exchange] { decode_tokens(service, exchange); });
  }, .dialect = Dialect::kTei});
}

}  // namespace docmind::server

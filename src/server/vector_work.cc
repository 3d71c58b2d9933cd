// Embeddings and reranks of one request: lengths checked before anything is computed, nothing cut in silence.
// SPDX-License-Identifier: Apache-2.0
#include "server/vector_work.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/words.h"
#include "engine/cut_tokens.h"
#include "server/send.h"

namespace docmind::server {
namespace {

using engine::TokenSequence;

// Somebody waits for a few texts; many are documents that are read in.
constexpr size_t kManyTexts = 32;
// Nobody here knows how long another server will be busy.
constexpr int64_t kRemoteRetryMs = 1'000;

std::string place_of(std::string_view field, size_t index, bool is_list) {
  return is_list ? fmt::format("{}[{}]", field, index) : std::string(field);
}

ApiError not_in_time(double timeout_ms) {
  return {.status = 504, .message = fmt::format("the request was not done within its {:.0f} ms", timeout_ms),
          .type = "timeout", .code = "deadline_exceeded"};
}

ApiError vector_error(const Error& error, int64_t retry_after_ms, const Stopwatch& watch, const VectorCall& call) {
  if (error.code == ErrorCode::kLimit && call.timeout_ms > 0 && watch.elapsed_ms() >= call.timeout_ms) {
    return not_in_time(call.timeout_ms);
  }
  return engine_error(error, retry_after_ms);
}

engine::BatchCall batch_call(size_t n_texts, const VectorCall& call) {
  return {.priority = n_texts > kManyTexts ? engine::BatchPriority::kBackground : engine::BatchPriority::kInteractive,
          .timeout_ms = call.timeout_ms};
}

std::vector<std::string_view> views_of(const std::vector<std::string>& texts) { return {texts.begin(), texts.end()}; }

int64_t count_words(const std::vector<std::string>& texts) {
  WordAnalyzer analyzer;
  int64_t n = 0;
  for (const std::string& text : texts) n += static_cast<int64_t>(analyzer.analyze(text).size());
  return n;
}

pipeline::CollectionPtr own_collection(pipeline::Service& service, const VectorCall& call, ApiError& error) {
  Result<pipeline::CollectionPtr> collection = service.collection(call.tenant, kDefaultCollection, true);
  if (collection.ok()) return *std::move(collection);
  error = api_error(collection.error());
  return nullptr;
}

// --- embeddings ---

// Tokens of each text, none longer than it may be.
std::optional<std::vector<TokenSequence>> tokens_of(const engine::EmbeddingModel& model,
                                                    const EmbeddingRequest& request, Embedded& made,
                                                    ApiError& error) {
  const int64_t n_context = model.encoder().config().n_context;
  const int64_t limit = std::min(n_context, request.max_tokens.value_or(n_context));
  std::vector<TokenSequence> all;
  all.reserve(request.texts.size());
  for (size_t i = 0; i < request.texts.size(); ++i) {
    TokenSequence tokens = model.tokenizer().encode(request.texts[i], {.add_special = true, .parse_special = false});
    const auto n = static_cast<int64_t>(tokens.size());
    if (n > limit) {
      if (!request.truncate) {
        const std::string place = place_of(request.field, i, request.is_list);
        error = too_long(place, n, n_context, place);
        error.message += "; split it, or send \"truncate\": true to have its end cut off";
        return std::nullopt;
      }
      made.n_cut_tokens += engine::cut_to(limit, model.tokenizer().vocabulary(), tokens);
    }
    made.n_tokens += static_cast<int64_t>(tokens.size());
    all.push_back(std::move(tokens));
  }
  return all;
}

bool embed_by_model(engine::EmbeddingModel& model, const EmbeddingRequest& request, const VectorCall& call,
                    Embedded& made, ApiError& error) {
  const Stopwatch watch;
  const auto tokens = tokens_of(model, request, made, error);
  if (!tokens) return false;
  made.dimension = model.dimension();
  made.rows.resize(tokens->size() * made.dimension);
  const Status done = model.embed_tokens(*tokens, made.rows, call.cancel, batch_call(tokens->size(), call));
  if (!done.ok()) error = vector_error(done.error(), model.queue().retry_after_ms(), watch, call);
  return done.ok();
}

bool embed_by_words(pipeline::Service& service, const EmbeddingRequest& request, const VectorCall& call,
                    Embedded& made, ApiError& error) {
  const pipeline::CollectionPtr collection = own_collection(service, call, error);
  if (!collection) return false;
  const Result<std::vector<std::vector<float>>> rows = collection->embed(views_of(request.texts), call.cancel);
  if (!rows.ok()) {
    error = engine_error(rows.error(), service.retry_after_ms());
    return false;
  }
  for (size_t i = 0; i < rows->size(); ++i) {
    const std::vector<float>& row = (*rows)[i];
    if (std::any_of(row.begin(), row.end(), [](float x) { return x != 0; })) continue;
    // A vector of zeros is near to nothing and makes every cosine 0 divided by 0.
    error = bad_field("input", fmt::format("[{}] has no word that the indexed documents know, so the built-in "
                                           "embedder has no vector for it; an embedding model (--embedder) has one "
                                           "for every text",
                                           i));
    return false;
  }
  made.n_tokens = count_words(request.texts);
  made.dimension = rows->empty() ? 0 : rows->front().size();
  for (const std::vector<float>& row : *rows) made.rows.insert(made.rows.end(), row.begin(), row.end());
  return true;
}

bool embed_elsewhere(providers::Upstream& remote, const EmbeddingRequest& request, const VectorCall& call,
                     Embedded& made, ApiError& error) {
  const Stopwatch watch;
  const Result<std::vector<std::vector<float>>> rows = remote.embed(views_of(request.texts), call.cancel);
  if (!rows.ok()) {
    error = vector_error(rows.error(), kRemoteRetryMs, watch, call);
    return false;
  }
  made.n_tokens = count_words(request.texts);
  made.dimension = rows->empty() ? 0 : rows->front().size();
  for (const std::vector<float>& row : *rows) made.rows.insert(made.rows.end(), row.begin(), row.end());
  return true;
}

// The first numbers of a vector are one of less detail (Matryoshka representations, Kusupati and others 2022), made
// unit length again.
bool shorten(Embedded& made, int64_t n_dimensions, std::string_view model, ApiError& error) {
  const auto wanted = static_cast<size_t>(n_dimensions);
  if (wanted > made.dimension) {
    error = bad_field("dimensions", fmt::format("is {}; the vectors of '{}' have {}", wanted, model, made.dimension));
    return false;
  }
  const size_t n_rows = made.dimension == 0 ? 0 : made.rows.size() / made.dimension;
  for (size_t i = 0; i < n_rows; ++i) {
    const float* from = made.rows.data() + i * made.dimension;
    float* to = made.rows.data() + i * wanted;
    double square = 0;
    for (size_t k = 0; k < wanted; ++k) square += static_cast<double>(from[k]) * from[k];
    const double scale = square > 0 ? 1 / std::sqrt(square) : 0;
    for (size_t k = 0; k < wanted; ++k) to[k] = static_cast<float>(from[k] * scale);
  }
  made.dimension = wanted;
  made.rows.resize(n_rows * wanted);
  return true;
}

// --- reranks ---

// The tokens of a query with a document, of which at most `max_tokens_per_doc` and in all at most the context.
TokenSequence pair_of(const engine::RerankModel& model, const RerankRequest& request, const std::string& document,
                      int64_t& n_cut) {
  const tokenizer::Tokenizer& tokenizer = model.tokenizer();
  const auto n_context = static_cast<size_t>(model.encoder().config().n_context);
  if (request.max_tokens_per_doc) {
    constexpr size_t kWhole = SIZE_MAX / 2;
    const auto n_document = static_cast<int64_t>(tokenizer.encode(document, {.add_special = false}).size());
    const int64_t n_over = n_document - *request.max_tokens_per_doc;
    TokenSequence pair = tokenizer.encode_pair(request.query, document, kWhole);
    const auto n_short = static_cast<int64_t>(pair.size()) - std::max<int64_t>(n_over, 0);
    if (n_over > 0 && n_short <= static_cast<int64_t>(n_context)) {
      n_cut = engine::cut_to(n_short, tokenizer.vocabulary(), pair);
      return pair;
    }
  }
  size_t n_left_out = 0;
  TokenSequence pair = tokenizer.encode_pair(request.query, document, n_context, &n_left_out);
  n_cut = static_cast<int64_t>(n_left_out);
  return pair;
}

std::optional<std::vector<TokenSequence>> pairs_of(const engine::RerankModel& model, const RerankRequest& request,
                                                   Ranked& made, ApiError& error) {
  const int64_t n_context = model.encoder().config().n_context;
  std::vector<TokenSequence> pairs;
  pairs.reserve(request.documents.size());
  for (size_t i = 0; i < request.documents.size(); ++i) {
    int64_t n_cut = 0;
    pairs.push_back(pair_of(model, request, request.documents[i], n_cut));
    const auto n = static_cast<int64_t>(pairs.back().size());
    if (n_cut > 0 && !request.truncate) {
      const std::string place = place_of(request.tei ? "texts" : "documents", i, true);
      error = too_long(place + " with the query", n + n_cut, n_context, place);
      error.message += "; shorten it, or send \"truncate\": true to have its end cut off";
      return std::nullopt;
    }
    made.n_cut_tokens += n_cut;
    made.n_tokens += n;
  }
  return pairs;
}

bool rank_by_model(engine::RerankModel& model, const RerankRequest& request, const VectorCall& call,
                   std::vector<double>& scores, Ranked& made, ApiError& error) {
  const Stopwatch watch;
  const auto pairs = pairs_of(model, request, made, error);
  if (!pairs) return false;
  std::vector<float> logits(pairs->size());
  const Status done = model.rank_tokens(*pairs, logits, call.cancel, batch_call(pairs->size(), call));
  if (!done.ok()) {
    error = vector_error(done.error(), model.queue().retry_after_ms(), watch, call);
    return false;
  }
  for (const float logit : logits) {
    scores.push_back(request.raw_scores ? logit : 1 / (1 + std::exp(-static_cast<double>(logit))));
  }
  return true;
}

bool rank_by_words(pipeline::Service& service, const RerankRequest& request, const VectorCall& call,
                   std::vector<double>& scores, Ranked& made, ApiError& error) {
  const pipeline::CollectionPtr collection = own_collection(service, call, error);
  if (!collection) return false;
  Result<std::vector<double>> ranked = collection->rerank(request.query, views_of(request.documents), call.cancel);
  if (!ranked.ok()) {
    error = engine_error(ranked.error(), service.retry_after_ms());
    return false;
  }
  scores = *std::move(ranked);
  made.n_tokens = count_words(request.documents);
  return true;
}

bool rank_elsewhere(providers::Upstream& remote, const RerankRequest& request, const VectorCall& call,
                    std::vector<double>& scores, Ranked& made, ApiError& error) {
  const Stopwatch watch;
  Result<std::vector<double>> ranked = remote.rerank(request.query, views_of(request.documents), call.cancel);
  if (!ranked.ok()) {
    error = vector_error(ranked.error(), kRemoteRetryMs, watch, call);
    return false;
  }
  scores = *std::move(ranked);
  made.n_tokens = count_words(request.documents);
  return true;
}

// JSON has no other numbers, and a client that sorts by them would go wrong.
template <typename T>
bool all_finite(const std::vector<T>& values, std::string_view model, ApiError& error) {
  if (std::all_of(values.begin(), values.end(), [](T value) { return std::isfinite(value); })) return true;
  error = {.status = 500,
           .message = fmt::format("the model '{}' gave a value that is no number; its weights are damaged", model)};
  return false;
}

}  // namespace

std::optional<Embedded> embed_texts(pipeline::Service& service, const VectorTarget& target,
                                    const EmbeddingRequest& request, const VectorCall& call, ApiError& error) {
  const Stopwatch watch;
  Embedded made;
  const bool done = target.remote    ? embed_elsewhere(*target.remote, request, call, made, error)
                    : target.lexical ? embed_by_words(service, request, call, made, error)
                                     : embed_by_model(*service.models().embedding, request, call, made, error);
  if (!done || !all_finite(made.rows, target.model, error)) return std::nullopt;
  if (request.n_dimensions && !shorten(made, *request.n_dimensions, target.model, error)) return std::nullopt;
  service.metrics().record(monitor::Stage::kEmbedRequest, watch.elapsed_ms());
  service.metrics().add(monitor::Counter::kVectorsEmbedded, request.texts.size());
  if (!target.lexical) service.metrics().add(monitor::Counter::kTokensEmbedded, static_cast<uint64_t>(made.n_tokens));
  return made;
}

std::optional<Ranked> rank_documents(pipeline::Service& service, const VectorTarget& target,
                                     const RerankRequest& request, const VectorCall& call, ApiError& error) {
  const Stopwatch watch;
  Ranked made;
  std::vector<double> scores;
  const bool done = target.remote    ? rank_elsewhere(*target.remote, request, call, scores, made, error)
                    : target.lexical ? rank_by_words(service, request, call, scores, made, error)
                                     : rank_by_model(*service.models().rerank, request, call, scores, made, error);
  if (!done || !all_finite(scores, target.model, error)) return std::nullopt;
  for (size_t i = 0; i < scores.size(); ++i) made.best.push_back({i, scores[i]});
  std::stable_sort(made.best.begin(), made.best.end(),
                   [](const Ranked::Place& a, const Ranked::Place& b) { return a.score > b.score; });
  service.metrics().record(monitor::Stage::kRerankRequest, watch.elapsed_ms());
  return made;
}

}  // namespace docmind::server

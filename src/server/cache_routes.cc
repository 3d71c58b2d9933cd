// /v1/cache: what the caches of a collection hold, what becomes of an answer, and their removal.
// SPDX-License-Identifier: Apache-2.0
#include "server/cache_routes.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/text.h"
#include "pipeline/stats_json.h"
#include "server/json_fields.h"
#include "server/request_collection.h"
#include "server/send.h"

namespace docmind::server {
namespace {

constexpr int64_t kMaxEntries = 1'000;
constexpr int64_t kMaxOffset = 1'000'000;
constexpr int64_t kMostId = INT64_MAX;

ApiError cache_off(std::string_view what) {
  return {.status = 404,
          .message = fmt::format("{} are not kept: the cache is switched off", what),
          .code = "cache_off"};
}

// Null, and the response is sent, where there are none.
cache::AnswerDirectory* directory_of(pipeline::Collection& collection, const ExchangePtr& exchange) {
  if (collection.answers() == nullptr) {
    send_error(exchange, cache_off("answers"), Dialect::kOpenAi);
    return nullptr;
  }
  if (collection.answers()->directory() != nullptr) return collection.answers()->directory();
  send_error(exchange, {.status = 404, .message = "answers are kept without their questions; switch on cache.semantic",
                        .code = "cache_off"}, Dialect::kOpenAi);
  return nullptr;
}

void show_cache(pipeline::Collection& collection, const ExchangePtr& exchange) {
  json::object object{{"answers", nullptr}, {"computed", nullptr}};
  if (collection.answers() != nullptr) {
    json::object answers = pipeline::answers_json(collection.answers()->stats(), collection.answers()->tier_stats());
    if (collection.answers()->directory() != nullptr) {
      if (const auto counts = collection.answers()->directory()->counts(); counts.ok()) {
        answers["entries"] = counts->n_records;
        answers["negative"] = counts->n_negative;
        answers["entry_hits"] = counts->n_hits;
      }
    }
    object["answers"] = std::move(answers);
  }
  if (collection.computed() != nullptr) object["computed"] = pipeline::computed_json(collection.computed()->stats());
  send_json(exchange, object);
}

json::object entry_json(const cache::AnswerRecord& record) {
  json::array documents;
  for (const cache::Dependency& dependency : record.dependencies) {
    documents.push_back(json::value(to_valid_utf8(dependency.path)));
  }
  return {{"id", record.id},
          {"question", to_valid_utf8(record.question)},
          {"age_ms", std::max<int64_t>(0, unix_time_ms() - record.created_unix_ms)},
          {"used_ms", std::max<int64_t>(0, unix_time_ms() - record.used_unix_ms)},
          {"hits", record.n_hits},
          {"negative", record.negative},
          {"cost_ms", record.cost_ms},
          {"cost_tokens", record.cost_tokens},
          {"bytes", record.answer_bytes},
          {"documents", std::move(documents)}};
}

void list_entries(pipeline::Collection& collection, const ExchangePtr& exchange) {
  ApiError error;
  const auto limit = query_integer(exchange, "limit", 100, 1, kMaxEntries, error);
  const auto offset = limit ? query_integer(exchange, "offset", 0, 0, kMaxOffset, error) : std::nullopt;
  if (!limit || !offset) return send_error(exchange, error, Dialect::kOpenAi);
  cache::AnswerDirectory* directory = directory_of(collection, exchange);
  if (directory == nullptr) return;
  const auto records = directory->list(exchange->caller().tenant, *offset + *limit);
  if (!records.ok()) return send_error(exchange, api_error(records.error()), Dialect::kOpenAi);
  json::array data;
  for (size_t i = static_cast<size_t>(*offset); i < records->size(); ++i) data.push_back(entry_json((*records)[i]));
  send_json(exchange, json::object{{"object", "list"}, {"data", std::move(data)}});
}

// A person's word on the answer `id`; false forgets it.
void judge(pipeline::Collection& collection, const ExchangePtr& exchange, int64_t id, bool good) {
  if (collection.answers() == nullptr) return send_error(exchange, cache_off("answers"), Dialect::kOpenAi);
  const Status judged = collection.answers()->feedback(exchange->caller().tenant, id, good);
  if (!judged.ok()) return send_error(exchange, api_error(judged.error()), Dialect::kOpenAi);
  send_json(exchange, json::object{{"id", id}, {"good", good}});
}

void take_feedback(pipeline::Service& service, const ExchangePtr& exchange) {
  ApiError error;
  const std::optional<json::object> body = parse_body(exchange->request().body, error);
  if (!body) return send_error(exchange, error, Dialect::kOpenAi);
  JsonFields fields(*body);
  const std::optional<int64_t> id = fields.integer("id", 1, kMostId);
  const std::optional<bool> good = fields.boolean("good");
  const std::string name = fields.text("collection", 64).value_or(std::string(kDefaultCollectionName));
  if (fields.ok() && !id) fields.fail("id", "is missing; it is \"cache_id\" or \"cached\".\"id\" of the answer");
  if (fields.ok() && !good) fields.fail("good", "is missing; it must be true or false");
  if (!fields.ok()) return send_error(exchange, *fields.error(), Dialect::kOpenAi);
  const pipeline::CollectionPtr collection = find_collection(service, exchange, name, error);
  if (collection == nullptr) return send_error(exchange, error, Dialect::kOpenAi);
  judge(*collection, exchange, *id, *good);
}

void remove_entry(pipeline::Collection& collection, const ExchangePtr& exchange) {
  const std::string& text = exchange->request().path_values.at(0);
  int64_t id = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (failure != std::errc() || end != text.data() + text.size() || id < 1) {
    return send_error(exchange, bad_field("id", "must be a whole number above 0"), Dialect::kOpenAi);
  }
  cache::AnswerDirectory* directory = directory_of(collection, exchange);
  if (directory == nullptr) return;
  const auto record = directory->find(id);
  if (!record.ok()) return send_error(exchange, api_error(record.error()), Dialect::kOpenAi);
  if (!record->has_value() || (*record)->tenant != exchange->caller().tenant) {
    return send_error(exchange, {.status = 404, .message = fmt::format("there is no cached answer {}", id)},
                      Dialect::kOpenAi);
  }
  const Status erased = collection.answers()->erase((*record)->key);
  if (!erased.ok()) return send_error(exchange, api_error(erased.error()), Dialect::kOpenAi);
  send_json(exchange, json::object{{"id", id}, {"deleted", true}});
}

// A collection is one tenant's, so that all of its answers are the caller's.
void clear_cache(pipeline::Collection& collection, const ExchangePtr& exchange) {
  if (collection.answers() == nullptr) return send_error(exchange, cache_off("answers"), Dialect::kOpenAi);
  const Status cleared = collection.answers()->clear();
  if (!cleared.ok()) return send_error(exchange, api_error(cleared.error()), Dialect::kOpenAi);
  send_json(exchange, json::object{{"cleared", true}});
}

}  // namespace

void add_cache_routes(Router& router, pipeline::Service& service) {
  constexpr int64_t kFeedbackBytes = 16 << 10;
  router.add({.method = "GET", .pattern = "/v1/cache", .handler = on_worker(service, show_cache)});
  router.add({.method = "DELETE", .pattern = "/v1/cache", .handler = on_worker(service, clear_cache)});
  router.add({.method = "GET", .pattern = "/v1/cache/entries", .handler = on_worker(service, list_entries)});
  router.add({.method = "DELETE", .pattern = "/v1/cache/entries/{id}", .handler = on_worker(service, remove_entry)});
  router.add({.method = "POST",
              .pattern = "/v1/cache/feedback",
              .handler =
                  [&service](const ExchangePtr& exchange) {
                    work_for(service, exchange, Dialect::kOpenAi,
                             [&service, exchange] { take_feedback(service, exchange); });
                  },
              .max_body_bytes = kFeedbackBytes});
}

}  // namespace docmind::server

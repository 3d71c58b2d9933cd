// The collection that a request of our own routes is about, and its fields that several of them have.
// SPDX-License-Identifier: Apache-2.0
#include "server/request_collection.h"

#include <charconv>

#include <fmt/format.h>

#include "base/text.h"
#include "server/send.h"

namespace docmind::server {
namespace {

constexpr size_t kMaxNamedSkips = 100;

json::value report_or_null(const std::optional<pipeline::IndexReport>& report) {
  if (!report) return nullptr;
  json::array skipped;
  for (const auto& skip : report->skipped) {
    if (skipped.size() == kMaxNamedSkips) break;
    skipped.push_back(json::object{{"path", to_valid_utf8(skip.path)}, {"reason", to_valid_utf8(skip.error.message)}});
  }
  return json::object{{"added", report->n_added},
                      {"updated", report->n_updated},
                      {"removed", report->n_removed},
                      {"unchanged", report->n_unchanged},
                      {"n_skipped", report->skipped.size()},
                      {"skipped", std::move(skipped)},
                      {"chunks", report->n_chunks},
                      {"elapsed_ms", report->elapsed_ms}};
}

}  // namespace

pipeline::CollectionPtr find_collection(pipeline::Service& service, const ExchangePtr& exchange, std::string_view name,
                                        ApiError& error) {
  Result<pipeline::CollectionPtr> collection = service.collection(exchange->caller().tenant, name, false);
  if (collection.ok()) return *std::move(collection);
  error = api_error(collection.error());
  error.param = "collection";
  if (error.status == 404) error.code = "collection_not_found";
  return nullptr;
}

pipeline::CollectionPtr query_collection(pipeline::Service& service, const ExchangePtr& exchange, ApiError& error) {
  const std::string name =
      exchange->request().query_value("collection").value_or(std::string(kDefaultCollectionName));
  return find_collection(service, exchange, name, error);
}

std::optional<int64_t> query_integer(const ExchangePtr& exchange, std::string_view name, int64_t fallback, int64_t min,
                                     int64_t max, ApiError& error) {
  const std::optional<std::string> text = exchange->request().query_value(name);
  if (!text) return fallback;
  int64_t value = 0;
  const auto [end, failure] = std::from_chars(text->data(), text->data() + text->size(), value);
  const bool is_number = failure == std::errc() && end == text->data() + text->size();
  if (is_number && value >= min && value <= max) return value;
  constexpr size_t kShownBytes = 40;
  error = bad_field(name, fmt::format("is '{}'; it must be a whole number from {} to {}",
                                      ellipsize(printable(*text), kShownBytes), min, max));
  return std::nullopt;
}

json::object document_json(const pipeline::DocumentInfo& document) {
  return {{"id", document.id},
          {"name", to_valid_utf8(document.name)},
          {"path", to_valid_utf8(document.path)},
          {"size_bytes", document.size_bytes},
          {"chunks", document.n_chunks},
          {"modified_ms", document.modified_ms},
          {"uploaded", document.uploaded},
          {"status", document.status},
          {"error", document.error.empty() ? json::value() : json::value(to_valid_utf8(document.error))}};
}

json::object job_json(const pipeline::IndexJob& job) {
  return {{"job", job.id},
          {"running", job.running},
          {"queued", job.queued},
          {"phase", job.phase},
          {"done", job.n_done},
          {"total", job.n_total},
          {"done_bytes", job.done_bytes},
          {"total_bytes", job.total_bytes},
          {"path", to_valid_utf8(job.path)},
          {"error", job.error.empty() ? json::value() : json::value(to_valid_utf8(job.error))},
          {"report", report_or_null(job.report)}};
}

Handler on_worker(pipeline::Service& service, WithCollection act) {
  return [&service, act](const ExchangePtr& exchange) {
    work_for(service, exchange, Dialect::kOpenAi, [&service, act, exchange] {
      ApiError error;
      const pipeline::CollectionPtr collection = query_collection(service, exchange, error);
      if (collection == nullptr) return send_error(exchange, error, Dialect::kOpenAi);
      act(*collection, exchange);
    });
  };
}

}  // namespace docmind::server

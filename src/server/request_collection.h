// The collection that a request of our own routes is about, and its fields that several of them have.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "pipeline/service.h"
#include "server/exchange.h"
#include "server/status_map.h"

namespace docmind::server {

inline constexpr std::string_view kDefaultCollectionName = "default";

// Of the caller's tenant; null and `error` when there is none of that name.
[[nodiscard]] pipeline::CollectionPtr find_collection(pipeline::Service& service, const ExchangePtr& exchange,
                                                      std::string_view name, ApiError& error);
// The one that the query string names with "collection"; without it, "default".
[[nodiscard]] pipeline::CollectionPtr query_collection(pipeline::Service& service, const ExchangePtr& exchange,
                                                       ApiError& error);
// An integer of the query string; `fallback` when it is absent. Nothing, and `error`, when it is none or out of range.
[[nodiscard]] std::optional<int64_t> query_integer(const ExchangePtr& exchange, std::string_view name, int64_t fallback,
                                                   int64_t min, int64_t max, ApiError& error);

[[nodiscard]] json::object document_json(const pipeline::DocumentInfo& document);
[[nodiscard]] json::object job_json(const pipeline::IndexJob& job);

// For what reads or writes files: on a worker, with the collection of the query string.
using WithCollection = void (*)(pipeline::Collection& collection, const ExchangePtr& exchange);
[[nodiscard]] Handler on_worker(pipeline::Service& service, WithCollection act);

}  // namespace docmind::server

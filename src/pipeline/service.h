// Service: everything that a server serves: models, collections by tenant, measurements, control.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "control/controller.h"
#include "monitor/metrics.h"
#include "pipeline/background_indexer.h"
#include "pipeline/collection.h"
#include "pipeline/models.h"
#include "pipeline/service_sample.h"

namespace docmind::pipeline {

struct ServiceOptions {
  std::string store_folder;        // the tenant `default_tenant`'s collection "default"
  std::string default_tenant = "local";
  Models models;
  AskOptions ask;                  // defaults of a question; tenant and session are the request's
  CorpusOptions corpus;            // its borrowed parts are filled in by the service
  IndexRequest index;              // likewise roots
  BackgroundPriority index_priority = BackgroundPriority::kIdle;
  cache::AnswerCacheOptions answers;  // paths are filled in
  bool use_cache = true;
  int64_t computed_bytes = 256 << 20; // 0: nothing computed is kept
  size_t n_workers = 16;           // questions answered at the same time; the rest wait
  size_t max_waiting = 256;        // more are refused (kBusy)
  control::ControlOptions control;
  int64_t memory_budget_bytes = 0; // of the whole process; 0: 80% of what the system has
  int64_t control_interval_ms = 1'000;
  std::string version = {};        // of the program, for stats()
  json::array quality = {};        // what is known of the quality of the models as they are loaded, for stats()
};

class Service {
 public:
  // Opens or creates the default collection's store and starts the workers and the control loop.
  static Result<std::unique_ptr<Service>> start(ServiceOptions options, const Logger& logger);
  virtual ~Service() = default;  // cancels what runs

  [[nodiscard]] virtual const Models& models() const = 0;
  [[nodiscard]] virtual const ServiceOptions& options() const = 0;
  [[nodiscard]] virtual monitor::Metrics& metrics() = 0;

  // Opens it; a name is 1 to 64 of [a-z0-9_-]. kNotFound when there is none, unless `create`.
  // Tenants see their own only: the folder is <store>/tenants/<tenant>/<name>, for the default tenant
  // <store>/collections/<name>, and "default" is the store itself.
  [[nodiscard]] virtual Result<CollectionPtr> collection(std::string_view tenant, std::string_view name,
                                                         bool create) = 0;
  [[nodiscard]] virtual std::vector<std::string> collection_names(std::string_view tenant) = 0;

  // Runs `work` on a worker thread; kBusy when too many wait (retry_after_ms() then tells how long).
  [[nodiscard]] virtual Status post(std::function<void()> work) = 0;
  [[nodiscard]] virtual int64_t retry_after_ms() const = 0;

  // Defaults of a question as control has them now (rerank depth, passages).
  [[nodiscard]] virtual AskOptions ask_options(std::string_view tenant) const = 0;
  [[nodiscard]] virtual control::Setpoints setpoints() const = 0;

  // --- for /metrics, /v1/stats, /v1/decisions and the page ---
  [[nodiscard]] virtual ServiceSample sample() = 0;  // measured now
  [[nodiscard]] virtual json::object stats() = 0;
  // Values of the last `window_ms`, at a resolution that the ring still has:
  // {step_ms, unix_ms: [...], series: {name: [...]}}.
  [[nodiscard]] virtual json::object history(int64_t window_ms) = 0;
  // Newest last, at most `limit`; with recommendations.
  [[nodiscard]] virtual json::object decisions(size_t limit) = 0;
  // What the server itself counts, for stats(): requests, connections.
  virtual void set_server_stats(std::function<json::object()> source) = 0;
  // False while shutting down or while the store cannot be read; says why.
  [[nodiscard]] virtual Status ready() = 0;
};

}  // namespace docmind::pipeline

// Service: everything that a server serves: models, collections by tenant, measurements, control.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/service.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/clock.h"
#include "index/store_reader.h"
#include "pipeline/background_indexer.h"
#include "pipeline/collection_map.h"
#include "pipeline/control_loop.h"
#include "pipeline/stats_json.h"
#include "pipeline/trend_values.h"
#include "pipeline/worker_queue.h"

namespace docmind::pipeline {
namespace {

constexpr std::string_view kDefaultCollection = "default";

class ServiceImpl final : public Service {
 public:
  ServiceImpl(ServiceOptions options, const Logger& logger)
      : options_(std::move(options)),
        logger_(logger),
        collections_({.options = &options_, .metrics = metrics_.get(), .background = &background_, .logger = &logger_}),
        background_(options_.index_priority),
        workers_(options_.n_workers, options_.max_waiting) {}

  Status open() {
    Result<CollectionPtr> collection = collections_.get(options_.default_tenant, kDefaultCollection, true);
    if (!collection.ok()) return std::move(collection).error();
    DM_ASSIGN(control_, ControlLoop::start(sources(), workers_, [this] { return server_stats(); }, logger_));
    return {};
  }

  const Models& models() const override { return options_.models; }
  const ServiceOptions& options() const override { return options_; }
  monitor::Metrics& metrics() override { return *metrics_; }

  Result<CollectionPtr> collection(std::string_view tenant, std::string_view name, bool create) override {
    return collections_.get(tenant, name, create);
  }
  std::vector<std::string> collection_names(std::string_view tenant) override { return collections_.names(tenant); }

  Status post(std::function<void()> work) override { return workers_.post(std::move(work)); }
  int64_t retry_after_ms() const override { return workers_.retry_after_ms(); }

  AskOptions ask_options(std::string_view tenant) const override {
    AskOptions ask = options_.ask;
    ask.tenant = tenant;
    const control::Setpoints now = control_->setpoints();
    const auto at_most = [](size_t value, int64_t limit) {
      return std::min(value, static_cast<size_t>(std::max<int64_t>(0, limit)));
    };
    ask.rerank_limit = at_most(ask.retrieve.rerank_depth, now.rerank_depth);
    ask.passage_limit = std::max<size_t>(1, at_most(ask.retrieve.top_k, now.context_passages));
    return ask;
  }
  control::Setpoints setpoints() const override { return control_->setpoints(); }

  json::object stats() override {
    StatsContext context{.options = &options_, .control = control_.get()};
    if (const Result<index::StoreReader> store = index::StoreReader::open(options_.store_folder); store.ok()) {
      if (const Result<index::StoreCounts> counts = store->counts(); counts.ok()) {
        context.n_documents = counts->n_documents;
        context.n_chunks = counts->n_chunks;
      }
    }
    return stats_json(sample(), context);
  }
  ServiceSample sample() override {
    ServiceSample now = take_sample(sources(), server_stats());
    now.gpu = control_->gpu();
    now.uptime_s = uptime_.elapsed_ms() / 1'000;
    return now;
  }
  json::object history(int64_t window_ms) override { return history_json(control_->trends().history(window_ms)); }
  json::object decisions(size_t limit) override { return control_->decisions(limit); }

  void set_server_stats(std::function<json::object()> source) override {
    const std::lock_guard lock(server_mutex_);
    server_stats_ = std::move(source);
  }

  Status ready() override {
    DM_ASSIGN(const index::StoreReader store, index::StoreReader::open(options_.store_folder));
    const Result<int64_t> generation = store.generation();
    return generation.ok() ? Status() : Status(generation.error());
  }

 private:
  SampleSources sources() const {
    return {.options = &options_, .metrics = metrics_.get(), .collections = &collections_, .workers = &workers_};
  }
  // With the lock: a source that was taken away is not in use any more.
  json::object server_stats() {
    const std::lock_guard lock(server_mutex_);
    return server_stats_ ? server_stats_() : json::object();
  }

  const ServiceOptions options_;
  const Logger logger_;
  const std::unique_ptr<monitor::Metrics> metrics_ = std::make_unique<monitor::Metrics>();
  const Stopwatch uptime_;
  CollectionMap collections_;
  BackgroundIndexer background_;  // its runs use the collections, so it ends before they do
  WorkerQueue workers_;           // likewise
  std::mutex server_mutex_;
  std::function<json::object()> server_stats_;
  std::unique_ptr<ControlLoop> control_;  // uses all of them
};

Status check_options(const ServiceOptions& options) {
  if (options.store_folder.empty()) {
    return Error{ErrorCode::kInvalidArgument, "the service has no folder for its store"};
  }
  if (options.n_workers == 0) {
    return Error{ErrorCode::kInvalidArgument, "0 workers answer no question; give at least 1"};
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Service>> Service::start(ServiceOptions options, const Logger& logger) {
  DM_TRY(check_options(options));
  auto service = std::make_unique<ServiceImpl>(std::move(options), logger);
  DM_TRY(service->open());
  return std::unique_ptr<Service>(std::move(service));
}

}  // namespace docmind::pipeline

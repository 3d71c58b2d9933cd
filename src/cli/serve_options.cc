// From the configuration to the options of a server and of what it serves.
// SPDX-License-Identifier: Apache-2.0
#include "cli/serve_options.h"

#include <algorithm>
#include <filesystem>

#include <sys/resource.h>

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include "base/environment.h"
#include "base/file.h"
#include "cli/library.h"
#include "cli/load_models.h"
#include "cli/quality_scores.h"

namespace docmind::cli {
namespace {

constexpr int64_t kServeMiB = 1LL << 20;

control::ControlOptions control_options(const Config& config, const pipeline::AskOptions& ask) {
  control::ControlOptions options;
  options.enabled = config.control.enabled;
  options.latency_target_ms = static_cast<double>(config.control.latency_target_ms);
  options.high_memory = config.control.high_memory;
  options.low_memory = config.control.low_memory;
  options.int8_memory = config.control.int8_memory;
  options.int4_memory = config.control.int4_memory;
  options.min_dwell_ms = config.control.dwell_s * 1000;
  control::Setpoints& most = options.configured;
  // Formats between these are never left for a more exact one.
  if (config.kv.format == "int8" || config.kv.format == "k8v4") most.kv_format = control::KvFormat::kInt8;
  if (config.kv.format == "int4" || config.kv.format == "mixed") most.kv_format = control::KvFormat::kInt4;
  most.max_sequences = config.batch.sequences;
  most.prefill_tokens = config.batch.prefill_tokens;
  most.embed_batch_tokens = engine::ModelParts::kBatchTokens;
  most.rerank_batch_tokens = engine::ModelParts::kBatchTokens;
  most.cache_memory_bytes = config.cache.memory_mib * kServeMiB;
  most.max_queued = config.server.queue;
  most.rerank_depth = static_cast<int64_t>(ask.retrieve.rerank_depth);
  most.context_passages = static_cast<int64_t>(ask.retrieve.top_k);
  return options;
}

bool is_loopback(const std::string& address) {
  if (address == "localhost") return true;
  boost::system::error_code bad;
  const auto parsed = boost::asio::ip::make_address(address, bad);
  return !bad && parsed.is_loopback();
}

}  // namespace

Result<pipeline::ServiceOptions> service_options(const Session& session, pipeline::Models models) {
  const Config& config = session.config();
  pipeline::ServiceOptions options;
  options.version = DOCMIND_VERSION;
  DM_ASSIGN(options.store_folder, store_folder(session));
  options.default_tenant = config.tenant;
  options.quality = known_quality(config, models);
  options.models = std::move(models);
  options.ask = ask_options(session);
  options.corpus.exact_limit = static_cast<size_t>(config.search.exact_limit);
  options.index = index_request(session);
  if (config.index.priority == "low") options.index_priority = pipeline::BackgroundPriority::kLow;
  if (config.index.priority == "normal") options.index_priority = pipeline::BackgroundPriority::kNormal;
  options.answers = cache_options(config, options.store_folder);
  options.use_cache = config.cache.enabled;
  options.computed_bytes = config.cache.computed_mib * kServeMiB;
  options.n_workers = static_cast<size_t>(config.server.workers);
  options.max_waiting = static_cast<size_t>(config.server.queue);
  options.control = control_options(config, options.ask);
  options.memory_budget_bytes = config.memory.budget_mib * kServeMiB;
  return options;
}

Result<server::HttpOptions> http_options(const Session& session) {
  const Config::Server& config = session.config().server;
  server::HttpOptions options;
  options.address = config.address == "localhost" ? "127.0.0.1" : config.address;
  options.port = static_cast<int>(config.port);
  options.n_threads = static_cast<int>(config.threads);
  options.allowed_hosts = config.hosts;
  options.cors_origins = config.cors;
  options.limits.max_body_bytes = config.max_body_mib * kServeMiB;
  options.limits.max_upload_bytes = config.max_upload_mib * kServeMiB;
  options.limits.max_connections = config.connections;
  options.limits.max_connections_per_address = config.connections_per_address;
  options.limits.max_requests_in_flight = config.in_flight;
  options.limits.drain_timeout_ms = config.drain_s * 1000;
  DM_ASSIGN(const std::string folder, store_folder(session));
  options.upload_folder = join_path(folder, "spool");
  DM_TRY(make_folders(options.upload_folder));
  // What an earlier process left half received.
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(options.upload_folder, failure)) {
    std::filesystem::remove(entry.path(), failure);
  }
  return options;
}

server::RouteOptions route_options(const Config& config) {
  return {.max_tokens = config.server.max_tokens,
          .request_timeout_ms = config.server.request_timeout_s * 1000,
          .metrics_public = config.server.metrics_public,
          .alias_metrics = config.server.metrics_aliases,
          .page = config.server.page};
}

Result<server::ApiKeys> load_keys(const Config& config) {
  std::string from_environment;
  for (const auto& [name, value] : process_environment()) {
    if (name == "DOCMIND_API_KEYS") from_environment = value;
  }
  return server::ApiKeys::load(config.server.keys_file, from_environment, config.tenant);
}

void raise_descriptor_limit(const Config& config) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  // A connection is one; the store, models and uploads need some more.
  const auto wanted = static_cast<rlim_t>(config.server.connections + 512);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  [[maybe_unused]] const int refused = ::setrlimit(RLIMIT_NOFILE, &limit);  // then fewer connections are accepted
}

Status check_exposure(const Config& config, const server::ApiKeys& keys, bool insecure) {
  if (keys.required() || insecure || is_loopback(config.server.address)) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("server.address '{}' can be reached from other machines, and there are no API keys: "
                           "everybody there could read the documents. Set server.keys_file or DOCMIND_API_KEYS, "
                           "listen on 127.0.0.1, or add --insecure if that is meant",
                           config.server.address)};
}

}  // namespace docmind::cli

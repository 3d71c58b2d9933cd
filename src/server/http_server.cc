// HttpServer: listens, reads requests within limits, hands them to routes and writes what they answer.
// SPDX-License-Identifier: Apache-2.0
#include "server/http_server.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include "server/connection.h"
#include "server/listener.h"
#include "server/server_core.h"

namespace docmind::server {
namespace {

constexpr int kMaxIoThreads = 256;
constexpr int64_t kMinSweepMs = 5, kMaxSweepMs = 250;

Status check_limits(const HttpOptions& options) {
  const HttpLimits& limits = options.limits;
  if (options.n_threads < 1 || options.n_threads > kMaxIoThreads) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} I/O threads are not between 1 and {}", options.n_threads, kMaxIoThreads)};
  }
  const std::pair<const char*, int64_t> positive[] = {
      {"max_header_bytes", limits.max_header_bytes},   {"max_body_bytes", limits.max_body_bytes},
      {"max_upload_bytes", limits.max_upload_bytes},   {"header_timeout_ms", limits.header_timeout_ms},
      {"body_timeout_ms", limits.body_timeout_ms},     {"idle_timeout_ms", limits.idle_timeout_ms},
      {"write_timeout_ms", limits.write_timeout_ms},   {"max_unread_bytes", limits.max_unread_bytes},
      {"max_connections", limits.max_connections},     {"max_requests_in_flight", limits.max_requests_in_flight},
      {"max_connections_per_address", limits.max_connections_per_address}};
  for (const auto& [name, value] : positive) {
    if (value > 0) continue;
    return Error{ErrorCode::kInvalidArgument, fmt::format("the limit {} is {}; it must be at least 1", name, value)};
  }
  return {};
}

// Times out connections: a check of all of them a few times within the shortest limit.
class DeadlineSweep final : public std::enable_shared_from_this<DeadlineSweep> {
 public:
  explicit DeadlineSweep(std::shared_ptr<ServerCore> core)
      : core_(std::move(core)), strand_(boost::asio::make_strand(core_->io)), timer_(strand_) {
    const HttpLimits& limits = core_->options.limits;
    const int64_t shortest = std::min({limits.header_timeout_ms, limits.body_timeout_ms, limits.idle_timeout_ms,
                                       limits.write_timeout_ms});
    period_ = std::chrono::milliseconds(std::clamp(shortest / 4, kMinSweepMs, kMaxSweepMs));
  }
  void start() {
    boost::asio::post(strand_, [self = shared_from_this()] { self->wait(); });
  }
  void stop() {
    boost::asio::post(strand_, [self = shared_from_this()] {
      self->is_stopped_ = true;
      self->timer_.cancel();
    });
  }

 private:
  void wait() {
    if (is_stopped_) return;
    timer_.expires_after(period_);
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code&) {
      for (const auto& connection : self->core_->table.expired(steady_ms())) connection->post_expired();
      self->wait();
    });
  }

  const std::shared_ptr<ServerCore> core_;
  const ConnectionStrand strand_;
  boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                    ConnectionStrand> timer_;
  std::chrono::milliseconds period_{};
  bool is_stopped_ = false;
};

class HttpServerImpl final : public HttpServer {
 public:
  HttpServerImpl(std::shared_ptr<ServerCore> core, std::shared_ptr<Listener> listener)
      : core_(std::move(core)), listener_(std::move(listener)), sweep_(std::make_shared<DeadlineSweep>(core_)),
        work_(core_->io.get_executor()) {
    listener_->start();
    sweep_->start();
    for (int i = 0; i < core_->options.n_threads; ++i) threads_.emplace_back([this] { run(); });
  }
  ~HttpServerImpl() override { close(0); }

  [[nodiscard]] int port() const override { return listener_->port(); }
  void set_keys(std::shared_ptr<const ApiKeys> keys) override { core_->set_keys(std::move(keys)); }

  [[nodiscard]] HttpStats stats() const override {
    const ServerCounters& counters = core_->counters;
    return {.n_connections = core_->table.size(),
            .n_in_flight = counters.n_in_flight,
            .n_accepted = counters.n_accepted,
            .n_requests = counters.n_requests,
            .n_refused = counters.n_refused,
            .n_bad = counters.n_bad,
            .n_cut_off = counters.n_cut_off,
            .n_client_gone = counters.n_client_gone,
            .read_bytes = counters.read_bytes,
            .written_bytes = counters.written_bytes};
  }

  bool stop() override { return close(core_->options.limits.drain_timeout_ms); }

 private:
  void run() {
    while (true) {
      try {
        core_->io.run();
        return;
      } catch (const std::exception& failure) {
        core_->logger.warn("an I/O thread goes on after: {}", failure.what());
      }
    }
  }

  bool close(int64_t drain_ms) {
    const std::lock_guard lock(stop_mutex_);
    if (threads_.empty()) return all_finished_;
    core_->draining = true;
    listener_->stop();
    for (const auto& connection : core_->table.all()) connection->post_drain();
    all_finished_ = core_->table.wait_empty(drain_ms);
    // A connection may have been accepted meanwhile; it closes itself, as it sees the draining.
    for (const auto& connection : core_->table.all()) connection->post_abort();
    sweep_->stop();
    work_.reset();  // run() returns when nothing is left to do
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    return all_finished_;
  }

  const std::shared_ptr<ServerCore> core_;
  const std::shared_ptr<Listener> listener_;
  const std::shared_ptr<DeadlineSweep> sweep_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::mutex stop_mutex_;
  std::vector<std::thread> threads_;
  bool all_finished_ = true;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpOptions& options, Router router,
                                                      std::shared_ptr<const ApiKeys> keys, const Logger& logger,
                                                      std::function<void(const RequestRecord&)> on_request) {
  DM_TRY(check_limits(options));
  if (!keys) keys = std::make_shared<const ApiKeys>();
  auto core = std::make_shared<ServerCore>(options, std::move(router), std::move(keys), logger, std::move(on_request));
  DM_ASSIGN(std::shared_ptr<Listener> listener, Listener::open(core));
  return std::unique_ptr<HttpServer>(std::make_unique<HttpServerImpl>(std::move(core), std::move(listener)));
}

}  // namespace docmind::server

// Connection: begin and end of a client's socket.
// SPDX-License-Identifier: Apache-2.0
#include "server/connection.h"

#include <sys/socket.h>

#include <limits>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/socket_base.hpp>

#include "server/status_map.h"

namespace docmind::server {
namespace {

constexpr int64_t kNoDeadline = std::numeric_limits<int64_t>::max();
constexpr int64_t kLingerMs = 5'000;

int64_t deadline_after(int64_t after_ms) { return after_ms < 0 ? kNoDeadline : steady_ms() + after_ms; }

}  // namespace

Connection::Connection(std::shared_ptr<ServerCore> core, ConnectionSocket socket, std::string address)
    : core_(std::move(core)), socket_(std::move(socket)), strand_(socket_.get_executor()), address_(std::move(address)),
      parser_(core_->options.limits.max_header_bytes), read_deadline_ms_(kNoDeadline),
      write_deadline_ms_(kNoDeadline) {}

void Connection::start() {
  boost::asio::post(strand_, [self = shared_from_this()] {
    if (self->state_ == State::kClosed) return;  // aborted before it began
    self->set_options();
    self->set_read_deadline(self->core_->options.limits.idle_timeout_ms);
    if (self->core_->draining) return self->close(false);
    self->wait_readable();
  });
}

void Connection::post_pump() {
  boost::asio::post(strand_, [self = shared_from_this()] { self->pump(); });
}

void Connection::post_drain() {
  boost::asio::post(strand_, [self = shared_from_this()] { self->drain(); });
}

void Connection::post_expired() {
  boost::asio::post(strand_, [self = shared_from_this()] { self->on_expired(); });
}

void Connection::post_abort() {
  boost::asio::post(strand_, [self = shared_from_this()] {
    if (self->state_ == State::kClosed) return;
    self->close(true);
    self->give_up(503);
  });
}

void Connection::set_read_deadline(int64_t after_ms) {
  read_deadline_ms_.store(deadline_after(after_ms), std::memory_order_relaxed);
}

void Connection::set_write_deadline(int64_t after_ms) {
  write_deadline_ms_.store(deadline_after(after_ms), std::memory_order_relaxed);
}

void Connection::on_expired() {
  if (state_ == State::kClosed || !is_expired(steady_ms())) return;
  if (steady_ms() >= write_deadline_ms_.load(std::memory_order_relaxed)) return cut_off(499);
  switch (state_) {
    case State::kHead: return time_out("the head of the request");
    case State::kBody: return time_out("the body of the request");
    case State::kWork: return set_read_deadline(-1);
    case State::kIdle:
    case State::kLinger:
    case State::kClosed: return close(false);
  }
}

void Connection::drain() {
  if (state_ == State::kIdle || state_ == State::kHead || state_ == State::kLinger) return close(false);
  // A stream of what the server itself does (statistics, progress) would go on for ever.
  if (state_ != State::kWork || !is_stream_ || admission_.route == nullptr || admission_.route->is_work) return;
  close(false);
  give_up(503);
}

void Connection::linger() {
  // Closing with bytes unread would send RST, which may overtake the answer on the client's side.
  boost::system::error_code ignored;  // gone already: the next read says so
  socket_.shutdown(boost::asio::socket_base::shutdown_send, ignored);
  state_ = State::kLinger;
  input_.clear();
  set_read_deadline(kLingerMs);
  if (!in_process_) wait_readable();
}

void Connection::leave() {
  const bool had_request = state_ == State::kBody || state_ == State::kWork;
  close(false);
  if (had_request) count(core_->counters.n_client_gone);
  give_up(499);
}

void Connection::cut_off(int status) {
  count(core_->counters.n_cut_off);
  close(true);
  give_up(status);
}

// The socket is closed already, so whatever is called from here finds nothing to write to.
void Connection::give_up(int status) {
  if (!channel_) return;
  record(status);
  const std::shared_ptr<ResponseChannel> channel = std::exchange(channel_, nullptr);
  channel->close(ResponseChannel::End::kGone);
}

void Connection::record(int status) {
  ServerCounters& counters = core_->counters;
  count(counters.n_requests);
  if (std::exchange(counts_in_flight_, false)) count(counters.n_in_flight, -1);
  if (status == 429 || status == 503) count(counters.n_refused);
  if (!core_->on_request) return;
  const Route* route = admission_.route;
  core_->on_request({.method = method_,
                     .pattern = route == nullptr ? std::string_view() : std::string_view(route->pattern),
                     .tenant = admission_.caller.tenant,
                     .label = admission_.caller.label,
                     .id = id_,
                     .status = status,
                     .ms = since_.elapsed_ms(),
                     .first_byte_ms = first_byte_ms_,
                     .written_bytes = written_bytes_});
}

void Connection::close(bool with_reset) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  set_read_deadline(-1);
  set_write_deadline(-1);
  boost::system::error_code ignored;  // nothing is left to be done about it
  if (with_reset) socket_.set_option(boost::asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
  core_->table.remove(*this, address_);
}

}  // namespace docmind::server

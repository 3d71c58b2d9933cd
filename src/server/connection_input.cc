// Connection: from bytes to requests to their handlers.
// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <utility>

#include <boost/asio/socket_base.hpp>
#include <fmt/format.h>

#include "server/connection.h"
#include "server/http_exchange.h"
#include "server/status_map.h"

namespace docmind::server {
namespace {

constexpr size_t kHeadReadBytes = 4 << 10;   // also what an idle connection keeps
constexpr size_t kBodyReadBytes = 64 << 10;
constexpr size_t kMaxPipelinedBytes = 64 << 10;  // read ahead while a request is being answered
constexpr int64_t kMaxSkippedBytes = 64 << 10;   // of the body of a refused request
constexpr size_t kMaxReservedBytes = 1 << 20;    // on a Content-Length's word
constexpr int kUnsentLowWaterBytes = 256 << 10;  // more than that waits here, where it can be counted

}  // namespace

void Connection::set_options() {
  boost::system::error_code ignored;  // each of these only helps
  socket_.native_non_blocking(true, ignored);
  socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  socket_.set_option(boost::asio::socket_base::keep_alive(true), ignored);
  const int low_water = kUnsentLowWaterBytes;
  ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &low_water, sizeof low_water);
}

void Connection::wait_readable() {
  if (is_reading_ || state_ == State::kClosed) return;
  is_reading_ = true;
  socket_.async_wait(boost::asio::socket_base::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->is_reading_ = false;
                       self->on_readable(static_cast<bool>(error));
                     });
}

void Connection::on_readable(bool failed) {
  if (state_ == State::kClosed) return;
  if (failed) return leave();
  const bool in_bulk = state_ == State::kBody || state_ == State::kLinger;
  const size_t room = in_bulk ? kBodyReadBytes : kHeadReadBytes;
  char* place = input_.prepare(room);
  const ssize_t n = ::recv(socket_.native_handle(), place, room, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return wait_readable();
  if (n <= 0) return leave();  // who closes only its sending side looks the same, and is taken to be gone
  input_.commit(static_cast<size_t>(n));
  count(core_->counters.read_bytes, n);
  process();
}

void Connection::process() {
  if (in_process_) return;  // a caller further up goes on
  in_process_ = true;
  while (parse_more()) {
  }
  in_process_ = false;
  if (state_ == State::kClosed) return;
  if (state_ == State::kLinger) input_.clear();
  if (state_ != State::kBody) input_.shrink(kHeadReadBytes);
  // The end of the response goes on with what has been read ahead.
  if (state_ == State::kWork && input_.size() >= kMaxPipelinedBytes) return;
  wait_readable();
}

// One step; false when more input, or the end of a response, is needed first.
bool Connection::parse_more() {
  if (state_ == State::kIdle && !begin_request()) return false;
  if (state_ != State::kHead && state_ != State::kBody) return false;
  size_t n_used = 0;
  const RequestParser::Step step = parser_.feed(input_.view(), n_used);
  input_.consume(n_used);
  switch (step) {
    case RequestParser::Step::kMore:
      if (state_ == State::kBody && n_used > 0) {
        if (is_body_too_slow()) time_out("the body of the request");
        if (state_ == State::kBody) set_read_deadline(core_->options.limits.body_timeout_ms);
      }
      return false;
    case RequestParser::Step::kHead: on_head(); return true;
    case RequestParser::Step::kDone: on_request(); return true;
    case RequestParser::Step::kBad: break;
  }
  answer(error_response(parser_.error(), admission_.dialect), true);
  return true;
}

bool Connection::begin_request() {
  // Some clients send a line end behind a body (RFC 9112, 2.2).
  while (input_.view().starts_with("\r\n")) input_.consume(2);
  if (input_.empty() || input_.view() == "\r") return false;
  state_ = State::kHead;
  since_.restart();
  set_read_deadline(core_->options.limits.header_timeout_ms);
  return true;
}

void Connection::on_head() {
  RequestHead& head = parser_.head();
  is_http11_ = head.is_http11;
  keep_alive_ = head.keep_alive;
  is_head_ = head.method == "HEAD";
  method_ = head.method;
  const bool expects_continue = head.expects_continue;
  admission_ = core_->gate.admit(std::move(head), *core_->keys());
  admission_.caller.address = address_;
  id_ = core_->ids.choose(admission_.request.header("x-request-id"));
  const bool is_full = core_->counters.n_in_flight >= core_->options.limits.max_requests_in_flight;
  if (!admission_.answer && admission_.route->is_work && (is_full || core_->draining)) refuse_as_busy();
  if (!admission_.answer) {
    if (Status ready = take_body(); !ready.ok()) {
      admission_.answer = error_response(api_error(ready.error()), admission_.dialect);
    }
  }
  state_ = State::kBody;
  body_began_ms_ = steady_ms();
  set_read_deadline(core_->options.limits.body_timeout_ms);
  if (admission_.answer) return refuse_head(expects_continue);
  if (expects_continue && input_.empty()) send_continue();
}

void Connection::refuse_as_busy() {
  const bool is_draining = core_->draining;
  admission_.answer = error_response(
      {.status = 503,
       .message = is_draining ? std::string("the server is stopping")
                              : fmt::format("{} requests are in work, which is the limit; try again later",
                                            core_->options.limits.max_requests_in_flight),
       .code = "overloaded",
       .retry_after_ms = core_->options.retry_after_ms},
      admission_.dialect);
}

// The body of a refused request is read past when it is short, so that the connection can be kept.
void Connection::refuse_head(bool expects_continue) {
  const RequestHead& head = parser_.head();
  const bool is_short = !head.has_body() || (head.content_length && !expects_continue &&
                                             *head.content_length <= static_cast<uint64_t>(kMaxSkippedBytes));
  if (is_short && !admission_.must_close) {
    parser_.set_body(kMaxSkippedBytes, {});
    return;
  }
  answer(*std::move(admission_.answer), true);
}

Status Connection::take_body() {
  const RequestHead& head = parser_.head();
  if (admission_.route->body_to == BodyTo::kFile) {
    DM_ASSIGN(body_file_, BodyFile::create(core_->options.upload_folder));
    admission_.request.body_path = body_file_->path();
    parser_.set_body(admission_.max_body_bytes, [this](std::string_view bytes) { return body_file_->append(bytes); });
    return {};
  }
  const uint64_t announced = std::min<uint64_t>(head.content_length.value_or(0), kMaxReservedBytes);
  admission_.request.body.reserve(static_cast<size_t>(announced));
  parser_.set_body(admission_.max_body_bytes, [this](std::string_view bytes) -> Status {
    admission_.request.body += bytes;
    return {};
  });
  return {};
}

void Connection::send_continue() {
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  // Nothing else is on its way out, so there is room; if not, the client goes on after a while by itself.
  (void)::send(socket_.native_handle(), kContinue.data(), kContinue.size(), MSG_NOSIGNAL);
}

void Connection::on_request() {
  if (admission_.answer) return answer(*std::move(admission_.answer), admission_.must_close);
  const int64_t most = core_->options.limits.max_requests_in_flight;
  if (admission_.route->is_work) {
    counts_in_flight_ = core_->counters.n_in_flight.fetch_add(1, std::memory_order_relaxed) < most;
    if (!counts_in_flight_) {
      count(core_->counters.n_in_flight, -1);
      refuse_as_busy();
      return answer(*std::move(admission_.answer), false);
    }
  }
  call_handler();
}

void Connection::call_handler() {
  state_ = State::kWork;
  set_read_deadline(-1);
  open_channel();
  admission_.request.body_bytes = parser_.body_bytes();
  if (body_file_) body_file_->close();
  in_handler_ = true;  // what it writes before it returns goes out in one piece
  try {
    admission_.route->handler(std::make_shared<HttpExchange>(std::move(admission_.request), admission_.caller, id_,
                                                             since_, channel_, std::move(body_file_)));
  } catch (const std::exception& failure) {  // the exchange, dropped, answers 500
    core_->logger.warn("the handler of {} {} failed: {}", method_, admission_.route->pattern, failure.what());
  }
  in_handler_ = false;
  if (std::exchange(pump_wanted_, false)) pump();
}

bool Connection::is_body_too_slow() const {
  const HttpLimits& limits = core_->options.limits;
  const int64_t elapsed_ms = steady_ms() - body_began_ms_;
  if (elapsed_ms <= limits.body_timeout_ms) return false;
  return parser_.body_bytes() < limits.min_body_bytes_per_s * elapsed_ms / 1000;
}

void Connection::time_out(std::string_view what) {
  count(core_->counters.n_cut_off);
  answer(error_response({.status = 408, .message = fmt::format("{} did not come in time", what), .code = "timeout"},
                        admission_.dialect),
         true);
}

}  // namespace docmind::server

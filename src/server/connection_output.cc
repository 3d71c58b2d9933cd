// Connection: from a handler's response to bytes on the socket.
// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

#include <boost/asio/socket_base.hpp>
#include <fmt/format.h>

#include "server/connection.h"
#include "server/response_head.h"
#include "server/status_map.h"

namespace docmind::server {

// An answer of the transport's own.
void Connection::answer(HttpResponse response, bool then_close) {
  if (response.status >= 400 && response.status <= 431 && response.status != 429) count(core_->counters.n_bad);
  if (id_.empty()) id_ = core_->ids.choose({});
  if (then_close) close_after_ = true;
  state_ = State::kWork;
  set_read_deadline(-1);
  open_channel();
  channel_->respond(std::move(response));  // calls pump()
}

void Connection::open_channel() {
  channel_ = std::make_shared<ResponseChannel>(shared_from_this(), admission_.dialect,
                                               core_->options.limits.max_unread_bytes);
}

void Connection::pump() {
  if (in_handler_) {
    pump_wanted_ = true;
    return;
  }
  while (state_ == State::kWork && channel_) {
    if (is_writing_) {  // goes on when the socket takes more
      if (channel_->is_too_slow()) cut_off(499);
      return;
    }
    if (output_.left() > 0) {
      const Sent sent = send_output();
      if (sent == Sent::kFailed) return leave();
      if (sent == Sent::kBlocked) return wait_writable();
      continue;
    }
    if (is_last_) return end_response();
    ResponseChannel::Piece piece = channel_->take();
    if (piece.empty()) return;
    if (piece.too_slow) return cut_off(499);
    put_out(std::move(piece));
  }
}

Connection::Sent Connection::send_output() {
  std::array<iovec, 3> vectors;
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = output_.gather(vectors);
  const ssize_t n = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
  if (n < 0) return errno == EAGAIN || errno == EINTR ? Sent::kBlocked : Sent::kFailed;
  output_.advance(static_cast<size_t>(n));
  count(core_->counters.written_bytes, n);
  written_bytes_ += n;
  channel_->set_unsent(output_.left());
  return Sent::kAll;  // of what was taken; the rest is tried again and then blocks
}

void Connection::wait_writable() {
  is_writing_ = true;
  set_write_deadline(core_->options.limits.write_timeout_ms);
  socket_.async_wait(boost::asio::socket_base::wait_write,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->is_writing_ = false;
                       self->set_write_deadline(-1);
                       if (self->state_ == State::kClosed) return;
                       if (error) return self->leave();
                       self->pump();
                     });
}

std::string Connection::head_bytes(const HttpResponse& response) {
  status_ = response.status;
  first_byte_ms_ = since_.elapsed_ms();
  is_bare_ = is_head_ || status_ == 204 || status_ == 304;
  const bool until_close = is_stream_ && !is_http11_;
  if (!keep_alive_ || until_close || core_->draining) close_after_ = true;
  ResponseHeadOptions options{.id = id_,
                              .cors_origin = admission_.cors_origin,
                              .is_http11 = is_http11_,
                              .keep_alive = !close_after_,
                              .is_chunked = is_stream_ && is_http11_ && status_ != 204 && status_ != 304,
                              .now = std::time(nullptr)};
  if (!is_stream_ && status_ != 204 && status_ != 304) {
    options.content_length = response.static_body.empty() ? response.body.size() : response.static_body.size();
  }
  return response_head(response, options);
}

void Connection::put_out(ResponseChannel::Piece piece) {
  std::string head, body;
  std::string_view static_body, end;
  if (piece.head) {
    is_stream_ = piece.is_stream;
    head = head_bytes(*piece.head);
    if (!is_stream_ && !is_bare_) {
      body = std::move(piece.head->body);
      static_body = piece.head->static_body;
    }
  }
  if (is_stream_ && !is_bare_) {
    body = std::move(piece.bytes);
    if (is_http11_) {
      if (!body.empty()) fmt::format_to(std::back_inserter(head), "{:x}\r\n", body.size());
      end = body.empty() ? "" : "\r\n";
      if (piece.finished) end = body.empty() ? "0\r\n\r\n" : "\r\n0\r\n\r\n";
    }
  }
  is_last_ = piece.finished || piece.broken;
  is_broken_ = piece.broken;
  output_.set(std::move(head), std::move(body), static_body, end);
}

void Connection::end_response() {
  const std::shared_ptr<ResponseChannel> channel = std::exchange(channel_, nullptr);
  channel->close(ResponseChannel::End::kAnswered);
  output_.clear();
  record(status_);
  if (is_broken_) return close(true);  // so that also a client that reads until the end sees that it is missing
  const bool more_may_come = keep_alive_ || !input_.empty();
  if (close_after_ || core_->draining) return more_may_come && !core_->draining ? linger() : close(false);
  parser_.reset();
  admission_ = {};
  body_file_.reset();
  id_.clear();
  method_.clear();
  is_head_ = false;
  is_stream_ = is_last_ = false;
  status_ = 0;
  written_bytes_ = 0;
  state_ = State::kIdle;
  set_read_deadline(core_->options.limits.idle_timeout_ms);
  process();
}

}  // namespace docmind::server

// Connection: one client's socket; reads its requests, has them answered in order and writes the answers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>

#include "base/clock.h"
#include "server/body_file.h"
#include "server/io_buffers.h"
#include "server/request_gate.h"
#include "server/request_parser.h"
#include "server/response_channel.h"
#include "server/server_core.h"

namespace docmind::server {

using ConnectionStrand = boost::asio::strand<boost::asio::io_context::executor_type>;
using ConnectionSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, ConnectionStrand>;

// All but the members marked "any thread" run on the socket's strand. The socket does not block: it is read and
// written directly, and waited for only when it has nothing or takes nothing. Time limits are times of day that a
// sweep over all connections compares, since a timer per request costs more than the request.
class Connection final : public ResponseWriter, public std::enable_shared_from_this<Connection> {
 public:
  // The table has reserved a place for `address`.
  Connection(std::shared_ptr<ServerCore> core, ConnectionSocket socket, std::string address);

  // Any thread:
  void start();
  void post_drain();  // closes at once unless a request that does work has been accepted
  void post_abort();  // closes whatever goes on
  void post_expired();
  [[nodiscard]] bool is_expired(int64_t now_ms) const {
    return now_ms >= read_deadline_ms_.load(std::memory_order_relaxed) ||
           now_ms >= write_deadline_ms_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool is_here() const override { return strand_.running_in_this_thread(); }
  void post_pump() override;

  void pump() override;

 private:
  enum class State {
    kIdle,    // nothing of the next request has come
    kHead,    // some of its head has
    kBody,    // its head was accepted or refused, its body is still coming
    kWork,    // it is being answered
    kLinger,  // all is said; what the client still sends is thrown away, so that it can read the answer
    kClosed,
  };

  // Input (connection_input.cc)
  void set_options();
  void wait_readable();
  void on_readable(bool failed);
  void process();
  bool parse_more();
  bool begin_request();
  void on_head();
  void refuse_as_busy();
  void refuse_head(bool expects_continue);
  Status take_body();
  void send_continue();
  void on_request();
  void call_handler();
  [[nodiscard]] bool is_body_too_slow() const;
  void time_out(std::string_view what);

  // Output (connection_output.cc)
  void answer(HttpResponse response, bool then_close);
  void open_channel();
  enum class Sent { kAll, kBlocked, kFailed };
  Sent send_output();
  void wait_writable();
  void put_out(ResponseChannel::Piece piece);
  std::string head_bytes(const HttpResponse& response);
  void end_response();

  // Ends (connection.cc)
  void on_expired();
  void drain();
  void linger();
  void leave();                 // the client went
  void cut_off(int status);     // it is too slow
  void give_up(int status);     // of a request that is still being answered
  void record(int status);
  void close(bool with_reset);
  void set_read_deadline(int64_t after_ms);
  void set_write_deadline(int64_t after_ms);

  const std::shared_ptr<ServerCore> core_;
  ConnectionSocket socket_;
  const ConnectionStrand strand_;  // the socket's
  const std::string address_;
  State state_ = State::kIdle;
  InputBuffer input_;
  RequestParser parser_;
  OutputPieces output_;
  std::shared_ptr<ResponseChannel> channel_;
  std::atomic<int64_t> read_deadline_ms_, write_deadline_ms_;
  bool is_reading_ = false, is_writing_ = false;  // waits for the socket
  bool in_process_ = false, in_handler_ = false, pump_wanted_ = false;

  // Of the request in work.
  Admission admission_;
  std::unique_ptr<BodyFile> body_file_;
  Stopwatch since_;
  int64_t body_began_ms_ = 0;
  std::string id_, method_;
  bool is_http11_ = true, keep_alive_ = false, is_head_ = false;
  bool counts_in_flight_ = false;
  // Of its response.
  bool close_after_ = false, is_stream_ = false, is_bare_ = false, is_last_ = false, is_broken_ = false;
  int status_ = 0;
  double first_byte_ms_ = 0;
  int64_t written_bytes_ = 0;
};

}  // namespace docmind::server

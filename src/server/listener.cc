// Listener: accepts connections on one address and port.
// SPDX-License-Identifier: Apache-2.0
#include "server/listener.h"

#include <sys/socket.h>

#include <string>
#include <utility>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/socket_base.hpp>
#include <fmt/format.h>

namespace docmind::server {
namespace {

using boost::asio::ip::tcp;

constexpr auto kAcceptPause = std::chrono::milliseconds(100);

Error bind_error(const HttpOptions& options, const boost::system::error_code& error) {
  const std::string place = fmt::format("port {} of {}", options.port, options.address);
  if (error == boost::asio::error::address_in_use) {
    return {ErrorCode::kBusy, fmt::format("{} is in use by another program; stop it or choose another port", place)};
  }
  if (error == boost::asio::error::access_denied) {
    return {ErrorCode::kPermission,
            fmt::format("{} may not be used by this user; choose a port of 1024 or above", place)};
  }
  if (error == boost::system::errc::address_not_available) {
    return {ErrorCode::kInvalidArgument,
            fmt::format("{} is not an address of this machine; 127.0.0.1 always is", options.address)};
  }
  return {ErrorCode::kIo, fmt::format("cannot listen on {}: {}", place, error.message())};
}

// Sent to a connection that is one too many, whatever it asks for.
constexpr std::string_view kTooManyConnections =
    "HTTP/1.1 503 Service Unavailable\r\n"
    "content-type: application/json\r\n"
    "retry-after: 1\r\n"
    "connection: close\r\n"
    "content-length: 128\r\n"
    "\r\n"
    "{\"error\":{\"message\":\"the server has as many connections as it may have\",\"type\":\"server_error\","
    "\"param\":null,\"code\":\"overloaded\"}}";
static_assert(kTooManyConnections.size() - kTooManyConnections.find("{\"error") == 128);

}  // namespace

Listener::Listener(std::shared_ptr<ServerCore> core)
    : core_(std::move(core)), acceptor_(boost::asio::make_strand(core_->io)), pause_timer_(acceptor_.get_executor()) {}

Result<std::shared_ptr<Listener>> Listener::open(const std::shared_ptr<ServerCore>& core) {
  const HttpOptions& options = core->options;
  boost::system::error_code error;
  const std::string literal = options.address == "localhost" ? "127.0.0.1" : options.address;
  const boost::asio::ip::address address = boost::asio::ip::make_address(literal, error);
  if (error) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("'{}' is not an IP address to listen on, such as 127.0.0.1 or ::1", options.address)};
  }
  if (options.port < 0 || options.port > 65'535) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("the port {} is not between 0 and 65535", options.port)};
  }
  std::shared_ptr<Listener> listener(new Listener(core));
  DM_TRY(listener->bind(tcp::endpoint(address, static_cast<uint16_t>(options.port))));
  return listener;
}

Status Listener::bind(const tcp::endpoint& endpoint) {
  boost::system::error_code error;
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(boost::asio::socket_base::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(boost::asio::socket_base::max_listen_connections, error);
  if (!error) port_ = acceptor_.local_endpoint(error).port();
  if (error) return bind_error(core_->options, error);
  return {};
}

void Listener::start() {
  boost::asio::post(acceptor_.get_executor(), [self = shared_from_this()] { self->accept(); });
}

void Listener::stop() {
  boost::asio::post(acceptor_.get_executor(), [self = shared_from_this()] {
    boost::system::error_code ignored;
    self->acceptor_.close(ignored);
    self->pause_timer_.cancel();
  });
}

void Listener::accept() {
  if (!acceptor_.is_open()) return;
  acceptor_.async_accept(
      boost::asio::make_strand(core_->io),
      [self = shared_from_this()](const boost::system::error_code& error, ConnectionSocket socket) {
        if (!self->acceptor_.is_open()) return;
        // Only these end by themselves at once; the others (no descriptor, no memory) need time.
        if (error && error != boost::asio::error::connection_aborted && error != boost::asio::error::interrupted) {
          self->core_->logger.debug("cannot accept a connection: {}", error.message());
          return self->pause();
        }
        if (!error) self->take(std::move(socket));
        self->accept();
      });
}

void Listener::pause() {
  if (!std::exchange(is_paused_, true)) {
    core_->logger.warn("no connection can be accepted at the moment: too few file descriptors or too little memory");
  }
  pause_timer_.expires_after(kAcceptPause);
  pause_timer_.async_wait([self = shared_from_this()](const boost::system::error_code&) { self->accept(); });
}

void Listener::take(ConnectionSocket socket) {
  is_paused_ = false;
  boost::system::error_code error;
  const tcp::endpoint peer = socket.remote_endpoint(error);
  if (error) return;  // gone already
  std::string address = peer.address().to_string(error);
  count(core_->counters.n_accepted);
  if (core_->draining || !core_->table.reserve(address)) {
    count(core_->counters.n_refused);
    (void)::send(socket.native_handle(), kTooManyConnections.data(), kTooManyConnections.size(),
                 MSG_NOSIGNAL | MSG_DONTWAIT);
    socket.shutdown(boost::asio::socket_base::shutdown_send, error);
    return;
  }
  const auto connection = std::make_shared<Connection>(core_, std::move(socket), std::move(address));
  core_->table.add(connection);
  connection->start();
}

}  // namespace docmind::server

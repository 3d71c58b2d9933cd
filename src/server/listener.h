// Listener: accepts connections on one address and port.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include "base/error.h"
#include "server/connection.h"
#include "server/server_core.h"

namespace docmind::server {

class Listener final : public std::enable_shared_from_this<Listener> {
 public:
  // Binds and listens; accepts nothing before start(). See HttpServer::start for the errors.
  static Result<std::shared_ptr<Listener>> open(const std::shared_ptr<ServerCore>& core);

  // Any thread:
  void start();
  void stop();
  [[nodiscard]] int port() const { return port_; }

 private:
  using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, ConnectionStrand>;

  explicit Listener(std::shared_ptr<ServerCore> core);
  Status bind(const boost::asio::ip::tcp::endpoint& endpoint);
  void accept();
  void take(ConnectionSocket socket);
  void pause();

  const std::shared_ptr<ServerCore> core_;
  Acceptor acceptor_;
  boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                    ConnectionStrand> pause_timer_;
  int port_ = 0;
  bool is_paused_ = false;  // said so in the log
};

}  // namespace docmind::server

// ScriptedServer: an HTTP server on 127.0.0.1 whose answers a test writes byte for byte.
// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_server.h"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

namespace docmind::test {
namespace {

constexpr auto kPatience = std::chrono::seconds(30);

int listen_on(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(::listen(fd, 64), 0);
  return fd;
}

int port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

// The sockets that are open, so that the server's end can wake who waits on them.
class OpenSockets {
 public:
  void add(int fd) {
    const std::scoped_lock lock(mutex_);
    fds_.insert(fd);
  }
  void close(int fd) {
    const std::scoped_lock lock(mutex_);
    if (fds_.erase(fd) > 0) ::close(fd);
  }
  void shut_down_all() {
    const std::scoped_lock lock(mutex_);
    for (const int fd : fds_) ::shutdown(fd, SHUT_RDWR);
  }

 private:
  std::mutex mutex_;
  std::set<int> fds_;
};

class Wire final : public ScriptedWire {
 public:
  Wire(int fd, OpenSockets& sockets, const std::atomic<bool>& stopping)
      : fd_(fd), sockets_(sockets), stopping_(stopping) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  ~Wire() override { close(); }

  bool send(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = fd_ < 0 ? -1 : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

  bool send_in_pieces(std::string_view bytes, size_t n_bytes) override {
    for (size_t at = 0; at < bytes.size(); at += n_bytes) {
      if (!send(bytes.substr(at, n_bytes))) return false;
      std::this_thread::yield();
    }
    return true;
  }

  bool wait_for_close() override {
    char buffer[4096];
    while (fd_ >= 0) {
      const ssize_t n = ::recv(fd_, buffer, sizeof(buffer), 0);
      if (n <= 0) return !stopping_;
    }
    return false;
  }

  void close() override {
    if (fd_ >= 0) sockets_.close(fd_);
    fd_ = -1;
  }

  void reset() override {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close();
  }

  [[nodiscard]] bool open() const { return fd_ >= 0; }

  // None when the client has closed or sends no HTTP.
  std::optional<ScriptedRequest> read_request() {
    size_t head_end = std::string::npos;
    while ((head_end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return std::nullopt;
    }
    ScriptedRequest request = parse_head(received_.substr(0, head_end));
    received_.erase(0, head_end + 4);
    size_t n_body = 0;
    if (const auto found = request.headers.find("content-length"); found != request.headers.end()) {
      std::from_chars(found->second.data(), found->second.data() + found->second.size(), n_body);
    }
    while (received_.size() < n_body) {
      if (!receive()) return std::nullopt;
    }
    request.body = received_.substr(0, n_body);
    received_.erase(0, n_body);
    return request;
  }

 private:
  bool receive() {
    char buffer[65536];
    const ssize_t n = ::recv(fd_, buffer, sizeof(buffer), 0);
    if (n <= 0) return false;
    received_.append(buffer, static_cast<size_t>(n));
    return true;
  }

  static ScriptedRequest parse_head(const std::string& head) {
    ScriptedRequest request;
    size_t line_end = head.find("\r\n");
    const std::string line = head.substr(0, line_end);
    const size_t space = line.find(' ');
    request.method = line.substr(0, space);
    std::string target = line.substr(space + 1, line.rfind(' ') - space - 1);
    if (const size_t mark = target.find('?'); mark != std::string::npos) {
      request.query = target.substr(mark + 1);
      target.resize(mark);
    }
    request.path = target;
    while (line_end != std::string::npos) {
      const size_t next = head.find("\r\n", line_end + 2);
      const std::string field = head.substr(line_end + 2, next == std::string::npos ? next : next - line_end - 2);
      if (const size_t colon = field.find(": "); colon != std::string::npos) {
        std::string name = field.substr(0, colon);
        std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
        request.headers[name] = field.substr(colon + 2);
      }
      line_end = next;
    }
    return request;
  }

  int fd_;
  OpenSockets& sockets_;
  const std::atomic<bool>& stopping_;
  std::string received_;
};

}  // namespace

struct ScriptedServer::State {
  int listener = -1;
  int port = 0;
  std::atomic<bool> stopping{false};
  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  std::map<std::string, std::vector<Script>> scripts;
  std::map<std::string, size_t> n_asked;
  std::vector<ScriptedRequest> requests;
  OpenSockets sockets;
  int n_connections = 0;
  int n_closed = 0;
  std::vector<std::thread> threads;
  std::thread acceptor;

  void accept_all() {
    for (;;) {
      const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const std::scoped_lock lock(mutex);
      if (stopping) {
        ::close(fd);
        return;
      }
      ++n_connections;
      sockets.add(fd);
      threads.emplace_back([this, fd] { serve(fd); });
    }
  }

  Script script_for(const ScriptedRequest& request) {
    const std::scoped_lock lock(mutex);
    requests.push_back(request);
    changed.notify_all();
    const auto found = scripts.find(request.path);
    if (found == scripts.end()) return answer_with(404, R"({"error":"404 page not found"})");
    const size_t turn = n_asked[request.path]++;
    return found->second[std::min(turn, found->second.size() - 1)];
  }

  void serve(int fd) {
    Wire wire(fd, sockets, stopping);
    while (wire.open()) {
      const std::optional<ScriptedRequest> request = wire.read_request();
      if (!request) break;
      script_for(*request)(*request, wire);
    }
    wire.close();
    const std::scoped_lock lock(mutex);
    ++n_closed;
    changed.notify_all();
  }
};

ScriptedServer::ScriptedServer(int port) : state_(std::make_unique<State>()) {
  state_->listener = listen_on(port);
  state_->port = port_of(state_->listener);
  state_->acceptor = std::thread([state = state_.get()] { state->accept_all(); });
}

ScriptedServer::~ScriptedServer() {
  state_->stopping = true;
  ::shutdown(state_->listener, SHUT_RDWR);
  state_->acceptor.join();
  ::close(state_->listener);
  state_->sockets.shut_down_all();
  for (std::thread& thread : state_->threads) thread.join();
}

void ScriptedServer::on(const std::string& path, Script script) { on(path, std::vector<Script>{std::move(script)}); }

void ScriptedServer::on(const std::string& path, std::vector<Script> scripts) {
  const std::scoped_lock lock(state_->mutex);
  state_->scripts[path] = std::move(scripts);
  state_->n_asked[path] = 0;
}

int ScriptedServer::port() const { return state_->port; }

std::string ScriptedServer::url() const { return "http://127.0.0.1:" + std::to_string(port()); }

int ScriptedServer::n_connections() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->n_connections;
}

std::vector<ScriptedRequest> ScriptedServer::requests(const std::string& path) const {
  const std::scoped_lock lock(state_->mutex);
  std::vector<ScriptedRequest> found;
  std::ranges::copy_if(state_->requests, std::back_inserter(found),
                       [&](const ScriptedRequest& request) { return request.path == path; });
  return found;
}

bool ScriptedServer::wait_for_closed(int n_closed) const {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(lock, kPatience, [&] { return state_->n_closed >= n_closed; });
}

bool ScriptedServer::wait_for_requests(const std::string& path, size_t n_requests) const {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(lock, kPatience, [&] {
    return static_cast<size_t>(std::ranges::count_if(
               state_->requests, [&](const ScriptedRequest& request) { return request.path == path; })) >= n_requests;
  });
}

std::string http_answer(int status, std::string_view type, std::string_view body, std::string_view more_headers) {
  return "HTTP/1.1 " + std::to_string(status) + " Status\r\nContent-Type: " + std::string(type) +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(more_headers) + "\r\n" +
         std::string(body);
}

Script answer_with(int status, std::string_view body, std::string_view type, std::string_view more_headers) {
  return [answer = http_answer(status, type, body, more_headers)](const ScriptedRequest&, ScriptedWire& wire) {
    wire.send(answer);
  };
}

std::string chunked_head(std::string_view type) {
  return "HTTP/1.1 200 OK\r\nContent-Type: " + std::string(type) + "\r\nTransfer-Encoding: chunked\r\n\r\n";
}

std::string chunk_of(std::string_view data) {
  char size[20];
  const auto end = std::to_chars(size, size + sizeof(size), data.size(), 16).ptr;
  return std::string(size, end) + "\r\n" + std::string(data) + "\r\n";
}

std::string url_without_server() {
  const int fd = listen_on(0);
  const int port = port_of(fd);
  ::close(fd);
  return "http://127.0.0.1:" + std::to_string(port);
}

}  // namespace docmind::test

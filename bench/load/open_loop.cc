// bench_open_loop: HTTP requests at a rate that does not wait for answers, from one thread.
// SPDX-License-Identifier: Apache-2.0
//
// Requests fall due by a Poisson process and are timed from when they were due, so that a server that stalls
// is not asked less. With --rate 0 every connection asks again as soon as it has its answer.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string address = "127.0.0.1";
  int port = 8080;
  double rate = 0;  // requests a second
  double seconds = 5;
  int connections = 64;
  std::string path = "/health";
  std::string body_file;
  std::vector<std::string> headers;
};

struct Connection {
  int fd = -1;
  bool busy = false;
  double due_s = 0;       // of the request under way
  std::string unsent;
  std::string received;
};

struct Tally {
  std::vector<double> ms;
  long long failed = 0;
  long long n_bytes = 0;
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::string request_text(const Options& options) {
  std::string body;
  if (!options.body_file.empty()) {
    std::ifstream file(options.body_file, std::ios::binary);
    body.assign(std::istreambuf_iterator<char>(file), {});
  }
  std::string text = body.empty() ? "GET " : "POST ";
  text += options.path + " HTTP/1.1\r\nHost: " + options.address + "\r\n";
  for (const std::string& header : options.headers) text += header + "\r\n";
  if (!body.empty()) {
    text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return text + "\r\n" + body;
}

// Bytes of the first whole response in `received`, 0 while it is incomplete, -1 when it cannot be one.
long long response_bytes(std::string_view received) {
  const size_t head = received.find("\r\n\r\n");
  if (head == std::string_view::npos) return 0;
  const std::string_view key = "content-length: ";
  const auto same = [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); };
  const std::string_view lines = received.substr(0, head);
  const auto at = std::search(lines.begin(), lines.end(), key.begin(), key.end(),
                              [&](char a, char b) { return same(b, a); });
  if (at == lines.end()) return -1;
  const long long length = std::atoll(std::string(at + static_cast<long>(key.size()), lines.end()).c_str());
  const long long whole = static_cast<long long>(head) + 4 + length;
  return static_cast<long long>(received.size()) >= whole ? whole : 0;
}

class Generator {
 public:
  explicit Generator(const Options& options)
      : options_(options), request_(request_text(options)), epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        connections_(static_cast<size_t>(options.connections)) {}

  bool connect_all() {
    for (size_t i = 0; i < connections_.size(); ++i) {
      if (!open(i)) return false;
      idle_.push_back(i);
    }
    return true;
  }

  Tally run() {
    const auto start = Clock::now();
    std::mt19937_64 random(1);
    std::exponential_distribution<double> gap(options_.rate > 0 ? options_.rate : 1);
    double next_s = options_.rate > 0 ? gap(random) : 0;
    while (true) {
      const double now_s = seconds_since(start);
      if (now_s >= options_.seconds && (idle_.size() == connections_.size() || now_s > options_.seconds + 5)) break;
      if (options_.rate > 0) {
        for (; next_s <= now_s && next_s < options_.seconds; next_s += gap(random)) due_.push_back(next_s);
      } else if (now_s < options_.seconds) {
        for (size_t i = 0; i < idle_.size(); ++i) due_.push_back(now_s);
      }
      while (!due_.empty() && !idle_.empty()) {
        begin(idle_.back(), due_.front());
        idle_.pop_back();
        due_.pop_front();
      }
      poll(start, options_.rate > 0 ? std::min(1.0, (next_s - now_s) * 1000) : 1.0);
    }
    tally_.failed += static_cast<long long>(due_.size() + connections_.size() - idle_.size());
    return std::move(tally_);
  }

 private:
  bool open(size_t i) {
    Connection& c = connections_[i];
    c = {};
    c.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(options_.port));
    ::inet_pton(AF_INET, options_.address.c_str(), &address.sin_addr);
    if (::connect(c.fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      std::perror("connect");
      return false;
    }
    const int on = 1;
    ::setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ::fcntl(c.fd, F_SETFL, O_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &event) == 0;
  }

  void begin(size_t i, double due_s) {
    Connection& c = connections_[i];
    c.busy = true;
    c.due_s = due_s;
    const ssize_t sent = ::send(c.fd, request_.data(), request_.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(request_.size())) fail(i);  // a request is far smaller than a socket's buffer
  }

  void fail(size_t i) {
    ++tally_.failed;
    ::close(connections_[i].fd);
    if (open(i)) idle_.push_back(i);
  }

  void poll(Clock::time_point start, double wait_ms) {
    epoll_event events[256];
    timespec wait{.tv_sec = 0, .tv_nsec = std::max(0L, static_cast<long>(wait_ms * 1e6))};
    const int n = ::epoll_pwait2(epoll_, events, 256, &wait, nullptr);
    for (int e = 0; e < n; ++e) read(events[e].data.u64, start);
  }

  void read(size_t i, Clock::time_point start) {
    Connection& c = connections_[i];
    char buffer[16384];
    const ssize_t got = ::recv(c.fd, buffer, sizeof(buffer), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
      if (c.busy) return fail(i);
      return;
    }
    tally_.n_bytes += got;
    c.received.append(buffer, static_cast<size_t>(got));
    const long long whole = response_bytes(c.received);
    if (whole == 0) return;
    if (whole < 0 || !c.received.starts_with("HTTP/1.1 200")) return fail(i);
    c.received.erase(0, static_cast<size_t>(whole));
    c.busy = false;
    tally_.ms.push_back((seconds_since(start) - c.due_s) * 1000);
    idle_.push_back(i);
  }

  const Options options_;
  const std::string request_;
  const int epoll_;
  std::vector<Connection> connections_;
  std::vector<size_t> idle_;
  std::deque<double> due_;
  Tally tally_;
};

double percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(share * static_cast<double>(sorted.size())))];
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("HTTP requests at a rate that does not wait for answers");
  app.add_option("--address", options.address);
  app.add_option("--port", options.port)->required();
  app.add_option("--rate", options.rate, "Requests a second; 0: as fast as the answers come");
  app.add_option("--seconds", options.seconds);
  app.add_option("--connections", options.connections);
  app.add_option("--path", options.path);
  app.add_option("--body", options.body_file, "File with the body of a POST");
  app.add_option("--header", options.headers);
  CLI11_PARSE(app, argc, argv);
  Generator generator(options);
  if (!generator.connect_all()) return 1;
  const double cpu_before = cpu_seconds();
  const auto start = Clock::now();
  Tally tally = generator.run();
  const double elapsed = seconds_since(start);
  std::sort(tally.ms.begin(), tally.ms.end());
  std::printf("{\"answered\": %zu, \"failed\": %lld, \"per_s\": %.1f, \"p50_ms\": %.4f, \"p90_ms\": %.4f, "
              "\"p99_ms\": %.4f, "
              "\"p999_ms\": %.4f, \"max_ms\": %.4f, \"cpu_share\": %.3f, \"bytes\": %lld}\n",
              tally.ms.size(), tally.failed, static_cast<double>(tally.ms.size()) / std::min(elapsed, options.seconds),
              percentile(tally.ms, 0.5), percentile(tally.ms, 0.9), percentile(tally.ms, 0.99),
              percentile(tally.ms, 0.999), tally.ms.empty() ? 0.0 : tally.ms.back(),
              (cpu_seconds() - cpu_before) / elapsed, tally.n_bytes);
  return tally.failed == 0 ? 0 : 2;
}

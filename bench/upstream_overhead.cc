// bench_upstream_overhead: what our client adds to another server's stream, against a bare socket, in turn.
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/clock.h"
#include "base/json.h"
#include "providers/upstream.h"
#include "support/recorded_servers.h"
#include "support/scripted_server.h"

namespace {

using namespace docmind;

constexpr double kWantedMs = 0.5;

struct Run {
  std::string text;
  double first_ms = 0;  // until the first piece of text
  double total_ms = 0;
  double cpu_ms = 0;    // of this thread
};

struct Shape {
  std::string name;
  providers::UpstreamKind kind;
  std::string path;
  std::string_view mark;  // before the text of a piece
};

// Of this thread, user and system; what is left to compare by when others use the cores too.
double thread_cpu_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::vector<std::string> numbered_tokens(int n_tokens) {
  std::vector<std::string> tokens;
  for (int i = 0; i < n_tokens; ++i) tokens.push_back(fmt::format(" token{}", i));
  return tokens;
}

// Each event or line in a packet of its own, as a model writes them.
test::Script paced_stream(std::string_view type, const std::string& body, int64_t pace_us) {
  const std::string end = type == "text/event-stream" ? "\n\n" : "\n";
  std::vector<std::string> chunks;
  for (size_t at = 0; at < body.size();) {
    const size_t next = body.find(end, at) + end.size();
    chunks.push_back(test::chunk_of(body.substr(at, next - at)));
    at = next;
  }
  return [chunks, head = test::chunked_head(type), pace_us](const test::ScriptedRequest&, test::ScriptedWire& wire) {
    wire.send(head);
    auto due = std::chrono::steady_clock::now();
    for (const std::string& chunk : chunks) {
      if (!wire.send(chunk)) return;
      due += std::chrono::microseconds(pace_us);
      if (pace_us > 0) std::this_thread::sleep_until(due);
    }
    wire.send(test::kLastChunk);
  };
}

// Reads as little as one can: until the last chunk, noting when the first text came. Its text is taken out afterwards.
class BareClient {
 public:
  BareClient(int port, std::string request) : fd_(::socket(AF_INET, SOCK_STREAM, 0)), request_(std::move(request)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~BareClient() { ::close(fd_); }
  BareClient(const BareClient&) = delete;
  BareClient& operator=(const BareClient&) = delete;

  Run run(std::string_view mark) {
    Run run;
    std::string received;
    char buffer[65536];
    const double cpu_before = thread_cpu_ms();
    const Stopwatch clock;
    if (!connected_ || ::send(fd_, request_.data(), request_.size(), MSG_NOSIGNAL) < 0) return run;
    while (!received.ends_with(test::kLastChunk)) {
      const ssize_t n = ::recv(fd_, buffer, sizeof(buffer), 0);
      if (n <= 0) return {};
      received.append(buffer, static_cast<size_t>(n));
      if (run.first_ms == 0 && received.find(mark) != std::string::npos) run.first_ms = clock.elapsed_ms();
    }
    run.total_ms = clock.elapsed_ms();
    run.cpu_ms = thread_cpu_ms() - cpu_before;
    for (size_t at = received.find(mark); at != std::string::npos; at = received.find(mark, at)) {
      at += mark.size();
      run.text += received.substr(at, received.find('"', at) - at);
    }
    return run;
  }

 private:
  int fd_;
  bool connected_ = false;
  std::string request_;
};

Run through_upstream(providers::Upstream& upstream, const providers::Upstream::ChatRequest& request) {
  Run run;
  const double cpu_before = thread_cpu_ms();
  const Stopwatch clock;
  const auto result = upstream.chat(
      request,
      [&](std::string_view piece) {
        if (run.text.empty()) run.first_ms = clock.elapsed_ms();
        run.text += piece;
        return true;
      },
      {});
  run.total_ms = clock.elapsed_ms();
  run.cpu_ms = thread_cpu_ms() - cpu_before;
  if (!result.ok()) std::fprintf(stderr, "%s\n", result.error().message.c_str());
  return result.ok() ? run : Run{};
}

struct Measured {
  double first_ms = 0, token_ms = 0, token_cpu_ms = 0, bare_token_ms = 0;
};

std::optional<Measured> measure(const Shape& shape, int n_tokens, int64_t pace_us, int n_rounds) {
  const test::RecordedModel model{.n_prompt_tokens = 10'000};
  const std::vector<std::string> tokens = numbered_tokens(n_tokens);
  test::ScriptedServer server;
  const bool ollama = shape.kind == providers::UpstreamKind::kOllama;
  ollama ? test::act_as_ollama(server, model, {}) : test::act_as_llama_cpp(server, model, {});
  server.on(shape.path, ollama ? paced_stream("application/x-ndjson", test::ollama_stream(model, tokens), pace_us)
                               : paced_stream("text/event-stream", test::llama_cpp_stream(model, tokens), pace_us));
  providers::UpstreamOptions options;
  options.spec = {.kind = shape.kind, .model = model.name, .url = server.url()};
  auto opened = providers::Upstream::open(options);
  if (!opened.ok()) return std::nullopt;
  std::string prompt;
  for (int i = 0; i < 1'000; ++i) prompt += fmt::format("word{} ", i);
  const providers::Upstream::ChatRequest request{.system = "Be brief.", .user = prompt, .max_tokens = n_tokens};
  if (through_upstream(**opened, request).text.empty()) return std::nullopt;
  // The same bytes that the client sent.
  const test::ScriptedRequest sent = server.requests(shape.path).front();
  BareClient bare(server.port(), fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                             "Content-Length: {}\r\n\r\n{}",
                                             shape.path, sent.body.size(), sent.body));
  std::vector<double> first, token, token_cpu, bare_token;
  for (int round = -2; round < n_rounds; ++round) {  // the first ones warm up
    const Run plain = bare.run(shape.mark);
    const Run ours = through_upstream(**opened, request);
    if (ours.text.empty() || ours.text != plain.text) {
      std::fprintf(stderr, "not the same text: %zu and %zu bytes\n", ours.text.size(), plain.text.size());
      return std::nullopt;
    }
    if (round < 0) continue;
    first.push_back(ours.first_ms - plain.first_ms);
    token.push_back((ours.total_ms - plain.total_ms) / n_tokens);
    token_cpu.push_back((ours.cpu_ms - plain.cpu_ms) / n_tokens);
    bare_token.push_back(plain.total_ms / n_tokens);
  }
  return Measured{.first_ms = median_of(first),
                  .token_ms = median_of(token),
                  .token_cpu_ms = median_of(token_cpu),
                  .bare_token_ms = median_of(bare_token)};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("What our client adds to another server's stream");
  int n_tokens = 500;
  int n_rounds = 31;
  int64_t pace_us = 2'000;
  app.add_option("--tokens", n_tokens)->check(CLI::Range(10, 100'000));
  app.add_option("--rounds", n_rounds)->check(CLI::Range(3, 10'000));
  app.add_option("--pace-us", pace_us, "Between two tokens, in the paced rows")->check(CLI::Range(1, 1'000'000));
  CLI11_PARSE(app, argc, argv);
  const std::vector<Shape> shapes = {
      {"llama.cpp", providers::UpstreamKind::kLlamaCpp, "/v1/chat/completions", "\"delta\":{\"content\":\""},
      {"Ollama", providers::UpstreamKind::kOllama, "/api/chat", "\"role\":\"assistant\",\"content\":\""}};
  fmt::print("upstream overhead beyond a bare socket, {} tokens, {} rounds in turn; wanted < {} ms each\n"
             "{:<12} {:>10} {:>16} {:>16} {:>16} {:>16}\n",
             n_tokens, n_rounds, kWantedMs, "server", "pace", "first byte ms", "a token us", "its CPU us",
             "bare token us");
  std::string rows;
  bool good = true;
  for (const Shape& shape : shapes) {
    for (const int64_t pace : {int64_t{0}, pace_us}) {
      const int some_tokens = pace == 0 ? n_tokens : std::min(n_tokens, 100);
      const auto measured = measure(shape, some_tokens, pace, n_rounds);
      if (!measured) return std::fprintf(stderr, "the stream did not come through\n"), 2;
      // Without a pace the server's writing and our reading want the same cores, and who comes first is chance.
      const std::string first = pace == 0 ? "-" : fmt::format("{:.3f}", measured->first_ms);
      fmt::print("{:<12} {:>10} {:>16} {:>16.2f} {:>16.2f} {:>16.2f}\n", shape.name,
                 pace == 0 ? "none" : fmt::format("{} us", pace), first, measured->token_ms * 1'000,
                 measured->token_cpu_ms * 1'000, measured->bare_token_ms * 1'000);
      rows += fmt::format("{}{{\"server\": \"{}\", \"pace_us\": {}, \"first_byte_ms\": {:.4f}, \"token_ms\": {:.5f}, "
                          "\"token_cpu_ms\": {:.5f}}}",
                          rows.empty() ? "" : ", ", shape.name, pace, measured->first_ms, measured->token_ms,
                          measured->token_cpu_ms);
      good = good && (pace == 0 || measured->first_ms < kWantedMs) && measured->token_ms < kWantedMs;
    }
  }
  fmt::print("{{\"bench\": \"upstream_overhead\", \"rows\": [{}]}}\n", rows);
  return good ? 0 : 1;
}

// bench_server_overhead: what HTTP adds to a streamed completion, against the engine alone, in turn.
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/clock.h"
#include "base/json.h"
#include "server/http_server.h"
#include "server/routes.h"

namespace {

using namespace docmind;

struct Run {
  std::string text;
  double first_ms = 0;  // until the first piece or event
  double total_ms = 0;
};

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Result<Run> in_process(engine::TextModel& model, const std::string& prompt, int64_t n_tokens) {
  const Stopwatch clock;
  Run run;
  engine::TextRequest request;
  request.prompt = model.tokenizer().encode(prompt, {});
  request.options.max_tokens = n_tokens;
  request.priority = engine::Priority::kInteractive;
  DM_ASSIGN(const std::unique_ptr<engine::TextStream> stream, model.submit(std::move(request)));
  while (const auto piece = stream->next()) {
    if (run.text.empty()) run.first_ms = clock.elapsed_ms();
    run.text += *piece;
  }
  run.total_ms = clock.elapsed_ms();
  DM_ASSIGN(const engine::Generation generation, stream->finish());
  return run;
}

// One connection, kept between runs.
class Client {
 public:
  explicit Client(int port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  ~Client() { ::close(fd_); }

  // The text of a streamed completion; empty when anything is not as it should be.
  Run completion(const std::string& prompt, int64_t n_tokens) {
    const std::string body = json::serialize(
        json::object{{"prompt", prompt}, {"max_tokens", n_tokens}, {"temperature", 0}, {"stream", true}});
    const std::string head = fmt::format(
        "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: {}\r\n\r\n{}",
        body.size(), body);
    const Stopwatch clock;
    Run run;
    if (!connected_ || ::send(fd_, head.data(), head.size(), MSG_NOSIGNAL) < 0) return run;
    std::string received;
    char buffer[65536];
    while (received.find("data: [DONE]") == std::string::npos || !received.ends_with("0\r\n\r\n")) {
      const ssize_t n = ::recv(fd_, buffer, sizeof(buffer), 0);
      if (n <= 0) return {};
      received.append(buffer, static_cast<size_t>(n));
      if (run.first_ms == 0 && received.find("data: ") != std::string::npos) run.first_ms = clock.elapsed_ms();
    }
    run.total_ms = clock.elapsed_ms();
    for (size_t at = received.find("data: {"); at != std::string::npos; at = received.find("data: {", at + 1)) {
      const size_t end = received.find("\n\n", at);
      const auto data = std::string_view(received).substr(at + 6, end - at - 6);
      const Result<json::value> event = parse_json(data, 16, 1 << 20);
      if (!event.ok()) return {};
      for (const json::value& choice : event->at("choices").as_array()) run.text += choice.at("text").as_string();
    }
    return run;
  }

 private:
  int fd_;
  bool connected_ = false;
};

int measure(const std::string& model_path, int64_t n_tokens, int n_rounds) {
  Result<std::unique_ptr<engine::TextModel>> loaded = engine::TextModel::load(model_path, {});
  if (!loaded.ok()) return std::fprintf(stderr, "%s\n", loaded.error().message.c_str()), 2;
  const std::string folder = std::filesystem::temp_directory_path() / fmt::format("docmind-overhead-{}", ::getpid());
  pipeline::ServiceOptions options;
  options.store_folder = folder;
  options.models.text = *std::move(loaded);
  options.models.text_name = "model";
  const std::shared_ptr<engine::TextModel> model = options.models.text;
  options.control.enabled = false;
  auto service = pipeline::Service::start(std::move(options), Logger::null());
  if (!service.ok()) return std::fprintf(stderr, "%s\n", service.error().message.c_str()), 2;
  server::HttpOptions http;
  http.port = 0;
  auto running = server::HttpServer::start(http, server::all_routes(**service, {.page = false}),
                                           std::make_shared<const server::ApiKeys>(), Logger::null());
  if (!running.ok()) return std::fprintf(stderr, "%s\n", running.error().message.c_str()), 2;
  std::vector<double> first, token, alone;
  {
    Client client((*running)->port());
    for (int round = -1; round < n_rounds; ++round) {  // the first warms up
      const std::string prompt = fmt::format("Once upon a time, child number {} went", round);
      Result<Run> direct = in_process(*model, prompt, n_tokens);
      const Run warm = direct.ok() ? *direct : Run{};
      direct = in_process(*model, prompt, n_tokens);  // now its prompt is in the cache for both
      const Run over_http = client.completion(prompt, n_tokens);
      if (!direct.ok() || over_http.text.empty() || over_http.text != direct->text) {
        std::fprintf(stderr, "not the same text: '%s' and '%s'\n", direct.ok() ? direct->text.c_str() : "",
                     over_http.text.c_str());
        return 2;
      }
      if (round < 0) continue;
      first.push_back(over_http.first_ms - direct->first_ms);
      token.push_back((over_http.total_ms - direct->total_ms) * 1000 / static_cast<double>(n_tokens));
      alone.push_back(direct->total_ms * 1000 / static_cast<double>(n_tokens));
    }
  }
  running->reset();
  service->reset();
  std::filesystem::remove_all(folder);
  std::sort(token.begin(), token.end());
  std::sort(first.begin(), first.end());
  fmt::print("server overhead, streamed completion of {} tokens, {} rounds\n"
             "  a token: {:.1f} us ({:.1f} to {:.1f}), wanted < 100; the engine alone takes {:.1f} us\n"
             "  first byte: {:.2f} ms ({:.2f} to {:.2f}), wanted < 2\n",
             n_tokens, n_rounds, median_of(token), token.front(), token.back(), median_of(alone), median_of(first),
             first.front(), first.back());
  fmt::print("{{\"bench\": \"server_overhead\", \"token_us\": {:.2f}, \"first_byte_ms\": {:.3f}, "
             "\"engine_token_us\": {:.2f}}}\n",
             median_of(token), median_of(first), median_of(alone));
  return median_of(token) < 100 && median_of(first) < 2 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("What HTTP adds to a streamed completion");
  std::string model;
  int64_t n_tokens = 200;
  int n_rounds = 15;
  app.add_option("MODEL", model, "A small GGUF language model (stories260K)")->required();
  app.add_option("--tokens", n_tokens);
  app.add_option("--rounds", n_rounds);
  CLI11_PARSE(app, argc, argv);
  return measure(model, n_tokens, n_rounds);
}

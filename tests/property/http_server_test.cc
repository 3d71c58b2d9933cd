// Properties of the HTTP server: how a request is cut into pieces changes nothing; no bytes harm it.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "server/http_server.h"
#include "server/request_parser.h"
#include "support/http_client.h"

namespace docmind::server {
namespace {

using docmind::test::HttpClient;

std::unique_ptr<HttpServer> start_echo() {
  Router router;
  for (const char* method : {"GET", "POST"}) {
    router.add({.method = method, .pattern = "/echo/{rest...}", .handler = [](const ExchangePtr& exchange) {
                  const HttpRequest& request = exchange->request();
                  exchange->respond({.content_type = "text/plain", .body = request.path + "\n" + request.body});
                }});
  }
  HttpOptions options;
  options.port = 0;
  options.limits.header_timeout_ms = options.limits.body_timeout_ms = 500;
  options.limits.max_body_bytes = 4096;
  auto started = HttpServer::start(options, std::move(router), nullptr, Logger::null());
  EXPECT_TRUE(started.ok());
  return *std::move(started);
}

struct SentRequest {
  std::string bytes, answer;
};

SentRequest any_request() {
  const std::string path = "/echo/" + *rc::gen::container<std::string>(rc::gen::inRange('a', 'z'));
  const std::string body = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  const std::string answer = path + "\n" + body;
  const std::string head = "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nX-Some: " +
                           *rc::gen::container<std::string>(rc::gen::inRange('!', '~')) + "\r\n";
  if (*rc::gen::arbitrary<bool>()) {
    return {head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body, answer};
  }
  std::string chunks;
  for (size_t at = 0; at < body.size();) {
    const size_t n = *rc::gen::inRange<size_t>(1, body.size() - at + 1);
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", n);
    chunks += size + body.substr(at, n) + "\r\n";
    at += n;
  }
  return {head + "Transfer-Encoding: chunked\r\n\r\n" + chunks + "0\r\n\r\n", answer};
}

// The pieces of `bytes` in order; some of one byte.
std::vector<std::string> any_pieces(const std::string& bytes) {
  std::vector<std::string> pieces;
  for (size_t at = 0; at < bytes.size();) {
    const size_t most = *rc::gen::element<size_t>(1, 3, 20, bytes.size());
    const size_t n = *rc::gen::inRange<size_t>(1, std::min(most, bytes.size() - at) + 1);
    pieces.push_back(bytes.substr(at, n));
    at += n;
  }
  return pieces;
}

TEST(HttpServerProperty, PiecesOfRequestsChangeNothing) {
  const std::unique_ptr<HttpServer> server = start_echo();
  EXPECT_TRUE(rc::check([&] {
    std::vector<SentRequest> requests;
    std::string all;
    for (int i = *rc::gen::inRange(1, 4); i > 0; --i) {
      requests.push_back(any_request());
      all += requests.back().bytes;
    }
    HttpClient http(server->port());
    for (const std::string& piece : any_pieces(all)) RC_ASSERT(http.send_raw(piece));
    for (const SentRequest& request : requests) {
      const docmind::test::HttpReply reply = http.read_reply();
      RC_ASSERT(reply.status == 200);
      RC_ASSERT(reply.body == request.answer);
    }
  }));
}

// Bytes near to a request: parts of real ones in any order, and noise.
std::string any_garbage() {
  std::string bytes;
  for (const std::string& part : *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
           "GET ", "POST ", "/echo/a", " HTTP/1.1", " HTTP/1.0", "\r\n", "\n", "\r", "Host: localhost",
           "Content-Length: 5",
           "Content-Length: -1", "Transfer-Encoding: chunked", "Expect: 100-continue", "\r\n\r\n", "5\r\nhello\r\n",
           "0\r\n\r\n", "ffffffffffffffffff\r\n", ";x=\"", "hello", std::string("\0", 1), "\xff\xfe", "%00", ": ", " ",
           std::string(5000, 'a')))) {
    bytes += part;
  }
  return bytes;
}

TEST(HttpServerProperty, AnyBytesAreAnsweredOrClosed) {
  const std::unique_ptr<HttpServer> server = start_echo();
  EXPECT_TRUE(rc::check([&] {
    HttpClient http(server->port());
    http.send_raw(any_garbage());
    http.shutdown_write();
    RC_ASSERT(http.wait_closed());
    HttpClient next(server->port());
    RC_ASSERT(next.get("/echo/still").status == 200);
  }));
}

TEST(HttpServerProperty, ParserGivesTheSameForAnyPieces) {
  EXPECT_TRUE(rc::check([] {
    const std::string bytes = *rc::gen::arbitrary<bool>() ? any_garbage() : any_request().bytes + any_garbage();
    const auto run = [](const std::vector<std::string>& pieces) {
      RequestParser parser(4096);
      std::string waiting, request, result;
      for (const std::string& piece : pieces) {
        waiting += piece;
        while (true) {
          size_t n_used = 0;
          const RequestParser::Step step = parser.feed(waiting, n_used);
          RC_ASSERT(n_used <= waiting.size());
          waiting.erase(0, n_used);
          if (step == RequestParser::Step::kMore) break;
          // What cannot become a request may be noticed with its first wrong byte or with its last.
          if (step == RequestParser::Step::kBad) return result;
          if (step == RequestParser::Step::kHead) {
            request = parser.head().method + " " + parser.head().target + "\n";
            parser.set_body(4096, [&](std::string_view part) -> Status {
              request += part;
              return {};
            });
            continue;
          }
          result += request + "\ndone\n";
          parser.reset();
          if (waiting.empty()) break;
        }
      }
      return result;
    };
    RC_ASSERT(run({bytes}) == run(any_pieces(bytes)));
  }));
}

}  // namespace
}  // namespace docmind::server

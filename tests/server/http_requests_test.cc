// What the server makes of requests: forms, framing, pipelining, methods, refusals.
// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"
#include "server/http_test_support.h"

namespace docmind::server::test {
namespace {

std::string message_of(const HttpReply& reply) {
  const Result<json::value> parsed = parse_json(reply.body, 8, 1 << 16);
  if (!parsed.ok()) return "not JSON: " + reply.body;
  return json::serialize(parsed->at("error").at("message"));
}

class HttpRequests : public ::testing::Test, public TestServer {
 protected:
  void SetUp() override { start(); }
  // The status for bytes sent as they are; 0 when nothing came back.
  int status_of(const std::string& bytes) {
    HttpClient http = client();
    http.send_raw(bytes);
    const HttpReply reply = http.read_reply();
    return reply.status;
  }
};

TEST_F(HttpRequests, AreSeenByTheHandlerWithPathQueryAndBody) {
  HttpClient http = client();
  EXPECT_EQ(http.get("/echo?a=1&b=%20").body, "GET /echo?a=1&b=%20 local\n");
  EXPECT_EQ(http.post("/echo", "{\"x\":1}").body, "POST /echo? local\n{\"x\":1}");
  EXPECT_EQ(http.get("/items/a%20b%C3%A9").body, "GET /items/a b\xC3\xA9? [a b\xC3\xA9] local\n");
  EXPECT_EQ(http.get("/files/one/two.js").body, "GET /files/one/two.js? [one/two.js] local\n");
  EXPECT_EQ(stats().n_accepted, 1) << "one connection serves all";
}

TEST_F(HttpRequests, GetTheHeadersOfEveryResponse) {
  HttpClient http = client();
  const HttpReply reply = http.get("/echo", {{"X-Request-Id", "mine-1"}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("x-request-id"), "mine-1");
  EXPECT_EQ(reply.header("x-content-type-options"), "nosniff");
  EXPECT_EQ(reply.header("referrer-policy"), "no-referrer");
  EXPECT_EQ(reply.header("content-type"), "text/plain");
  EXPECT_EQ(reply.header("date").size(), 29u);
  EXPECT_FALSE(reply.has("connection"));
  const std::string given = http.get("/echo", {{"X-Request-Id", "two words"}}).header("x-request-id");
  EXPECT_EQ(given.size(), 16u);
  EXPECT_NE(http.get("/echo").header("x-request-id"), given);
}

TEST_F(HttpRequests, MayBePipelinedAndAreAnsweredInOrder) {
  HttpClient http = client();
  std::string all;
  constexpr int kRequests = 300;
  for (int i = 0; i < kRequests; ++i) {
    const std::string body = "body " + std::to_string(i);
    all += "POST /echo?" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  ASSERT_TRUE(http.send_raw(all));
  for (int i = 0; i < kRequests; ++i) {
    const HttpReply reply = http.read_reply();
    ASSERT_EQ(reply.body, "POST /echo?" + std::to_string(i) + " local\nbody " + std::to_string(i));
  }
}

TEST_F(HttpRequests, MayHaveChunkedBodiesWithExtensionsAndTrailers) {
  HttpClient http = client();
  http.send_raw("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                "5;name=value\r\nhello\r\n7\r\n, world\r\n0\r\nX-Checked: yes\r\nHost: evil\r\n\r\n");
  EXPECT_EQ(http.read_reply().body, "POST /echo? local\nhello, world");
  EXPECT_EQ(http.get("/echo").status, 200) << "the connection goes on behind the trailers";
}

TEST_F(HttpRequests, OfHttp10CloseUnlessTheyAskToBeKept) {
  HttpClient once = client();
  once.send_raw("GET /echo HTTP/1.0\r\n\r\n");
  const HttpReply reply = once.read_reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_TRUE(once.wait_closed());
  HttpClient kept = client();
  kept.send_raw("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(kept.read_reply().header("connection"), "keep-alive");
  EXPECT_EQ(kept.get("/echo").status, 200);
}

TEST_F(HttpRequests, ThatAskToCloseAreClosed) {
  HttpClient http = client();
  const HttpReply reply = http.get("/echo", {{"Connection", "close"}});
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_TRUE(reply.complete);
  EXPECT_TRUE(http.wait_closed());
}

TEST_F(HttpRequests, WithHeadGetTheHeadOfGet) {
  HttpClient http = client();
  const HttpReply got = http.get("/echo");
  const HttpReply head = http.request("HEAD", "/echo");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-length"), std::to_string(std::string("HEAD /echo? local\n").size()));
  EXPECT_TRUE(head.body.empty());
  EXPECT_EQ(http.get("/echo").body, got.body) << "no body was left on the connection";
}

TEST_F(HttpRequests, ThatExpectContinueAreToldToGoOn) {
  HttpClient http = client();
  http.send_raw("POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_EQ(http.read_head().status, 100);
  http.send_raw("body");
  EXPECT_EQ(http.read_reply().body, "POST /echo? local\nbody");
  http.send_raw("POST /nowhere HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_EQ(http.read_head().status, 404) << "refused before the body is sent";
}

TEST_F(HttpRequests, ToUnknownPathsOrWithWrongMethodsAreToldSo) {
  HttpClient http = client();
  const HttpReply unknown = http.get("/nowhere");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_NE(message_of(unknown).find("/nowhere"), std::string::npos) << unknown.body;
  const HttpReply wrong = http.request("DELETE", "/echo", {}, "short body");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.header("allow"), "GET, HEAD, POST");
  const HttpReply allowed = http.request("OPTIONS", "/echo");
  EXPECT_EQ(allowed.status, 204);
  EXPECT_EQ(allowed.header("allow"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(http.request("OPTIONS", "*").status, 204);
  EXPECT_EQ(http.request("BREW", "/echo").status, 405);
  EXPECT_EQ(stats().n_accepted, 1) << "none of these ends the connection";
}

TEST_F(HttpRequests, ThatCouldBeReadInTwoWaysAreRefused) {
  const std::string post = "POST /echo HTTP/1.1\r\nHost: localhost\r\n";
  EXPECT_EQ(status_of(post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(status_of(post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(status_of(post + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nbody"), 400);
  EXPECT_EQ(status_of(post + "Content-Length: 4\r\nContent-Length: 4\r\n\r\nbody"), 400);
  EXPECT_EQ(status_of(post + "Content-Length: 4, 4\r\n\r\nbody"), 400);
  EXPECT_EQ(status_of(post + "Content-Length: +4\r\n\r\nbody"), 400);
  EXPECT_EQ(status_of(post + "Content-Length: -1\r\n\r\nbody"), 400);
  EXPECT_EQ(status_of(post + "Content-Length: 99999999999999999999999\r\n\r\nbody"), 400);
  EXPECT_EQ(status_of(post + "Content-Length : 4\r\n\r\nbody"), 400);
  EXPECT_EQ(status_of(post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 501);
  EXPECT_EQ(status_of(post + "Transfer-Encoding: identity\r\nContent-Length: 4\r\n\r\nbody"), 501);
  EXPECT_EQ(status_of("POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /echo HTTP/1.1\r\n\r\n"), 400) << "no Host";
  EXPECT_EQ(status_of("GET /echo HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"), 400);
}

TEST_F(HttpRequests, ThatAreNoHttpAreAnsweredInJsonAndClosed) {
  const std::string chunked = "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string& bytes : {std::string("\x16\x03\x01\x02\x00\x01", 6), std::string("hello\r\n\r\n"),
                                   std::string("GET  /echo HTTP/1.1\r\n\r\n"), std::string("GET /echo\r\n\r\n"),
                                   chunked + "zz\r\nmore"}) {
    HttpClient http = client();
    http.send_raw(bytes);
    http.shutdown_write();
    const HttpReply reply = http.read_reply();
    if (reply.status == 0) continue;  // too short to say anything about
    EXPECT_EQ(reply.status, reply.status == 505 ? 505 : 400) << bytes;
    EXPECT_EQ(message_of(reply).find("not JSON"), std::string::npos) << reply.body;
    EXPECT_EQ(reply.header("connection"), "close");
    EXPECT_TRUE(http.wait_closed());
  }
  EXPECT_EQ(status_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
}

TEST_F(HttpRequests, WithBadPathsAreRefused) {
  for (const std::string path : {"/echo%", "/echo%4", "/echo%zz", "/%00", "/%ff", "/%c3%28", "/../echo", "/a/%2e%2e/b",
                                 "/./echo", "echo"}) {
    EXPECT_EQ(status_of("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400) << path;
  }
  EXPECT_EQ(status_of("GET http://localhost/echo HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200) << "the absolute form";
  EXPECT_EQ(status_of("GET http://evil.example/echo HTTP/1.1\r\nHost: localhost\r\n\r\n"), 403);
}

TEST_F(HttpRequests, MayFollowAnEmptyLine) {
  HttpClient http = client();
  http.send_raw("\r\n\r\nGET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n\r");
  EXPECT_EQ(http.read_reply().status, 200);
  http.send_raw("\nGET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(http.read_reply().status, 200);
}

TEST_F(HttpRequests, AreRecordedWithPatternAndStatus) {
  HttpClient http = client();
  http.get("/items/7");
  http.get("/nowhere");
  ASSERT_TRUE(eventually([&] { return seen().size() == 2; }));
  EXPECT_EQ(seen()[0].pattern, "/items/{id}");
  EXPECT_EQ(seen()[0].status, 200);
  EXPECT_GT(seen()[0].written_bytes, 100);
  EXPECT_EQ(seen()[1].pattern, "");
  EXPECT_EQ(seen()[1].status, 404);
  EXPECT_EQ(stats().n_requests, 2);
  EXPECT_EQ(stats().n_bad, 1);
}

}  // namespace
}  // namespace docmind::server::test

// How handlers answer: at once, later, in pieces, not at all; and what they learn of clients that leave.
// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "server/http_test_support.h"
#include "server/sse.h"

namespace docmind::server::test {
namespace {

class HttpResponses : public ::testing::Test, public TestServer {
 protected:
  void SetUp() override {
    add("GET", "/held", held.handler());
    add("POST", "/held", held.handler());
    add("GET", "/dropped", [](const ExchangePtr&) {});
    add("GET", "/throwing", [](const ExchangePtr&) { throw std::runtime_error("broken"); });
    add("GET", "/three", [](const ExchangePtr& exchange) {
      exchange->begin({.content_type = std::string(kSseContentType)});
      for (const char* data : {"one", "two\nlines", "three"}) exchange->write(sse_event("delta", data));
      exchange->finish();
    });
    start();
  }
  HeldExchanges held;
};

TEST_F(HttpResponses, MayComeFromAnotherThread) {
  HttpClient http = client();
  std::thread worker([&] {
    for (int i = 0; i < 20; ++i) held.take()->respond(text_response("answer " + std::to_string(i)));
  });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(http.get("/held").body, "answer " + std::to_string(i));
  worker.join();
  EXPECT_TRUE(eventually([&] { return stats().n_in_flight == 0; }));
}

TEST_F(HttpResponses, OfPipelinedRequestsWaitForTheEarlierOnes) {
  HttpClient http = client();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(http.send_request("GET", "/held"));
  for (int i = 0; i < 3; ++i) {
    const ExchangePtr exchange = held.take();
    ASSERT_TRUE(exchange);
    EXPECT_EQ(stats().n_in_flight, 1) << "the next one is not begun before this one is answered";
    exchange->respond(text_response(std::to_string(i)));
    EXPECT_EQ(http.read_reply().body, std::to_string(i));
  }
}

TEST_F(HttpResponses, InPiecesAreChunkedAndKeepTheConnection) {
  HttpClient http = client();
  http.send_request("GET", "/three");
  const HttpReply head = http.read_head();
  EXPECT_EQ(head.header("transfer-encoding"), "chunked");
  EXPECT_EQ(head.header("content-type"), kSseContentType);
  EXPECT_FALSE(head.has("content-length"));
  std::vector<std::string> data;
  while (const auto event = http.next_event()) {
    EXPECT_EQ(event->event, "delta");
    data.push_back(event->data);
  }
  EXPECT_EQ(data, (std::vector<std::string>{"one", "two\nlines", "three"}));
  EXPECT_TRUE(http.ended());
  EXPECT_EQ(http.request("HEAD", "/three").status, 200);
  EXPECT_EQ(http.get("/echo").status, 200);
}

TEST_F(HttpResponses, InPiecesArriveAsTheyAreWritten) {
  HttpClient http = client();
  http.send_request("GET", "/held");
  const ExchangePtr exchange = held.take();
  exchange->begin({.content_type = "text/plain"});
  EXPECT_EQ(http.read_head().status, 200) << "the head goes out before the first piece";
  for (const std::string text : {"first", "second"}) {
    EXPECT_TRUE(exchange->write(text));
    EXPECT_EQ(http.read_piece(), text);
  }
  exchange->finish();
  EXPECT_EQ(http.read_piece(), std::nullopt);
  EXPECT_TRUE(http.ended());
  EXPECT_FALSE(exchange->write("too late"));
}

TEST_F(HttpResponses, InPiecesLastUntilTheEndForHttp10) {
  HttpClient http = client();
  http.send_raw("GET /three HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const HttpReply reply = http.read_reply();
  EXPECT_FALSE(reply.has("transfer-encoding"));
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_EQ(docmind::test::parse_sse(reply.body).size(), 3u);
}

TEST_F(HttpResponses, ThatNeverComeAre500) {
  HttpClient http = client();
  EXPECT_EQ(http.get("/dropped").status, 500);
  EXPECT_EQ(http.get("/throwing").status, 500);
  http.send_request("GET", "/held");
  held.take().reset();
  const HttpReply reply = http.read_reply();
  EXPECT_EQ(reply.status, 500);
  EXPECT_NE(reply.body.find("server_error"), std::string::npos) << reply.body;
  EXPECT_EQ(http.get("/echo").status, 200);
}

TEST_F(HttpResponses, BrokenOffInTheMiddleAreSeenToBeIncomplete) {
  HttpClient http = client();
  http.send_request("GET", "/held");
  ExchangePtr exchange = held.take();
  exchange->begin({});
  exchange->write("half of");
  exchange.reset();
  const HttpReply reply = http.read_reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_FALSE(reply.complete);
}

TEST_F(HttpResponses, AreGivenOnce) {
  HttpClient http = client();
  http.send_request("GET", "/held");
  const ExchangePtr exchange = held.take();
  exchange->respond(text_response("first"));
  exchange->respond(text_response("second"));
  exchange->begin({});
  EXPECT_FALSE(exchange->write("third"));
  EXPECT_EQ(http.read_reply().body, "first");
  EXPECT_EQ(http.get("/echo").status, 200);
}

TEST_F(HttpResponses, CannotCarryHeadersIntoTheNextLine) {
  HttpClient http = client();
  http.send_request("GET", "/held");
  held.take()->respond({.content_type = "text/plain", .headers = {{"x-name", "a\r\nSet-Cookie: b"}, {"bad name", "c"},
                                                                 {"Content-Length", "1"}}, .body = "whole"});
  const HttpReply reply = http.read_reply();
  EXPECT_EQ(reply.header("x-name"), "a  Set-Cookie: b");
  EXPECT_FALSE(reply.has("set-cookie"));
  EXPECT_FALSE(reply.has("bad name"));
  EXPECT_EQ(reply.body, "whole");
}

TEST_F(HttpResponses, WithoutContentHaveNone) {
  HttpClient http = client();
  http.send_request("GET", "/held");
  held.take()->respond({.status = 204, .content_type = {}, .body = "must not go out"});
  EXPECT_EQ(http.read_reply().status, 204);
  EXPECT_EQ(http.get("/echo").status, 200);
}

TEST_F(HttpResponses, MayBeLargeOrStatic) {
  HttpClient http = client();
  const std::string large(20 << 20, 'x');
  http.send_request("GET", "/held");
  held.take()->respond(text_response(large));
  EXPECT_EQ(http.read_reply().body, large);
  static constexpr std::string_view kPage = "<html></html>";
  http.send_request("GET", "/held");
  held.take()->respond({.content_type = "text/html", .static_body = kPage});
  EXPECT_EQ(http.read_reply().body, kPage);
}

TEST_F(HttpResponses, AreCancelledWhenTheClientLeavesBeforeThem) {
  HttpClient http = client();
  http.send_request("GET", "/held");
  const ExchangePtr exchange = held.take();
  std::atomic<int> n_calls{0};
  exchange->on_gone([&] { ++n_calls; });
  EXPECT_FALSE(exchange->cancel().cancelled());
  http.close();
  EXPECT_TRUE(eventually([&] { return n_calls == 1; }));
  EXPECT_TRUE(exchange->cancel().cancelled());
  exchange->on_gone([&] { ++n_calls; });
  EXPECT_EQ(n_calls, 2) << "at once when it is known already";
  exchange->respond(text_response("to nobody"));
  EXPECT_EQ(stats().n_client_gone, 1);
  EXPECT_TRUE(eventually([&] { return stats().n_in_flight == 0; }));
  EXPECT_TRUE(eventually([&] { return seen().size() == 1; }));
  EXPECT_EQ(seen()[0].status, 499);
}

TEST_F(HttpResponses, AreCancelledWhenTheClientLeavesAStream) {
  HttpClient http = client();
  http.send_request("POST", "/held", {}, "question");
  const ExchangePtr exchange = held.take();
  exchange->begin({});
  exchange->write("a");
  EXPECT_EQ(http.read_head().status, 200);
  http.reset_connection();
  EXPECT_TRUE(eventually([&] { return exchange->cancel().cancelled(); }));
  EXPECT_FALSE(exchange->write("b"));
}

TEST_F(HttpResponses, AreNotCancelledByTheNextRequest) {
  HttpClient http = client();
  http.send_request("GET", "/held");
  const ExchangePtr first = held.take();
  std::atomic<bool> gone{false};
  first->on_gone([&] { gone = true; });
  http.send_request("GET", "/held");
  first->respond(text_response("first"));
  EXPECT_EQ(http.read_reply().body, "first");
  const ExchangePtr second = held.take();
  http.close();
  EXPECT_TRUE(eventually([&] { return second->cancel().cancelled(); }));
  EXPECT_FALSE(gone);
  EXPECT_FALSE(first->cancel().cancelled()) << "it was answered before the client left";
}

}  // namespace
}  // namespace docmind::server::test

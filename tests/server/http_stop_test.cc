// How the server starts and stops: what it waits for, what it ends, what may outlive it.
// SPDX-License-Identifier: Apache-2.0
#include <future>
#include <string>

#include <gtest/gtest.h>

#include "server/http_test_support.h"

namespace docmind::server::test {
namespace {

class HttpStop : public ::testing::Test, public TestServer {
 protected:
  void SetUp() override { add("GET", "/held", held.handler()); }
  HeldExchanges held;
};

TEST_F(HttpStop, StoppingWaitsForRequestsInFlight) {
  start();
  HttpClient idle = client(), busy = client();
  EXPECT_EQ(idle.get("/echo").status, 200);
  busy.send_request("GET", "/held");
  const ExchangePtr exchange = held.take();
  std::future<bool> stopped = std::async(std::launch::async, [&] { return server->stop(); });
  EXPECT_TRUE(idle.wait_closed());
  EXPECT_FALSE(exchange->cancel().cancelled());
  exchange->respond(text_response("finished"));
  const HttpReply reply = busy.read_reply();
  EXPECT_EQ(reply.body, "finished");
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_TRUE(stopped.get());
  EXPECT_FALSE(client().connected());
  EXPECT_TRUE(server->stop()) << "a second time does nothing";
}

TEST_F(HttpStop, StoppingEndsStreamsThatDoNoWork) {
  add("GET", "/events", held.handler()).is_work = false;
  start();
  HttpClient watching = client();
  watching.send_request("GET", "/events");
  const ExchangePtr exchange = held.take();
  exchange->begin({});
  EXPECT_EQ(watching.read_head().status, 200);
  EXPECT_TRUE(server->stop()) << "without waiting for it";
  EXPECT_TRUE(exchange->cancel().cancelled());
}

TEST_F(HttpStop, StoppingCancelsWhatTakesTooLong) {
  options.limits.drain_timeout_ms = 50;
  start();
  HttpClient busy = client();
  busy.send_request("GET", "/held");
  const ExchangePtr exchange = held.take();
  EXPECT_FALSE(server->stop());
  EXPECT_TRUE(exchange->cancel().cancelled());
}

TEST_F(HttpStop, ExchangesMayOutliveTheServer) {
  start();
  HttpClient waiting = client(), streaming = client();
  waiting.send_request("GET", "/held");
  const ExchangePtr first = held.take();
  streaming.send_request("GET", "/held");
  const ExchangePtr second = held.take();
  second->begin({});
  server.reset();
  EXPECT_TRUE(first->cancel().cancelled());
  EXPECT_EQ(first->request().path, "/held");
  first->respond(text_response("to nobody"));
  EXPECT_FALSE(second->write("to nobody"));
  second->finish();
}

TEST_F(HttpStop, WrongOptionsAreRefusedInWords) {
  start();
  const auto error_of = [&](HttpOptions wrong) {
    const auto started = HttpServer::start(wrong, Router(), nullptr, Logger::null());
    return started.ok() ? Error{ErrorCode::kInternal, "it started"} : started.error();
  };
  HttpOptions taken;
  taken.port = port();
  EXPECT_EQ(error_of(taken).code, ErrorCode::kBusy);
  EXPECT_NE(error_of(taken).message.find(std::to_string(port())), std::string::npos);
  EXPECT_EQ(error_of({.address = "example.org", .port = 0}).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of({.address = "192.0.2.1", .port = 0}).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of({.port = 70'000}).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of({.port = 0, .n_threads = 0}).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of({.port = 0, .limits = {.max_header_bytes = 0}}).code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace docmind::server::test

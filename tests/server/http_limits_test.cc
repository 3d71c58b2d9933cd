// The limits of the server: sizes, times, connections, descriptors, requests in flight.
// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "server/http_test_support.h"
#include "support/temp_folder.h"

namespace docmind::server::test {
namespace {

constexpr size_t kPieceBytes = 64 << 10;

class HttpLimitsTest : public ::testing::Test, public TestServer {
 protected:
  void SetUp() override {
    add("GET", "/held", held.handler());
    add("POST", "/held", held.handler());
  }
  HeldExchanges held;
};

TEST_F(HttpLimitsTest, HeadersHaveAMostSize) {
  options.limits.max_header_bytes = 2048;
  start();
  HttpClient http = client();
  EXPECT_EQ(http.get("/echo", {{"X-Long", std::string(1000, 'x')}}).status, 200);
  EXPECT_EQ(http.get("/echo", {{"X-Long", std::string(3000, 'x')}}).status, 431);
  EXPECT_TRUE(http.wait_closed());
  EXPECT_EQ(client().get("/" + std::string(5000, 'x')).status, 431);
  HttpHeaders many;
  for (int i = 0; i < 150; ++i) many.emplace_back("a" + std::to_string(i), "b");
  EXPECT_EQ(client().get("/echo", many).status, 431) << "many small ones";
  HttpClient endless = client();  // a head that never ends is cut off as well
  endless.send_raw("GET /echo HTTP/1.1\r\n");
  for (int i = 0; i < 400; ++i) endless.send_raw("a: b\r\n");
  EXPECT_EQ(endless.read_reply().status, 431);
}

TEST_F(HttpLimitsTest, BodiesHaveAMostSize) {
  options.limits.max_body_bytes = 1000;
  add("POST", "/small", echo_request).max_body_bytes = 10;
  start();
  EXPECT_EQ(client().post("/echo", std::string(1000, 'x')).status, 200);
  EXPECT_EQ(client().post("/echo", std::string(1001, 'x')).status, 413);
  EXPECT_EQ(client().post("/small", "12345678901").status, 413);
  const HttpHeaders chunked = {{"Transfer-Encoding", "chunked"}};
  const std::string most = "3e8\r\n" + std::string(1000, 'x') + "\r\n";
  EXPECT_EQ(client().request("POST", "/echo", chunked, most + "0\r\n\r\n").status, 200);
  EXPECT_EQ(client().request("POST", "/echo", chunked, most + "1\r\nx\r\n0\r\n\r\n").status, 413);
  EXPECT_EQ(client().request("POST", "/echo", chunked, "ffffffffffffffff\r\n").status, 413);
  EXPECT_EQ(client().request("POST", "/echo", chunked, "1;" + std::string(9000, 'x') + "\r\n").status, 400);
}

TEST_F(HttpLimitsTest, RefusalOfALargeBodyIsReadWhileTheClientStillSends) {
  start();
  HttpClient http = client();
  const std::string large(40 << 20, 'x');
  EXPECT_EQ(http.post("/echo", large).status, 413);
}

TEST_F(HttpLimitsTest, BodiesGoToAPrivateFileThatIsRemoved) {
  const docmind::test::TempFolder folder;
  options.upload_folder = folder.path("uploads");
  Route& route = add("POST", "/upload", held.handler());
  route.body_to = BodyTo::kFile;
  start();
  HttpClient http = client();
  const std::string large(3 << 20, 'y');
  http.send_request("POST", "/upload", {}, large);
  ExchangePtr exchange = held.take();
  const std::string path = exchange->request().body_path;
  EXPECT_TRUE(exchange->request().body.empty());
  EXPECT_EQ(exchange->request().body_bytes, static_cast<int64_t>(large.size()));
  struct stat about{};
  ASSERT_EQ(::stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
  EXPECT_EQ(folder.read("uploads/" + std::filesystem::path(path).filename().string()), large);
  exchange->respond(text_response("taken"));
  exchange.reset();
  EXPECT_EQ(http.read_reply().body, "taken");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path("uploads")));

  HttpClient leaves = client();
  leaves.send_request("POST", "/upload", {{"Content-Length", "1000"}}, "only a part");
  ASSERT_TRUE(eventually([&] { return !std::filesystem::is_empty(folder.path("uploads")); }));
  leaves.close();
  EXPECT_TRUE(eventually([&] { return std::filesystem::is_empty(folder.path("uploads")); }));
}

TEST_F(HttpLimitsTest, UploadsAreRefusedWithoutAFolder) {
  Route& route = add("POST", "/upload", held.handler());
  route.body_to = BodyTo::kFile;
  start();
  EXPECT_EQ(client().post("/upload", "x").status, 501);
}

TEST_F(HttpLimitsTest, SlowHeadsAndBodiesTimeOut) {
  options.limits.header_timeout_ms = 60;
  options.limits.body_timeout_ms = 60;
  start();
  HttpClient head = client();
  head.send_raw("GET /echo HTTP/1.1\r\nHost: loc");
  EXPECT_EQ(head.read_reply().status, 408);
  EXPECT_TRUE(head.wait_closed());
  HttpClient body = client();
  body.send_request("POST", "/echo", {{"Content-Length", "10"}}, "part");
  EXPECT_EQ(body.read_reply().status, 408);
  EXPECT_EQ(stats().n_cut_off, 2);
}

TEST_F(HttpLimitsTest, BodiesThatDripTimeOut) {
  options.limits.body_timeout_ms = 100;
  options.limits.min_body_bytes_per_s = 100'000;
  start();
  HttpClient http = client();
  http.send_request("POST", "/echo", {{"Content-Length", "100000"}}, "");
  std::atomic<bool> stop{false};
  std::thread dripping([&] {  // always some progress, but too little
    while (!stop && http.send_raw("x")) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  });
  EXPECT_EQ(http.read_reply().status, 408);
  stop = true;
  dripping.join();
}

TEST_F(HttpLimitsTest, IdleConnectionsAreClosedQuietly) {
  options.limits.idle_timeout_ms = 50;
  start();
  HttpClient fresh = client();
  EXPECT_EQ(fresh.read_reply().status, 0);
  EXPECT_TRUE(fresh.wait_closed());
  HttpClient used = client();
  EXPECT_EQ(used.get("/echo").status, 200);
  EXPECT_TRUE(used.wait_closed());
  EXPECT_TRUE(eventually([&] { return stats().n_connections == 0; }));
}

TEST_F(HttpLimitsTest, HandlersMayTakeLongerThanTheTimeouts) {
  options.limits.idle_timeout_ms = options.limits.header_timeout_ms = options.limits.body_timeout_ms = 20;
  start();
  HttpClient http = client();
  http.send_request("GET", "/held");
  const ExchangePtr exchange = held.take();
  std::this_thread::sleep_for(std::chrono::milliseconds(120));
  exchange->respond(text_response("late"));
  EXPECT_EQ(http.read_reply().body, "late");
}

TEST_F(HttpLimitsTest, ReadersThatStallAreCutOffWhileOthersGoOn) {
  options.n_threads = 1;
  options.limits.max_unread_bytes = 256 << 10;
  start();
  HttpClient stalled = client();
  stalled.send_request("GET", "/held");
  const ExchangePtr exchange = held.take();
  exchange->begin({});
  const std::string piece(kPieceBytes, 'z');
  size_t n_written = 0;
  // The kernel's buffers take some; what they do not take is bounded.
  while (exchange->write(piece) && n_written < (256u << 20)) {
    n_written += piece.size();
    if (n_written % (16 * piece.size()) != 0) continue;
    EXPECT_EQ(client().get("/echo").status, 200);
  }
  EXPECT_LT(n_written, 64u << 20);
  EXPECT_TRUE(eventually([&] { return exchange->cancel().cancelled(); }));
  EXPECT_EQ(stats().n_cut_off, 1);
  EXPECT_EQ(client().get("/echo").status, 200);
}

TEST_F(HttpLimitsTest, ReadersThatTakeNothingAreCutOffInTime) {
  options.limits.write_timeout_ms = 60;
  start();
  HttpClient stalled = client();
  stalled.send_request("GET", "/held");
  const ExchangePtr exchange = held.take();
  exchange->respond(text_response(std::string(64 << 20, 'z')));
  EXPECT_TRUE(eventually([&] { return exchange->cancel().cancelled(); }));
  EXPECT_EQ(stats().n_cut_off, 1);
  EXPECT_TRUE(eventually([&] { return stats().n_connections == 0; }));
}

TEST_F(HttpLimitsTest, RequestsInFlightAreLimited) {
  options.limits.max_requests_in_flight = 2;
  options.retry_after_ms = 2500;
  add("GET", "/health", echo_request).is_work = false;
  start();
  HttpClient a = client(), b = client(), c = client();
  a.send_request("GET", "/held");
  b.send_request("GET", "/held");
  const ExchangePtr first = held.take(), second = held.take();
  const HttpReply refused = c.post("/echo", "short");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("retry-after"), "3");
  EXPECT_EQ(c.get("/health").status, 200) << "routes that do no work still answer, on the same connection";
  first->respond(text_response("done"));
  EXPECT_EQ(a.read_reply().body, "done");
  // The reply may be here before its place is free.
  ASSERT_TRUE(eventually([&] { return stats().n_in_flight == 1; }));
  EXPECT_EQ(c.get("/echo").status, 200);
  EXPECT_EQ(stats().n_refused, 1);
}

TEST_F(HttpLimitsTest, ConnectionsAreLimited) {
  options.limits.max_connections_per_address = 3;
  start();
  std::vector<HttpClient> open;
  for (int i = 0; i < 3; ++i) open.push_back(client());
  ASSERT_EQ(open.back().get("/echo").status, 200);
  ASSERT_TRUE(eventually([&] { return stats().n_connections == 3; }));
  HttpClient one_more = client();
  EXPECT_EQ(one_more.read_reply().status, 503);
  EXPECT_TRUE(one_more.wait_closed());
  open.front().close();
  EXPECT_TRUE(eventually([&] { return stats().n_connections == 2; }));
  EXPECT_EQ(client().get("/echo").status, 200);
}

TEST_F(HttpLimitsTest, RunningOutOfDescriptorsIsSurvived) {
  start();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int probe = ::dup(0);
  rlimit low = before;
  low.rlim_cur = static_cast<rlim_t>(probe) + 24;
  ::close(probe);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  HttpClient http = client();
  ASSERT_EQ(http.get("/echo").status, 200);
  std::vector<int> taken;
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) taken.push_back(fd);
  ::close(taken.back());
  taken.pop_back();
  HttpClient waiting = client();  // connected by the kernel, not accepted by the server
  const bool was_connected = waiting.connected();
  EXPECT_TRUE(was_connected);
  waiting.set_timeout_ms(150);
  EXPECT_EQ(waiting.get("/echo").status, 0);
  EXPECT_EQ(http.get("/echo").status, 200) << "connections that are there go on";
  for (const int fd : taken) ::close(fd);
  waiting.set_timeout_ms(kPatienceMs);
  EXPECT_EQ(waiting.read_reply().status, 200) << "accepted when there are descriptors again";
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace docmind::server::test

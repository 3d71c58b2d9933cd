// Who may ask what: API keys, Host against DNS rebinding, pages of other origins.
// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "server/http_test_support.h"
#include "support/temp_folder.h"

namespace docmind::server::test {
namespace {

std::shared_ptr<const ApiKeys> make_keys(std::string_view environment) {
  Result<ApiKeys> keys = ApiKeys::load("", environment, "local");
  EXPECT_TRUE(keys.ok()) << (keys.ok() ? "" : keys.error().message);
  return std::make_shared<const ApiKeys>(*std::move(keys));
}

class HttpAccess : public ::testing::Test, public TestServer {
 protected:
  void SetUp() override {
    add("GET", "/open", echo_request).is_public = true;
    add("GET", "/api/tags", echo_request).dialect = Dialect::kOllama;
    add("POST", "/embed", echo_request).dialect = Dialect::kTei;
  }
  HttpReply get(std::string_view target, const HttpHeaders& headers = {}) {
    HttpClient http = client();
    return http.get(target, headers);
  }
};

TEST_F(HttpAccess, NeedsAKeyWhereThereAreAny) {
  keys = make_keys("first-key:alice:laptop,second-key:bob");
  start();
  const HttpReply without = get("/echo");
  EXPECT_EQ(without.status, 401);
  EXPECT_EQ(without.header("www-authenticate"), "Bearer realm=\"docmind\"");
  EXPECT_NE(without.body.find("invalid_api_key"), std::string::npos);
  EXPECT_EQ(get("/echo", {{"Authorization", "Bearer wrong"}}).status, 401);
  EXPECT_EQ(get("/echo", {{"Authorization", "Basic first-key"}}).status, 401);
  EXPECT_EQ(get("/echo", {{"Authorization", "Bearer first-key"}}).body, "GET /echo? alice\n");
  EXPECT_EQ(get("/echo", {{"authorization", "bearer second-key"}}).body, "GET /echo? bob\n");
  EXPECT_EQ(get("/echo", {{"X-Api-Key", "first-key"}}).body, "GET /echo? alice\n");
  EXPECT_EQ(get("/echo", {{"api-key", "second-key"}}).body, "GET /echo? bob\n");
  EXPECT_EQ(get("/open").body, "GET /open? local\n") << "a public route";
  EXPECT_EQ(get("/open", {{"X-Api-Key", "first-key"}}).body, "GET /open? alice\n");
}

TEST_F(HttpAccess, RefusalsSpeakTheDialectOfTheirRoute) {
  keys = make_keys("secret");
  start();
  EXPECT_EQ(get("/echo").body.find("{\"error\":{\"message\":"), 0u);
  EXPECT_EQ(get("/api/tags").body.find("{\"error\":\""), 0u);
  EXPECT_EQ(get("/api/unknown").body.find("{\"error\":\""), 0u) << "a path beside it";
  HttpClient http = client();
  EXPECT_NE(http.post("/embed", "{}").body.find("\"error_type\":\"validation\""), std::string::npos);
}

TEST_F(HttpAccess, KeysCanBeReplacedWhileItRuns) {
  keys = make_keys("old-key");
  start();
  HttpClient http = client();
  EXPECT_EQ(http.get("/echo", {{"X-Api-Key", "old-key"}}).status, 200);
  server->set_keys(make_keys("new-key"));
  EXPECT_EQ(http.get("/echo", {{"X-Api-Key", "old-key"}}).status, 401);
  EXPECT_EQ(http.get("/echo", {{"X-Api-Key", "new-key"}}).status, 200);
}

TEST_F(HttpAccess, WithoutKeysAnyKeyIsIgnored) {
  start();
  EXPECT_EQ(get("/echo", {{"Authorization", "Bearer whatever-a-client-must-send"}}).body, "GET /echo? local\n");
}

TEST_F(HttpAccess, OnlyOwnNamesMayBeInHost) {
  options.allowed_hosts = {"docs.example.com"};
  start();
  for (const std::string host : {"localhost", "LOCALHOST:80", "127.0.0.1:8080", "127.0.0.2", "[::1]:99", "x.localhost",
                                 "docs.example.com", "Docs.Example.com:443", "localhost."}) {
    EXPECT_EQ(get("/echo", {{"Host", host}}).status, 200) << host;
  }
  for (const std::string host : {"evil.example", "localhost.evil.example", "192.168.1.7", "127.0.0.1.evil.example", "",
                                 "[::1", "[2001:db8::1]", "localhost:port", "a b", "localhost:123456",
                                 "notlocalhost"}) {
    EXPECT_EQ(get("/echo", {{"Host", host}}).status, 403) << host;
  }
  EXPECT_NE(get("/echo", {{"Host", "evil.example"}}).body.find("server.hosts"), std::string::npos);
}

TEST_F(HttpAccess, BeyondLoopbackAnyAddressMayBeInHost) {
  options.address = "0.0.0.0";
  start();
  EXPECT_EQ(get("/echo", {{"Host", "192.168.1.7:8080"}}).status, 200);
  EXPECT_EQ(get("/echo", {{"Host", "[2001:db8::1]:8080"}}).status, 200);
  EXPECT_EQ(get("/echo", {{"Host", "evil.example"}}).status, 403);
}

TEST_F(HttpAccess, PagesOfOtherOriginsAreRefusedUnlessListed) {
  options.cors_origins = {"https://app.example.com"};
  start();
  const std::string own = "http://127.0.0.1:" + std::to_string(port());
  const HttpReply same = get("/echo", {{"Origin", own}});
  EXPECT_EQ(same.status, 200);
  EXPECT_FALSE(same.has("access-control-allow-origin"));
  const HttpReply listed = get("/echo", {{"Origin", "https://app.example.com"}});
  EXPECT_EQ(listed.status, 200);
  EXPECT_EQ(listed.header("access-control-allow-origin"), "https://app.example.com");
  EXPECT_EQ(listed.header("vary"), "Origin");
  EXPECT_FALSE(listed.has("access-control-allow-credentials"));
  for (const std::string origin : {"https://evil.example", "null", "http://app.example.com", "http://127.0.0.1:1",
                                   "https://app.example.com.evil.example"}) {
    const HttpReply refused = get("/echo", {{"Origin", origin}});
    EXPECT_EQ(refused.status, 403) << origin;
    EXPECT_FALSE(refused.has("access-control-allow-origin")) << origin;
  }
}

TEST_F(HttpAccess, PreflightsAreAnsweredForListedOriginsOnly) {
  options.cors_origins = {"https://app.example.com"};
  keys = make_keys("secret");  // a preflight carries none
  start();
  HttpClient http = client();
  const HttpHeaders asked = {{"Origin", "https://app.example.com"}, {"Access-Control-Request-Method", "POST"},
                             {"Access-Control-Request-Headers", "authorization,x-stainless-os"}};
  const HttpReply allowed = http.request("OPTIONS", "/echo", asked);
  EXPECT_EQ(allowed.status, 204);
  EXPECT_EQ(allowed.header("access-control-allow-origin"), "https://app.example.com");
  EXPECT_EQ(allowed.header("access-control-allow-headers"), "authorization,x-stainless-os");
  EXPECT_NE(allowed.header("access-control-allow-methods").find("POST"), std::string::npos);
  HttpHeaders foreign = asked;
  foreign[0].second = "https://evil.example";
  const HttpReply refused = http.request("OPTIONS", "/echo", foreign);
  EXPECT_EQ(refused.status, 403);
  EXPECT_FALSE(refused.has("access-control-allow-methods"));
}

TEST_F(HttpAccess, WithoutOriginsNoPageMayCall) {
  start();
  HttpClient http = client();
  const HttpReply reply = http.request("OPTIONS", "/echo", {{"Origin", "http://localhost:3000"},
                                                            {"Access-Control-Request-Method", "POST"}});
  EXPECT_EQ(reply.status, 403);
  EXPECT_FALSE(reply.has("access-control-allow-origin"));
}

TEST(ApiKeys, AreReadFromAFileThatIsPrivate) {
  const docmind::test::TempFolder folder;
  const std::string path = folder.write(
      "keys", "# who\nplain-key alice laptop\n\nsha256:" + to_hex(sha256("hashed-key")) + "  bob # second\nonly-key\n");
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  const Result<ApiKeys> loaded = ApiKeys::load(path, "env-key:carol:ci", "everybody");
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_TRUE(loaded->required());
  EXPECT_EQ(loaded->find("plain-key")->tenant, "alice");
  EXPECT_EQ(loaded->find("plain-key")->label, "laptop");
  EXPECT_EQ(loaded->find("hashed-key")->tenant, "bob");
  EXPECT_EQ(loaded->find("only-key")->tenant, "everybody");
  EXPECT_EQ(loaded->find("only-key")->label.find("only-key"), std::string::npos) << "a label never shows the key";
  EXPECT_EQ(loaded->find("env-key")->label, "ci");
  EXPECT_FALSE(loaded->find("plain-ke"));
  EXPECT_FALSE(loaded->find(""));
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  const Result<ApiKeys> exposed = ApiKeys::load(path, "", "local");
  ASSERT_FALSE(exposed.ok());
  EXPECT_EQ(exposed.error().code, ErrorCode::kPermission);
  EXPECT_NE(exposed.error().message.find("chmod 600"), std::string::npos);
}

TEST(ApiKeys, RefuseWhatCouldBeAMistake) {
  const auto message = [](std::string_view environment) {
    const Result<ApiKeys> keys = ApiKeys::load("", environment, "local");
    return keys.ok() ? std::string("accepted") : keys.error().message;
  };
  EXPECT_NE(message("secret-key:../etc").find("'../etc'"), std::string::npos);
  EXPECT_NE(message("secret-key:" + std::string(65, 'a')).find("1 to 64"), std::string::npos);
  EXPECT_NE(message("secret-key:a,secret-key:b").find("same key"), std::string::npos);
  EXPECT_NE(message("sha256:" + to_hex(sha256("k")) + ",k").find("same key"), std::string::npos);
  EXPECT_NE(message("sha256:1234:a").find("64 hexadecimal"), std::string::npos);
  EXPECT_NE(message("secret-key:a:b:c").find("at most"), std::string::npos);
  EXPECT_EQ(message("secret-key:../etc").find("secret-key"), std::string::npos) << "never shows a key";
  EXPECT_EQ(message(""), "accepted");
  const docmind::test::TempFolder folder;
  const std::string empty = folder.write("keys", "# none\n");
  ASSERT_EQ(::chmod(empty.c_str(), 0600), 0);
  EXPECT_FALSE(ApiKeys::load(empty, "", "local").ok());
  EXPECT_FALSE(ApiKeys::load(folder.path("missing"), "", "local").ok());
}

}  // namespace
}  // namespace docmind::server::test

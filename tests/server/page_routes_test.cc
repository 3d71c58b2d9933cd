// The page's routes: which bytes a browser gets, under which headers, and what others get at "/".
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "server/page_files.h"
#include "server/routes.h"

namespace docmind::server {
namespace {

// A request whose response is kept.
class PageExchange final : public Exchange {
 public:
  explicit PageExchange(HttpRequest request) : request_(std::move(request)) {}
  [[nodiscard]] const HttpRequest& request() const override { return request_; }
  [[nodiscard]] const Caller& caller() const override { return caller_; }
  [[nodiscard]] std::string_view id() const override { return "page-test"; }
  void respond(HttpResponse response) override { response_ = std::move(response); }
  void begin(HttpResponse head) override { response_ = std::move(head); }
  bool write(std::string_view bytes) override {
    response_->body += bytes;
    return true;
  }
  void finish() override {}
  [[nodiscard]] const CancelToken& cancel() const override { return cancel_; }
  void on_gone(std::function<void()> /*callback*/) override {}
  [[nodiscard]] double elapsed_ms() const override { return 0; }

  [[nodiscard]] const HttpResponse& response() const { return *response_; }

 private:
  HttpRequest request_;
  Caller caller_;
  CancelToken cancel_;
  std::optional<HttpResponse> response_;
};

std::string header_of(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

class PageRoutes : public testing::Test {
 protected:
  PageRoutes() {
    add_page_routes(router_);
    if (page_files().empty()) skipped_ = true;
  }
  void SetUp() override {
    if (skipped_) GTEST_SKIP() << "built with DOCMIND_PAGE=OFF";
  }

  HttpResponse get(const std::string& path, HeaderList headers) {
    const Router::Match match = router_.match("GET", path);
    if (match.route == nullptr) {
      ADD_FAILURE() << "nothing at " << path;
      return {};
    }
    EXPECT_TRUE(match.route->is_public) << path << " must come without a key: it is where the key is asked for";
    HttpRequest request;
    request.method = "GET";
    request.path = path;
    request.headers = std::move(headers);
    const auto exchange = std::make_shared<PageExchange>(std::move(request));
    match.route->handler(exchange);
    return exchange->response();
  }

  Router router_;
  bool skipped_ = false;
};

const HeaderList kBrowser = {{"accept", "text/html,application/xhtml+xml,*/*;q=0.8"}};

TEST_F(PageRoutes, BrowsersGetThePageAndOthersTheBanner) {
  const HttpResponse page = get("/", kBrowser);
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_TRUE(page.static_body.starts_with("<!doctype html>"));
  EXPECT_EQ(header_of(page, "vary"), "Accept");
  for (const HeaderList& headers : {HeaderList{}, HeaderList{{"accept", "*/*"}}}) {
    const HttpResponse banner = get("/", headers);
    EXPECT_EQ(banner.static_body, "Ollama is running");
    EXPECT_EQ(banner.content_type, "text/plain; charset=utf-8");
    EXPECT_EQ(header_of(banner, "vary"), "Accept");
  }
}

TEST_F(PageRoutes, EveryFileOfThePageIsServedAndNamedByIt) {
  const HttpResponse page = get("/", kBrowser);
  size_t n_assets = 0;
  for (const PageFile& file : page_files()) {
    const HttpResponse response = get(std::string(file.path), {});
    EXPECT_EQ(response.status, 200) << file.path;
    EXPECT_EQ(response.static_body, file.bytes) << file.path;
    EXPECT_FALSE(file.bytes.empty()) << file.path;
    if (!file.path.starts_with("/assets/")) continue;
    ++n_assets;
    EXPECT_NE(page.static_body.find(file.path.substr(1)), std::string_view::npos) << file.path;
    EXPECT_EQ(header_of(response, "cache-control"), "public, max-age=31536000, immutable");
  }
  EXPECT_GE(n_assets, 2U);
  EXPECT_EQ(header_of(page, "cache-control"), "no-cache");
}

TEST_F(PageRoutes, NothingInThePageNeedsAWeakerPolicy) {
  const HttpResponse page = get("/", kBrowser);
  const std::string policy = header_of(page, "content-security-policy");
  EXPECT_NE(policy.find("default-src 'self'"), std::string::npos);
  EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(page.static_body.find("<style"), std::string_view::npos);
  EXPECT_EQ(page.static_body.find(" style="), std::string_view::npos);
  EXPECT_EQ(page.static_body.find("://"), std::string_view::npos) << "the page names another server";
  // A script without a source would be an inline one.
  for (size_t at = page.static_body.find("<script"); at != std::string_view::npos;
       at = page.static_body.find("<script", at + 1)) {
    const std::string_view tag = page.static_body.substr(at, page.static_body.find('>', at) - at);
    EXPECT_NE(tag.find(" src="), std::string_view::npos) << tag;
  }
}

TEST_F(PageRoutes, AKnownTagIsAnsweredWithoutTheBytes) {
  const HttpResponse first = get("/", kBrowser);
  const std::string tag = header_of(first, "etag");
  ASSERT_GT(tag.size(), 2U);
  EXPECT_EQ(tag.front(), '"');
  for (const std::string& known : {tag, "W/" + tag, "\"other\", " + tag, std::string("*")}) {
    HeaderList headers = kBrowser;
    headers.emplace_back("if-none-match", known);
    const HttpResponse second = get("/", headers);
    EXPECT_EQ(second.status, 304) << known;
    EXPECT_TRUE(second.static_body.empty() && second.body.empty());
    EXPECT_EQ(header_of(second, "etag"), tag);
  }
  for (const std::string& other : {std::string("\"other\""), tag.substr(1, tag.size() - 2), std::string(",,")}) {
    HeaderList headers = kBrowser;
    headers.emplace_back("if-none-match", other);
    EXPECT_EQ(get("/", headers).status, 200) << other;
  }
}

TEST_F(PageRoutes, TagsAndPathsAreUnique) {
  std::set<std::string_view> tags;
  std::set<std::string_view> paths;
  for (const PageFile& file : page_files()) {
    tags.insert(file.etag);
    paths.insert(file.path);
  }
  EXPECT_EQ(tags.size(), page_files().size());
  EXPECT_EQ(paths.size(), page_files().size());
}

}  // namespace
}  // namespace docmind::server

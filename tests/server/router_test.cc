// Paths to routes, targets to paths, query strings to values.
// SPDX-License-Identifier: Apache-2.0
#include "server/router.h"

#include <gtest/gtest.h>

#include "server/url.h"

namespace docmind::server {
namespace {

Router make_router() {
  Router router;
  for (const char* pattern : {"/v1/models", "/v1/models/{model...}", "/v1/documents/{id}", "/v1/documents/events",
                              "/v1/{kind}/{id}/parts", "/"}) {
    router.add({.method = "GET", .pattern = pattern, .handler = {}});
  }
  router.add({.method = "DELETE", .pattern = "/v1/documents/{id}", .handler = {}});
  router.add({.method = "POST", .pattern = "/api/chat", .handler = {}, .dialect = Dialect::kOllama});
  return router;
}

std::string pattern_of(const Router& router, std::string_view method, std::string_view path) {
  const Router::Match match = router.match(method, path);
  return match.route == nullptr ? "none" : match.route->pattern;
}

TEST(Router, PrefersExactSegmentsOverNames) {
  const Router router = make_router();
  EXPECT_EQ(pattern_of(router, "GET", "/v1/models"), "/v1/models");
  EXPECT_EQ(pattern_of(router, "GET", "/v1/documents/events"), "/v1/documents/events");
  EXPECT_EQ(pattern_of(router, "GET", "/v1/documents/17"), "/v1/documents/{id}");
  EXPECT_EQ(pattern_of(router, "DELETE", "/v1/documents/events"), "/v1/documents/{id}");
  EXPECT_EQ(pattern_of(router, "GET", "/v1/models/a/parts"), "/v1/models/{model...}") << "its first segments are exact";
  EXPECT_EQ(pattern_of(router, "GET", "/v1/other/a/parts"), "/v1/{kind}/{id}/parts");
  EXPECT_EQ(pattern_of(router, "GET", "/"), "/");
  EXPECT_EQ(pattern_of(router, "HEAD", "/"), "/");
}

TEST(Router, GivesTheValuesOfNames) {
  const Router router = make_router();
  EXPECT_EQ(router.match("GET", "/v1/models/org/name").path_values, std::vector<std::string>{"org/name"});
  EXPECT_EQ(router.match("GET", "/v1/x/y/parts").path_values, (std::vector<std::string>{"x", "y"}));
  EXPECT_TRUE(router.match("GET", "/v1/models").path_values.empty());
}

TEST(Router, FitsWholePathsOnly) {
  const Router router = make_router();
  for (const char* path : {"", "*", "/v1", "/v1/", "/v1/documents", "/v1/documents/", "/v1/documents/1/",
                           "/v1//1/parts", "/v1/documents/1/2", "/V1/models"}) {
    EXPECT_EQ(pattern_of(router, "GET", path), "none") << path;
  }
}

TEST(Router, TellsTheMethodsAndTheDialectOfAPath) {
  Router router = make_router();
  EXPECT_EQ(router.match("POST", "/v1/documents/1").allow, "GET, HEAD, DELETE");
  EXPECT_EQ(router.match("POST", "/nowhere").allow, "");
  // A path that two patterns have names each method once.
  router.add({.method = "GET", .pattern = "/v1/documents/{id...}", .handler = {}});
  EXPECT_EQ(router.match("POST", "/v1/documents/1").allow, "GET, HEAD, DELETE");
  EXPECT_EQ(router.match("GET", "/api/chat").dialect, Dialect::kOllama);
  EXPECT_EQ(router.match("GET", "/api/nowhere").dialect, Dialect::kOllama);
  EXPECT_EQ(router.match("GET", "/nowhere").dialect, Dialect::kOpenAi);
}

TEST(Router, ReplacesARouteOfTheSameMethodAndPattern) {
  Router router = make_router();
  const size_t n_routes = router.routes().size();
  router.add({.method = "GET", .pattern = "/v1/models", .handler = {}, .is_public = true});
  EXPECT_EQ(router.routes().size(), n_routes);
  EXPECT_TRUE(router.match("GET", "/v1/models").route->is_public);
}

TEST(Url, DecodesPercentEscapes) {
  EXPECT_EQ(percent_decode("a%20b%2Fc%c3%a9"), "a b/c\xC3\xA9");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
  EXPECT_EQ(percent_decode("a+b", PlusIs::kSpace), "a b");
  EXPECT_EQ(percent_decode(""), "");
  for (const char* bad : {"%", "%4", "%g0", "%0g", "%00", "%ff", "%c3", "a%"}) {
    EXPECT_EQ(percent_decode(bad), std::nullopt) << bad;
  }
}

TEST(Url, SplitsTargets) {
  const Result<RequestTarget> origin = parse_target("/a%20b?c=%64?e");
  ASSERT_TRUE(origin.ok());
  EXPECT_EQ(origin->path, "/a b");
  EXPECT_EQ(origin->query, "c=%64?e");
  EXPECT_EQ(origin->authority, "");
  const Result<RequestTarget> absolute = parse_target("HTTP://host:80?x");
  ASSERT_TRUE(absolute.ok());
  EXPECT_EQ(absolute->authority, "host:80");
  EXPECT_EQ(absolute->path, "/");
  EXPECT_EQ(absolute->query, "x");
  EXPECT_FALSE(parse_target("http:///a").ok());
  EXPECT_FALSE(parse_target("host:443").ok());
  EXPECT_FALSE(parse_target("").ok());
}

TEST(Url, GivesTheValuesOfAQuery) {
  HttpRequest request;
  request.query = "a=1&b=two+words&c=%26&d&a=2&bad=%f";
  EXPECT_EQ(request.query_value("a"), "1");
  EXPECT_EQ(request.query_value("b"), "two words");
  EXPECT_EQ(request.query_value("c"), "&");
  EXPECT_EQ(request.query_value("d"), "");
  EXPECT_EQ(request.query_value("bad"), std::nullopt);
  EXPECT_EQ(request.query_value("e"), std::nullopt);
}

}  // namespace
}  // namespace docmind::server

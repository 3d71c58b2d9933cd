// The OpenAPI document names the routes that there are, and no others.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/json.h"
#include "server/routes.h"
#include "support/temp_folder.h"

namespace docmind::server {

extern const std::string_view kOpenApiDocument;

namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

TEST(OpenApi, DocumentAndRouterNameTheSame) {
  const docmind::test::TempFolder folder;
  pipeline::ServiceOptions service_options;
  service_options.store_folder = folder.path("store");
  const auto service = pipeline::Service::start(std::move(service_options), Logger::null());
  ASSERT_TRUE(service.ok()) << service.error().message;
  std::set<std::string> served;
  const Router router = all_routes(**service, {.page = false});
  for (const Route& route : router.routes()) {
    std::string path = route.pattern;
    if (const size_t rest = path.find("...}"); rest != std::string::npos) path.replace(rest, 4, "}");
    served.insert(lower(route.method) + " " + path);
  }
  const Result<json::value> document = parse_json(kOpenApiDocument, 32, 1 << 20);
  ASSERT_TRUE(document.ok()) << document.error().message;
  std::set<std::string> documented;
  for (const auto& [path, methods] : document->at("paths").as_object()) {
    for (const auto& [method, operation] : methods.as_object()) {
      documented.insert(std::string(method) + " " + std::string(path));
      EXPECT_TRUE(operation.as_object().contains("summary")) << path;
    }
  }
  for (const std::string& one : documented) EXPECT_TRUE(served.contains(one)) << "not served: " << one;
  for (const std::string& one : served) {
    const bool refused = one.starts_with("post /api/") || one.starts_with("delete /api/") || one.starts_with("head ") ||
                         one.starts_with("get /api/blobs");  // what Ollama has and we name only to refuse
    EXPECT_TRUE(documented.contains(one) || refused) << "not documented: " << one;
  }
}

}  // namespace
}  // namespace docmind::server

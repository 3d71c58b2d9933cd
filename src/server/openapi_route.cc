// /openapi.json: the description of the API, src/server/openapi.json as it is.
// SPDX-License-Identifier: Apache-2.0
#include <string_view>

#include "server/routes.h"

namespace docmind::server {

extern const std::string_view kOpenApiDocument;

void add_openapi_route(Router& router) {
  router.add({.method = "GET",
              .pattern = "/openapi.json",
              .handler =
                  [](const ExchangePtr& exchange) { exchange->respond({.static_body = kOpenApiDocument}); },
              .is_public = true,
              .is_work = false});
}

}  // namespace docmind::server

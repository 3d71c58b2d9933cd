// The whole router.
// SPDX-License-Identifier: Apache-2.0
#include "server/routes.h"

namespace docmind::server {

Router all_routes(pipeline::Service& service, const RouteOptions& options) {
  Router router;
  add_openai_routes(router, service, options);
  add_vector_routes(router, service, options);
  add_ollama_routes(router, service, options);
  add_llamacpp_routes(router, service, options);
  add_rag_routes(router, service, options);
  add_document_routes(router, service, options);
  add_admin_routes(router, service, options);
  add_metrics_route(router, service, options);
  add_openapi_route(router);
  if (options.page) add_page_routes(router);
  return router;
}

}  // namespace docmind::server

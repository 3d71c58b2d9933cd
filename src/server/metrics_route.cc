// /metrics: for Prometheus.
// SPDX-License-Identifier: Apache-2.0
#include "server/metric_families.h"
#include "server/own_metrics.h"
#include "server/routes.h"

namespace docmind::server {

void add_metrics_route(Router& router, pipeline::Service& service, const RouteOptions& options) {
  router.add({.method = "GET",
              .pattern = "/metrics",
              .handler =
                  [&service, with_aliases = options.alias_metrics](const ExchangePtr& exchange) {
                    const pipeline::ServiceSample sample = service.sample();
                    MetricFamilies families;
                    add_own_metrics(families, sample, service.metrics(), service.setpoints(),
                                    service.options().version);
                    if (with_aliases) {
                      add_alias_metrics(families, sample, service.metrics(), service.models().text_name);
                    }
                    exchange->respond({.content_type = std::string(MetricFamilies::kContentType),
                                       .body = families.text()});
                  },
              .is_public = options.metrics_public,
              .is_work = false});
}

}  // namespace docmind::server

// RequestGate: decides on the head of a request whether and by whom it is answered.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/api_keys.h"
#include "server/host_check.h"
#include "server/http_server.h"
#include "server/request_parser.h"
#include "server/router.h"

namespace docmind::server {

struct Admission {
  const Route* route = nullptr;  // null: `answer` is there and the route is unknown
  HttpRequest request;           // without its body
  Caller caller;                 // without its address
  Dialect dialect = Dialect::kOpenAi;
  std::string cors_origin;       // for Access-Control-Allow-Origin; empty: none
  std::optional<HttpResponse> answer;  // the gate's own; the handler is not called
  bool must_close = false;       // after this answer
  int64_t max_body_bytes = 0;
};

// Immutable and without I/O; any thread. Borrows options and router.
class RequestGate {
 public:
  RequestGate(const HttpOptions& options, const Router& router)
      : options_(options), router_(router), hosts_(options.address, options.allowed_hosts) {}

  // In this order: target, Host, Origin, preflight, path and method, key, size of the body.
  [[nodiscard]] Admission admit(RequestHead&& head, const ApiKeys& keys) const;

 private:
  bool check_target(const RequestHead& head, Admission& admission, std::string& host) const;
  bool check_origin(Admission& admission, const std::string& host) const;
  bool answer_options(Admission& admission) const;
  bool find_route(Admission& admission) const;
  bool check_key(Admission& admission, const ApiKeys& keys) const;
  bool check_size(const RequestHead& head, Admission& admission) const;
  [[nodiscard]] bool is_listed(std::string_view origin) const;

  const HttpOptions& options_;
  const Router& router_;
  HostCheck hosts_;
};

}  // namespace docmind::server

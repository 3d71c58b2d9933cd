// Router: which handler answers a path, and what its requests may cost.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/exchange.h"

namespace docmind::server {

// How errors look that the transport itself has to give (401, 404, 408, 413, 429, 503).
enum class Dialect { kOpenAi, kOllama, kTei };

enum class BodyTo { kMemory, kFile };

struct Route {
  std::string method;   // "GET" also answers HEAD
  std::string pattern;  // "/v1/documents/{id}"; a {name} is one segment, "{name...}" the rest
  Handler handler;
  Dialect dialect = Dialect::kOpenAi;
  bool is_public = false;  // answered without a key
  BodyTo body_to = BodyTo::kMemory;
  // 0: the server's limit for bodies in memory (BodyTo::kFile: for uploads).
  int64_t max_body_bytes = 0;
  // Does the work of a request (counted against the limit of requests in flight, refused while draining).
  bool is_work = true;
};

class Router {
 public:
  // A later route of the same method and pattern replaces an earlier one.
  void add(Route route);

  struct Match {
    const Route* route = nullptr;          // null: see `allow`
    std::vector<std::string> path_values;  // [n names]
    std::string allow;                     // methods of the path when only the method is wrong; empty: no such path
    Dialect dialect = Dialect::kOpenAi;    // of an error for this path
  };
  // Exact segments go before names. `path` is percent-decoded.
  [[nodiscard]] Match match(std::string_view method, std::string_view path) const;
  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

}  // namespace docmind::server

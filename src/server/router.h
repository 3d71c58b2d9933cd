// Router: which handler answers a path, and what its requests may cost.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
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
  // A later route of the same method and pattern replaces an earlier one. Not while the router is in use.
  void add(Route route);

  struct Match {
    const Route* route = nullptr;          // null: see `allow`
    std::vector<std::string> path_values;  // [n names]
    std::string allow;                     // methods of the path when only the method is wrong; empty: no such path
    Dialect dialect = Dialect::kOpenAi;    // of an error for this path
  };
  // Exact segments go before names, names before a rest. `path` is percent-decoded. A name's segment is not empty,
  // a rest may be. The match points into the router.
  [[nodiscard]] Match match(std::string_view method, std::string_view path) const;
  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

 private:
  struct Pattern {
    std::vector<std::string> segments;  // exact texts, or names without braces
    std::string kinds;                  // of each segment: 'a' exact, 'b' a name, 'c' the rest; the least goes first
  };
  static Pattern parse(std::string_view pattern);
  // Values of the names when `path` fits.
  static bool fits(const Pattern& pattern, std::string_view path, std::vector<std::string>& values);
  [[nodiscard]] Dialect dialect_of(std::string_view path) const;

  std::vector<Route> routes_;
  std::vector<Pattern> patterns_;  // [n routes]
  std::unordered_map<std::string, std::vector<size_t>> exact_;  // patterns without names
  std::vector<size_t> named_;  // the others
};

}  // namespace docmind::server

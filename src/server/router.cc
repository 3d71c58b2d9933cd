// Router: which handler answers a path, and what its requests may cost.
// SPDX-License-Identifier: Apache-2.0
#include "server/router.h"

#include <algorithm>
#include <utility>

namespace docmind::server {
namespace {

constexpr char kExactSegment = 'a', kNameSegment = 'b', kRestSegment = 'c';

// The segment at `pos`, which is just behind a '/'; `pos` moves behind the next '/' or to npos.
std::string_view take_segment(std::string_view path, size_t& pos) {
  const size_t end = path.find('/', pos);
  const std::string_view segment = path.substr(pos, end == std::string_view::npos ? end : end - pos);
  pos = end == std::string_view::npos ? end : end + 1;
  return segment;
}

std::string_view first_segment(std::string_view path) {
  size_t pos = path.empty() ? 0 : 1;
  return take_segment(path, pos);
}

// Several patterns may have the same path.
void add_method(std::string& allow, std::string_view method) {
  const std::string list = ", " + allow + ",";
  if (list.find(" " + std::string(method) + ",") != std::string::npos) return;
  if (!allow.empty()) allow += ", ";
  allow += method;
  if (method == "GET") allow += ", HEAD";
}

bool serves(const Route& route, std::string_view method) {
  return route.method == method || (method == "HEAD" && route.method == "GET");
}

}  // namespace

Router::Pattern Router::parse(std::string_view pattern) {
  Pattern parsed;
  size_t pos = 1;
  while (pos != std::string_view::npos && pos <= pattern.size()) {
    std::string_view segment = take_segment(pattern, pos);
    const bool is_name = segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
    if (is_name) segment = segment.substr(1, segment.size() - 2);
    const bool is_rest = is_name && segment.ends_with("...");
    parsed.kinds += is_rest ? kRestSegment : is_name ? kNameSegment : kExactSegment;
    parsed.segments.emplace_back(segment);
  }
  return parsed;
}

void Router::add(Route route) {
  for (Route& old : routes_) {
    if (old.method == route.method && old.pattern == route.pattern) {
      old = std::move(route);
      return;
    }
  }
  Pattern pattern = parse(route.pattern);
  const bool is_exact = pattern.kinds.find_first_not_of(kExactSegment) == std::string::npos;
  (is_exact ? exact_[route.pattern] : named_).push_back(routes_.size());
  routes_.push_back(std::move(route));
  patterns_.push_back(std::move(pattern));
}

bool Router::fits(const Pattern& pattern, std::string_view path, std::vector<std::string>& values) {
  values.clear();
  size_t pos = path.empty() ? std::string_view::npos : 1;
  for (size_t i = 0; i < pattern.kinds.size(); ++i) {
    if (pattern.kinds[i] == kRestSegment) {
      values.emplace_back(pos == std::string_view::npos ? std::string_view() : path.substr(pos));
      return true;
    }
    if (pos == std::string_view::npos) return false;
    const std::string_view segment = take_segment(path, pos);
    if (pattern.kinds[i] == kExactSegment) {
      if (segment != pattern.segments[i]) return false;
    } else {
      if (segment.empty()) return false;
      values.emplace_back(segment);
    }
  }
  return pos == std::string_view::npos;
}

Dialect Router::dialect_of(std::string_view path) const {
  for (const Route& route : routes_) {
    if (first_segment(route.pattern) == first_segment(path)) return route.dialect;
  }
  return Dialect::kOpenAi;
}

Router::Match Router::match(std::string_view method, std::string_view path) const {
  Match match;
  std::vector<size_t> reached;  // routes of the path with another method
  if (const auto exact = exact_.find(std::string(path)); exact != exact_.end()) {
    for (const size_t i : exact->second) {
      if (serves(routes_[i], method)) return {.route = &routes_[i], .path_values = {}, .allow = {},
                                              .dialect = routes_[i].dialect};
      reached.push_back(i);
    }
  }
  const std::string* best_kinds = nullptr;
  std::vector<std::string> values;
  for (const size_t i : named_) {
    if (!fits(patterns_[i], path, values)) continue;
    if (!serves(routes_[i], method)) {
      reached.push_back(i);
    } else if (best_kinds == nullptr || patterns_[i].kinds < *best_kinds) {
      best_kinds = &patterns_[i].kinds;
      match.route = &routes_[i];
      match.path_values = values;
      match.dialect = routes_[i].dialect;
    }
  }
  if (match.route != nullptr) return match;
  for (const size_t i : reached) add_method(match.allow, routes_[i].method);
  match.dialect = reached.empty() ? dialect_of(path) : routes_[reached.front()].dialect;
  return match;
}

}  // namespace docmind::server

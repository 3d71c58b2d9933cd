// RouteAttempt: one try of one of several generators, and what is told of those that failed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "providers/generator_routes.h"

namespace docmind::providers {

// Borrows nothing: it is over.
struct RouteAttempt {
  Result<GenerateResult> result;
  bool has_text = false;  // the caller saw a piece of it

  // Whether the next may try: after an error that another may not have, before the first piece of text (nobody wants
  // two beginnings of an answer) and unless it was cancelled.
  [[nodiscard]] bool may_go_on(const CancelToken& cancel) const;
};
// `sink` may be empty.
[[nodiscard]] RouteAttempt try_generator(const Generator& generator, const GenerateRequest& request,
                                         const TextSink& sink, const CancelToken& cancel);

[[nodiscard]] bool is_available(const RoutedGenerator& one);
[[nodiscard]] bool any_quotes(const std::vector<RoutedGenerator>& generators);

// What those who failed said, in the order in which they were tried.
class RouteFailures {
 public:
  void add(std::string_view name, const Error& error);
  // It was not even tried: its circuit breaker is open.
  void skip(std::string_view name);
  [[nodiscard]] bool empty() const { return text_.empty(); }
  // "'qwen3 at http://...' answers because 'x' failed: ..."
  [[nodiscard]] std::string sentence_for(std::string_view name) const;
  // The first one's error, with what the others said. At least one was added.
  [[nodiscard]] Error error() const;

 private:
  std::optional<Error> first_;
  std::string others_;  // as sentences after the first one's
  std::string text_;
};

}  // namespace docmind::providers

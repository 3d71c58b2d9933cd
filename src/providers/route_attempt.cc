// RouteAttempt: one try of one of several generators, and what is told of those that failed.
// SPDX-License-Identifier: Apache-2.0
#include "providers/route_attempt.h"

#include <algorithm>

#include <fmt/format.h>

namespace docmind::providers {
namespace {

// Another one may do better where this one cannot be reached, is full, answers nonsense or lacks the model. What is
// wrong with the request itself is wrong everywhere.
bool another_may_do(ErrorCode code) {
  return code == ErrorCode::kIo || code == ErrorCode::kBusy || code == ErrorCode::kMalformed ||
         code == ErrorCode::kNotFound;
}

}  // namespace

bool RouteAttempt::may_go_on(const CancelToken& cancel) const {
  return !result.ok() && !has_text && another_may_do(result.error().code) && !cancel.cancelled();
}

RouteAttempt try_generator(const Generator& generator, const GenerateRequest& request, const TextSink& sink,
                           const CancelToken& cancel) {
  bool has_text = false;
  const TextSink watched = [&](std::string_view piece) {
    has_text = has_text || !piece.empty();
    return !sink || sink(piece);
  };
  Result<GenerateResult> result = generator.generate(request, watched, cancel);
  return {std::move(result), has_text};
}

bool is_available(const RoutedGenerator& one) { return !one.available || one.available(); }

bool any_quotes(const std::vector<RoutedGenerator>& generators) {
  return std::ranges::any_of(generators, [](const RoutedGenerator& one) { return one.generator->quotes_documents(); });
}

void RouteFailures::add(std::string_view name, const Error& error) {
  if (first_) others_ += fmt::format("; '{}': {}", name, error.message);
  else first_ = error;
  text_ += fmt::format("{}'{}' failed: {}", text_.empty() ? "" : "; ", name, error.message);
}

void RouteFailures::skip(std::string_view name) {
  const std::string sentence = fmt::format("'{}' failed before and is left alone for a while", name);
  others_ += "; " + sentence;
  text_ += (text_.empty() ? "" : "; ") + sentence;
}

std::string RouteFailures::sentence_for(std::string_view name) const {
  return fmt::format("'{}' answers because {}", name, text_);
}

Error RouteFailures::error() const { return {first_->code, first_->message + others_}; }

}  // namespace docmind::providers

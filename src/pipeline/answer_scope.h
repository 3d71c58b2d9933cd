// The scope of answers in the cache: everything beside the question that they depend on.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cache/answer_cache.h"
#include "pipeline/ask_options.h"

namespace docmind::pipeline {

// Of a store and of those who answer from it, as they are at one moment.
struct ScopeParts {
  std::string store_id = {};
  std::string provider = {};  // identity of the generator
  std::string embedder = {};  // identity of the embedder of the store's vectors; empty while there are none
  std::string reranker = {};  // identity; empty: the built-in one
  bool operator==(const ScopeParts&) const = default;
};

[[nodiscard]] cache::AnswerScope answer_scope(const ScopeParts& parts, const AskOptions& options);

}  // namespace docmind::pipeline

// The scope of answers in the cache: everything beside the question that they depend on.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/answer_scope.h"

#include <fmt/format.h>

namespace docmind::pipeline {
namespace {

// Raised when the prompt or the way citations are made changes, so that no older answer is served.
constexpr const char* kPromptVersion = "3";

}  // namespace

cache::AnswerScope answer_scope(const ScopeParts& parts, const AskOptions& options) {
  cache::AnswerScope scope;
  scope.tenant = options.tenant;
  scope.session = options.session;
  scope.store_id = parts.store_id;
  scope.provider = parts.provider;
  scope.embedder = parts.embedder;
  scope.prompt_version = kPromptVersion;
  scope.language = options.language;
  const RetrieveOptions& retrieve = options.retrieve;
  scope.settings = fmt::format("{}/{}/{}/{}/{:f}/{}/{}/{}", retrieve.top_k, retrieve.lexical_depth,
                               retrieve.vector_depth, retrieve.rerank_depth, options.min_relevance,
                               options.max_sentences, options.max_tokens, parts.reranker);
  return scope;
}

}  // namespace docmind::pipeline

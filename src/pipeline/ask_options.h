// AskOptions: how a question is to be answered.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "pipeline/corpus.h"

namespace docmind::pipeline {

struct AskOptions {
  std::string tenant = "local";
  std::string session = {};  // of a conversation whose earlier turns matter to the answer
  std::string language = {};  // the answer's, where the caller named one; answers of another are not reused
  RetrieveOptions retrieve = {};
  // What may be done at the moment, where that is less than `retrieve` says: a Collection looks for an answer made with
  // all of it first, and makes and keeps a new one under what is left.
  std::optional<size_t> rerank_limit = {};
  std::optional<size_t> passage_limit = {};
  double min_relevance = 0.51;  // below it a passage is not used; none left: no answer
  int max_sentences = 4;     // of an extracted answer
  int max_tokens = 512;      // of an answer; words of an extracted one
  bool use_cache = true;     // look for the answer in the cache and keep it there
  bool refresh = false;      // do not look, but keep
  double audit_share = 0;    // of near hits that are answered afresh all the same, to learn from
  int64_t stale_ms = 0;      // an exact repeat not older than this may be served although its documents
                             // changed; it is marked, and the caller asks again with `refresh`
};

}  // namespace docmind::pipeline

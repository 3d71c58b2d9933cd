// corpus_generator: who answers the questions of one corpus.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "pipeline/corpus.h"
#include "providers/generator_routes.h"
#include "providers/provider.h"

namespace docmind::pipeline {

struct GeneratorChoice {
  std::shared_ptr<const providers::Generator> model;  // of all corpora; null: answers are extracted
  bool falls_back_to_extractive = false;
  providers::RouteLog log = {};
};

// The model, the extractive generator, or first one and then the other. The extractive one asks `corpus` about words:
// same thread rule, and `corpus` must outlive it.
[[nodiscard]] std::shared_ptr<const providers::Generator> corpus_generator(Corpus& corpus,
                                                                           const GeneratorChoice& choice);

}  // namespace docmind::pipeline

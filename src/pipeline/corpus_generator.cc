// corpus_generator: who answers the questions of one corpus.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/corpus_generator.h"

#include "providers/extractive.h"

namespace docmind::pipeline {

std::shared_ptr<const providers::Generator> corpus_generator(Corpus& corpus, const GeneratorChoice& choice) {
  if (choice.model != nullptr && !choice.falls_back_to_extractive) return choice.model;
  auto extractive = std::make_shared<const providers::ExtractiveGenerator>(
      [&corpus](std::string_view stem) { return corpus.inverse_document_frequency(stem); });
  if (choice.model == nullptr) return extractive;
  return providers::make_failover({{choice.model}, {std::move(extractive)}}, choice.log);
}

}  // namespace docmind::pipeline

// Records of the answer directory made from numbers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cache/answer_directory.h"
#include "cache_test_support.h"

namespace docmind::cache {

inline Digest test_scope(int64_t n) { return FieldHasher().add("scope").add(n).finish(); }

inline std::string sample_path(int64_t n) {
  return "docs/part" + std::to_string(n % 10) + "/" + std::to_string(n) + ".md";
}

// Recognisable by itself; sizes differ from number to number, some rows need pages of their own.
inline AnswerRecord sample_record(int64_t n) {
  AnswerRecord record;
  record.key = test_key(n);
  record.scope = test_scope(n % 3);
  record.tenant = "tenant " + std::to_string(n % 3);
  record.question = "question " + std::to_string(n) + "?" + std::string(static_cast<size_t>(n * 977 % 6'000), 'q');
  record.vector = std::string(260, static_cast<char>('a' + n % 26));
  record.dependencies = {{sample_path(n), "hash " + std::to_string(n)}, {"docs/shared.md", "hash"}};
  record.negative = n % 5 == 4;
  record.created_unix_ms = 1'700'000'000'000 + n;
  record.used_unix_ms = 1'700'000'000'000 + n;
  record.cost_ms = 100.5 * static_cast<double>(n);
  record.cost_tokens = 10 * n;
  record.answer_bytes = 1'000 + n;
  return record;
}

inline Observation sample_observation(int64_t n) {
  const auto x = static_cast<double>(n);
  Observation observation;
  observation.entry_id = n;
  observation.features.similarity = 0.9 + x / 1e6;
  observation.features.margin = x;
  observation.features.word_overlap = 0.5;
  observation.features.length_ratio = 1 / (x + 1);
  observation.features.guards_fired = static_cast<uint8_t>(n);
  observation.features.likeness.topic_overlap = -x;
  observation.features.likeness.n_topics = x * 0.25;
  observation.features.likeness.changes.back() = static_cast<uint8_t>(n + 1);
  observation.same = n % 2 == 0;
  observation.source = static_cast<Observation::Source>(n % 3);
  observation.at_unix_ms = -n;
  return observation;
}

}  // namespace docmind::cache

// Labelled question pairs, embedded, each question asked of the questions inserted before.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/thread_pool.h"
#include "cache/calibrator.h"
#include "providers/provider.h"

namespace docmind::bench {

struct Pair {
  std::string question;  // inserted
  std::string other;     // asked
  bool same = false;     // whether they may share an answer
};

// One JSON object a line with "question", "other" and "same" (0 or 1).
[[nodiscard]] Result<std::vector<Pair>> read_pairs(const std::string& path);

// Vectors of texts, row-major, unit length.
struct Vectors {
  size_t dimension = 0;
  std::vector<float> values;
};
[[nodiscard]] Result<Vectors> embed_all(const providers::Embedder& embedder,
                                        const std::vector<std::string_view>& texts);

// What the inserted questions have for one asked. Questions of one normal form are one entry, as the
// exact cache makes them one.
struct NearestQuestion {
  size_t row = 0;                 // of the pair asked
  bool hard = false;              // the two of the row share 60% of their words or more
  bool exact = false;             // the exact cache answers before: its normal form is stored
  size_t nearest_entry = 0;       // by the vectors alone
  double nearest_similarity = 0;
  uint8_t nearest_guards = 0;
  bool nearest_right = false;     // it is of its own row, and the two of the row are the same
  size_t entry = 0;               // the closest of the nearest eight (cache::closeness)
  bool right = false;             // as nearest_right
  bool implied = false;           // right, or all labels taken together say that they are the same
  cache::HitFeatures features;    // of the closest
};

// Exact search by brute force, in order of the pairs.
[[nodiscard]] Result<std::vector<NearestQuestion>> ask_all(const std::vector<Pair>& pairs,
                                                           const providers::Embedder& embedder,
                                                           ThreadPool& pool);

// Jaccard of the small-letter words of two texts.
[[nodiscard]] double token_jaccard(std::string_view a, std::string_view b);

}  // namespace docmind::bench

// The features of a would-be hit as numbers for the pooled model.
// SPDX-License-Identifier: Apache-2.0
#include "cache/hit_vector.h"

#include <algorithm>
#include <cmath>

namespace docmind::cache {
namespace {

double within(double value, double low, double high) {
  return std::isfinite(value) ? std::clamp(value, low, high) : low;
}
double share(double value) { return within(value, 0, 1); }
double above(double value, double bend) { return std::max(0.0, value - bend); }
double whole(double value) { return value >= 1 - 1e-9 ? 1 : 0; }

}  // namespace

HitVector hit_vector(const HitFeatures& features) {
  const double similarity = within(features.similarity, -1, 1);
  const double margin = within(features.margin, 0, 1);
  const double words = share(features.word_overlap);
  const TextLikeness& like = features.likeness;
  const double topics = share(like.topic_overlap);
  const double rare = share(like.rare_overlap);
  const double grams = share(like.trigram_overlap);
  const double order = share(like.order_agreement);
  const double verbatim = share(like.verbatim);
  const double n_topics = share(like.n_topics);
  const double same_words = whole(words) * whole(order);
  const bool known = features.evidence_agreement >= 0;
  HitVector vector{similarity, above(similarity, 0.8), above(similarity, 0.95),
                   std::min(margin, 0.05), std::min(margin, 0.15), margin,
                   words, whole(words), topics, whole(topics), rare, above(rare, 0.8),
                   grams, above(grams, 0.8), order, whole(order), verbatim, above(verbatim, 0.7),
                   share(features.length_ratio), share(like.asks_alike),
                   n_topics, n_topics * same_words, same_words, above(n_topics, 0.75),
                   same_words * std::min(margin, 0.1), same_words * above(verbatim, 0.5),
                   known ? 1.0 : 0.0, known ? share(features.evidence_agreement) : 0.0,
                   features.guards_fired != 0 ? 1.0 : 0.0};
  size_t at = kHitFeatures - kGuardCount - kWordingChangeCount;
  for (size_t guard = 0; guard < kGuardCount; ++guard) {
    vector[at++] = (features.guards_fired >> guard) & 1;
  }
  for (const uint8_t n : like.changes) vector[at++] = std::min<double>(n, 3);
  return vector;
}

}  // namespace docmind::cache

// Calibration from labelled question pairs: what `docmind cache calibrate` computes.
// SPDX-License-Identifier: Apache-2.0
#include "cache/calibrate_pairs.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "cache/normalise_question.h"

namespace docmind::cache {
namespace {

constexpr size_t kMaxPairs = 50'000;
constexpr size_t kBatch = 64;
constexpr size_t kCandidates = 8;

// Questions of one normal form are one entry, as the exact cache makes them one.
struct Entries {
  std::vector<std::string_view> texts;
  std::vector<size_t> of_pair;
  std::unordered_map<std::string, size_t> by_form;
};

Entries entries_of(std::span<const LabelledPair> pairs) {
  Entries entries;
  for (const LabelledPair& pair : pairs) {
    const auto [place, is_new] =
        entries.by_form.emplace(normalise_question(pair.question), entries.texts.size());
    if (is_new) entries.texts.push_back(pair.question);
    entries.of_pair.push_back(place->second);
  }
  return entries;
}

// Rows of unit length; rows without a direction stay zero.
Result<std::vector<float>> embed_all(std::span<const std::string_view> texts, size_t dimension,
                                     const EmbedTexts& embed) {
  std::vector<float> values(texts.size() * dimension);
  for (size_t at = 0; at < texts.size(); at += kBatch) {
    const size_t n = std::min(kBatch, texts.size() - at);
    DM_TRY(embed(texts.subspan(at, n), std::span(values).subspan(at * dimension, n * dimension)));
  }
  for (size_t at = 0; at < values.size(); at += dimension) {
    double square = 0;
    for (size_t k = 0; k < dimension; ++k) square += double{values[at + k]} * values[at + k];
    if (!(square > 0) || !std::isfinite(square)) continue;
    const auto scale = static_cast<float>(1 / std::sqrt(square));
    for (size_t k = 0; k < dimension; ++k) values[at + k] *= scale;
  }
  return values;
}

struct Candidate {
  float similarity = 0;
  size_t entry = 0;
};

// Nearest first.
std::vector<Candidate> nearest(std::span<const float> asked, const std::vector<float>& inserted) {
  const auto farther = [](const Candidate& a, const Candidate& b) {
    return a.similarity > b.similarity;
  };
  std::vector<Candidate> heap;  // the farthest on top
  for (size_t entry = 0; entry * asked.size() < inserted.size(); ++entry) {
    const float* row = inserted.data() + entry * asked.size();
    float sum = 0;
    for (size_t k = 0; k < asked.size(); ++k) sum += asked[k] * row[k];
    if (heap.size() == kCandidates) {
      if (sum <= heap.front().similarity) continue;
      std::pop_heap(heap.begin(), heap.end(), farther);
      heap.pop_back();
    }
    heap.push_back({sum, entry});
    std::push_heap(heap.begin(), heap.end(), farther);
  }
  std::sort_heap(heap.begin(), heap.end(), farther);
  return heap;
}

struct Closest {
  size_t entry = 0;
  HitFeatures features;
};

Closest closest_of(std::string_view asked, const std::vector<Candidate>& candidates,
                   const std::vector<std::string_view>& texts) {
  Closest closest;
  double best = -1;
  double rival = 0;
  for (const Candidate& candidate : candidates) {
    const GuardVerdict verdict = QuestionGuards::compare(asked, texts[candidate.entry]);
    const double close = closeness(candidate.similarity, verdict);
    if (close <= best) {
      rival = std::max(rival, close);
      continue;
    }
    rival = std::max(rival, best);
    best = close;
    closest.entry = candidate.entry;
    closest.features = {.similarity = candidate.similarity, .margin = 0,
                        .word_overlap = verdict.word_overlap,
                        .length_ratio = verdict.length_ratio, .evidence_agreement = -1,
                        .guards_fired = verdict.fired, .likeness = verdict.likeness};
  }
  closest.features.margin = std::max(0.0, best - rival);
  return closest;
}

}  // namespace

Result<PairCalibration> calibrate_pairs(std::span<const LabelledPair> pairs, size_t dimension,
                                        const EmbedTexts& embed,
                                        const CalibratorOptions& options) {
  if (pairs.empty() || pairs.size() > kMaxPairs || dimension == 0) {
    return Error{ErrorCode::kInvalidArgument,
                 "calibrating takes 1 to " + std::to_string(kMaxPairs) + " pairs and vectors of 1 "
                 "dimension or more, here are " + std::to_string(pairs.size()) + " pairs and " +
                     std::to_string(dimension) + " dimensions"};
  }
  const Entries entries = entries_of(pairs);
  std::vector<std::string_view> asked;
  for (const LabelledPair& pair : pairs) asked.push_back(pair.other);
  DM_ASSIGN(const std::vector<float> inserted, embed_all(entries.texts, dimension, embed));
  DM_ASSIGN(const std::vector<float> vectors, embed_all(asked, dimension, embed));

  PairCalibration result;
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (entries.by_form.contains(normalise_question(pairs[i].other))) {
      ++result.n_exact;
      continue;
    }
    const auto near = nearest(std::span(vectors).subspan(i * dimension, dimension), inserted);
    const Closest closest = closest_of(pairs[i].other, near, entries.texts);
    result.observations.push_back({.entry_id = 0, .features = closest.features,
                                   .same = pairs[i].same && closest.entry == entries.of_pair[i],
                                   .source = Observation::Source::kPair, .at_unix_ms = 0});
  }
  CalibratorOptions once = options;
  once.n_refit = result.observations.size() + 1;
  Calibrator calibrator(once);
  calibrator.add(result.observations);
  calibrator.fit();
  result.report = calibrator.report();
  return result;
}

}  // namespace docmind::cache

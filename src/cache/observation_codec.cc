// The bytes of a judged hit as the answer directory keeps it.
// SPDX-License-Identifier: Apache-2.0
#include "cache/observation_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include "base/hash.h"

namespace docmind::cache {
namespace {

constexpr uint64_t kObservationVersion = 1;
constexpr size_t kObservationChecksumBytes = 8;

void append_number(std::string& bytes, uint64_t value, size_t n_bytes) {
  for (size_t i = 0; i < n_bytes; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
}

// Takes the number from the front of `bytes`, which must be long enough.
uint64_t take_number(std::string_view& bytes, size_t n_bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < n_bytes; ++i) {
    value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  }
  bytes.remove_prefix(n_bytes);
  return value;
}

// A feature that is added belongs into the bytes too, with a new version.
static_assert(sizeof(HitFeatures) == 120 && sizeof(TextLikeness) == 72);
constexpr size_t kObservationNumbers = 12;

// `Features` is const or not.
template <typename Features>
auto numbers_of(Features& features) {
  auto& likeness = features.likeness;
  return std::array{&features.similarity,      &features.margin,         &features.word_overlap,
                    &features.length_ratio,    &features.evidence_agreement, &likeness.topic_overlap,
                    &likeness.rare_overlap,    &likeness.order_agreement,  &likeness.trigram_overlap,
                    &likeness.verbatim,        &likeness.asks_alike,       &likeness.n_topics};
}

bool all_finite(const HitFeatures& features) {
  const auto numbers = numbers_of(features);
  return std::all_of(numbers.begin(), numbers.end(), [](const double* x) { return std::isfinite(*x); });
}

static_assert(kObservationBytes == 1 + 8 + 8 * kObservationNumbers + kWordingChangeCount + 3 + 8 +
                                       kObservationChecksumBytes);

}  // namespace

Result<std::string> encode_observation(const Observation& observation) {
  if (!all_finite(observation.features)) {
    return Error{ErrorCode::kInvalidArgument,
                 "a judged hit has a feature that is not a finite number (similarity " +
                     std::to_string(observation.features.similarity) + ")"};
  }
  std::string bytes;
  bytes.reserve(kObservationBytes);
  append_number(bytes, kObservationVersion, 1);
  append_number(bytes, static_cast<uint64_t>(observation.entry_id), 8);
  const HitFeatures& features = observation.features;
  for (const double* x : numbers_of(features)) append_number(bytes, std::bit_cast<uint64_t>(*x), 8);
  for (const uint8_t n : features.likeness.changes) append_number(bytes, n, 1);
  append_number(bytes, features.guards_fired, 1);
  append_number(bytes, observation.same ? 1 : 0, 1);
  append_number(bytes, static_cast<uint64_t>(observation.source), 1);
  append_number(bytes, static_cast<uint64_t>(observation.at_unix_ms), 8);
  append_number(bytes, hash64(bytes), kObservationChecksumBytes);
  return bytes;
}

Result<Observation> decode_observation(std::string_view bytes) {
  const Error malformed{ErrorCode::kMalformed, "the bytes of a judged hit are damaged"};
  if (bytes.size() != kObservationBytes) return malformed;
  std::string_view checksum = bytes.substr(kObservationBytes - kObservationChecksumBytes);
  bytes.remove_suffix(kObservationChecksumBytes);
  if (take_number(checksum, kObservationChecksumBytes) != hash64(bytes)) return malformed;
  if (take_number(bytes, 1) != kObservationVersion) return malformed;
  Observation observation;
  observation.entry_id = static_cast<int64_t>(take_number(bytes, 8));
  HitFeatures& features = observation.features;
  for (double* x : numbers_of(features)) *x = std::bit_cast<double>(take_number(bytes, 8));
  for (uint8_t& n : features.likeness.changes) n = static_cast<uint8_t>(take_number(bytes, 1));
  features.guards_fired = static_cast<uint8_t>(take_number(bytes, 1));
  const uint64_t same = take_number(bytes, 1);
  const uint64_t source = take_number(bytes, 1);
  observation.same = same == 1;
  observation.source = static_cast<Observation::Source>(source);
  observation.at_unix_ms = static_cast<int64_t>(take_number(bytes, 8));
  constexpr auto kLastSource = static_cast<uint64_t>(Observation::Source::kFeedback);
  if (same > 1 || source > kLastSource || !all_finite(features)) return malformed;
  return observation;
}

}  // namespace docmind::cache

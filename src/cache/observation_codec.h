// The bytes of a judged hit as the answer directory keeps it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "cache/calibrator.h"

namespace docmind::cache {

// A version, every field in little-endian form, a checksum: always kObservationBytes. kInvalidArgument when
// a feature is not finite.
[[nodiscard]] Result<std::string> encode_observation(const Observation& observation);
// kMalformed for any other bytes.
[[nodiscard]] Result<Observation> decode_observation(std::string_view bytes);

inline constexpr size_t kObservationBytes = 140;

}  // namespace docmind::cache

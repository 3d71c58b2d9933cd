// Scalar twins for sealed pages of the KV cache: codes, sealing, reading, and the transform of values.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/ref/kv_page.h"

#include <algorithm>
#include <cmath>

#include "kernels/half.h"
#include "kernels/seal_fit.h"

namespace docmind::kernels::ref {
namespace {

Half load_half(const std::byte* at, int64_t i) {
  Half value;
  __builtin_memcpy(&value, at + i * static_cast<int64_t>(sizeof(Half)), sizeof(Half));
  return value;
}
void store_half(std::byte* at, int64_t i, Half value) {
  __builtin_memcpy(at + i * static_cast<int64_t>(sizeof(Half)), &value, sizeof(Half));
}

void or_byte(std::byte* at, int bits) { *at |= static_cast<std::byte>(bits); }

float nearest_code(float value, int bits) {
  return std::nearbyint(std::min(std::max(value, 0.0f), most_code(bits)));
}

float round_to_half(float x) {
  return half_to_float(float_to_half(std::clamp(x, -kLargestHalf, kLargestHalf)));
}

float finite(Half half) {
  const float x = half_to_float(half);
  return std::isnan(x) ? 0 : std::clamp(x, -kLargestHalf, kLargestHalf);
}

const Half* exact_row(const KvSealJob& job, int64_t head, int64_t token, size_t part_offset) {
  const std::byte* part =
      job.blocks[token / kKvBlockTokens] + static_cast<size_t>(head) * job.head_stride + part_offset;
  return reinterpret_cast<const Half*>(part) + token % kKvBlockTokens * job.shape.head_dim;
}

// Codes of keys in a group of tokens: key = min + scale * code.
struct Line {
  float scale = 0;
  float min = 0;

  [[nodiscard]] float position(float x) const { return (x - min) * (scale > 0 ? 1 / scale : 0); }
};

Line range_line(const float* x, int64_t n, int bits) {
  const auto [low, high] = std::minmax_element(x, x + n);
  const float range = *high - *low, span = range * key_span(bits);
  return {round_to_half(span / most_code(bits)), round_to_half(*low + (range - span) * 0.5f)};
}

// The least squares line for the codes nearest to `line`. Sums are of the distances to the codes, in steps,
// so that floats suffice however far the keys are from 0.
Line refitted(const float* x, int64_t n, Line line, int bits) {
  float sum_c = 0, sum_cc = 0, sum_r = 0, sum_rc = 0;
  for (int64_t i = 0; i < n; ++i) {
    const float at = line.position(x[i]), code = nearest_code(at, bits), rest = at - code;
    sum_c += code;
    sum_cc += code * code;
    sum_r += rest;
    sum_rc += rest * code;
  }
  const float count = static_cast<float>(n), spread = count * sum_cc - sum_c * sum_c;
  if (!(spread > 0)) return line;  // one code for all
  const float slope = (count * sum_rc - sum_c * sum_r) / spread;
  const float offset = (sum_r - slope * sum_c) / count;
  return {round_to_half(line.scale + line.scale * slope), round_to_half(line.min + line.scale * offset)};
}

Line seal_channel(const float* x, int64_t n, int bits, int* codes) {
  Line line = range_line(x, n, bits);
  for (int i = 0; i < refits(bits); ++i) line = refitted(x, n, line, bits);
  for (int64_t i = 0; i < n; ++i) codes[i] = static_cast<int>(nearest_code(line.position(x[i]), bits));
  return line;
}

void seal_keys(const KvSealJob& job, int64_t head) {
  const KvHeadParts<std::byte> to = kv_head_parts(job.shape, job.page, job.layer, head);
  const int64_t d = job.shape.head_dim, group = job.shape.key_group;
  std::fill_n(to.key_codes, kv_code_bytes(job.shape, to.key_bits), std::byte{});
  float x[kKvPageTokens];
  int codes[kKvPageTokens];
  for (int64_t first = 0; first < kKvPageTokens; first += group) {
    std::byte* params = to.key_params + first / group * 2 * d * static_cast<int64_t>(sizeof(Half));
    for (int64_t c = 0; c < d; ++c) {
      for (int64_t t = 0; t < group; ++t) x[t] = finite(exact_row(job, head, first + t, job.k_offset)[c]);
      const Line line = seal_channel(x, group, to.key_bits, codes);
      store_half(params, c, float_to_half(line.scale));
      store_half(params, d + c, float_to_half(line.min));
      for (int64_t t = 0; t < group; ++t) set_kv_code(to.key_codes, to.key_bits, kv_key_index(first + t, c), codes[t]);
    }
  }
}

// Codes of a token's values in a group of channels, value = step * (code - most / 2); returns the step.
float seal_group(const float* x, int64_t n, int bits, int* codes) {
  float peak = 0;
  for (int64_t i = 0; i < n; ++i) peak = std::max(peak, std::fabs(x[i]));
  const float middle = most_code(bits) * 0.5f;
  float step = round_to_half(peak * (value_span(bits) / middle));
  const auto code_of = [&](float value) { return nearest_code(value * (step > 0 ? 1 / step : 0) + middle, bits); };
  for (int round = 0; step > 0 && round < refits(bits); ++round) {
    float sum_xc = 0, sum_cc = 0;
    for (int64_t i = 0; i < n; ++i) {
      const float code = code_of(x[i]) - middle;  // never 0, so the sum of squares is not
      sum_xc += x[i] * code;
      sum_cc += code * code;
    }
    step = round_to_half(sum_xc / sum_cc);
  }
  for (int64_t i = 0; i < n; ++i) codes[i] = static_cast<int>(code_of(x[i]));
  return step;
}

void seal_values(const KvSealJob& job, int64_t head_begin, int64_t head_end) {
  const int64_t d = job.shape.head_dim, group = job.shape.value_group;
  for (int64_t h = head_begin; h < head_end; ++h) {
    const KvHeadParts<std::byte> to = kv_head_parts(job.shape, job.page, job.layer, h);
    std::fill_n(to.value_codes, kv_code_bytes(job.shape, to.value_bits), std::byte{});
  }
  float x[kMaxValueGroup];
  int codes[kMaxValueGroup];
  for (int64_t first = head_begin * d; first < head_end * d; first += group) {
    for (int64_t t = 0; t < kKvPageTokens; ++t) {
      for (int64_t i = 0; i < group; ++i) {
        x[i] = finite(exact_row(job, (first + i) / d, t, job.v_offset)[(first + i) % d]);
      }
      const KvHeadParts<std::byte> any = kv_head_parts(job.shape, job.page, job.layer, head_begin);
      const float step = seal_group(x, group, any.value_bits, codes);
      store_half(any.value_scales, first / group * kKvPageTokens + t, float_to_half(step));
      for (int64_t i = 0; i < group; ++i) {
        const int64_t head = (first + i) / d, channel = (first + i) % d;
        const KvHeadParts<std::byte> to = kv_head_parts(job.shape, job.page, job.layer, head);
        set_kv_code(to.value_codes, to.value_bits, kv_value_index(d, t, channel), codes[i]);
      }
    }
  }
}

}  // namespace

void hadamard(float* x, int64_t n, int64_t block) {
  const float norm = 1 / std::sqrt(static_cast<float>(block));
  for (int64_t start = 0; start < n; start += block) {
    float* v = x + start;
    for (int64_t half = 1; half < block; half *= 2) {
      for (int64_t i = 0; i < block; i += 2 * half) {
        for (int64_t j = i; j < i + half; ++j) {
          const float a = v[j], b = v[j + half];
          v[j] = a + b;
          v[j + half] = a - b;
        }
      }
    }
    for (int64_t i = 0; i < block; ++i) v[i] *= norm;
  }
}

void seal(const KvSealJob& job, int64_t head_begin, int64_t head_end) {
  for (int64_t h = head_begin; h < head_end; ++h) seal_keys(job, h);
  seal_values(job, head_begin, head_end);
}

void set_kv_code(std::byte* codes, int bits, int64_t i, int code) {
  std::byte* unit = codes + i / 64 * kv_unit_bytes(bits);
  const int64_t k = i % 64;
  switch (bits) {
    case 8: return or_byte(unit + k, code);
    case 4: return or_byte(unit + k % 32, code << (k / 32 * 4));
    default: or_byte(unit + k % 16, (code & 3) << (k / 16 * 2));
  }
  if (bits == 3) or_byte(unit + 16 + k / 8, (code >> 2) << (k % 8));
}

int kv_code(const std::byte* codes, int bits, int64_t i) {
  const std::byte* unit = codes + i / 64 * kv_unit_bytes(bits);
  const int64_t k = i % 64;
  const auto byte = [unit](int64_t at) { return static_cast<int>(unit[at]); };
  if (bits == 8) return byte(k);
  if (bits == 4) return (byte(k % 32) >> (k / 32 * 4)) & 15;
  const int low = (byte(k % 16) >> (k / 16 * 2)) & 3;
  return bits == 2 ? low : low | ((byte(16 + k / 8) >> (k % 8)) & 1) << 2;
}

void read_sealed_key(const KvPageShape& shape, const std::byte* page, int64_t layer, int64_t head, int64_t token,
                     float* key) {
  const KvHeadParts<const std::byte> from = kv_head_parts(shape, page, layer, head);
  const int64_t d = shape.head_dim;
  const std::byte* params = from.key_params + token / shape.key_group * 2 * d * static_cast<int64_t>(sizeof(Half));
  for (int64_t c = 0; c < d; ++c) {
    const float scale = half_to_float(load_half(params, c)), min = half_to_float(load_half(params, d + c));
    key[c] = min + scale * static_cast<float>(kv_code(from.key_codes, from.key_bits, kv_key_index(token, c)));
  }
}

void read_sealed_value(const KvPageShape& shape, const std::byte* page, int64_t layer, int64_t head, int64_t token,
                       float* value) {
  const KvHeadParts<const std::byte> from = kv_head_parts(shape, page, layer, head);
  const int64_t d = shape.head_dim;
  const float middle = most_code(from.value_bits) * 0.5f;
  for (int64_t c = 0; c < d; ++c) {
    const int64_t group = (head * d + c) / shape.value_group;
    const float scale = half_to_float(load_half(from.value_scales, group * kKvPageTokens + token));
    const int code = kv_code(from.value_codes, from.value_bits, kv_value_index(d, token, c));
    value[c] = scale * (static_cast<float>(code) - middle);
  }
}

}  // namespace docmind::kernels::ref

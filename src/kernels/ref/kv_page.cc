// Scalar twins for sealed pages of the KV cache: codes, sealing, reading, and the transform of values.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/ref/kv_page.h"

#include <algorithm>
#include <cmath>

#include "kernels/half.h"

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

// Sets a code in memory that is zeros.
void set_code(std::byte* codes, int bits, int64_t i, int code) {
  std::byte* unit = codes + i / 64 * kv_unit_bytes(bits);
  const int64_t k = i % 64;
  switch (bits) {
    case 8: return or_byte(unit + k, code);
    case 4: return or_byte(unit + k % 32, code << (k / 32 * 4));
    default: or_byte(unit + k % 16, (code & 3) << (k / 16 * 2));
  }
  if (bits == 3) or_byte(unit + 16 + k / 8, (code >> 2) << (k % 8));
}

int most_code(int bits) { return (1 << bits) - 1; }

// Also of what is not a number.
int nearest_code(float value, int bits) {
  return static_cast<int>(std::nearbyint(std::fmin(std::fmax(value, 0.0f), static_cast<float>(most_code(bits)))));
}

const Half* exact_row(const KvSealJob& job, int64_t head, int64_t token, size_t part_offset) {
  const std::byte* part =
      job.blocks[token / kKvBlockTokens] + static_cast<size_t>(head) * job.head_stride + part_offset;
  return reinterpret_cast<const Half*>(part) + token % kKvBlockTokens * job.shape.head_dim;
}

// A line through the values: value = min + scale * code.
struct Line {
  float scale = 0;
  float min = 0;
};

Line rounded(Line line) {
  return {half_to_float(float_to_half(line.scale)), half_to_float(float_to_half(line.min))};
}
void code_all(const float* x, int64_t n, Line line, int bits, int* codes) {
  const float inverse = line.scale > 0 ? 1 / line.scale : 0;
  for (int64_t i = 0; i < n; ++i) codes[i] = nearest_code((x[i] - line.min) * inverse, bits);
}

// The least squares line for the codes that were chosen.
Line fitted(const float* x, int64_t n, const int* codes, Line before) {
  double sum_c = 0, sum_cc = 0, sum_x = 0, sum_cx = 0;
  for (int64_t i = 0; i < n; ++i) {
    sum_c += codes[i];
    sum_cc += codes[i] * codes[i];
    sum_x += x[i];
    sum_cx += codes[i] * static_cast<double>(x[i]);
  }
  const double spread = static_cast<double>(n) * sum_cc - sum_c * sum_c;
  if (!(spread > 0)) return before;
  const double scale = (static_cast<double>(n) * sum_cx - sum_c * sum_x) / spread;
  if (!(scale > 0)) return before;
  return {static_cast<float>(scale), static_cast<float>((sum_x - scale * sum_c) / static_cast<double>(n))};
}

// With few codes the ends of the range are too rare to span it all: where the span is cut so that a
// normal distribution loses least.
float key_span(int bits) { return bits == 2 ? 0.72f : bits == 3 ? 0.9f : 1.0f; }

void seal_channel(const float* x, int64_t n, int bits, Line& line, int* codes) {
  float low = x[0], high = x[0];
  for (int64_t i = 1; i < n; ++i) {
    low = std::fmin(low, x[i]);
    high = std::fmax(high, x[i]);
  }
  const float span = (high - low) * key_span(bits);
  line = rounded({span / static_cast<float>(most_code(bits)), low + (high - low - span) / 2});
  code_all(x, n, line, bits, codes);
  if (bits == 8) return;
  line = rounded(fitted(x, n, codes, line));
  code_all(x, n, line, bits, codes);
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
      for (int64_t t = 0; t < group; ++t) x[t] = half_to_float(exact_row(job, head, first + t, job.k_offset)[c]);
      Line line;
      seal_channel(x, group, to.key_bits, line, codes);
      store_half(params, c, float_to_half(line.scale));
      store_half(params, d + c, float_to_half(line.min));
      for (int64_t t = 0; t < group; ++t) set_code(to.key_codes, to.key_bits, kv_key_index(first + t, c), codes[t]);
    }
  }
}

// The step that loses least of a normal distribution of deviation 1 (Max 1960), but for 8 bits, where
// the range decides.
float best_step(int bits) { return bits == 2 ? 0.9957f : bits == 3 ? 0.5860f : 0.3352f; }

// Scale and codes of a token's values in one group, read by x(i) for n channels.
float seal_group(const float* x, int64_t n, int bits, int* codes) {
  float most = 0;
  double energy = 0;
  for (int64_t i = 0; i < n; ++i) {
    most = std::fmax(most, std::fabs(x[i]));
    energy += static_cast<double>(x[i]) * x[i];
  }
  const float middle = static_cast<float>(most_code(bits)) / 2;
  float step = most / (middle + 0.5f);
  if (bits < 8) step = std::fmin(step, best_step(bits) * static_cast<float>(std::sqrt(energy / static_cast<double>(n))));
  const auto code_with = [&](float scale) { code_all(x, n, {scale, -middle * scale}, bits, codes); };
  step = rounded({step}).scale;
  code_with(step);
  if (bits == 8) return step;
  double sum_xc = 0, sum_cc = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double c = codes[i] - static_cast<double>(middle);
    sum_xc += x[i] * c;
    sum_cc += c * c;
  }
  const float better = rounded({static_cast<float>(sum_xc / sum_cc)}).scale;
  if (!(better > 0)) return step;
  code_with(better);
  return better;
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
        x[i] = half_to_float(exact_row(job, (first + i) / d, t, job.v_offset)[(first + i) % d]);
      }
      const KvHeadParts<std::byte> any = kv_head_parts(job.shape, job.page, job.layer, head_begin);
      const float step = seal_group(x, group, any.value_bits, codes);
      store_half(any.value_scales, first / group * kKvPageTokens + t, float_to_half(step));
      for (int64_t i = 0; i < group; ++i) {
        const int64_t head = (first + i) / d, channel = (first + i) % d;
        const KvHeadParts<std::byte> to = kv_head_parts(job.shape, job.page, job.layer, head);
        set_code(to.value_codes, to.value_bits, kv_value_index(d, t, channel), codes[i]);
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
  const float middle = static_cast<float>(most_code(from.value_bits)) / 2;
  for (int64_t c = 0; c < d; ++c) {
    const int64_t group = (head * d + c) / shape.value_group;
    const float scale = half_to_float(load_half(from.value_scales, group * kKvPageTokens + token));
    const int code = kv_code(from.value_codes, from.value_bits, kv_value_index(d, token, c));
    value[c] = scale * (static_cast<float>(code) - middle);
  }
}

}  // namespace docmind::kernels::ref

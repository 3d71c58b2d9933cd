// VectorMatrix: many int8 vectors in one block, as stored and as searched.
// SPDX-License-Identifier: Apache-2.0
#include "index/vector_matrix.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace docmind::index {
namespace {

constexpr float kMaxCode = 127.0f;

// Scale and codes of a row. A row that is all zero (or too small for a float scale) or holds a value
// that is not finite has scale 0 and codes 0: it is near to nothing.
float quantize(std::span<const float> values, int8_t* codes) {
  float peak = 0;
  bool finite = true;
  for (const float value : values) {
    finite = finite && std::isfinite(value);
    peak = std::max(peak, std::fabs(value));
  }
  const float scale = peak / kMaxCode;
  if (!finite || !(scale > 0)) {
    std::fill_n(codes, values.size(), int8_t{0});
    return 0;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    codes[i] = static_cast<int8_t>(std::lround(std::clamp(values[i] / scale, -kMaxCode, kMaxCode)));
  }
  return scale;
}

}  // namespace

std::string encode_vector(std::span<const float> values) {
  std::string bytes(sizeof(float) + values.size(), '\0');
  const float scale = quantize(values, reinterpret_cast<int8_t*>(bytes.data() + sizeof(float)));
  std::memcpy(bytes.data(), &scale, sizeof(scale));
  return bytes;
}

Result<EncodedVector> view_vector(std::string_view bytes, size_t dimension) {
  if (bytes.size() != sizeof(float) + dimension) {
    return Error{ErrorCode::kMalformed, "the vector has " + std::to_string(bytes.size()) + " bytes, expected " +
                                            std::to_string(sizeof(float) + dimension)};
  }
  EncodedVector vector;
  std::memcpy(&vector.scale, bytes.data(), sizeof(vector.scale));
  if (!std::isfinite(vector.scale) || vector.scale < 0) {
    return Error{ErrorCode::kMalformed, "the vector has the scale " + std::to_string(vector.scale) +
                                            ", which is not a finite positive number"};
  }
  vector.codes = {reinterpret_cast<const int8_t*>(bytes.data() + sizeof(float)), dimension};
  return vector;
}

Status decode_vector(std::string_view bytes, std::span<float> out) {
  VectorMatrix one(out.size());
  DM_TRY(one.append(0, bytes));
  one.decode(0, out);
  return {};
}

void VectorMatrix::decode(size_t row, std::span<float> out) const {
  const std::span<const int8_t> from = codes(row);
  for (size_t i = 0; i < out.size(); ++i) out[i] = scales_[row] * static_cast<float>(from[i]);
}

void VectorMatrix::reserve(size_t n_rows) {
  ids_.reserve(n_rows);
  scales_.reserve(n_rows);
  codes_.reserve(n_rows * dimension_);
}

Status VectorMatrix::append(int64_t id, std::string_view encoded) {
  auto row = view_vector(encoded, dimension_);
  if (!row.ok()) return std::move(row).error().with_context("chunk " + std::to_string(id));
  ids_.push_back(id);
  scales_.push_back(row->scale);
  codes_.insert(codes_.end(), row->codes.begin(), row->codes.end());
  return {};
}

QuantizedQuery quantize_query(std::span<const float> values) {
  QuantizedQuery query;
  query.codes.resize(values.size());
  query.scale = quantize(values, query.codes.data());
  return query;
}

double inner_product(float scale_a, std::span<const int8_t> a, float scale_b,
                     std::span<const int8_t> b) {
  return static_cast<double>(dot_int8(a, b)) * scale_a * scale_b;
}

// One source, compiled for several instruction sets; the loader picks the best at start. Sanitizers
// cannot run before the loader's choice, so their builds take the portable form.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
__attribute__((target_clones("arch=icelake-server", "avx2", "default"), optimize("O3")))
#endif
int32_t dot_int8(std::span<const int8_t> a, std::span<const int8_t> b) {
  int32_t sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<int32_t>(a[i]) * b[i];
  return sum;
}

}  // namespace docmind::index

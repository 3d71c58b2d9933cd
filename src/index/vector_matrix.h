// VectorMatrix: many int8 vectors in one block, as stored and as searched.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace docmind::index {

// A row on disk: little-endian f32 scale, then `dimension` int8 codes; value[i] = scale * code[i].
// Values that are not finite make the whole row zero. A quarter of the bytes of f32; the dot product of
// two unit vectors is off by about 0.002.
[[nodiscard]] std::string encode_vector(std::span<const float> values);

// What lies in such bytes, not copied.
struct EncodedVector {
  float scale = 0;
  std::span<const int8_t> codes;  // [dimension]
};
// kMalformed when the size is not that of the dimension, or the scale is negative or not finite.
[[nodiscard]] Result<EncodedVector> view_vector(std::string_view bytes, size_t dimension);
// kMalformed when the size does not fit `out` or the scale is negative or not finite.
Status decode_vector(std::string_view bytes, std::span<float> out);

// Rows of one dimension with the chunk id of each. Values only; safe to read from many threads.
class VectorMatrix {
 public:
  VectorMatrix() = default;
  explicit VectorMatrix(size_t dimension) : dimension_(dimension) {}

  size_t dimension() const { return dimension_; }
  size_t n_rows() const { return ids_.size(); }
  int64_t id(size_t row) const { return ids_[row]; }
  std::span<const int64_t> ids() const { return ids_; }
  float scale(size_t row) const { return scales_[row]; }
  // [dimension]
  std::span<const int8_t> codes(size_t row) const {
    return {codes_.data() + row * dimension_, dimension_};
  }
  // The row as floats, [dimension].
  void decode(size_t row, std::span<float> out) const;

  void reserve(size_t n_rows);
  // Appends a row in its disk form; kMalformed like decode_vector(), and nothing is appended.
  Status append(int64_t id, std::string_view encoded);

 private:
  size_t dimension_ = 0;
  std::vector<int64_t> ids_;
  std::vector<float> scales_;   // [n_rows]
  std::vector<int8_t> codes_;   // [n_rows, dimension]
};

// A query quantized like a row, so that a scan multiplies int8 by int8.
struct QuantizedQuery {
  float scale = 0;
  std::vector<int8_t> codes;  // [dimension]
};
[[nodiscard]] QuantizedQuery quantize_query(std::span<const float> values);

// sum of a[i] * b[i], equal sizes; exact in int32 below 131,072 dimensions.
[[nodiscard]] int32_t dot_int8(std::span<const int8_t> a, std::span<const int8_t> b);

// The inner product of two quantized rows; in double, where no two finite scales overflow.
[[nodiscard]] double inner_product(float scale_a, std::span<const int8_t> a, float scale_b,
                                   std::span<const int8_t> b);

}  // namespace docmind::index

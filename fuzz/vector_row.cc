// Fuzzes rows of vectors as a store holds them: refused, or decoded to finite values.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "fuzz/check.h"
#include "index/vector_matrix.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace docmind;
  if (size == 0) return 0;
  const size_t dimension = data[0] % 32;
  const std::string_view row = fuzz::as_text(data + 1, size - 1);
  std::vector<float> values(dimension);
  const bool decoded = index::decode_vector(row, values).ok();
  index::VectorMatrix matrix(dimension);
  fuzz::require(matrix.append(1, row).ok() == decoded, "both ways in agree");
  fuzz::require(matrix.n_rows() == (decoded ? 1U : 0U), "a refused row is not there");
  if (!decoded) return 0;
  std::vector<float> same(dimension);
  matrix.decode(0, same);
  fuzz::require(same == values, "both ways out agree");
  const index::QuantizedQuery query = index::quantize_query(values);
  fuzz::require(std::isfinite(index::inner_product(matrix.scale(0), matrix.codes(0), query.scale,
                                                   query.codes)),
                "scores are finite");
  std::vector<float> again(dimension);
  fuzz::require(index::decode_vector(index::encode_vector(values), again).ok(),
                "a row of our own decodes");
  return 0;
}

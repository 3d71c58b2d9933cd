// Property: a matrix that is quantized while it is packed, in pieces, is the quantized matrix packed whole.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "kernels/half.h"
#include "model/matrix_packer.h"
#include "support/random_blocks.h"

namespace docmind {
namespace {

using kernels::TensorType;

struct Case {
  TensorType from = TensorType::kF32, to = TensorType::kQ8_0;
  int64_t rows = 1, cols = 32;
  std::vector<float> values;    // exact in `from`
  std::vector<std::byte> data;  // the same as a file has them

  void set(size_t i, float value) {
    uint16_t half = 0;
    if (from == TensorType::kF16) half = kernels::float_to_half(value);
    if (from == TensorType::kBF16) half = static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16);
    if (from == TensorType::kF32) std::memcpy(data.data() + i * 4, &value, 4);
    else std::memcpy(data.data() + i * 2, &half, 2);
    values[i] = from == TensorType::kF32   ? value
                : from == TensorType::kF16 ? kernels::half_to_float(half)
                                           : kernels::bfloat16_to_float(half);
  }
  [[nodiscard]] model::MatrixSource source() const { return {from, rows, cols, data.data()}; }
};

Case any_case() {
  Case drawn;
  drawn.from = *rc::gen::element(TensorType::kF32, TensorType::kF16, TensorType::kBF16);
  drawn.to = *rc::gen::element(TensorType::kQ8_0, TensorType::kQ4_0);
  drawn.rows = *rc::gen::inRange(1, 70);
  drawn.cols = 32 * *rc::gen::inRange(1, 9);
  const auto n = static_cast<size_t>(drawn.rows * drawn.cols);
  drawn.values.resize(n);
  drawn.data.resize(n * (drawn.from == TensorType::kF32 ? 4 : 2));
  test::Random random(*rc::gen::arbitrary<uint64_t>());
  for (size_t i = 0; i < n; ++i) drawn.set(i, random.gauss() / 16);
  return drawn;
}

std::vector<std::byte> packed_whole(const Case& given, const kernels::KernelTable& table) {
  std::vector<std::byte> blocks(static_cast<size_t>(given.rows) *
                                kernels::row_bytes(kernels::tensor_type_info(given.to), given.cols));
  const auto scratch = std::move(AlignedBuffer::allocate(kernels::quantize_scratch_bytes(given.cols))).value();
  RC_ASSERT(table.quantize_rows({.type = given.to, .x = given.values.data(), .n_rows = given.rows, .cols = given.cols,
                                 .out = blocks.data()}, scratch.data()));
  std::vector<std::byte> panels(kernels::packed_bytes(given.to, given.rows, given.cols));
  kernels::pack_panels(given.to, given.rows, given.cols, blocks.data(), 0, (given.rows + 15) / 16, panels.data());
  return panels;
}

const kernels::KernelTable& best_table() { return **kernels::kernel_table_named("auto"); }

void pieces_make_up_the_whole() {
  const Case given = any_case();
  ThreadTeam team(static_cast<size_t>(*rc::gen::inRange(1, 4)));
  model::MatrixPacker packer(best_table(), team);
  RC_ASSERT(packer.allocate(given.cols).ok());
  const int64_t n_panels = (given.rows + 15) / 16, step = *rc::gen::inRange<int64_t>(1, n_panels + 1);
  std::vector<std::byte> panels(kernels::packed_bytes(given.to, given.rows, given.cols));
  for (int64_t begin = 0; begin < n_panels; begin += step) {
    RC_ASSERT(packer.pack(given.source(), given.to, begin, std::min(begin + step, n_panels), panels.data()));
  }
  RC_ASSERT(panels == packed_whole(given, best_table()));
}

void finds_a_number_that_is_not_finite() {
  Case given = any_case();
  const float bad = *rc::gen::element(std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                                      -std::numeric_limits<float>::infinity());
  given.set(*rc::gen::inRange<size_t>(0, given.values.size()), bad);
  ThreadTeam team(2);
  model::MatrixPacker packer(best_table(), team);
  RC_ASSERT(packer.allocate(given.cols).ok());
  std::vector<std::byte> panels(kernels::packed_bytes(given.to, given.rows, given.cols));
  RC_ASSERT(!packer.pack(given.source(), given.to, 0, (given.rows + 15) / 16, panels.data()));
}

TEST(MatrixPacker, PiecesMakeUpTheWhole) { EXPECT_TRUE(rc::check(pieces_make_up_the_whole)); }

TEST(MatrixPacker, FindsANumberThatIsNotFinite) { EXPECT_TRUE(rc::check(finds_a_number_that_is_not_finite)); }

}  // namespace
}  // namespace docmind

// Random matrices: every bit pattern that a file may hold, with scales that keep values near one.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/random_matrix.h"

#include <cstring>
#include <random>

#include "kernels/half.h"

namespace docmind::test {
namespace {

using kernels::TensorType;

void put_half(std::byte* at, float value) {
  const kernels::Half bits = kernels::float_to_half(value);
  std::memcpy(at, &bits, sizeof bits);
}

// Codes are random already; scales must not be.
void put_scales(TensorType type, std::byte* block, std::mt19937& random) {
  std::uniform_real_distribution<float> spread(-0.02f, 0.02f);
  switch (type) {
    case TensorType::kF32: {
      const float value = spread(random) * 50;
      std::memcpy(block, &value, sizeof value);
      break;
    }
    case TensorType::kF16: put_half(block, spread(random) * 50); break;
    case TensorType::kBF16: {
      const float value = spread(random) * 50;
      uint32_t bits;
      std::memcpy(&bits, &value, sizeof bits);
      const auto top = static_cast<uint16_t>(bits >> 16);
      std::memcpy(block, &top, sizeof top);
      break;
    }
    case TensorType::kQ8_0:
    case TensorType::kQ4_0: put_half(block, spread(random)); break;
    case TensorType::kQ4_K:
    case TensorType::kQ5_K:
      put_half(block, spread(random));
      put_half(block + 2, spread(random));
      break;
    case TensorType::kQ6_K: put_half(block + offsetof(kernels::BlockQ6_K, d), spread(random)); break;
  }
}

}  // namespace

RandomMatrix::RandomMatrix(TensorType tensor_type, int64_t n_rows, int64_t n_cols, uint32_t seed)
  : type(tensor_type), rows(n_rows), cols(n_cols) {
  const kernels::TensorTypeInfo info = kernels::tensor_type_info(type);
  std::mt19937 random(seed);
  file.resize(kernels::row_bytes(info, cols) * static_cast<size_t>(rows));
  for (std::byte& byte : file) byte = static_cast<std::byte>(random());
  for (size_t at = 0; at < file.size(); at += info.block_bytes) put_scales(type, file.data() + at, random);
  packed_memory = std::move(AlignedBuffer::allocate(kernels::packed_bytes(type, rows, cols))).value();
  packed = {type, rows, cols, packed_memory.data()};
  kernels::pack_panels(type, rows, cols, file.data(), 0, packed.n_panels(), packed_memory.data());
}

std::vector<float> RandomMatrix::row(int64_t r) const {
  const size_t stride = kernels::row_bytes(kernels::tensor_type_info(type), cols);
  std::vector<float> out(static_cast<size_t>(cols));
  kernels::dequantize_row(type, file.data() + static_cast<size_t>(r) * stride, cols, out.data());
  return out;
}

std::vector<TensorType> all_types() {
  return {TensorType::kF32,  TensorType::kF16,  TensorType::kBF16, TensorType::kQ8_0,
          TensorType::kQ4_0, TensorType::kQ4_K, TensorType::kQ5_K, TensorType::kQ6_K};
}

std::vector<kernels::Isa> runnable_isas() {
  std::vector<kernels::Isa> isas;
  for (const auto isa : {kernels::Isa::kScalar, kernels::Isa::kAvx2, kernels::Isa::kAvx512Vnni, kernels::Isa::kAvx512Bf16}) {
    if (kernels::kernel_table(isa).ok()) isas.push_back(isa);
  }
  return isas;
}

RandomActivations::RandomActivations(const kernels::KernelTable& kernels, int64_t n_rows, int64_t cols,
                                     bool quantized, uint32_t seed)
  : x(static_cast<size_t>(n_rows * cols)),
    memory(std::move(AlignedBuffer::allocate(kernels::activation_bytes(n_rows, cols, quantized))).value()),
    loaded(kernels::place_activations(n_rows, cols, quantized, memory.data())) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  for (float& value : x) value = normal(random);
  kernels.load_activations(x.data(), cols, 0, n_rows, loaded);
}

}  // namespace docmind::test

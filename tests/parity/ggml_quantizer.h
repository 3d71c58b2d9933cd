// GgmlQuantizer: the quantizer of llama.cpp, from the library that the oracle installs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/tensor_type.h"

namespace docmind::test {

class GgmlQuantizer {
 public:
  // Not usable() where the library is not installed; error() says why.
  GgmlQuantizer();
  ~GgmlQuantizer();
  GgmlQuantizer(const GgmlQuantizer&) = delete;
  GgmlQuantizer& operator=(const GgmlQuantizer&) = delete;

  [[nodiscard]] bool usable() const { return quantize_ != nullptr; }
  [[nodiscard]] const std::string& error() const { return error_; }

  // Rows [n_rows, cols] to blocks; `importance` is [cols] or null.
  void quantize(kernels::TensorType type, const float* x, int64_t n_rows, int64_t cols, const float* importance,
                std::vector<std::byte>& blocks) const;

 private:
  using Quantize = size_t (*)(int type, const float* x, void* blocks, int64_t start, int64_t n_rows, int64_t cols,
                              const float* importance);
  using Prepare = void (*)(int type);
  void* library_ = nullptr;
  Quantize quantize_ = nullptr;
  Prepare prepare_ = nullptr;
  std::string error_;
};

}  // namespace docmind::test

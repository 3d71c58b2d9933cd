// GgmlQuantizer: the quantizer of llama.cpp.
// SPDX-License-Identifier: Apache-2.0
#include "parity/ggml_quantizer.h"

#include <dlfcn.h>

namespace docmind::test {

GgmlQuantizer::GgmlQuantizer() {
  const char* path = DOCMIND_SOURCE_DIR
      "/tests/parity/oracle/node_modules/@node-llama-cpp/linux-x64/bins/linux-x64/libggml-base.so";
  library_ = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library_ != nullptr) {
    prepare_ = reinterpret_cast<Prepare>(dlsym(library_, "ggml_quantize_init"));
    quantize_ = reinterpret_cast<Quantize>(dlsym(library_, "ggml_quantize_chunk"));
  }
  if (prepare_ != nullptr && quantize_ != nullptr) return;
  quantize_ = nullptr;
  const char* reason = dlerror();
  error_ = reason != nullptr ? reason : "it lacks ggml_quantize_init or ggml_quantize_chunk";
}

GgmlQuantizer::~GgmlQuantizer() {
  if (library_ != nullptr) dlclose(library_);
}

void GgmlQuantizer::quantize(kernels::TensorType type, const float* x, int64_t n_rows, int64_t cols,
                             const float* importance, std::vector<std::byte>& blocks) const {
  blocks.resize(row_bytes(kernels::tensor_type_info(type), cols) * static_cast<size_t>(n_rows));
  prepare_(static_cast<int>(type));
  quantize_(static_cast<int>(type), x, blocks.data(), 0, n_rows, cols, importance);
}

}  // namespace docmind::test

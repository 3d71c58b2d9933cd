// The float twin of a quantized model, row by row.
// SPDX-License-Identifier: Apache-2.0
#include "parity/float_twin.h"

#include <span>
#include <vector>

#include "gguf/writer.h"
#include "kernels/kernels.h"

namespace docmind::test {
namespace {

Status append_rows(gguf::Writer& writer, const gguf::TensorInfo& tensor) {
  const auto type = kernels::find_tensor_type(tensor.gguf_type);
  if (!type) return Error{ErrorCode::kUnsupported, "cannot make a float twin of " + std::string(tensor.name)};
  const size_t n_bytes = kernels::row_bytes(*type, tensor.dims[0]);
  std::vector<float> row(static_cast<size_t>(tensor.dims[0]));
  for (size_t at = 0; at < tensor.data.size(); at += n_bytes) {
    kernels::dequantize_row(type->type, tensor.data.data() + at, tensor.dims[0], row.data());
    DM_TRY(writer.append(std::as_bytes(std::span(row))));
  }
  return {};
}

}  // namespace

Status write_float_twin(const gguf::File& file, const std::string& path) {
  DM_ASSIGN(gguf::Writer writer, gguf::Writer::create(path));
  for (const gguf::MetadataEntry& entry : file.metadata()) {
    if (!entry.key.starts_with("split.")) writer.add(entry);
  }
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    writer.declare({.name = std::string(tensor.name),
                    .dims = {tensor.dims, tensor.dims + tensor.n_dims},
                    .gguf_type = static_cast<uint32_t>(kernels::TensorType::kF32)});
  }
  for (const gguf::TensorInfo& tensor : file.tensors()) DM_TRY(append_rows(writer, tensor));
  return writer.finish();
}

}  // namespace docmind::test

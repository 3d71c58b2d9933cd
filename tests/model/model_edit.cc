// ModelEdit: a random model with something changed that the model writer has no option for.
// SPDX-License-Identifier: Apache-2.0
#include "model/model_edit.h"

#include <cstring>

namespace docmind::test {
namespace {

void copy_metadata(const gguf::File& file, const ModelEdit& edit, gguf::Writer& writer) {
  for (const gguf::MetadataEntry& entry : file.metadata()) {
    if (!edit.keys.contains(std::string(entry.key))) writer.add(entry);
  }
  for (const auto& [key, add] : edit.keys) {
    if (add) add(writer, key);
  }
}

}  // namespace

ModelEdit::Tensor float_tensor(const std::string& name, int64_t rows, int64_t cols,
                               const std::function<float(int64_t, int64_t)>& at) {
  std::vector<float> values;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < cols; ++c) values.push_back(at(r, c));
  }
  std::vector<std::byte> bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return {{.name = name, .dims = {cols, rows}, .gguf_type = static_cast<uint32_t>(kernels::TensorType::kF32)},
          std::move(bytes)};
}

gguf::File open_edited_model(const ModelSpec& spec, const ModelEdit& edit, const TempFolder& folder) {
  const gguf::File file = open_random_model(spec, folder);
  const std::string path = folder.path("edited.gguf");
  gguf::Writer writer = require(gguf::Writer::create(path));
  copy_metadata(file, edit, writer);
  std::set<std::string> left_out = edit.without_tensors;
  for (const auto& [shape, bytes] : edit.tensors) left_out.insert(shape.name);
  std::vector<const gguf::TensorInfo*> kept;
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    if (left_out.contains(std::string(tensor.name))) continue;
    kept.push_back(&tensor);
    writer.declare({std::string(tensor.name), {tensor.dims, tensor.dims + tensor.n_dims}, tensor.gguf_type});
  }
  for (const auto& [shape, bytes] : edit.tensors) writer.declare(shape);
  for (const gguf::TensorInfo* tensor : kept) require(writer.append(tensor->data));
  for (const auto& [shape, bytes] : edit.tensors) require(writer.append(bytes));
  require(writer.finish());
  return require(gguf::File::open(path));
}

}  // namespace docmind::test

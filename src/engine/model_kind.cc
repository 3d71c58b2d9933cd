// What a model file is for, told by its metadata and tensors.
// SPDX-License-Identifier: Apache-2.0
#include "engine/model_kind.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/hash.h"
#include "base/text.h"

namespace docmind::engine {
namespace {

std::string_view setting_of(ModelKind kind) {
  switch (kind) {
    case ModelKind::kText: return "--model";
    case ModelKind::kEmbedding: return "--embedder";
    case ModelKind::kRerank: return "--reranker";
  }
  return "";
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::string_view model_kind_name(ModelKind kind) {
  switch (kind) {
    case ModelKind::kText: return "a language model";
    case ModelKind::kEmbedding: return "an embedder";
    case ModelKind::kRerank: return "a reranker";
  }
  return "";
}

Result<ModelKind> model_kind_of(const gguf::File& file) {
  const std::string_view architecture = file.architecture();
  if (architecture == "bert") {
    const bool classifies = file.find_tensor("cls.output.weight") != nullptr ||
                            file.find_tensor("cls.weight") != nullptr;
    return classifies ? ModelKind::kRerank : ModelKind::kEmbedding;
  }
  for (const std::string_view known : {"llama", "qwen2", "qwen3"}) {
    if (architecture == known) return ModelKind::kText;
  }
  return Error{ErrorCode::kUnsupported,
               fmt::format("'{}' has the architecture '{}'; supported are llama, qwen2, qwen3 "
                           "(language models) and bert (embedders and rerankers)",
                           printable(file.path()), printable(architecture))};
}

Status expect_model_kind(const gguf::File& file, ModelKind wanted) {
  DM_ASSIGN(const ModelKind kind, model_kind_of(file));
  if (kind == wanted) return {};
  return Error{ErrorCode::kUnsupported,
               fmt::format("'{}' is {} ({}), where {} is needed; use it with {}",
                           printable(file.path()), model_kind_name(kind),
                           printable(file.architecture()), model_kind_name(wanted),
                           setting_of(kind))};
}

std::string model_name_of(const gguf::File& file) {
  const Result<std::string_view> name = file.text_or("general.name", "");
  if (name.ok() && !trim(*name).empty()) return printable(trim(*name));
  return printable(std::filesystem::path(file.path()).stem().string());
}

std::string model_fingerprint(const gguf::File& file) {
  constexpr size_t kSampleBytes = 256;
  constexpr size_t kDigits = 12;
  FieldHasher hasher;
  hasher.add(static_cast<int64_t>(file.file_bytes()));
  for (const gguf::MetadataEntry& entry : file.metadata()) {
    hasher.add(entry.key).add(static_cast<int64_t>(entry.type)).add(as_text(entry.bytes));
    hasher.add(static_cast<int64_t>(entry.array.element)).add(as_text(entry.array.bytes));
  }
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    hasher.add(tensor.name).add(static_cast<int64_t>(tensor.gguf_type));
    for (const int64_t size : tensor.dims) hasher.add(size);
    const size_t n_bytes = tensor.data.size();
    const size_t n_sample = std::min(n_bytes, kSampleBytes);
    for (const size_t at : {size_t{0}, (n_bytes - n_sample) / 2, n_bytes - n_sample}) {
      hasher.add(as_text(tensor.data.subspan(at, n_sample)));
    }
    file.drop(tensor);  // around each sample the system maps far more, which would be ours while weights are packed
  }
  return to_hex(hasher.finish()).substr(0, kDigits);
}

}  // namespace docmind::engine

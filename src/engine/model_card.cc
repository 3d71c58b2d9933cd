// ModelCard: what a model file says of itself, for those who list models.
// SPDX-License-Identifier: Apache-2.0
#include "engine/model_card.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/text.h"
#include "gguf/file.h"
#include "kernels/tensor_type.h"

namespace docmind::engine {
namespace {

// The type that most parameters have; norms and the like are few.
std::string dominant_type(const gguf::File& file) {
  std::map<uint32_t, int64_t> n_elements;
  for (const gguf::TensorInfo& tensor : file.tensors()) n_elements[tensor.gguf_type] += tensor.n_elements();
  const auto most = std::max_element(n_elements.begin(), n_elements.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == n_elements.end()) return {};
  const std::string_view name = kernels::gguf_type_name(most->first);
  return name.empty() ? fmt::format("type {}", most->first) : std::string(name);
}

int64_t number_of(const gguf::File& file, std::string_view key) {
  const Result<int64_t> value = file.integer(fmt::format("{}.{}", file.architecture(), key));
  return value.ok() ? *value : 0;
}

}  // namespace

Result<ModelCard> read_model_card(const std::string& path) {
  DM_ASSIGN(const gguf::File file, gguf::File::open(path));
  ModelCard card;
  card.architecture = to_valid_utf8(file.architecture());
  card.type = dominant_type(file);
  const Result<std::string_view> chat_template = file.text_or("tokenizer.chat_template", "");
  if (chat_template.ok()) card.chat_template = to_valid_utf8(*chat_template);
  for (const gguf::TensorInfo& tensor : file.tensors()) card.n_parameters += tensor.n_elements();
  card.n_bytes = static_cast<int64_t>(file.file_bytes());
  card.n_context = number_of(file, "context_length");
  card.n_embedding = number_of(file, "embedding_length");
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) {
    card.modified_ms = static_cast<int64_t>(status.st_mtim.tv_sec) * 1'000 + status.st_mtim.tv_nsec / 1'000'000;
  }
  return card;
}

}  // namespace docmind::engine

// ModelCard: what a model file says of itself, for those who list models.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace docmind::engine {

struct ModelCard {
  std::string architecture;   // "qwen3"
  std::string type;           // of most of its weights: "Q4_K"
  std::string chat_template;  // empty: none
  int64_t n_parameters = 0;
  int64_t n_bytes = 0;        // of all its files
  int64_t n_context = 0, n_embedding = 0;  // 0: it does not say
  int64_t modified_ms = 0;    // unix
};
// Opens the file and reads its head. Texts are valid UTF-8. Errors as gguf::File::open.
[[nodiscard]] Result<ModelCard> read_model_card(const std::string& path);

}  // namespace docmind::engine

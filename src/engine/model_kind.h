// What a model file is for, told by its metadata and tensors.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "gguf/file.h"

namespace docmind::engine {

enum class ModelKind { kText, kEmbedding, kRerank };
[[nodiscard]] std::string_view model_kind_name(ModelKind kind);  // "a language model"

// kUnsupported names the file and its architecture when it is none of the three.
[[nodiscard]] Result<ModelKind> model_kind_of(const gguf::File& file);
// kUnsupported says what the file is and which setting wants such a file, unless it is `wanted`.
[[nodiscard]] Status expect_model_kind(const gguf::File& file, ModelKind wanted);

// general.name, or the file's name without its folder and extension; printable.
[[nodiscard]] std::string model_name_of(const gguf::File& file);
// Twelve hexadecimal digits that change with the model: of its metadata, its tensor table, its size
// and samples of every tensor's bytes. Independent of path and times, and quick, since a few pages
// of each tensor are read; an edit between the samples is not seen, a conversion, a quantization or
// a training step is.
[[nodiscard]] std::string model_fingerprint(const gguf::File& file);

}  // namespace docmind::engine

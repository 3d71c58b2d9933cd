// ModelEdit: a random model with something changed that the model writer has no option for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "gguf/writer.h"
#include "model/model_fixture.h"

namespace docmind::test {

struct ModelEdit {
  using AddKey = std::function<void(gguf::Writer& writer, std::string_view key)>;
  using Tensor = std::pair<gguf::TensorShape, std::vector<std::byte>>;

  std::map<std::string, AddKey> keys;     // replaced or added; an empty function removes
  std::set<std::string> without_tensors;
  std::vector<Tensor> tensors;            // replaced or added
};

// An AddKey that writes this value.
template <typename T>
ModelEdit::AddKey value(T value) {
  return [value](gguf::Writer& writer, std::string_view key) { writer.add(key, value); };
}

// A tensor of F32 rows [rows, cols]; `at(row, col)` gives the values.
ModelEdit::Tensor float_tensor(const std::string& name, int64_t rows, int64_t cols,
                               const std::function<float(int64_t, int64_t)>& at);

// The model of the spec with the edit, in `folder`.
gguf::File open_edited_model(const ModelSpec& spec, const ModelEdit& edit, const TempFolder& folder);

}  // namespace docmind::test

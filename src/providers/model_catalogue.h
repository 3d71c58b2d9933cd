// The catalogue of models that can be downloaded by name: built-in entries and the user's own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/config.h"
#include "base/error.h"

namespace docmind::providers {

enum class ModelKind { kGenerator, kEmbedder, kReranker };
[[nodiscard]] std::string_view model_kind_name(ModelKind kind);

struct ModelEntry {
  std::string name;  // lower-case letters, digits, '.', '-' and '_'; the file is NAME.gguf
  ModelKind kind = ModelKind::kGenerator;
  std::string url;
  std::optional<int64_t> n_bytes;  // empty: the server says
  std::string sha256;              // lower-case hexadecimal; empty: the server says, if it can
  std::string licence;
  std::string description;
  std::string origin;  // "built in" or "FILE:LINE"
};

class ModelCatalogue {
 public:
  // The built-in entries and those of `user_file`, which win where names are equal. A user file that
  // is not there counts as empty; kInvalidArgument names the line of an entry that is wrong.
  static Result<ModelCatalogue> load(const std::string& user_file);

  [[nodiscard]] const std::vector<ModelEntry>& entries() const { return entries_; }  // by name
  // kNotFound names the nearest.
  [[nodiscard]] Result<ModelEntry> find(std::string_view name) const;

 private:
  std::vector<ModelEntry> entries_;
};

// The built-in entries in the form of a user's file.
[[nodiscard]] std::string_view builtin_models_toml();

// Where a model of the catalogue lies once it is downloaded.
[[nodiscard]] Result<std::string> model_path(const Config& config, std::string_view name);

// The file of a model that a user names: a path, or the name of a model in the folder of models.
// kNotFound says how to download it, where that is possible.
Result<std::string> resolve_model(const Config& config, const std::string& name_or_path);

}  // namespace docmind::providers

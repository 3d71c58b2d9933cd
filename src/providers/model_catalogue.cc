// The catalogue of models that can be downloaded by name: built-in entries and the user's own.
// SPDX-License-Identifier: Apache-2.0
#include "providers/model_catalogue.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include <fmt/format.h>

#include <toml++/toml.h>

#include "base/file.h"
#include "base/text.h"
#include "providers/file_sha256.h"

namespace docmind::providers {
namespace {

constexpr int64_t kMaxCatalogueBytes = 4 << 20;
constexpr int64_t kMaxModelBytes = int64_t{1} << 44;
constexpr size_t kMaxNameBytes = 100;
constexpr std::array<std::string_view, 7> kKeys = {"name",   "kind",    "url",        "bytes",
                                                   "sha256", "licence", "description"};

bool is_model_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes || name[0] == '.' || name[0] == '-') return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
}

// One [[model]] of a file. Errors name the file and the line of the entry or the value.
class EntryReader {
 public:
  EntryReader(const toml::table& table, std::string_view file, bool builtin) : table_(table), file_(file) {
    entry_.origin = builtin ? "built in" : where(table);
  }

  Result<ModelEntry> read() {
    DM_TRY(check_keys());
    DM_TRY(text("name", entry_.name));
    DM_TRY(text("url", entry_.url));
    DM_TRY(text("sha256", entry_.sha256));
    DM_TRY(text("licence", entry_.licence));
    DM_TRY(text("description", entry_.description));
    if (!is_model_name(entry_.name)) {
      return error("name", fmt::format("'{}' is no name: 1 to {} of a-z, 0-9, '.', '-' and '_'",
                                       printable(entry_.name), kMaxNameBytes));
    }
    if (entry_.url.empty()) return error("url", fmt::format("'{}' has no url", entry_.name));
    if (!entry_.sha256.empty() && !is_sha256(entry_.sha256)) {
      return error("sha256", fmt::format("'{}' is no SHA-256: 64 of 0-9 and a-f", printable(entry_.sha256)));
    }
    DM_TRY(read_kind());
    DM_TRY(read_bytes());
    return std::move(entry_);
  }

 private:
  std::string where(const toml::node& node) const {
    return fmt::format("{}:{}", file_, node.source().begin.line);
  }

  Error error(std::string_view key, std::string_view sentence) const {
    const toml::node* node = table_.get(key);
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: {}", where(node != nullptr ? *node : table_), sentence)};
  }

  Status check_keys() const {
    for (const auto& [key, node] : table_) {
      if (std::ranges::find(kKeys, key.str()) != kKeys.end()) continue;
      const auto nearest = nearest_name(key.str(), kKeys);
      return error(key.str(), fmt::format("a model has no key '{}'; {}", printable(key.str()),
                                          nearest ? fmt::format("did you mean '{}'?", *nearest)
                                                  : fmt::format("known: {}", fmt::join(kKeys, ", "))));
    }
    return {};
  }

  Status text(std::string_view key, std::string& value) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return {};
    const auto* text = node->as_string();
    if (text == nullptr) return error(key, fmt::format("'{}' must be a text", key));
    value = text->get();
    return {};
  }

  Status read_kind() {
    std::string kind;
    DM_TRY(text("kind", kind));
    for (const ModelKind known : {ModelKind::kGenerator, ModelKind::kEmbedder, ModelKind::kReranker}) {
      if (kind != model_kind_name(known)) continue;
      entry_.kind = known;
      return {};
    }
    return error("kind", fmt::format("the kind of '{}' is '{}'; allowed: generator, embedder, reranker",
                                     entry_.name, printable(kind)));
  }

  Status read_bytes() {
    const toml::node* node = table_.get("bytes");
    if (node == nullptr) return {};
    const auto* number = node->as_integer();
    if (number == nullptr || number->get() < 1 || number->get() > kMaxModelBytes) {
      return error("bytes", fmt::format("'bytes' of '{}' must be a whole number from 1 to {}", entry_.name,
                                        kMaxModelBytes));
    }
    entry_.n_bytes = number->get();
    return {};
  }

  const toml::table& table_;
  std::string_view file_;
  ModelEntry entry_;
};

Result<std::vector<ModelEntry>> parse_entries(std::string_view text, std::string_view file, bool builtin) {
  toml::table table;
  try {
    table = toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}:{}: {}", file, error.source().begin.line, printable(error.description()))};
  }
  std::vector<ModelEntry> entries;
  for (const auto& [key, node] : table) {
    const toml::array* models = node.as_array();
    if (key.str() != "model" || models == nullptr) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{}:{}: '{}' is not known here; models are written as [[model]]", file,
                               node.source().begin.line, printable(key.str()))};
    }
    for (const toml::node& model : *models) {
      if (!model.is_table()) {
        return Error{ErrorCode::kInvalidArgument,
                     fmt::format("{}:{}: a model is written as [[model]]", file, model.source().begin.line)};
      }
      DM_ASSIGN(ModelEntry entry, EntryReader(*model.as_table(), file, builtin).read());
      const auto same = std::ranges::find(entries, entry.name, &ModelEntry::name);
      if (same != entries.end()) {
        return Error{ErrorCode::kInvalidArgument,
                     fmt::format("{}: '{}' is there already, at {}", entry.origin, entry.name, same->origin)};
      }
      entries.push_back(std::move(entry));
    }
  }
  return entries;
}

bool is_file(const std::string& path) {
  std::error_code failure;
  return std::filesystem::is_regular_file(path, failure);
}

}  // namespace

std::string_view model_kind_name(ModelKind kind) {
  switch (kind) {
    case ModelKind::kGenerator: return "generator";
    case ModelKind::kEmbedder: return "embedder";
    case ModelKind::kReranker: return "reranker";
  }
  return "";
}

Result<ModelCatalogue> ModelCatalogue::load(const std::string& user_file) {
  ModelCatalogue catalogue;
  DM_ASSIGN(catalogue.entries_, parse_entries(builtin_models_toml(), "built-in models", true));
  std::error_code failure;
  if (!user_file.empty() && std::filesystem::exists(user_file, failure)) {
    const std::filesystem::path real = std::filesystem::canonical(user_file, failure);
    DM_ASSIGN(const std::string text, read_file(failure ? user_file : real.string(), kMaxCatalogueBytes));
    DM_ASSIGN(std::vector<ModelEntry> own, parse_entries(text, user_file, false));
    for (ModelEntry& entry : own) {
      const auto same = std::ranges::find(catalogue.entries_, entry.name, &ModelEntry::name);
      if (same != catalogue.entries_.end()) *same = std::move(entry);
      else catalogue.entries_.push_back(std::move(entry));
    }
  }
  std::ranges::sort(catalogue.entries_, {}, &ModelEntry::name);
  return catalogue;
}

Result<ModelEntry> ModelCatalogue::find(std::string_view name) const {
  const auto found = std::ranges::find(entries_, name, &ModelEntry::name);
  if (found != entries_.end()) return *found;
  std::vector<std::string_view> names;
  for (const ModelEntry& entry : entries_) names.push_back(entry.name);
  const auto nearest = nearest_name(name, names);
  return Error{ErrorCode::kNotFound,
               fmt::format("the catalogue has no model '{}'; {}", printable(name),
                           nearest ? fmt::format("did you mean '{}'?", *nearest)
                                   : std::string("'docmind models list' shows all"))};
}

Result<std::string> model_path(const Config& config, std::string_view name) {
  if (config.models.path.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "there is no folder for models: neither HOME nor XDG_DATA_HOME is set; set models.path"};
  }
  return join_path(config.models.path, fmt::format("{}.gguf", name));
}

Result<std::string> resolve_model(const Config& config, const std::string& name_or_path) {
  if (is_file(name_or_path)) return name_or_path;
  if (name_or_path.find('/') != std::string::npos) {
    return Error{ErrorCode::kNotFound, fmt::format("there is no model file '{}'", printable(name_or_path))};
  }
  constexpr std::string_view kEnding = ".gguf";
  const std::string name = name_or_path.ends_with(kEnding)
                               ? name_or_path.substr(0, name_or_path.size() - kEnding.size())
                               : name_or_path;
  DM_ASSIGN(std::string path, model_path(config, name));
  if (is_file(path)) return path;
  DM_ASSIGN(const ModelCatalogue catalogue, ModelCatalogue::load(config.models.catalogue));
  if (Result<ModelEntry> entry = catalogue.find(name); !entry.ok()) {
    return Error{ErrorCode::kNotFound, fmt::format("'{}' is neither a file nor a downloaded model, and {}",
                                                   printable(name_or_path), entry.error().message)};
  }
  return Error{ErrorCode::kNotFound,
               fmt::format("the model '{0}' is not downloaded; run: docmind models pull {0}", name)};
}

}  // namespace docmind::providers

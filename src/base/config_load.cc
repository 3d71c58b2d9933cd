// Merging the sources of the configuration.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include <toml++/toml.h>

#include "base/config.h"
#include "base/file.h"
#include "base/text.h"

namespace docmind {
namespace {

constexpr int64_t kMaxConfigBytes = 1 << 20;
constexpr std::string_view kPrefix = "DOCMIND_";
constexpr std::string_view kFileVariable = "DOCMIND_CONFIG";   // names the file
constexpr std::string_view kStoreVariable = "DOCMIND_STORE";   // short for store.path
constexpr std::string_view kKeysVariable = "DOCMIND_API_KEYS"; // secrets of 'serve': never a field that is printed
constexpr std::string_view kUpstreamKeyVariable = "DOCMIND_UPSTREAM_KEY";  // likewise, for other servers

Error unknown(std::string_view what, std::string_view name, const std::string& where,
              std::span<const std::string_view> names) {
  std::string message = fmt::format("unknown {} '{}'{}", what, printable(name), where);
  if (const auto nearest = nearest_name(name, names)) {
    message += fmt::format("; did you mean '{}'?", *nearest);
  } else {
    message += "; 'docmind config' prints all of them";
  }
  return Error{ErrorCode::kInvalidArgument, std::move(message)};
}

std::vector<std::string_view> section_names() {
  std::vector<std::string_view> names;
  for (const FieldInfo& field : config_fields()) {
    const size_t dot = field.name.find('.');
    if (dot != std::string_view::npos) names.push_back(field.name.substr(0, dot));
  }
  return names;
}

std::vector<std::string_view> field_names() {
  std::vector<std::string_view> names;
  for (const FieldInfo& field : config_fields()) names.push_back(field.name);
  return names;
}

Status apply(Effective& effective, std::string_view field, std::string_view value, Origin origin) {
  if (Status set = set_field(effective.config, field, value); !set.ok()) {
    return std::move(set).error().with_context(describe(origin));
  }
  effective.origins[std::string(field)] = std::move(origin);
  return {};
}

// A TOML value in the text form of set_field.
Result<std::string> value_text(const toml::node& node, const std::string& key,
                               const std::string& where) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* real = node.as_floating_point()) return fmt::format("{}", real->get());
  if (const auto* flag = node.as_boolean()) return std::string(flag->get() ? "true" : "false");
  if (const auto* list = node.as_array(); list != nullptr && find_field(key)->type == FieldType::kList) {
    std::string joined;
    for (const toml::node& item : *list) {
      const auto* text = item.as_string();
      if (text == nullptr || text->get().find(',') != std::string::npos) {
        return Error{ErrorCode::kInvalidArgument,
                     fmt::format("{}: the items of '{}' must be texts without commas", where, key)};
      }
      joined += (joined.empty() ? "" : ",") + text->get();
    }
    return joined;
  }
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{}: '{}' cannot be a {}", where, key,
                           node.is_array() ? "list" : "date, a time or a table")};
}

// Walks the tables; a key's full name is its path joined with dots.
Status apply_table(Effective& effective, const toml::table& table, const std::string& prefix,
                   const std::string& path) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    const std::string where = fmt::format("{}:{}", path, node.source().begin.line);
    const bool is_section = prefix.empty() && node.is_table();
    if (is_section) {
      const std::vector<std::string_view> sections = section_names();
      if (std::find(sections.begin(), sections.end(), name.str()) == sections.end()) {
        return unknown("section", name.str(),
                       fmt::format(" in {} line {}", path, node.source().begin.line), sections);
      }
      DM_TRY(apply_table(effective, *node.as_table(), key + ".", path));
      continue;
    }
    if (find_field(key) == nullptr) {
      return unknown("key", key, fmt::format(" in {} line {}", path, node.source().begin.line), field_names());
    }
    DM_ASSIGN(const std::string text, value_text(node, key, where));
    DM_TRY(apply(effective, key, text, {Origin::Kind::kFile, where}));
  }
  return {};
}

Status apply_file(Effective& effective, const std::string& path) {
  // A link is welcome here: settings are often kept elsewhere and linked into place.
  std::error_code failure;
  const std::filesystem::path real = std::filesystem::canonical(path, failure);
  DM_ASSIGN(const std::string text, read_file(failure ? path : real.string(), kMaxConfigBytes));
  toml::table table;
  try {
    table = toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    const auto& place = error.source().begin;
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} line {} column {}: {}", path, place.line,
                                                          place.column, printable(error.description()))};
  }
  effective.file_path = path;
  return apply_table(effective, table, "", path);
}

Status apply_environment(Effective& effective, const Environment& environment) {
  std::vector<std::string> names{std::string(kFileVariable), std::string(kStoreVariable),
                                 std::string(kKeysVariable), std::string(kUpstreamKeyVariable)};
  for (const FieldInfo& field : config_fields()) names.push_back(environment_name(field.name));
  const std::vector<std::string_view> views(names.begin(), names.end());
  for (const auto& [name, value] : environment) {
    if (!name.starts_with(kPrefix)) continue;
    if (std::find(views.begin(), views.end(), name) == views.end()) {
      return unknown("environment variable", name, "", views);
    }
    if (name == kFileVariable || name == kKeysVariable || name == kUpstreamKeyVariable) continue;
    std::string_view field = "store.path";
    for (const FieldInfo& candidate : config_fields()) {
      if (environment_name(candidate.name) == name) field = candidate.name;
    }
    DM_TRY(apply(effective, field, value, {Origin::Kind::kEnvironment, name}));
  }
  return {};
}

// The file to read: named by flag or environment it must exist, in the XDG folder it may.
Result<std::string> choose_file(const ConfigSources& sources) {
  if (sources.file_path) return *sources.file_path;
  const auto named = sources.env.find(std::string(kFileVariable));
  if (named != sources.env.end() && !named->second.empty()) return named->second;
  const Result<std::string> folder = xdg_config_folder(sources.env);
  if (!folder.ok()) return std::string();
  const std::string path = *folder + "/config.toml";
  std::error_code failure;
  return std::filesystem::exists(path, failure) ? path : std::string();
}

}  // namespace

std::string describe(const Origin& origin) {
  switch (origin.kind) {
    case Origin::Kind::kDefault: return "default";
    case Origin::Kind::kFile: return "file " + origin.where;
    case Origin::Kind::kEnvironment: return "environment " + origin.where;
    case Origin::Kind::kFlag: return "flag " + origin.where;
  }
  return {};
}

Result<Effective> load_config(const ConfigSources& sources) {
  Effective effective;
  if (const Result<std::string> data = xdg_data_folder(sources.env); data.ok()) {
    effective.config.store.path = *data + "/default";
    effective.config.models.path = *data + "/models";
  }
  if (const Result<std::string> folder = xdg_config_folder(sources.env); folder.ok()) {
    effective.config.models.catalogue = *folder + "/models.toml";
  }
  DM_ASSIGN(const std::string file, choose_file(sources));
  if (!file.empty()) DM_TRY(apply_file(effective, file));
  DM_TRY(apply_environment(effective, sources.env));
  for (const FlagValue& flag : sources.flags) {
    DM_TRY(apply(effective, flag.field, flag.value, {Origin::Kind::kFlag, flag.flag}));
  }
  return effective;
}

}  // namespace docmind

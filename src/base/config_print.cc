// The configuration as TOML, JSON and as a page of the manual.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/config.h"
#include "base/text.h"

namespace docmind {
namespace {

Origin origin_of(const Effective& effective, std::string_view field) {
  const auto known = effective.origins.find(field);
  return known == effective.origins.end() ? Origin{} : known->second;
}

// A TOML basic string; JSON's escapes are a subset of TOML's, which also wants DEL escaped.
std::string toml_quoted(std::string_view text) {
  std::string out;
  for (const char c : json::serialize(json::string(to_valid_utf8(text)))) {
    if (c == '\x7f') out += "\\u007F";
    else out.push_back(c);
  }
  return out;
}

std::string toml_value(const Config& config, const FieldInfo& field) {
  const std::string text = get_field(config, field.name);
  if (field.type == FieldType::kText) return toml_quoted(text);
  if (field.type != FieldType::kList) return text;
  std::string list = "[";
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    list += (list.size() > 1 ? ", " : "") + toml_quoted(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return list + "]";
}

}  // namespace

std::string config_to_toml(const Effective& effective, bool with_origin) {
  // Keys without a section must come first in TOML.
  std::string top;
  std::string sections;
  std::string_view open;
  for (const FieldInfo& field : config_fields()) {
    const size_t dot = field.name.find('.');
    const bool has_section = dot != std::string_view::npos;
    const std::string_view section = has_section ? field.name.substr(0, dot) : std::string_view();
    std::string line = fmt::format("{} = {}", has_section ? field.name.substr(dot + 1) : field.name,
                                   toml_value(effective.config, field));
    if (with_origin) line = fmt::format("{:<40} # {}", line, printable(describe(origin_of(effective, field.name))));
    if (has_section && section != open) sections += fmt::format("\n[{}]\n", section);
    open = section;
    (has_section ? sections : top) += line + "\n";
  }
  return top + sections;
}

json::value config_to_json(const Effective& effective) {
  json::object object;
  for (const FieldInfo& field : config_fields()) {
    object[field.name] = {{"value", get_field(effective.config, field.name)},
                          {"origin", describe(origin_of(effective, field.name))}};
  }
  return object;
}

std::string config_reference() {
  const Config defaults;
  std::string text;
  for (const FieldInfo& field : config_fields()) {
    const std::string value = get_field(defaults, field.name);
    std::string tail = field.choices.empty() ? "" : fmt::format(" ({})", field.choices);
    if (!value.empty()) tail += fmt::format(" [{}]", value);
    text += fmt::format("  {:<26} {}{}\n", field.name, field.help, tail);
  }
  return text;
}

}  // namespace docmind

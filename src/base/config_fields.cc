// Values of settings as text: parsing, checks, printing.
// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cmath>
#include <variant>

#include <fmt/format.h>

#include "base/config_table.h"
#include "base/text.h"

namespace docmind {
namespace {

Error bad_value(const FieldInfo& field, std::string_view text, std::string_view allowed) {
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{} cannot be '{}'; allowed: {}", field.name, printable(text), allowed)};
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view item = trim(text.substr(0, comma));
    if (!item.empty()) items.emplace_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

bool is_choice(std::string_view choices, std::string_view text) {
  while (true) {
    const size_t bar = std::min(choices.find('|'), choices.size());
    if (choices.substr(0, bar) == text) return true;
    if (bar == choices.size()) return false;
    choices.remove_prefix(bar + 1);
  }
}

// Parses into the slot's type; the visitor's overloads are the types of a field.
struct Setter {
  const FieldInfo& field;
  std::string_view text;

  Status operator()(std::string* slot) const {
    if (!field.choices.empty() && !is_choice(field.choices, text)) {
      return bad_value(field, text, field.choices);
    }
    *slot = text;
    return {};
  }
  Status operator()(int64_t* slot) const { return number(slot, "a whole number"); }
  Status operator()(double* slot) const { return number(slot, "a number"); }
  Status operator()(bool* slot) const {
    if (text != "true" && text != "false") return bad_value(field, text, "true or false");
    *slot = text == "true";
    return {};
  }
  Status operator()(std::vector<std::string>* slot) const {
    *slot = split_list(text);
    return {};
  }

 private:
  template <typename Number>
  Status number(Number* slot, std::string_view kind) const {
    Number value{};
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = code == std::errc() && end == text.data() + text.size();
    if (!whole || !std::isfinite(static_cast<double>(value)) || value < field.min || value > field.max) {
      return bad_value(field, text, fmt::format("{} from {} to {}", kind, field.min, field.max));
    }
    *slot = value;
    return {};
  }
};

struct Getter {
  std::string operator()(const std::string* slot) const { return *slot; }
  std::string operator()(const int64_t* slot) const { return std::to_string(*slot); }
  std::string operator()(const double* slot) const { return fmt::format("{}", *slot); }
  std::string operator()(const bool* slot) const { return *slot ? "true" : "false"; }
  std::string operator()(const std::vector<std::string>* slot) const {
    return fmt::format("{}", fmt::join(*slot, ","));
  }
};

}  // namespace

std::string_view field_type_name(FieldType type) {
  switch (type) {
    case FieldType::kText: return "TEXT";
    case FieldType::kInteger: return "N";
    case FieldType::kReal: return "NUMBER";
    case FieldType::kBoolean: return "true|false";
    case FieldType::kList: return "GLOB";
  }
  return "";
}

const FieldInfo* find_field(std::string_view name) {
  for (const FieldInfo& field : config_fields()) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

std::string environment_name(std::string_view field) {
  std::string name = "DOCMIND_";
  for (const char c : field) {
    name.push_back(c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c));
  }
  return name;
}

Status set_field(Config& config, std::string_view name, std::string_view text) {
  const FieldInfo* field = find_field(name);
  if (field == nullptr) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("unknown key '{}'", printable(name))};
  }
  return std::visit(Setter{*field, text}, config_slot(config, name));
}

std::string get_field(const Config& config, std::string_view name) {
  if (find_field(name) == nullptr) return {};
  Config copy = config;
  return std::visit(Getter{}, config_slot(copy, name));
}

}  // namespace docmind

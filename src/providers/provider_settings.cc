// Checks what a user adds to a configuration against the tables of the provider.
// SPDX-License-Identifier: Apache-2.0
#include "providers/provider_settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/text.h"

namespace docmind::providers {
namespace {

std::span<const ProviderSetting> settings_of(control::PlanProvider provider) {
  switch (provider) {
    case control::PlanProvider::kOllama: return ollama_settings();
    case control::PlanProvider::kLlamaCpp: return llamacpp_settings();
    case control::PlanProvider::kVllm: return vllm_settings();
    case control::PlanProvider::kNative: break;
  }
  return {};
}

// Without dashes in front, '_' for '-', lower case: how spellings of one name agree.
std::string plain_setting_name(std::string_view name) {
  name.remove_prefix(std::min(name.find_first_not_of('-'), name.size()));
  std::string out(name);
  for (char& c : out) {
    if (c == '-') c = '_';
    else if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

Error setting_error(std::string message) { return Error{ErrorCode::kInvalidArgument, std::move(message)}; }

// Names are compared as written first; then a flag may lack its dashes. Variables keep their case.
const ProviderSetting* find_setting(std::span<const ProviderSetting> settings, std::string_view name) {
  for (const ProviderSetting& setting : settings) {
    if (name == setting.name || (!setting.other.empty() && name == setting.other) ||
        (!setting.variable.empty() && name == setting.variable)) {
      return &setting;
    }
  }
  for (const ProviderSetting& setting : settings) {
    if (setting.place != SettingPlace::kFlag || name.starts_with('-')) continue;
    const std::string plain = plain_setting_name(name);
    const bool is_other = !setting.other.empty() && plain == plain_setting_name(setting.other);
    if (is_other || plain == plain_setting_name(setting.name)) return &setting;
  }
  return nullptr;
}

std::optional<std::string_view> folklore_of(std::string_view name) {
  const std::string plain = plain_setting_name(name);
  for (const FolkloreSetting& setting : folklore_settings()) {
    if (setting.name == plain) return setting.instead;
  }
  if (plain.starts_with("enable_kv")) return "--kv for the format of keys and values, which are always cached";
  return std::nullopt;
}

Error unknown_setting(std::span<const ProviderSetting> settings, control::PlanProvider provider,
                      std::string_view name) {
  const std::string shown = ellipsize(printable(name), 60);
  if (const auto instead = folklore_of(name)) {
    return setting_error(fmt::format("{} has no setting '{}'; use {}", provider_title(provider), shown, *instead));
  }
  std::vector<std::string_view> known;
  for (const ProviderSetting& setting : settings) {
    known.push_back(setting.name);
    if (!setting.variable.empty()) known.push_back(setting.variable);
  }
  const std::optional<std::string_view> nearest = nearest_name(name, known);
  return setting_error(fmt::format("{} has no setting '{}'{}", provider_title(provider), shown,
                                   nearest ? fmt::format("; did you mean '{}'?", *nearest) : std::string()));
}

bool is_go_duration(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (docmind::is_number(text)) return !text.empty();
  bool digits = false;
  size_t n_units = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_digit(text[i]) || (text[i] == '.' && digits)) {
      digits = true;
      continue;
    }
    const bool two = text.substr(i, 2) == "ms" || text.substr(i, 2) == "us" || text.substr(i, 2) == "ns";
    if (!digits || (!two && text[i] != 'h' && text[i] != 'm' && text[i] != 's')) return false;
    i += two ? 1 : 0;
    digits = false;
    ++n_units;
  }
  return n_units > 0 && !digits;
}

template <typename T>
bool is_setting_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// What is allowed, in words, if `value` is not.
std::optional<std::string> wrong_value(const ProviderSetting& setting, std::string_view value) {
  const bool ranged = setting.lowest < setting.highest;
  const std::string range = ranged ? fmt::format(" from {:g} to {:g}", setting.lowest, setting.highest) : std::string();
  switch (setting.type) {
    case SettingType::kSwitch: return "nothing: it is a switch";
    case SettingType::kBool:
      if (value == "0" || value == "1" || value == "true" || value == "false") return std::nullopt;
      return "1, 0, true or false";
    case SettingType::kInteger: {
      int64_t number = 0;
      const bool fits = is_setting_number(value, number) &&
                        (!ranged || (static_cast<double>(number) >= setting.lowest &&
                                     static_cast<double>(number) <= setting.highest));
      return fits ? std::nullopt : std::optional("a whole number" + range);
    }
    case SettingType::kReal: {
      double number = 0;
      const bool fits = is_setting_number(value, number) && std::isfinite(number) &&
                        (!ranged || (number >= setting.lowest && number <= setting.highest));
      return fits ? std::nullopt : std::optional("a number" + range);
    }
    case SettingType::kChoice: {
      for (std::string_view rest = setting.choices; !rest.empty();) {
        const size_t bar = std::min(rest.find('|'), rest.size());
        if (rest.substr(0, bar) == value) return std::nullopt;
        rest.remove_prefix(std::min(bar + 1, rest.size()));
      }
      return fmt::format("one of {}", setting.choices);
    }
    case SettingType::kDuration:
      if (is_go_duration(value)) return std::nullopt;
      return "a time such as 30m, 24h, 0 (at once) or -1 (never)";
    case SettingType::kText:
      if (!value.empty()) return std::nullopt;
      return "some text";
  }
  return std::nullopt;
}

Status check_setting_version(const ProviderSetting& setting, control::PlanProvider provider,
                             const ProviderVersion& version) {
  if (!setting.since.empty() && !version.has(setting.since)) {
    return setting_error(fmt::format("{} {} has no setting '{}'; {} is known to have it", provider_title(provider),
                                     version.name(), setting.name, setting.since));
  }
  if (!setting.until.empty() && version.has(setting.until)) {
    const auto instead = folklore_of(setting.name);
    return setting_error(fmt::format("{} has no setting '{}' since {}{}", provider_title(provider), setting.name,
                                     setting.until, instead ? fmt::format("; use {}", *instead) : std::string()));
  }
  return {};
}

ConfigSetting as_config(const ProviderSetting& setting, std::optional<std::string> value) {
  ConfigSetting out;
  if (setting.place == SettingPlace::kVariable) out.variable = setting.name;
  if (setting.place == SettingPlace::kParameter) out.parameter = setting.name;
  if (setting.place == SettingPlace::kFlag) {
    out.flag = setting.name;
    out.variable = setting.variable;
  }
  out.value = std::move(value);
  out.why = fmt::format("added by hand: {}", setting.meaning);
  return out;
}

}  // namespace

Result<ConfigSetting> check_provider_setting(control::PlanProvider provider, std::string_view text,
                                             const ProviderVersion& version) {
  DM_TRY(check_config_value("the setting", text));
  const size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  const std::span<const ProviderSetting> settings = settings_of(provider);
  const ProviderSetting* setting = find_setting(settings, name);
  if (setting == nullptr) return unknown_setting(settings, provider, name);
  DM_TRY(check_setting_version(*setting, provider, version));
  if (setting->planned) {
    return setting_error(fmt::format("the plan decides '{}' ({}); make another plan rather than to set it beside this "
                                     "one", setting->name, setting->meaning));
  }
  if (equals == std::string_view::npos) {
    if (setting->type == SettingType::kSwitch) return as_config(*setting, std::nullopt);
    return setting_error(fmt::format("'{}' needs a value: {}={}", setting->name, setting->name,
                                     *wrong_value(*setting, "")));
  }
  const std::string_view value = text.substr(equals + 1);
  const bool switched_on = setting->type == SettingType::kSwitch && name == setting->variable &&
                           (value == "1" || value == "true" || value == "on");
  if (switched_on) return as_config(*setting, std::nullopt);
  if (const auto allowed = wrong_value(*setting, value)) {
    return setting_error(fmt::format("'{}' is no value of '{}', which takes {}", ellipsize(printable(value), 60),
                                     setting->name, *allowed));
  }
  return as_config(*setting, std::string(value));
}

}  // namespace docmind::providers

// What each provider accepts besides the settings that a plan decides: variables, flags and parameters with their types
// and ranges, and what replaces the settings that many guides name and no provider has.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "providers/config_text.h"
#include "providers/config_version.h"

namespace docmind::providers {

enum class SettingPlace { kVariable, kFlag, kParameter };
enum class SettingType { kSwitch, kBool, kInteger, kReal, kChoice, kDuration, kText };

// A row of a table: setting_flag("--batch-size", "tokens of a batch").whole(1, 4096).alias("-b").
struct ProviderSetting {
  std::string_view name;          // "OLLAMA_KEEP_ALIVE", "--batch-size", "num_thread"
  SettingPlace place = SettingPlace::kVariable;
  std::string_view meaning;       // its comment
  SettingType type = SettingType::kText;
  double lowest = 0, highest = 0;  // of numbers; equal: any
  std::string_view choices;       // "on|off|auto" of kChoice
  std::string_view other;         // another spelling of a flag, "-b"
  std::string_view variable;      // the same as a variable, LLAMA_ARG_BATCH
  std::string_view since, until;  // the first version that has it, the first without it
  bool planned = false;           // decided by the plan: not to be set beside it

  constexpr ProviderSetting on_off() const { return of_type(SettingType::kSwitch); }
  constexpr ProviderSetting boolean() const { return of_type(SettingType::kBool); }
  constexpr ProviderSetting time() const { return of_type(SettingType::kDuration); }
  constexpr ProviderSetting whole(double low = 0, double high = 0) const {
    return of_type(SettingType::kInteger, low, high);
  }
  constexpr ProviderSetting real(double low = 0, double high = 0) const {
    return of_type(SettingType::kReal, low, high);
  }
  constexpr ProviderSetting one_of(std::string_view words) const {
    ProviderSetting out = of_type(SettingType::kChoice);
    out.choices = words;
    return out;
  }
  constexpr ProviderSetting alias(std::string_view spelling) const { return with(&ProviderSetting::other, spelling); }
  constexpr ProviderSetting env(std::string_view text) const { return with(&ProviderSetting::variable, text); }
  constexpr ProviderSetting first(std::string_view version) const { return with(&ProviderSetting::since, version); }
  constexpr ProviderSetting gone(std::string_view version) const { return with(&ProviderSetting::until, version); }
  constexpr ProviderSetting by_plan() const {
    ProviderSetting out = *this;
    out.planned = true;
    return out;
  }

 private:
  constexpr ProviderSetting of_type(SettingType kind, double low = 0, double high = 0) const {
    ProviderSetting out = *this;
    out.type = kind;
    out.lowest = low;
    out.highest = high;
    return out;
  }
  constexpr ProviderSetting with(std::string_view ProviderSetting::*field, std::string_view text) const {
    ProviderSetting out = *this;
    out.*field = text;
    return out;
  }
};

constexpr ProviderSetting setting_variable(std::string_view name, std::string_view meaning) {
  ProviderSetting out;
  out.name = name;
  out.meaning = meaning;
  return out;
}
constexpr ProviderSetting setting_flag(std::string_view name, std::string_view meaning) {
  ProviderSetting out = setting_variable(name, meaning);
  out.place = SettingPlace::kFlag;
  return out;
}
constexpr ProviderSetting setting_parameter(std::string_view name, std::string_view meaning) {
  ProviderSetting out = setting_variable(name, meaning);
  out.place = SettingPlace::kParameter;
  return out;
}

// A setting of guides that does not exist (any more), and what does the work.
struct FolkloreSetting {
  std::string_view name;       // lower case, '_' for '-'
  std::string_view instead;    // "the parameter num_thread of a Modelfile or a request: --set num_thread=8"
};

[[nodiscard]] std::span<const ProviderSetting> ollama_settings();
[[nodiscard]] std::span<const ProviderSetting> llamacpp_settings();
[[nodiscard]] std::span<const ProviderSetting> vllm_settings();
[[nodiscard]] std::span<const FolkloreSetting> folklore_settings();

// `text` as a user wrote it: "NAME=value" or a name alone, flags with or without their dashes. kInvalidArgument says
// what is wrong with the name (with the nearest that exists), the value (with what is allowed) or the version.
[[nodiscard]] Result<ConfigSetting> check_provider_setting(control::PlanProvider provider, std::string_view text,
                                                           const ProviderVersion& version);

}  // namespace docmind::providers

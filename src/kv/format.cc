// Format: names of the ways in which sealed pages are stored.
// SPDX-License-Identifier: Apache-2.0
#include "kv/format.h"

#include <array>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::kv {
namespace {

constexpr std::array<std::pair<std::string_view, Format>, 5> kNames = {{{"f16", Format::kF16},
                                                                         {"int8", Format::kInt8},
                                                                         {"int4", Format::kInt4},
                                                                         {"k8v4", Format::kK8V4},
                                                                         {"mixed", Format::kMixed}}};

// What other programs call it, by the beginning of the name.
constexpr std::array<std::pair<std::string_view, Format>, 17> kForeign = {{{"f32", Format::kF16},
                                                                            {"fp16", Format::kF16},
                                                                            {"float", Format::kF16},
                                                                            {"half", Format::kF16},
                                                                            {"bf16", Format::kF16},
                                                                            {"auto", Format::kF16},
                                                                            {"q8", Format::kInt8},
                                                                            {"q6", Format::kInt8},
                                                                            {"fp8", Format::kInt8},
                                                                            {"q5", Format::kK8V4},
                                                                            {"turboquant_k8v4", Format::kK8V4},
                                                                            {"q4", Format::kInt4},
                                                                            {"iq4", Format::kInt4},
                                                                            {"fp4", Format::kInt4},
                                                                            {"nf4", Format::kInt4},
                                                                            {"q3", Format::kMixed},
                                                                            {"q2", Format::kMixed}}};

std::string all_names() {
  std::string names;
  for (const auto& [name, format] : kNames) names += (names.empty() ? "" : ", ") + std::string(name);
  return names;
}

}  // namespace

std::string_view format_name(Format format) {
  for (const auto& [name, value] : kNames) {
    if (value == format) return name;
  }
  return "unknown";
}

Result<Format> parse_format(std::string_view name) {
  for (const auto& [known, format] : kNames) {
    if (known == name) return format;
  }
  std::string message = fmt::format("'{}' is no KV format; use one of {}", printable(name), all_names());
  for (const auto& [foreign, format] : kForeign) {
    if (!name.starts_with(foreign)) continue;
    message = fmt::format("'{}' is no KV format; '{}' is the nearest of {}", printable(name), format_name(format),
                          all_names());
    break;
  }
  return Error{ErrorCode::kInvalidArgument, std::move(message)};
}

std::string format_settings(const FormatOptions& options) {
  std::string text(format_name(options.format));
  if (options.format == Format::kF16) return text;
  text += fmt::format("/{}/{}", options.group_size, options.residual_tokens);
  return options.format == Format::kMixed ? fmt::format("{}/{}", text, options.mixed_bits) : text;
}

}  // namespace docmind::kv

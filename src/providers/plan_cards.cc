// The table of graphics cards, and sizes of memory as people write them.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/text.h"
#include "providers/plan_inputs.h"

namespace docmind::providers {
namespace {

constexpr int64_t kCardGiB = int64_t{1} << 30;
// Display and driver; of an 8 GiB card 7.4 GiB are left.
constexpr int64_t kTakenOfCard = 6 * kCardGiB / 10;

// Memory in GiB, bandwidth in 1e9 bytes a second as the makers publish it; 0 where parts of one name differ.
struct Card {
  std::string_view name;
  int gib;
  double gb_per_s;
};
constexpr std::array kCards = {
    Card{"RTX 3050", 8, 224},          Card{"RTX 3050", 6, 168},
    Card{"RTX 3060", 12, 360},         Card{"RTX 3060", 8, 240},
    Card{"RTX 3060 Ti", 8, 448},       Card{"RTX 3070", 8, 448},
    Card{"RTX 3070 Ti", 8, 608},       Card{"RTX 3080", 10, 760},
    Card{"RTX 3080", 12, 912},         Card{"RTX 3080 Ti", 12, 912},
    Card{"RTX 3090", 24, 936},         Card{"RTX 3090 Ti", 24, 1008},
    Card{"RTX 4060", 8, 272},          Card{"RTX 4060 Ti", 8, 288},
    Card{"RTX 4060 Ti", 16, 288},      Card{"RTX 4070", 12, 504},
    Card{"RTX 4070 Super", 12, 504},   Card{"RTX 4070 Ti", 12, 504},
    Card{"RTX 4070 Ti Super", 16, 672}, Card{"RTX 4080", 16, 717},
    Card{"RTX 4080 Super", 16, 736},   Card{"RTX 4090", 24, 1008},
    Card{"RTX 5050", 8, 320},          Card{"RTX 5060", 8, 448},
    Card{"RTX 5060 Ti", 8, 448},       Card{"RTX 5060 Ti", 16, 448},
    Card{"RTX 5070", 12, 672},         Card{"RTX 5070 Ti", 16, 896},
    Card{"RTX 5080", 16, 960},         Card{"RTX 5090", 32, 1792},
    Card{"RTX 3050 Laptop", 4, 0},     Card{"RTX 3050 Laptop", 6, 0},
    Card{"RTX 3060 Laptop", 6, 336},   Card{"RTX 3070 Laptop", 8, 0},
    Card{"RTX 3080 Laptop", 8, 0},     Card{"RTX 3080 Laptop", 16, 0},
    Card{"RTX 4050 Laptop", 6, 192},   Card{"RTX 4060 Laptop", 8, 256},
    Card{"RTX 4070 Laptop", 8, 256},   Card{"RTX 4080 Laptop", 12, 432},
    Card{"RTX 4090 Laptop", 16, 576},  Card{"RTX 5060 Laptop", 8, 384},
    Card{"RTX 5070 Laptop", 8, 384},   Card{"RTX 5070 Ti Laptop", 12, 672},
    Card{"RTX 5080 Laptop", 16, 896},  Card{"RTX 5090 Laptop", 24, 896},
    Card{"RTX A2000", 12, 288},        Card{"RTX A2000", 6, 288},
    Card{"RTX A4000", 16, 448},        Card{"RTX A5000", 24, 768},
    Card{"RTX A6000", 48, 768},        Card{"T4", 16, 320},
    Card{"L4", 24, 300},               Card{"A10", 24, 600},
    Card{"L40S", 48, 864},
};

bool has_several(const Card& card) {
  return std::ranges::count(kCards, card.name, &Card::name) > 1;
}
std::string shown_name(const Card& card) {
  return has_several(card) ? fmt::format("{} {}GB", card.name, card.gib) : std::string(card.name);
}

// Words in lower case without what makers and drivers add: "NVIDIA GeForce RTX 4060 Laptop GPU" is "rtx4060laptop".
std::string card_key(std::string_view name) {
  std::string key, word;
  const auto end_word = [&] {
    if (word == "mobile" || word == "notebook") word = "laptop";
    if (word != "nvidia" && word != "geforce" && word != "gpu" && word != "tesla" && word != "graphics") key += word;
    word.clear();
  };
  for (const char c : name) {
    if (!is_alnum(c)) end_word();
    else word += is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  }
  end_word();
  // The names of notebook parts end with the word, wherever it was written.
  if (const size_t at = key.find("laptop"); at != std::string::npos) key = key.erase(at, 6) + "laptop";
  return key;
}

// Takes "12gb" off the end; whether or not the unit was parted from it.
std::optional<int> take_memory(std::string& key) {
  std::string_view rest = key;
  const bool laptop = rest.ends_with("laptop");
  if (laptop) rest.remove_suffix(6);
  const std::string_view unit = rest.ends_with("gib") ? "gib" : "gb";
  if (!rest.ends_with(unit)) return std::nullopt;
  rest.remove_suffix(unit.size());
  // Of the digits at the end the last one or two are the memory, the others the model's number.
  for (const int gib : {4, 6, 8, 10, 12, 16, 24, 32, 48}) {
    const std::string digits = std::to_string(gib);
    if (!rest.ends_with(digits)) continue;
    const std::string stem = std::string(rest.substr(0, rest.size() - digits.size())) + (laptop ? "laptop" : "");
    if (std::ranges::none_of(kCards, [&](const Card& card) { return card_key(card.name) == stem; })) continue;
    key = stem;
    return gib;
  }
  return std::nullopt;
}

control::PlanDevice device_of(const Card& card) {
  const int64_t memory = card.gib * kCardGiB;
  return {.name = shown_name(card), .gpu = true, .memory_bytes = memory, .usable_bytes = usable_card_bytes(memory),
          .bandwidth_gb_per_s = card.gb_per_s};
}

Error unknown_card(std::string_view name, const std::string& key, std::optional<int> gib) {
  std::string sizes;
  for (const Card& card : kCards) {
    if (card_key(card.name) == key) sizes += fmt::format("{}{} GiB", sizes.empty() ? "" : " or ", card.gib);
  }
  if (gib && !sizes.empty()) {
    return {ErrorCode::kNotFound, fmt::format("there is no {} with {} GiB: it has {}", printable(name), *gib, sizes)};
  }
  std::vector<std::string> keys;
  for (const Card& card : kCards) keys.push_back(card_key(card.name));
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  const auto nearest = nearest_name(key, views);
  std::string hint;
  if (nearest) {
    const auto place = static_cast<size_t>(std::ranges::find(views, *nearest) - views.begin());
    hint = fmt::format("; did you mean '{}'?", kCards[place].name);
  }
  return {ErrorCode::kNotFound,
          fmt::format("'{}' is no card of the table{} --vram SIZE plans for any other", printable(name),
                      hint.empty() ? ";" : hint)};
}

}  // namespace

int64_t usable_card_bytes(int64_t memory_bytes) { return std::max<int64_t>(0, memory_bytes - kTakenOfCard); }

Result<control::PlanDevice> find_card(std::string_view name) {
  std::string key = card_key(name);
  const std::optional<int> gib = take_memory(key);
  for (const Card& card : kCards) {
    const std::string known = card_key(card.name);
    // "4060" is enough.
    if (known != key && known != "rtx" + key) continue;
    if (!gib || *gib == card.gib) return device_of(card);
  }
  return unknown_card(name, key, gib);
}

control::PlanDevice card_of_memory(int64_t n_bytes) {
  control::PlanDevice device{.name = fmt::format("{:.3g} GiB card", static_cast<double>(n_bytes) / kCardGiB),
                             .gpu = true, .memory_bytes = n_bytes, .usable_bytes = usable_card_bytes(n_bytes)};
  for (const Card& card : kCards) {
    // Drivers tell a little less than what is on the box.
    const bool same_class = std::abs(n_bytes - card.gib * kCardGiB) <= card.gib * kCardGiB / 25;
    if (!same_class || card.gb_per_s == 0) continue;
    if (device.bandwidth_gb_per_s == 0 || card.gb_per_s < device.bandwidth_gb_per_s) {
      device.bandwidth_gb_per_s = card.gb_per_s;
    }
  }
  return device;
}

Result<int64_t> parse_bytes(std::string_view text) {
  const auto refuse = [&] {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("'{}' is no size of memory; write it as 12GiB, 12 GB (the same) or 8192 MiB",
                             printable(text))};
  };
  const std::string_view trimmed = trim(text);
  double number = 0;
  const auto [end, error] = std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), number);
  if (error != std::errc() || !(number > 0) || !std::isfinite(number)) return refuse();
  std::string unit;
  for (const char c : trim(trimmed.substr(static_cast<size_t>(end - trimmed.data())))) {
    unit += is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  }
  double scale = 0;
  if (unit.empty() || unit == "g" || unit == "gb" || unit == "gib") scale = static_cast<double>(kCardGiB);
  if (unit == "m" || unit == "mb" || unit == "mib") scale = static_cast<double>(int64_t{1} << 20);
  if (unit == "t" || unit == "tb" || unit == "tib") scale = static_cast<double>(kCardGiB) * 1024;
  if (unit == "b" || unit == "bytes") scale = 1;
  if (scale == 0 || number * scale < 1 || number * scale > static_cast<double>(int64_t{1} << 50)) return refuse();
  return std::llround(number * scale);
}

}  // namespace docmind::providers

// Headings that are names: of settings, options, commands and functions.
// SPDX-License-Identifier: Apache-2.0
#include "providers/heading_names.h"

#include <algorithm>

#include "base/ascii.h"

namespace docmind::providers {
namespace {

// "IF NOT EXISTS", not "SQL syntax".
bool is_shouted(std::string_view heading) {
  return is_upper(heading[0]) && std::none_of(heading.begin(), heading.end(), is_lower) &&
         std::count_if(heading.begin(), heading.end(), is_upper) > 1;
}

std::string_view first_word(std::string_view heading) {
  return heading.substr(0, heading.find(' '));
}

}  // namespace

double heading_precision(std::span<const Word> words, std::span<const double> credits) {
  double n_content = 0;
  double sum = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i].stop || is_number(words[i].source)) continue;
    n_content += 1;
    sum += credits[i];
  }
  return n_content > 0 ? sum / n_content : 0;
}

bool may_be_name(std::string_view heading) {
  return is_name(heading) || first_word(heading).size() == heading.size();
}

bool is_name(std::string_view heading) {
  constexpr size_t kLongest = 60;
  const std::string_view first = first_word(heading);
  if (first.empty() || heading.size() > kLongest) return false;
  return first[0] == '-' || first[0] == '\\' ||
         first.find_first_of("_(=") != std::string_view::npos || is_shouted(heading) ||
         heading.substr(first.size()).starts_with(" (");
}

std::string_view bare_name(std::string_view heading) {
  return heading.substr(0, heading.find_first_of(" (=["));
}

}  // namespace docmind::providers

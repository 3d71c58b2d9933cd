// What may have been meant when the command line could not be understood.
// SPDX-License-Identifier: Apache-2.0
#include "cli/usage_error.h"

#include <optional>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "cli/completion.h"

namespace docmind::cli {
namespace {

std::vector<std::string> known_words(const CLI::App& app, bool flags) {
  std::vector<std::string> words;
  if (!flags) {
    for (const CLI::App* command : visible_commands(app)) words.push_back(command->get_name());
    return words;
  }
  words = flags_of(app);
  for (const CLI::App* command : app.get_subcommands()) {  // the one that was parsed
    for (std::string& flag : flags_of(*command)) words.push_back(std::move(flag));
  }
  return words;
}

}  // namespace

std::string usage_hint(const CLI::App& app) {
  const std::vector<std::string> unplaced = app.remaining(true);
  if (unplaced.empty()) return {};
  const std::string_view word = std::string_view(unplaced[0]).substr(0, unplaced[0].find('='));
  const std::vector<std::string> words = known_words(app, word.starts_with('-'));
  const std::vector<std::string_view> views(words.begin(), words.end());
  const std::optional<std::string_view> nearest = nearest_name(word, views);
  return nearest ? "did you mean '" + std::string(*nearest) + "'?" : std::string();
}

}  // namespace docmind::cli

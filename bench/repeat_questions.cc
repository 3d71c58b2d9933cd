// Questions as people repeat them: topics of a manual in several wordings, some asked far more often.
// SPDX-License-Identifier: Apache-2.0
#include "repeat_questions.h"

#include <algorithm>
#include <map>
#include <random>
#include <sstream>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/hash.h"

namespace docmind::bench {
namespace {

using Words = std::vector<std::string>;

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "F.4.3." or "12.4."
bool is_number(std::string_view word) {
  return word.ends_with('.') && std::all_of(word.begin(), word.end(), [](char c) {
           return c == '.' || is_digit(c) || is_upper(c);
         });
}

bool is_plain(std::string_view word) {
  return std::all_of(word.begin(), word.end(), [](char c) {
    return is_upper(c) || is_lower(c) || is_digit(c) || c == '-' || c == '_';
  });
}

// The words of the last heading of a path; empty where they do not make a topic.
Words words_of(std::string_view path) {
  const size_t separator = path.rfind(" > ");
  std::istringstream text(std::string(separator == path.npos ? path : path.substr(separator + 3)));
  Words words;
  for (std::string word; text >> word;) {
    if (words.empty() && is_number(word)) continue;
    if (!is_plain(word)) return {};
    words.push_back(word);
  }
  if (words.size() < 2 || words.size() > 7) return {};
  // "When to Use Partitions" is a question of its own.
  constexpr std::array<std::string_view, 6> kQuestions = {"How", "What", "When", "Where", "Which", "Why"};
  if (std::find(kQuestions.begin(), kQuestions.end(), words[0]) != kQuestions.end()) return {};
  return words;
}

// "Locks" becomes "locks", names such as "WAL" and "PostgreSQL" stay.
void lower(Words& words) {
  for (std::string& word : words) {
    const std::string_view rest = std::string_view(word).substr(1);
    if (is_upper(word[0]) && !rest.empty() && std::all_of(rest.begin(), rest.end(), is_lower)) {
      word[0] = static_cast<char>(word[0] - 'A' + 'a');
    }
  }
}

bool is_plural(std::string_view word) {
  return word.size() > 3 && word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us") &&
         !word.ends_with("is");
}

// The other number of a noun; names and verbal nouns stay.
std::string other_number(std::string word) {
  if (!std::all_of(word.begin(), word.end(), is_lower) || word.ends_with("ing")) return word;
  const auto replace_end = [&](size_t n, std::string_view by) {
    return word.substr(0, word.size() - n) + std::string(by);
  };
  if (is_plural(word)) {
    if (word.ends_with("ies")) return replace_end(3, "y");
    if (word.ends_with("sses") || word.ends_with("xes") || word.ends_with("ches")) return replace_end(2, "");
    return replace_end(1, "");
  }
  constexpr std::string_view kVowels = "aeou";
  if (word.ends_with("y") && word.size() > 2 && kVowels.find(word[word.size() - 2]) == kVowels.npos) {
    return replace_end(1, "ies");
  }
  return word + (word.ends_with('s') || word.ends_with('x') || word.ends_with("ch") ? "es" : "s");
}

// The verb agrees with the noun before the preposition.
struct Parts {
  Words head;
  std::string preposition;  // empty: there is none
  Words rest;
};

Parts split(const Words& words) {
  constexpr std::array<std::string_view, 6> kPrepositions = {"of", "for", "in", "with", "on", "from"};
  for (size_t i = 1; i + 1 < words.size(); ++i) {
    if (std::find(kPrepositions.begin(), kPrepositions.end(), words[i]) == kPrepositions.end()) continue;
    const auto at = words.begin() + static_cast<ptrdiff_t>(i);
    return {.head = Words(words.begin(), at), .preposition = words[i], .rest = Words(at + 1, words.end())};
  }
  return {.head = words, .preposition = "", .rest = {}};
}

std::string capital(std::string text) {
  if (is_lower(text[0])) text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

Topic topic_of(Words words) {
  const std::string heading = fmt::format("{}", fmt::join(words, " "));
  lower(words);
  const Parts parts = split(words);
  const bool plural = is_plural(parts.head.back());
  const std::string_view verb = plural ? "do" : "does";
  const std::string subject = fmt::format("{}", fmt::join(words, " "));
  Words other = words;
  other.back() = other_number(other.back());
  const bool changed_head = parts.preposition.empty() && other.back() != words.back();
  Topic topic{.heading = heading, .wordings = {}};
  topic.wordings[0] = fmt::format("How {} {} work?", verb, subject);
  topic.wordings[1] =
      fmt::format("How {} {} work?", changed_head == plural ? "does" : "do", fmt::join(other, " "));
  topic.wordings[2] = parts.preposition.empty()
                          ? fmt::format("{}: how {} work?", capital(subject), plural ? "do they" : "does it")
                          : capital(fmt::format("{} {}, how {} {} work?", parts.preposition,
                                                fmt::join(parts.rest, " "), verb, fmt::join(parts.head, " ")));
  topic.wordings[3] = fmt::format("In which way {} {} work?", verb, subject);
  // Where the second would be the first again, it asks for the same otherwise.
  if (topic.wordings[1] == topic.wordings[0]) {
    topic.wordings[1] = fmt::format("How {} {} actually work?", verb, subject);
  }
  return topic;
}

}  // namespace

Result<std::vector<Topic>> make_topics(const index::StoreReader& store, size_t n) {
  std::map<std::string, std::string> path_of;  // by words; empty: of several sections
  std::map<std::string, Words> words_by;
  DM_TRY(store.visit_chunks(0, [&](int64_t, std::string_view title, std::string_view heading,
                                   std::string_view) {
    Words words = words_of(heading);
    if (words.empty()) return true;
    Words small = words;
    lower(small);
    const std::string name = fmt::format("{}", fmt::join(small, " "));
    const std::string place = std::string(title) + "\n" + std::string(heading);
    const auto [known, is_new] = path_of.emplace(name, place);
    if (!is_new && known->second != place) known->second.clear();
    words_by.emplace(name, std::move(words));
    return true;
  }));
  std::vector<std::pair<uint64_t, const Words*>> chosen;
  for (const auto& [name, words] : words_by) {
    if (!path_of[name].empty()) chosen.emplace_back(hash64(name), &words);
  }
  std::sort(chosen.begin(), chosen.end());
  std::vector<Topic> topics;
  for (size_t i = 0; i < std::min(n, chosen.size()); ++i) topics.push_back(topic_of(*chosen[i].second));
  return topics;
}

std::vector<Request> make_requests(size_t n_topics, size_t n_requests, uint64_t seed) {
  std::vector<double> weights;
  for (size_t rank = 1; rank <= n_topics; ++rank) weights.push_back(1 / static_cast<double>(rank));
  std::mt19937_64 random(seed);
  std::discrete_distribution<size_t> topics(weights.begin(), weights.end());
  std::vector<Request> requests;
  for (size_t i = 0; i < n_requests; ++i) {
    const size_t topic = topics(random);
    requests.push_back({.topic = topic, .wording = random() % kWordings});
  }
  return requests;
}

}  // namespace docmind::bench

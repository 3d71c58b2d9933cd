// What each HTML element means for reading, and which attributes mark boilerplate.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/html_tags.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/ascii.h"

namespace docmind::ingest {
namespace {

struct TagRow {
  std::string_view name;
  TagInfo info;
};

// Sorted by name.
constexpr std::array kTags = {
    TagRow{"a", {TagKind::kLink, 0, true}},
    TagRow{"address", {TagKind::kBlock, 0, true}},
    TagRow{"article", {TagKind::kArticle, 0, false}},
    TagRow{"aside", {TagKind::kSemanticNav, 0, false}},
    TagRow{"audio", {TagKind::kSkip, 0, false}},
    TagRow{"blockquote", {TagKind::kBlock, 0, false}},
    TagRow{"body", {TagKind::kBody, 0, false}},
    TagRow{"br", {TagKind::kLineBreak, 0, false}},
    TagRow{"button", {TagKind::kSkip, 0, false}},
    TagRow{"canvas", {TagKind::kSkip, 0, false}},
    TagRow{"caption", {TagKind::kLine, 0, false}},
    TagRow{"center", {TagKind::kBlock, 0, true}},
    TagRow{"datalist", {TagKind::kSkip, 0, false}},
    TagRow{"dd", {TagKind::kItem, 0, false}},
    TagRow{"details", {TagKind::kBlock, 0, true}},
    TagRow{"dialog", {TagKind::kBlock, 0, true}},
    TagRow{"dir", {TagKind::kList, 1, true}},
    TagRow{"div", {TagKind::kBlock, 0, true}},
    TagRow{"dl", {TagKind::kList, 0, true}},
    TagRow{"dt", {TagKind::kTerm, 0, false}},
    TagRow{"fieldset", {TagKind::kBlock, 0, true}},
    TagRow{"figcaption", {TagKind::kBlock, 0, false}},
    TagRow{"figure", {TagKind::kBlock, 0, false}},
    TagRow{"footer", {TagKind::kHeader, 0, false}},
    TagRow{"form", {TagKind::kBlock, 0, true}},
    TagRow{"frameset", {TagKind::kSkip, 0, false}},
    TagRow{"h1", {TagKind::kHeading, 1, false}},
    TagRow{"h2", {TagKind::kHeading, 2, false}},
    TagRow{"h3", {TagKind::kHeading, 3, false}},
    TagRow{"h4", {TagKind::kHeading, 4, false}},
    TagRow{"h5", {TagKind::kHeading, 5, false}},
    TagRow{"h6", {TagKind::kHeading, 6, false}},
    TagRow{"header", {TagKind::kHeader, 0, false}},
    TagRow{"hr", {TagKind::kRule, 0, false}},
    TagRow{"iframe", {TagKind::kSkip, 0, false}},
    TagRow{"input", {TagKind::kSkip, 0, false}},
    TagRow{"legend", {TagKind::kLine, 0, false}},
    TagRow{"li", {TagKind::kItem, 0, true}},
    TagRow{"main", {TagKind::kMain, 0, false}},
    TagRow{"map", {TagKind::kSkip, 0, false}},
    TagRow{"menu", {TagKind::kList, 1, true}},
    TagRow{"nav", {TagKind::kSemanticNav, 0, false}},
    TagRow{"noscript", {TagKind::kSkip, 0, false}},
    TagRow{"object", {TagKind::kSkip, 0, false}},
    TagRow{"ol", {TagKind::kList, 1, true}},
    TagRow{"option", {TagKind::kSkip, 0, false}},
    TagRow{"p", {TagKind::kBlock, 0, true}},
    TagRow{"pre", {TagKind::kPre, 0, false}},
    TagRow{"script", {TagKind::kSkip, 0, false}},
    TagRow{"search", {TagKind::kSemanticNav, 0, false}},
    TagRow{"section", {TagKind::kBlock, 0, true}},
    TagRow{"select", {TagKind::kSkip, 0, false}},
    TagRow{"span", {TagKind::kInline, 0, true}},
    TagRow{"style", {TagKind::kSkip, 0, false}},
    TagRow{"summary", {TagKind::kLine, 0, false}},
    TagRow{"svg", {TagKind::kSkip, 0, false}},
    TagRow{"table", {TagKind::kTable, 0, true}},
    TagRow{"td", {TagKind::kCell, 0, true}},
    TagRow{"template", {TagKind::kSkip, 0, false}},
    TagRow{"textarea", {TagKind::kSkip, 0, false}},
    TagRow{"th", {TagKind::kCell, 0, false}},
    TagRow{"title", {TagKind::kTitle, 0, false}},
    TagRow{"tr", {TagKind::kRow, 0, false}},
    TagRow{"ul", {TagKind::kList, 1, true}},
    TagRow{"video", {TagKind::kSkip, 0, false}},
    TagRow{"xmp", {TagKind::kPre, 0, false}},
};
static_assert(std::is_sorted(kTags.begin(), kTags.end(),
                             [](const TagRow& a, const TagRow& b) { return a.name < b.name; }));

// Words that name a part of the page's frame. Sorted.
constexpr std::array<std::string_view, 32> kFrameWords = {
    "advert", "advertisement", "adverts", "banner", "breadcrumb", "breadcrumbs", "cookie",
    "cookies", "docnav", "footer", "headerlink", "masthead", "menu", "menubar", "nav", "navbar",
    "navbars", "navfooter", "navheader", "navigation", "navs", "pager", "pagination", "permalink",
    "share", "sharing", "sidebar", "sidebars", "skiplink", "social", "tagline", "topnav",
};
static_assert(std::is_sorted(kFrameWords.begin(), kFrameWords.end()));

// Words that say that the element only talks about a frame part ("has-sidebar", "page-with-nav").
constexpr std::array<std::string_view, 9> kLayoutWords = {
    "body", "has", "layout", "main", "no", "page", "show", "with", "without",
};
static_assert(std::is_sorted(kLayoutWords.begin(), kLayoutWords.end()));

template <size_t n>
bool contains(const std::array<std::string_view, n>& sorted, std::string_view word) {
  return std::binary_search(sorted.begin(), sorted.end(), word);
}


// Calls each(word) for the lower-case words of one class name, split at separators and camel case.
template <typename Each>
void split_words(std::string_view name, Each&& each) {
  std::string word;
  const auto flush = [&] {
    if (!word.empty()) each(std::string_view(word));
    word.clear();
  };
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (!is_alnum(c)) {
      flush();
      continue;
    }
    const bool hump = is_upper(c) && i > 0 && is_alnum(name[i - 1]) && !is_upper(name[i - 1]);
    if (hump) flush();
    word.push_back(is_upper(c) ? static_cast<char>(c + 32) : c);
  }
  flush();
}

uint8_t judge_name(std::string_view name) {
  uint8_t found = kContent;
  bool layout = false;
  std::string previous;
  split_words(name, [&](std::string_view word) {
    if (contains(kLayoutWords, word)) layout = true;
    if (contains(kFrameWords, word)) found |= kByWords;
    if (previous == "skip" && (word == "link" || word == "nav" || word == "to")) found |= kByWords;
    if (previous == "id" && word == "link") found |= kByWords;
    if (word == "toc") found |= kLinkList;
    if (previous == "table" && word == "of") found |= kLinkList;
    previous = word;
  });
  return layout ? static_cast<uint8_t>(kContent) : found;
}

}  // namespace

TagInfo tag_info(std::string_view name) {
  const auto row = std::lower_bound(kTags.begin(), kTags.end(), name,
                                    [](const TagRow& r, std::string_view n) { return r.name < n; });
  return row != kTags.end() && row->name == name ? row->info : TagInfo{};
}

uint8_t boilerplate_words(std::string_view attribute) {
  constexpr size_t kMaxBytes = 512;
  attribute = attribute.substr(0, kMaxBytes);
  uint8_t found = kContent;
  while (!attribute.empty()) {
    const size_t end = std::min(attribute.find_first_of(" \t\r\n\f"), attribute.size());
    found |= judge_name(attribute.substr(0, end));
    attribute.remove_prefix(std::min(end + 1, attribute.size()));
  }
  return found;
}

uint8_t boilerplate_role(std::string_view role) {
  const bool frame = role == "navigation" || role == "banner" || role == "contentinfo" ||
                     role == "complementary" || role == "search" || role == "menu" ||
                     role == "menubar" || role == "dialog";
  return frame ? kSemantic : kContent;
}

}  // namespace docmind::ingest

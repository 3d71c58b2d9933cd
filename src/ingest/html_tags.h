// What each HTML element means for reading, and which attributes mark boilerplate.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace docmind::ingest {

enum class TagKind : uint8_t {
  kInline,      // no effect; also every unknown element
  kBlock,       // a paragraph of its own
  kLine,        // lines of its own, without blank lines
  kSkip,        // content is never text for people (script, form controls)
  kSemanticNav, // navigation by its very name (nav, aside)
  kHeader,      // header or footer: boilerplate unless inside main or article
  kMain,
  kArticle,
  kBody,
  kList,
  kItem,        // li, dd: what follows belongs to it
  kTerm,        // dt
  kTable,
  kRow,
  kCell,
  kPre,
  kHeading,
  kLineBreak,   // br
  kRule,        // hr
  kTitle,
  kLink,
};

struct TagInfo {
  TagKind kind = TagKind::kInline;
  uint8_t level = 0;       // of a heading; of a list: 1 where items get bullets
  bool droppable = false;  // may be boilerplate because of its class or id
};

// `name` in lower case.
[[nodiscard]] TagInfo tag_info(std::string_view name);

// Why a stretch of a page may not be content; bits, weakest reason highest.
enum Boilerplate : uint8_t {
  kContent = 0,
  kSemantic = 1,  // nav, aside, header, role, hidden
  kByWords = 2,   // class or id words
  kLinkList = 4,  // tables of contents, runs of links
};

// What the words of a class or id attribute say, e.g. "site-footer navBar" -> kByWords.
[[nodiscard]] uint8_t boilerplate_words(std::string_view attribute);

// What a role attribute says.
[[nodiscard]] uint8_t boilerplate_role(std::string_view role);

}  // namespace docmind::ingest

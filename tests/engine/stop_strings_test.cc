// StopStrings: the text ends at the right place, however it is cut into pieces.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "engine/stop_strings.h"

namespace docmind::engine {
namespace {

// Byte by byte on the whole text: the first end of a stop string, the longest one that ends there.
std::string naive(const std::string& text, const std::vector<std::string>& stops) {
  for (size_t end = 1; end <= text.size(); ++end) {
    size_t longest = 0;
    for (const std::string& stop : stops) {
      if (stop.size() > longest && std::string_view(text).substr(0, end).ends_with(stop)) {
        longest = stop.size();
      }
    }
    if (longest > 0) return text.substr(0, end - longest);
  }
  return text;
}

TEST(StopStringsProperties, AgreeWithASearchOfTheWholeText) {
  EXPECT_TRUE(rc::check("what is shown", [] {
    const auto letters = rc::gen::container<std::string>(rc::gen::element('a', 'b', 'c'));
    const auto stops = *rc::gen::container<std::vector<std::string>>(letters);
    const auto pieces = *rc::gen::container<std::vector<std::string>>(letters);
    StopStrings stream(stops);
    std::string shown;
    std::string text;
    for (const std::string& piece : pieces) {
      text += piece;
      shown += stream.feed(piece);
      // What is shown never has to be taken back.
      RC_ASSERT(naive(text, stops).starts_with(shown));
    }
    const bool stopped = stream.stopped();
    shown += stream.finish();
    RC_ASSERT(shown == naive(text, stops));
    RC_ASSERT(stopped == (naive(text, stops) != text));
  }));
}

TEST(StopStrings, HoldBackOnlyWhatMayBecomeOne) {
  StopStrings stream({"\nUser:", "###"});
  EXPECT_EQ(stream.feed("Hello"), "Hello");
  EXPECT_EQ(stream.feed(" there\nUs"), " there");
  EXPECT_EQ(stream.feed("ed it"), "\nUsed it");
  EXPECT_EQ(stream.feed(" ##"), " ");
  EXPECT_FALSE(stream.stopped());
  EXPECT_EQ(stream.feed("# and more"), "");
  EXPECT_TRUE(stream.stopped());
  EXPECT_EQ(stream.feed("anything"), "");
  EXPECT_EQ(stream.finish(), "");
}

TEST(StopStrings, ShowEverythingWithoutAny) {
  StopStrings stream({""});
  EXPECT_EQ(stream.feed("all of it"), "all of it");
  EXPECT_FALSE(stream.stopped());
}

}  // namespace
}  // namespace docmind::engine

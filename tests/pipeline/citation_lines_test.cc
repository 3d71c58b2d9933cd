// Citations over generated documents: the lines named always hold the words quoted.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "pipeline/pipeline_test_support.h"
#include "pipeline/source_lines.h"
#include "providers/quote.h"

namespace docmind::pipeline {
namespace {

class CitationLinesTest : public AskerTest {
 protected:
  int pick(int n) { return static_cast<int>(random() % static_cast<uint32_t>(n)); }

  std::string filler() {
    static constexpr const char* kWords[] = {"stone", "river", "cloud", "table", "window", "garden"};
    std::string line = "Some";
    for (int i = 3 + pick(9); i > 0; --i) line += std::string(" ") + kWords[pick(6)];
    return line + ".";
  }

  // A block of a document with the blank lines behind it.
  std::string block(bool markdown) {
    std::string text;
    const int kind = markdown ? pick(6) : 0;
    if (kind == 1) {
      text = std::string(static_cast<size_t>(1 + pick(3)), '#') + " Part " + std::to_string(pick(100)) + "\n";
    } else if (kind == 2) {
      for (int i = 1 + pick(4); i > 0; --i) text += "- " + filler() + "\n";
    } else if (kind == 3) {
      text = "```\n" + filler() + "\n\n" + filler() + "\n```\n";
    } else if (kind == 4) {
      text = "> " + filler() + "\n> " + filler() + "\n";
    } else if (kind == 5) {
      text = "Old style heading\n=================\n";
    } else {
      for (int i = 1 + pick(4); i > 0; --i) text += filler() + "\n";
    }
    return text + std::string(static_cast<size_t>(1 + pick(3)), '\n');
  }

  // The sentence that answers, on one line or wrapped, alone or inside a paragraph or list.
  std::string answer_block(const std::string& name, bool markdown) {
    const std::string wrap = pick(2) == 0 ? " " : "\n";
    std::string sentence = "The " + name + " engine needs" + wrap + "copper wire and oil.";
    if (markdown && pick(3) == 0) return "- " + filler() + "\n- " + sentence + "\n- " + filler() + "\n\n";
    if (pick(2) == 0) sentence = filler() + "\n" + sentence;
    if (pick(2) == 0) sentence += " " + filler();
    return sentence + "\n\n";
  }

  std::string document(const std::string& name, bool markdown) {
    std::string text;
    for (int i = pick(30); i > 0; --i) text += block(markdown);
    text += answer_block(name, markdown);
    for (int i = pick(30); i > 0; --i) text += block(markdown);
    return text;
  }

  // The quotes of `citation` that are not in its lines of the file.
  std::string missing(const Citation& citation) const {
    const std::string text = must(read_file(citation.path, 1 << 20));
    std::string lines;
    size_t at = 0;
    for (uint32_t line = 1; line <= citation.end_line && at < text.size(); ++line) {
      const size_t stop = std::min(text.find('\n', at), text.size());
      if (line >= citation.start_line) lines += text.substr(at, stop - at) + "\n";
      at = stop + 1;
    }
    const std::string source = providers::quote_of(lines);
    std::string result;
    for (const std::string& quote : citation.quotes) {
      if (source.find(quote) == std::string::npos) {
        result += location_of(citation.path, citation.start_line, citation.end_line, 0, 0) +
                  " lacks '" + quote + "'; it has: " + source + "\n";
      }
    }
    return result;
  }

  std::mt19937 random{20240229};
};

TEST_F(CitationLinesTest, EveryQuoteStandsInTheLinesNamed) {
  constexpr int kDocuments = 60;
  const auto name_of = [](int i) { return "zorgon" + std::to_string(100 + i); };  // none begins another
  for (int i = 0; i < kDocuments; ++i) {
    const bool markdown = i % 3 != 0;
    write(name_of(i) + (markdown ? ".md" : ".txt"), document(name_of(i), markdown));
  }
  index();
  open();
  uint32_t n_lines = 0;
  for (int i = 0; i < kDocuments; ++i) {
    const Answer answer = ask("What does the " + name_of(i) + " engine need?");
    ASSERT_TRUE(answer.answered) << name_of(i);
    const Citation& citation = answer.citations.at(0);
    EXPECT_TRUE(citation.path.find(name_of(i)) != std::string::npos) << citation.path;
    for (const Citation& each : answer.citations) EXPECT_EQ(missing(each), "");
    n_lines += citation.end_line - citation.start_line + 1;
  }
  // A citation of a whole passage would be right as well, but of little use.
  EXPECT_LT(n_lines / kDocuments, 12u);
}

TEST(FindLines, GivesTheSmallestRangeThatHoldsAllQuotes) {
  const std::string source = "one\ntwo three\n\nfour **five**\nsix\nseven\n";
  const auto find = [&](std::vector<std::string> quotes, LineRange within = {1, 99}) {
    return find_lines(source, within, quotes);
  };
  EXPECT_EQ(find({"two three"}), (LineRange{2, 2}));
  EXPECT_EQ(find({"four five six"}), (LineRange{4, 5}));
  EXPECT_EQ(find({"six", "three four"}), (LineRange{2, 5}));
  EXPECT_EQ(find({"seven"}), (LineRange{6, 6}));
  EXPECT_EQ(find({"eight"}), std::nullopt);
  EXPECT_EQ(find({"one", "eight"}), std::nullopt);
  EXPECT_EQ(find({"one"}, {2, 6}), std::nullopt);
  EXPECT_EQ(find({"seven"}, {2, 5}), std::nullopt);
  EXPECT_EQ(find({"six"}, {5, 5}), (LineRange{5, 5}));
  EXPECT_EQ(find({"one"}, {50, 60}), std::nullopt);
  EXPECT_EQ(find({}), std::nullopt);
  EXPECT_EQ(find({"..."}), std::nullopt);
  EXPECT_EQ(find_lines("", {1, 1}, std::vector<std::string>{"x"}), std::nullopt);
}

TEST(FindLines, SeesPastMarkup) {
  const auto find = [](std::string_view source, std::string quote) {
    return find_lines(source, {1, 99}, std::vector<std::string>{std::move(quote)});
  };
  EXPECT_EQ(find("x\n<p class=\"a\">The <b>quick</b>\nfox &amp; hound</p>\n", "The quick fox & hound"),
            (LineRange{2, 3}));
  EXPECT_EQ(find("x\n> see [the\n> guide](http://a.b/c?d=1) now\n", "see the guide now"), (LineRange{2, 3}));
  EXPECT_EQ(find("x\n<p\n id=\"b\">word</p>\n", "word"), (LineRange{3, 3}));
  EXPECT_EQ(find("if a < b and c > d\n", "a < b and c"), (LineRange{1, 1}));
  EXPECT_EQ(find("x\nvector<int> v;\n", "vector<int> v;"), (LineRange{2, 2}));
  EXPECT_EQ(find("caf\u00e9 1\ncaf\u00e9 2\n", "caf\u00e9 2"), (LineRange{2, 2}));
}

}  // namespace
}  // namespace docmind::pipeline

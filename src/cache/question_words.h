// QuestionText: a question cut into words, numbers and quotations, as the guards compare it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace docmind::cache {

// One word as written, with what its writing hints at.
struct QuestionWord {
  std::string text;  // folded; the dots of "U.S." and the 's of "India's" are gone
  std::string stem;  // Porter's
  bool stop = false;            // a function word
  bool common = false;          // a function word or one of everyday English
  bool capital = false;         // begins with a capital inside a sentence
  bool shout = false;           // two capitals or more and nothing small: "IBM"
  bool mixed = false;           // a capital after a small letter: "iPhone"
  bool dotted = false;          // parts joined by dots or underscores: "node.js", "example.com"
  bool cased = false;           // of a script that has capitals
  bool starts_sentence = false;
  bool has_digit = false;
  bool has_letter = false;
  std::string unit;             // of a number written with it: "$10", "5%", "10kg"
};

struct QuestionText {
  std::vector<QuestionWord> words;
  std::vector<std::string> quotes;  // what stands in quotation marks or backticks, squashed
  std::string squashed;             // letters and digits alone, folded
  bool title_case = false;          // capitals say nothing: nearly all or none of the words have one
  bool mostly_known = false;        // most words are of everyday English, so a rare one stands out
};

// Takes any bytes, in linear time. Words with n't come as two: "do" and "not".
[[nodiscard]] QuestionText read_question(std::string_view question);

// Letters and digits alone, folded.
[[nodiscard]] std::string squash(std::string_view text);

}  // namespace docmind::cache

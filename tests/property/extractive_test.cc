// Properties of sentence splitting and extractive answers over generated texts.
// SPDX-License-Identifier: Apache-2.0
#include "providers/extractive.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "providers/sentences.h"

namespace docmind::providers {
namespace {

// Pieces that texts are made of: words, marks of structure, controls, other scripts.
rc::Gen<std::string> text_gen() {
  return rc::gen::map(
      rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
          "index", "partial", "create", "The", "table is", "server", "e.g.", "Dr.", "1.2.3", "42",
          ". ", ". ", ".", "?", "!", ":", ";", ", ", " ", " ", " ", " ", "\n", "\n", "\n\n", "\n- ",
          "\n2. ", " | ", "```", "\n```\n", "    ", "$ ls -l", "SELECT *", "{", "}", "(", ")",
          "[1]", "\x1b[31m", "\x07", "\t", "\r", "\xc2\x9b", "\u202e", "\u00e9", "\u4e2d\u6587",
          "\u3002", "\u2022 ", "\u2014", "\U0001f600", "...")),
      [](const std::vector<std::string>& pieces) {
        std::string text;
        for (const std::string& piece : pieces) text += piece;
        return text;
      });
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

TEST(SentencesProperty, SpansCoverEveryVisibleCharacterOnce) {
  EXPECT_TRUE(rc::check("cover", [] {
    const std::string text = *text_gen();
    size_t at = 0;
    for (const Sentence& sentence : split_sentences(text)) {
      RC_ASSERT(sentence.begin >= at);
      RC_ASSERT(sentence.begin < sentence.end);
      RC_ASSERT(sentence.end <= text.size());
      for (; at < sentence.begin; ++at) RC_ASSERT(is_space(text[at]));
      RC_ASSERT(!is_space(text[sentence.begin]));
      RC_ASSERT(!is_space(text[sentence.end - 1]));
      RC_ASSERT(utf8_floor(text, sentence.begin) == sentence.begin);
      RC_ASSERT(utf8_floor(text, sentence.end) == sentence.end);
      at = sentence.end;
    }
    for (; at < text.size(); ++at) RC_ASSERT(is_space(text[at]));
  }));
}

TEST(SentencesProperty, AnyBytesAreSafe) {
  EXPECT_TRUE(rc::check("any bytes", [](const std::string& bytes) {
    size_t at = 0;
    for (const Sentence& sentence : split_sentences(bytes)) {
      RC_ASSERT(sentence.begin >= at);
      RC_ASSERT(sentence.end <= bytes.size());
      at = sentence.end;
    }
  }));
}

TEST(QuoteProperty, IsIdempotentAndClean) {
  EXPECT_TRUE(rc::check("quote", [] {
    const std::string text = *text_gen();
    const std::string quote = quote_of(text);
    RC_ASSERT(quote_of(quote) == quote);
    RC_ASSERT(quote_of(quote_lines_of(text)) == quote);
    RC_ASSERT(is_valid_utf8(quote));
    for (const char c : quote) RC_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  }));
}

TEST(ExtractiveProperty, EveryEvidenceSpanIsQuotedInOrder) {
  const ExtractiveGenerator generator(
      [](std::string_view stem) { return 1.0 + static_cast<double>(stem.size() % 5); });
  EXPECT_TRUE(rc::check("evidence", [&] {
    const auto texts = *rc::gen::resize(
        6, rc::gen::container<std::vector<std::string>>(rc::gen::resize(60, text_gen())));
    std::vector<Passage> passages;
    for (const std::string& text : texts) {
      passages.push_back({.text = text, .title = "Partial tables", .heading = {}, .relevance = 1});
    }
    GenerateRequest request;
    request.question = *rc::gen::element<std::string_view>(
        "what is a partial index", "how to create a table", "server default", "index 42 ?");
    request.passages = passages;
    request.max_sentences = *rc::gen::inRange(1, 6);
    request.max_tokens = *rc::gen::inRange(1, 80);
    std::string streamed;
    const auto answer = generator.generate(
        request,
        [&](std::string_view piece) {
          streamed += piece;
          return true;
        },
        CancelToken());
    RC_ASSERT(answer.ok());
    RC_ASSERT(streamed == answer->text);
    RC_ASSERT(answer->answered == !answer->evidence.empty());
    RC_ASSERT(answer->answered == !answer->text.empty());
    const std::string flat = quote_of(answer->text);
    size_t at = 0;
    int n_words = 0;
    for (const Evidence& evidence : answer->evidence) {
      RC_ASSERT(evidence.passage < passages.size());
      RC_ASSERT(evidence.begin < evidence.end);
      RC_ASSERT(evidence.end <= passages[evidence.passage].text.size());
      const std::string quote = quote_of(
          passages[evidence.passage].text.substr(evidence.begin, evidence.end - evidence.begin));
      at = flat.find(quote, at);
      RC_ASSERT(at != std::string::npos);
      at += quote.size();
      n_words += 1 + static_cast<int>(std::count(quote.begin(), quote.end(), ' '));
    }
    RC_ASSERT(n_words <= request.max_tokens);
  }));
}

}  // namespace
}  // namespace docmind::providers

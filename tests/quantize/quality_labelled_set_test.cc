// Labelled sets from JSON lines, and what is built in.
// SPDX-License-Identifier: Apache-2.0
#include <set>

#include <gtest/gtest.h>

#include "base/text.h"
#include "quantize/quality.h"
#include "quantize/quality_encoders.h"

namespace docmind::quantize {
namespace {

TEST(LabelledSet, IsReadInAnyOrder) {
  const auto set = parse_labelled_set("{\"query\":\"x\",\"relevant\":[\"b\",7]}\r\n\n{\"id\":7,\"text\":\"seven\"}\n"
                                      "{\"id\":\"b\",\"text\":\"bee\"}\n"
                                      "{\"query\":\"y\",\"relevant\":{\"b\":2,\"7\":0}}");
  ASSERT_TRUE(set.ok()) << set.error().message;
  EXPECT_EQ(set->documents, (std::vector<std::string>{"seven", "bee"}));
  ASSERT_EQ(set->queries.size(), 2u);
  EXPECT_EQ(set->queries[0].relevant, (std::vector<std::pair<size_t, double>>{{1, 1}, {0, 1}}));
  EXPECT_EQ(set->queries[1].relevant, (std::vector<std::pair<size_t, double>>{{1, 2}}));
}

TEST(LabelledSet, NamesTheLineThatIsWrong) {
  const std::string document = "{\"id\":\"a\",\"text\":\"x\"}\n";
  const std::vector<std::string> second_lines = {
      "{", "[]", "{}", "{\"text\":\"x\"}", "{\"id\":\"b\",\"text\":\" \"}", "{\"id\":\"b\",\"text\":3}", document,
      "{\"query\":\"q\"}", "{\"query\":\"q\",\"relevant\":\"a\"}", "{\"query\":\"q\",\"relevant\":[\"b\"]}",
      "{\"query\":\"q\",\"relevant\":[]}", "{\"query\":\"q\",\"relevant\":[[]]}",
      "{\"query\":\"q\",\"relevant\":{\"a\":-1}}",
      "{\"query\":\"q\",\"relevant\":{\"a\":\"1\"}}", "{\"query\":\"q\",\"relevant\":{\"a\":0}}",
      "{\"query\":\"\",\"relevant\":[\"a\"]}", "{\"query\":\"q\",\"relevant\":{\"a\":[[[[1]]]]}}"};
  for (const std::string& line : second_lines) {
    const auto set = parse_labelled_set(document + line);
    ASSERT_FALSE(set.ok()) << line;
    EXPECT_EQ(set.error().code, ErrorCode::kMalformed) << line;
    EXPECT_NE(set.error().message.find("line 2 of the labelled set"), std::string::npos) << set.error().message;
  }
}

TEST(BuiltIn, TheSetIsWholeAndHasDistractors) {
  const LabelledSet set = builtin_labelled_set();
  EXPECT_GE(set.documents.size(), 40u);
  EXPECT_GE(set.queries.size(), 30u);
  ASSERT_TRUE(check_labelled_set(set).ok());
  EXPECT_EQ(std::set(set.documents.begin(), set.documents.end()).size(), set.documents.size());
  size_t n_answering = 0;
  for (const LabelledQuery& query : set.queries) n_answering = std::max(n_answering, query.relevant.size());
  EXPECT_LE(n_answering, 3u);
}

TEST(BuiltIn, TheSampleIsLongEnoughAndOfSeveralLanguages) {
  const std::string_view text = builtin_sample_text();
  EXPECT_GT(text.size(), 12'000u);
  EXPECT_LT(text.size(), 16'384u);
  EXPECT_TRUE(is_valid_utf8(text));
  for (const std::string_view words : {"harbour", "Fachwerkhaus", "fromages", "tren", "茶树", "std::max"}) {
    EXPECT_LT(text.find(words), 9'000u) << words;  // within what is read by default
  }
}

}  // namespace
}  // namespace docmind::quantize

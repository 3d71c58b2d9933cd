// Answers in JSON and in the cache: every field, places for people, bytes that are no answer.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/answer.h"

#include <gtest/gtest.h>

namespace docmind::pipeline {
namespace {

Answer sample() {
  Answer answer;
  answer.question = "What?";
  answer.text = "This. [1]";
  answer.provider = "extractive";
  Citation citation;
  citation.path = "/docs/a\xff.md";  // a path is bytes
  citation.title = "T";
  citation.heading = "H > I";
  citation.start_line = 3;
  citation.end_line = 5;
  citation.quotes = {"This.", "That \"too\"."};
  answer.citations = {citation};
  Passage passage;
  passage.path = "/docs/b.pdf";
  passage.page = 2;
  passage.end_page = 3;
  passage.text = "body\n";
  passage.score = 0.25;
  passage.relevance = 0.5;
  answer.passages = {passage};
  answer.cache = CacheState::kDisk;
  answer.stages = {{"generate", 1.5}};
  return answer;
}

TEST(Location, IsLinesOrPages) {
  EXPECT_EQ(location_of("a.md", 3, 3, 0, 0), "a.md:3");
  EXPECT_EQ(location_of("a.md", 3, 9, 0, 0), "a.md:3-9");
  EXPECT_EQ(location_of("a.pdf", 3, 9, 2, 2), "a.pdf, page 2");
  EXPECT_EQ(location_of("a.pdf", 1, 1, 2, 4), "a.pdf, pages 2-4");
}

TEST(AnswerJson, HasEveryField) {
  const json::value value = answer_to_json(sample(), true);
  EXPECT_EQ(value.at("question").as_string(), "What?");
  EXPECT_EQ(value.at("answer").as_string(), "This. [1]");
  EXPECT_TRUE(value.at("answered").as_bool());
  EXPECT_EQ(value.at("cache").as_string(), "disk");
  EXPECT_EQ(value.at("stages_ms").at("generate").as_double(), 1.5);
  const json::value& citation = value.at("citations").at(0);
  EXPECT_EQ(citation.at("path").as_string(), "/docs/a\xef\xbf\xbd.md");  // JSON is text
  EXPECT_EQ(citation.at("start_line").to_number<int>(), 3);
  EXPECT_TRUE(citation.at("page").is_null());
  EXPECT_EQ(citation.at("quotes").at(1).as_string(), "That \"too\".");
  const json::value& passage = value.at("passages").at(0);
  EXPECT_EQ(passage.at("page").to_number<int>(), 2);
  EXPECT_EQ(passage.at("end_page").to_number<int>(), 3);
  EXPECT_EQ(passage.at("score").as_double(), 0.25);
  EXPECT_FALSE(answer_to_json(sample(), false).as_object().contains("passages"));
}

TEST(AnswerCodec, KeepsPathsByteByByte) {
  const auto decoded = decode_answer(encode_answer(sample()));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(decoded->citations[0].path, "/docs/a\xff.md");
  EXPECT_EQ(decoded->citations[0].quotes, sample().citations[0].quotes);
  EXPECT_EQ(decoded->passages[0].page, 2u);
  EXPECT_EQ(decoded->passages[0].text, "body\n");
}

TEST(AnswerCodec, RefusesOtherBytes) {
  const std::string good = encode_answer(sample());
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string bytes = good;
    const size_t at = bytes.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return bytes.replace(at, from.size(), to);
  };
  for (const std::string& bytes :
       {std::string(), std::string("{}"), std::string("[]"), std::string("null"), std::string("\xff"),
        changed("\"version\":1", "\"version\":2"), changed("\"version\":1", "\"version\":\"1\""),
        changed("\"version\"", "\"sion\""), changed("\"start_line\":3", "\"start_line\":-3"),
        changed("\"start_line\":3", "\"start_line\":4294967296"),
        changed("\"answered\":true", "\"answered\":1"), changed("\"quotes\":[", "\"quotes\":[7,"),
        changed("\"citations\":[", "\"citations\":[null,"), changed("\"score\":", "\"core\":"),
        good.substr(0, good.size() / 2), good + "}"}) {
    const auto decoded = decode_answer(bytes);
    ASSERT_FALSE(decoded.ok()) << bytes;
    EXPECT_EQ(decoded.error().code, ErrorCode::kMalformed) << bytes;
  }
}

TEST(CacheStates, HaveNames) {
  EXPECT_EQ(cache_state_name(CacheState::kOff), "off");
  EXPECT_EQ(cache_state_name(CacheState::kMiss), "miss");
  EXPECT_EQ(cache_state_name(CacheState::kMemory), "memory");
  EXPECT_EQ(cache_state_name(CacheState::kDisk), "disk");
}

}  // namespace
}  // namespace docmind::pipeline

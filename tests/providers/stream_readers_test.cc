// The readers of event and line streams, wherever the bytes are cut; bounds for the tokens of a text.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "providers/ndjson_reader.h"
#include "providers/sse_reader.h"
#include "providers/token_estimate.h"

namespace docmind::providers {
namespace {

using Events = std::vector<std::pair<std::string, std::string>>;

// Each way to cut a text into two pieces, and into single bytes.
std::vector<std::vector<std::string>> all_cuts(const std::string& text) {
  std::vector<std::vector<std::string>> cuts;
  for (size_t at = 0; at <= text.size(); ++at) cuts.push_back({text.substr(0, at), text.substr(at)});
  cuts.emplace_back();
  for (const char c : text) cuts.back().push_back(std::string(1, c));
  return cuts;
}

Events events_of(const std::vector<std::string>& pieces) {
  Events events;
  SseReader reader(1'000);
  for (const std::string& piece : pieces) {
    const Status status = reader.feed(piece, [&](const SseEvent& event) {
      events.emplace_back(event.name, event.data);
      return Status();
    });
    EXPECT_TRUE(status.ok()) << status.error().message;
  }
  return events;
}

TEST(SseReader, EventsWhereverTheStreamIsCut) {
  const std::string stream =
      "\xEF\xBB\xBF: ping\n\nevent: first\ndata: one\ndata:two\ndata:  three\r\n\r\nid: 7\rdata: für\r\rdata\n\n"
      "retry: 3\n\nerror: {}\n\ndata: last";
  const Events wanted = {{"first", "one\ntwo\n three"}, {"", "für"}, {"", ""}, {"error", "{}"}};
  for (const auto& pieces : all_cuts(stream)) ASSERT_EQ(events_of(pieces), wanted);
  Events ended = wanted;
  ended.emplace_back("", "last");
  EXPECT_EQ(events_of({stream + "\n\n"}), ended);
}

TEST(SseReader, EventsWithoutEndAreRefused) {
  SseReader reader(100);
  const SseSink ignore = [](const SseEvent&) { return Status(); };
  EXPECT_TRUE(reader.feed("data: " + std::string(80, 'a') + "\n", ignore).ok());
  const Status status = reader.feed("data: " + std::string(80, 'a') + "\n", ignore);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kLimit);
  EXPECT_TRUE(reader.overflowed());
  SseReader line(100);
  EXPECT_TRUE(line.feed(std::string(60, 'a'), ignore).ok());
  EXPECT_FALSE(line.feed(std::string(60, 'a'), ignore).ok());
}

TEST(SseReader, AnErrorOfTheSinkEndsIt) {
  SseReader reader(100);
  int n_events = 0;
  const Status status = reader.feed("data: 1\n\ndata: 2\n\n", [&](const SseEvent&) -> Status {
    ++n_events;
    return Error{ErrorCode::kCancelled, "enough"};
  });
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(n_events, 1);
  EXPECT_FALSE(reader.overflowed());
}

TEST(NdjsonReader, LinesWhereverTheStreamIsCut) {
  const std::string stream = "{\"a\":\"für\"}\n\n  \r\n{\"b\":1}\r\n{\"c\":2}";
  const std::vector<std::string> wanted = {"{\"a\":\"für\"}", "{\"b\":1}", "{\"c\":2}"};
  for (const auto& pieces : all_cuts(stream)) {
    std::vector<std::string> lines;
    NdjsonReader reader(100);
    const LineSink keep = [&](std::string_view line) { return lines.emplace_back(line), Status(); };
    for (const std::string& piece : pieces) ASSERT_TRUE(reader.feed(piece, keep).ok());
    ASSERT_TRUE(reader.finish(keep).ok());
    ASSERT_EQ(lines, wanted);
  }
}

TEST(NdjsonReader, LinesWithoutEndAreRefused) {
  NdjsonReader reader(100);
  const LineSink ignore = [](std::string_view) { return Status(); };
  EXPECT_TRUE(reader.feed(std::string(60, 'a'), ignore).ok());
  EXPECT_FALSE(reader.feed(std::string(60, 'a'), ignore).ok());
  EXPECT_TRUE(reader.overflowed());
}

TEST(TokenEstimate, IsAboveWhatCommonTokenizersMakeAndTheLeastIsBelow) {
  struct Known {
    std::string_view text;
    int64_t n_tokens;  // of the larger of the cl100k and Qwen vocabularies
  };
  for (const Known& known : {Known{"The quick brown fox jumps over the lazy dog.", 10},
                             Known{"Employees have 28 days of annual leave.", 10},
                             Known{"Die Urlaubsansprüche verfallen am 31. März.", 15},
                             Known{"for (int i = 0; i < n; ++i) sum += a[i];", 20},
                             Known{"今天天气很好", 6}, Known{"", 0}}) {
    EXPECT_GE(estimate_tokens(known.text), known.n_tokens) << known.text;
    EXPECT_LE(least_tokens(known.text), known.n_tokens) << known.text;
  }
  EXPECT_EQ(least_tokens("=======  ---- one"), 1) << "a long row of marks may be one token";
}

TEST(TokenEstimate, GrowsWithTheText) {
  std::string text;
  int64_t estimate = 0, least = 0;
  for (const char* word : {"one ", "zwei\n", "3 ", "четыре ", "五 ", "  ", "six-seven "}) {
    text += word;
    EXPECT_GE(estimate_tokens(text), estimate);
    EXPECT_GE(least_tokens(text), least);
    EXPECT_LE(least_tokens(text), estimate_tokens(text));
    estimate = estimate_tokens(text);
    least = least_tokens(text);
  }
}

}  // namespace
}  // namespace docmind::providers

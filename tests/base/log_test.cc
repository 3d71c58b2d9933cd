// Logger: levels, both formats, and messages that try to forge a line of their own.
// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/text.h"

namespace docmind {
namespace {

// What `body` writes to standard error through a logger of these settings.
template <typename Body>
std::string logged(std::string_view level, std::string_view format, Body&& body) {
  testing::internal::CaptureStderr();
  {
    Result<Logger> logger = Logger::make(level, format);
    if (logger.ok()) {
      body(*logger);
    } else {
      ADD_FAILURE() << logger.error().message;
    }
  }
  return testing::internal::GetCapturedStderr();
}

std::string all_levels(std::string_view level) {
  return logged(level, "text", [](const Logger& logger) {
    logger.debug("d{}", 1);
    logger.info("i{}", 2);
    logger.warn("w{}", 3);
  });
}

size_t n_lines(std::string_view text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(Logger, WritesWhatTheLevelLetsThrough) {
  const std::string all = "docmind: debug: d1\ndocmind: info: i2\ndocmind: warning: w3\n";
  EXPECT_EQ(all_levels("trace"), all);
  EXPECT_EQ(all_levels("debug"), all);
  EXPECT_EQ(all_levels("info"), "docmind: info: i2\ndocmind: warning: w3\n");
  EXPECT_EQ(all_levels("warn"), "docmind: warning: w3\n");
  EXPECT_EQ(all_levels("error"), "");
  EXPECT_EQ(all_levels("off"), "");
}

TEST(Logger, AnUnknownLevelIsNamedWithTheValidOnes) {
  const auto refused = Logger::make("loud", "text");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  for (const char* part : {"'loud'", "trace", "debug", "info", "warn", "error", "off"}) {
    EXPECT_NE(refused.error().message.find(part), std::string::npos) << part;
  }
}

TEST(Logger, AJsonLineIsOneObjectWithTimeLevelAndMessage) {
  const std::string line =
      logged("info", "json", [](const Logger& logger) { logger.warn("file '{}' skipped", "a\"b\\c"); });
  ASSERT_EQ(n_lines(line), 1u);
  const auto value = parse_json(line, 4, 10'000);
  ASSERT_TRUE(value.ok()) << line;
  EXPECT_EQ(value->at("level").as_string(), "warning");
  EXPECT_EQ(value->at("message").as_string(), "file 'a\"b\\c' skipped");
  EXPECT_EQ(value->at("time").as_string().size(), std::string("2026-01-31T10:11:12.123+01:00").size());
}

TEST(Logger, AMessageCannotForgeASecondLine) {
  const std::string evil = "name\ndocmind: info: all is well\r\x1b[2J\u009b1m\x08";
  const auto write = [&](const Logger& logger) { logger.warn("cannot read '{}'", evil); };
  const std::string text = logged("info", "text", write);
  EXPECT_EQ(n_lines(text), 1u) << text;
  EXPECT_TRUE(text.starts_with("docmind: warning: cannot read 'name\\n")) << text;
  EXPECT_EQ(printable(text.substr(0, text.size() - 1)), text.substr(0, text.size() - 1));

  const std::string line = logged("info", "json", write);
  EXPECT_EQ(n_lines(line), 1u) << line;
  const auto value = parse_json(line, 4, 10'000);
  ASSERT_TRUE(value.ok()) << line;
  EXPECT_EQ(std::string(value->at("message").as_string()), "cannot read '" + evil + "'");
}

TEST(Logger, BytesThatAreNoTextStillGiveAValidLine) {
  const auto write = [](const Logger& logger) { logger.info("path {}", "a\xff\xc3"); };
  EXPECT_EQ(logged("info", "text", write), "docmind: info: path a\ufffd\ufffd\n");
  const std::string line = logged("info", "json", write);
  const auto value = parse_json(line, 4, 10'000);
  ASSERT_TRUE(value.ok()) << line;
  EXPECT_EQ(value->at("message").as_string(), "path a\ufffd\ufffd");
}

TEST(Logger, BracesInAValueAreNoFormat) {
  EXPECT_EQ(logged("info", "text", [](const Logger& logger) { logger.info("{}", "{0} %v {"); }),
            "docmind: info: {0} %v {\n");
}

TEST(Logger, TheNullLoggerDropsEverything) {
  testing::internal::CaptureStderr();
  const Logger logger = Logger::null();
  logger.warn("nobody {}", "reads this");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Logger, ThreadsWriteWholeLines) {
  const std::string text = logged("info", "text", [](const Logger& logger) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([copy = logger] {
        for (int i = 0; i < 50; ++i) copy.info("{}", std::string(100, 'x'));
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  const std::string line = "docmind: info: " + std::string(100, 'x') + "\n";
  std::string expected;
  for (int i = 0; i < 200; ++i) expected += line;
  EXPECT_EQ(text, expected);
}

}  // namespace
}  // namespace docmind

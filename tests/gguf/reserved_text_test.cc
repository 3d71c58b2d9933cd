// Texts that are filled in when the file is whole, and temporary files of processes that were killed.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "gguf/writer.h"
#include "support/temp_folder.h"

namespace docmind::gguf {
namespace {

using test::TempFolder;

size_t files_in(const TempFolder& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder.path()), {}));
}

// A text between two other values, and a tensor behind them.
Writer reserved_writer(const std::string& path, uint32_t alignment = 32) {
  Writer writer = std::move(Writer::create(path, {.alignment = alignment})).value();
  writer.add("before", 1u);
  writer.reserve("report", 40);
  writer.add("after", "x");
  writer.reserve("second", 3);
  writer.declare({"t", {4}, 0});
  const float values[] = {1, 2, 3, 4};
  EXPECT_TRUE(writer.append(std::as_bytes(std::span(values))).ok());
  return writer;
}

TEST(GgufReservedText, IsBlankUntilItIsFilled) {
  for (const uint32_t alignment : {32u, 64u}) {
    const TempFolder folder;
    const std::string path = folder.path("m.gguf");
    Writer writer = reserved_writer(path, alignment);
    const Result<std::string> temporary = writer.complete();
    ASSERT_TRUE(temporary.ok()) << temporary.error().message;
    EXPECT_FALSE(folder.exists("m.gguf"));
    {
      const Result<File> file = File::open(*temporary);
      ASSERT_TRUE(file.ok()) << file.error().message;
      EXPECT_EQ(*file->text("report"), std::string(40, ' '));
      EXPECT_EQ(file->tensors().size(), 1U);
    }
    ASSERT_TRUE(writer.fill("report", "{\"a\": 1}").ok());
    ASSERT_TRUE(writer.fill("report", "{}").ok());  // the last one counts, whole
    ASSERT_TRUE(writer.finish().ok());
    const Result<File> file = File::open(path);
    ASSERT_TRUE(file.ok()) << file.error().message;
    EXPECT_EQ(*file->text("report"), "{}" + std::string(38, ' '));
    EXPECT_EQ(*file->integer("before"), 1);
    EXPECT_EQ(*file->text("after"), "x");
    EXPECT_EQ(*file->text("second"), "   ");
    float last = 0;
    std::memcpy(&last, file->tensors()[0].data.data() + 12, sizeof last);
    EXPECT_EQ(last, 4);
    EXPECT_EQ(files_in(folder), 1U);
  }
}

TEST(GgufReservedText, WhatDoesNotFitChangesNothing) {
  const TempFolder folder;
  Writer writer = reserved_writer(folder.path("m.gguf"));
  EXPECT_EQ(writer.fill("report", "early").error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(writer.complete().ok());
  ASSERT_TRUE(writer.fill("second", "abc").ok());
  const Status long_text = writer.fill("second", "abcd");
  ASSERT_FALSE(long_text.ok());
  EXPECT_EQ(long_text.error().code, ErrorCode::kLimit);
  EXPECT_NE(long_text.error().message.find("4 bytes for 'second', which has room for 3"), std::string::npos);
  EXPECT_NE(writer.fill("other", "").error().message.find("'other'"), std::string::npos);
  ASSERT_TRUE(writer.finish().ok());
  EXPECT_FALSE(writer.fill("second", "late").ok());
  EXPECT_FALSE(writer.complete().ok());
  EXPECT_EQ(*File::open(folder.path("m.gguf"))->text("second"), "abc");
}

TEST(GgufReservedText, ACompleteFileThatIsGivenUpLeavesNothing) {
  const TempFolder folder;
  {
    Writer writer = reserved_writer(folder.path("m.gguf"));
    ASSERT_TRUE(writer.complete().ok());
    const Writer moved = std::move(writer);
    EXPECT_EQ(files_in(folder), 1U);
  }
  EXPECT_EQ(files_in(folder), 0U);
}

TEST(GgufReservedText, AFileWithoutItsDataIsNotComplete) {
  const TempFolder folder;
  Writer writer = std::move(Writer::create(folder.path("m.gguf"))).value();
  writer.declare({"t", {8}, 0});
  const Result<std::string> path = writer.complete();
  ASSERT_FALSE(path.ok());
  EXPECT_NE(path.error().message.find("tensor 't' has 0 of its 32 bytes"), std::string::npos);
}

// The number of a process that is gone.
pid_t ended_process() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return child;
}

TEST(GgufTemporaryFile, WhatAKilledProcessLeftIsRemovedByTheNext) {
  const TempFolder folder;
  const pid_t gone = ended_process();
  folder.write(fmt::format("m.gguf.tmp.{}", gone), "half");
  folder.write(fmt::format("other.gguf.tmp.{}", gone), "of another destination");
  folder.write(fmt::format("m.gguf.tmp.{}", ::getppid()), "of a process that runs");
  folder.write("m.gguf.tmp.x", "no number");
  folder.write(fmt::format("m.gguf.tmp.{}x", gone), "no number");
  folder.write("m.gguf.tmp.99999999999999999999", "no process");
  Writer writer = std::move(Writer::create(folder.path("m.gguf"))).value();
  EXPECT_FALSE(folder.exists(fmt::format("m.gguf.tmp.{}", gone)));
  EXPECT_EQ(files_in(folder), 6U);  // the five others and its own
}

TEST(GgufTemporaryFile, TwoWritersToOneFileDoNotMix) {
  const TempFolder folder;
  const std::string path = folder.path("m.gguf");
  Writer first = reserved_writer(path);
  const Result<Writer> second = Writer::create(path);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kBusy);
  ASSERT_TRUE(first.finish().ok());
  EXPECT_TRUE(Writer::create(path).ok());  // and the file is whole
  EXPECT_EQ(File::open(path)->tensors().size(), 1U);
}

TEST(GgufTemporaryFile, AnEarlierProcessOfThisNumberIsNoObstacle) {
  const TempFolder folder;
  folder.write(fmt::format("m.gguf.tmp.{}", ::getpid()), std::string(1 << 20, 'x'));
  Writer writer = reserved_writer(folder.path("m.gguf"));
  ASSERT_TRUE(writer.finish().ok());
  EXPECT_LT(folder.read("m.gguf").size(), 1'000U);
  EXPECT_EQ(files_in(folder), 1U);
}

}  // namespace
}  // namespace docmind::gguf

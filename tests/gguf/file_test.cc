// File: real models, split models and what their parts must agree on.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "gguf/split_name.h"
#include "support/model_writer.h"
#include "support/temp_folder.h"

namespace docmind::test {
namespace {

using gguf::File;

class GgufFile : public testing::Test {
 protected:
  std::string split_model(int n_files) const {
    ModelSpec spec;
    spec.n_files = n_files;
    return *write_model(spec, folder_.path("m.gguf"));
  }
  static void expect_error(const std::string& path, ErrorCode code, std::string_view part) {
    const Result<File> file = File::open(path);
    ASSERT_FALSE(file.ok());
    EXPECT_EQ(file.error().code, code) << file.error().message;
    EXPECT_NE(file.error().message.find(part), std::string::npos) << file.error().message;
  }
  // A file that has only these split keys.
  void write_keys(const std::string& name, uint16_t number, uint16_t count, int32_t n_tensors) const {
    Result<gguf::Writer> writer = gguf::Writer::create(folder_.path(name));
    writer->add("split.no", number);
    writer->add("split.count", count);
    writer->add("split.tensors.count", n_tensors);
    ASSERT_TRUE(writer->finish().ok());
  }
  TempFolder folder_;
};

TEST_F(GgufFile, ReadsARealModel) {
  const std::string path = DOCMIND_SOURCE_DIR "/../shared/data/models/stories260K.gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "needs " << path;
  const Result<File> file = File::open(path);
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(file->architecture(), "llama");
  EXPECT_EQ(*file->integer("llama.block_count"), 5);
  EXPECT_EQ(file->array("tokenizer.ggml.tokens")->strings()->size(), 512U);
  EXPECT_EQ(file->array("tokenizer.ggml.scores")->floats()->size(), 512U);
  EXPECT_EQ(file->array("tokenizer.ggml.token_type")->integers()->at(0), 2);
  const gguf::TensorInfo* tensor = file->find_tensor("token_embd.weight");
  ASSERT_NE(tensor, nullptr);
  EXPECT_EQ(tensor->n_dims, 2);
  EXPECT_EQ(tensor->dims[0], 64);
  EXPECT_EQ(tensor->dims[1], 512);
  EXPECT_EQ(file->file_bytes(), std::filesystem::file_size(path));
  EXPECT_EQ(file->path(), path);
}

TEST_F(GgufFile, ASplitModelIsOneModelFromWhicheverPart) {
  const std::string whole = *write_model({}, folder_.path("whole.gguf"));
  const std::string first = split_model(3);
  EXPECT_EQ(first, folder_.path("m-00001-of-00003.gguf"));
  const File one = *File::open(whole);
  for (int part = 1; part <= 3; ++part) {
    const Result<File> file = File::open(folder_.path("m-0000" + std::to_string(part) + "-of-00003.gguf"));
    ASSERT_TRUE(file.ok()) << file.error().message;
    EXPECT_EQ(file->architecture(), "qwen3");
    ASSERT_EQ(file->tensors().size(), one.tensors().size());
    for (size_t i = 0; i < one.tensors().size(); ++i) {
      EXPECT_EQ(file->tensors()[i].name, one.tensors()[i].name);
      EXPECT_TRUE(std::ranges::equal(file->tensors()[i].data, one.tensors()[i].data));
    }
    EXPECT_EQ(file->tensors().front().split, 0U);
    EXPECT_EQ(file->tensors().back().split, 2U);
    file->drop(file->tensors().back());
    EXPECT_TRUE(std::ranges::equal(file->tensors().back().data, one.tensors().back().data));
    EXPECT_GT(file->file_bytes(), one.file_bytes());
  }
}

TEST_F(GgufFile, PartsThatAreMissingOrDisagreeAreNamed) {
  const std::string first = split_model(3);
  const std::string second = folder_.path("m-00002-of-00003.gguf");
  std::filesystem::rename(second, folder_.path("aside.gguf"));
  expect_error(first, ErrorCode::kNotFound, "m-00002-of-00003.gguf");
  // Another part under its name; a part under a plain name; a name that claims another count.
  std::filesystem::copy(first, second);
  expect_error(first, ErrorCode::kMalformed, "part 2 of 3 by its name, but 1 of 3 by its metadata");
  expect_error(folder_.path("aside.gguf"), ErrorCode::kMalformed, "part 1 of 1 by its name, but 2 of 3");
  std::filesystem::copy(first, folder_.path("n-00001-of-00002.gguf"));
  expect_error(folder_.path("n-00001-of-00002.gguf"), ErrorCode::kMalformed,
               "part 1 of 2 by its name, but 1 of 3");
}

TEST_F(GgufFile, PartsMustHoldWhatTheFirstOnePromises) {
  write_keys("k-00001-of-00002.gguf", 0, 2, 7);
  write_keys("k-00002-of-00002.gguf", 1, 2, 7);
  expect_error(folder_.path("k-00001-of-00002.gguf"), ErrorCode::kMalformed,
               "'split.tensors.count' is 7, but its 2 files hold 0 tensors");
  for (int part = 0; part < 2; ++part) {
    Result<gguf::Writer> writer =
        gguf::Writer::create(folder_.path("d-0000" + std::to_string(part + 1) + "-of-00002.gguf"));
    writer->add("split.no", static_cast<uint16_t>(part));
    writer->add<uint16_t>("split.count", 2);
    writer->declare({"same", {1}, 0});
    ASSERT_TRUE(writer->append(std::vector<std::byte>(4)).ok());
    ASSERT_TRUE(writer->finish().ok());
  }
  expect_error(folder_.path("d-00001-of-00002.gguf"), ErrorCode::kMalformed, "'same' is in two of its files");
  expect_error(folder_.write("x-00001-of-99999.gguf", ""), ErrorCode::kLimit, "one of 99999 parts");
}

TEST_F(GgufFile, WhatIsNoModelFileIsAnError) {
  expect_error(folder_.path("missing.gguf"), ErrorCode::kNotFound, "missing.gguf");
  expect_error(folder_.mkdir("folder.gguf"), ErrorCode::kUnsupported, "folder.gguf");
  expect_error(folder_.write("empty.gguf", ""), ErrorCode::kMalformed, "empty.gguf");
}

TEST(SplitName, IsReadAndMade) {
  const auto name = gguf::parse_split_name("a/b-00002-of-00012.gguf");
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(name->stem, "a/b");
  EXPECT_EQ(name->number, 2U);
  EXPECT_EQ(name->count, 12U);
  EXPECT_EQ(name->path(11), "a/b-00011-of-00012.gguf");
  for (const char* other :
       {"a.gguf", "-00001-of-00001.gguf", "b-0002-of-00012.gguf", "b-00003-of-00002.gguf",
        "b-00000-of-00002.gguf", "b-0000x-of-00002.gguf", "b-00001-of-00002.bin", "b00001-of-00002.gguf"}) {
    EXPECT_FALSE(gguf::parse_split_name(other).has_value()) << other;
  }
}

}  // namespace
}  // namespace docmind::test

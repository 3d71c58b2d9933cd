// Writer and File together: what is written is read back, and a file is there whole or not at all.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/writer.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <set>

#include "kernels/tensor_type.h"
#include "support/temp_folder.h"

namespace docmind::gguf {
namespace {

using test::TempFolder;

std::vector<std::byte> pattern(size_t n_bytes, int first) {
  std::vector<std::byte> bytes(n_bytes);
  for (size_t i = 0; i < n_bytes; ++i) bytes[i] = static_cast<std::byte>(static_cast<size_t>(first) + i * 7);
  return bytes;
}

size_t n_files(const TempFolder& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder.path()), {}));
}

TEST(GgufWriter, EveryTypeOfMetadataIsReadBack) {
  const TempFolder folder;
  const std::string path = folder.path("m.gguf");
  Result<Writer> writer = Writer::create(path);
  ASSERT_TRUE(writer.ok());
  writer->add<uint8_t>("u8", 255);
  writer->add<int8_t>("i8", -128);
  writer->add<uint16_t>("u16", 65'535);
  writer->add<int16_t>("i16", -32'768);
  writer->add<uint32_t>("u32", 4'294'967'295u);
  writer->add<int32_t>("i32", -2'147'483'647);
  writer->add<uint64_t>("u64", 1ull << 63);
  writer->add<int64_t>("i64", -(1ll << 62));
  writer->add("f32", 1.5f);
  writer->add("f64", -1e300);
  writer->add("yes", true);
  writer->add("text", "h\xc3\xa9 \n");
  writer->add("texts", std::vector<std::string>{"a", "", std::string("n\0l", 3)});
  writer->add("floats", std::vector<float>{0.25f, -8});
  writer->add("bytes", std::vector<int8_t>{-1, 2});
  writer->add("wide", std::vector<uint64_t>{1ull << 40});
  ASSERT_TRUE(writer->finish().ok());

  const Result<File> file = File::open(path);
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(file->version(), 3U);
  EXPECT_EQ(file->metadata().size(), 16U);
  EXPECT_EQ(file->metadata()[1].key, "i8");
  EXPECT_EQ(*file->integer("u8"), 255);
  EXPECT_EQ(*file->integer("i8"), -128);
  EXPECT_EQ(*file->integer("u16"), 65'535);
  EXPECT_EQ(*file->integer("i16"), -32'768);
  EXPECT_EQ(*file->integer("u32"), 4'294'967'295);
  EXPECT_EQ(*file->integer("i32"), -2'147'483'647);
  EXPECT_EQ(*file->integer("i64"), -(1ll << 62));
  EXPECT_EQ(file->integer("u64").error().code, ErrorCode::kMalformed);
  EXPECT_NE(file->integer("u64").error().message.find("9223372036854775808"), std::string::npos);
  EXPECT_EQ(*file->real("f32"), 1.5);
  EXPECT_EQ(*file->real("f64"), -1e300);
  EXPECT_EQ(*file->real("u16"), 65'535);
  EXPECT_TRUE(*file->boolean_or("yes", false));
  EXPECT_EQ(*file->text("text"), "h\xc3\xa9 \n");
  EXPECT_EQ(*file->array("texts")->strings(),
            (std::vector<std::string_view>{"a", "", std::string_view("n\0l", 3)}));
  EXPECT_EQ(*file->array("floats")->floats(), (std::vector<float>{0.25f, -8}));
  EXPECT_EQ(*file->array("bytes")->integers(), (std::vector<int32_t>{-1, 2}));
  EXPECT_EQ(file->array("wide")->integers().error().code, ErrorCode::kMalformed);
  EXPECT_EQ(file->array("wide")->strings().error().code, ErrorCode::kMalformed);
  EXPECT_EQ(file->array("texts")->floats().error().code, ErrorCode::kMalformed);
}

TEST(GgufWriter, MissingAndWronglyTypedKeysAreErrorsThatNameFileAndKey) {
  const TempFolder folder;
  const std::string path = folder.path("m.gguf");
  Result<Writer> writer = Writer::create(path);
  writer->add("text", "x");
  writer->add("nan", std::numeric_limits<float>::quiet_NaN());
  writer->add("flag", true);
  ASSERT_TRUE(writer->finish().ok());
  const File file = *File::open(path);

  const auto expect = [&](const Error& error, ErrorCode code, std::string_view key) {
    EXPECT_EQ(error.code, code) << error.message;
    EXPECT_NE(error.message.find(path), std::string::npos) << error.message;
    EXPECT_NE(error.message.find(key), std::string::npos) << error.message;
  };
  expect(file.integer("none").error(), ErrorCode::kNotFound, "'none'");
  expect(file.real("none").error(), ErrorCode::kNotFound, "'none'");
  expect(file.text("none").error(), ErrorCode::kNotFound, "'none'");
  expect(file.array("none").error(), ErrorCode::kNotFound, "'none'");
  expect(file.integer("text").error(), ErrorCode::kMalformed, "type string, not an integer");
  expect(file.integer_or("text", 1).error(), ErrorCode::kMalformed, "'text'");
  expect(file.integer("flag").error(), ErrorCode::kMalformed, "type bool");
  expect(file.real("text").error(), ErrorCode::kMalformed, "'text'");
  expect(file.real("nan").error(), ErrorCode::kMalformed, "not a finite number");
  expect(file.boolean_or("text", true).error(), ErrorCode::kMalformed, "'text'");
  expect(file.text("flag").error(), ErrorCode::kMalformed, "'flag'");
  expect(file.array("flag").error(), ErrorCode::kMalformed, "'flag'");
  EXPECT_EQ(*file.integer_or("none", 3), 3);
  EXPECT_EQ(*file.real_or("none", 0.5), 0.5);
  EXPECT_TRUE(*file.boolean_or("none", true));
  EXPECT_EQ(*file.text_or("none", "else"), "else");
  EXPECT_EQ(file.architecture(), "");
}

struct Sample {
  TensorShape shape;
  std::vector<std::byte> data;
};

Sample any_tensor(int number) {
  const auto type = kernels::tensor_type_info(
      *rc::gen::element(kernels::TensorType::kF32, kernels::TensorType::kF16, kernels::TensorType::kBF16,
                        kernels::TensorType::kQ8_0, kernels::TensorType::kQ4_0, kernels::TensorType::kQ4_K,
                        kernels::TensorType::kQ5_K, kernels::TensorType::kQ6_K));
  Sample sample;
  sample.shape.name = "tensor." + std::to_string(number);
  sample.shape.gguf_type = static_cast<uint32_t>(type.type);
  sample.shape.dims = {type.block_len * *rc::gen::inRange(1, 4)};
  int64_t n = sample.shape.dims[0];
  for (int d = *rc::gen::inRange(0, 4); d > 0; --d) {
    sample.shape.dims.push_back(*rc::gen::inRange(1, 4));
    n *= sample.shape.dims.back();
  }
  sample.data = pattern(kernels::row_bytes(type, n), number);
  return sample;
}

TEST(GgufWriter, TensorsAreReadBackWhateverTheirTypesAndChunks) {
  const TempFolder folder;
  EXPECT_TRUE(rc::check("read(write(tensors)) == tensors", [&] {
    std::vector<Sample> samples;
    const int n = *rc::gen::inRange(0, 6);
    for (int i = 0; i < n; ++i) samples.push_back(any_tensor(i));
    const auto alignment = static_cast<uint32_t>(1 << *rc::gen::inRange(0, 9));
    Result<Writer> writer = Writer::create(folder.path("m.gguf"), {.alignment = alignment});
    writer->add("general.architecture", "test");
    for (const Sample& sample : samples) writer->declare(sample.shape);
    for (const Sample& sample : samples) {
      std::span<const std::byte> left = sample.data;
      while (!left.empty()) {
        const size_t piece = std::min(left.size(), static_cast<size_t>(*rc::gen::inRange(1, 2'000)));
        RC_ASSERT(writer->append(left.first(piece)).ok());
        left = left.subspan(piece);
      }
    }
    RC_ASSERT(writer->finish().ok());

    const Result<File> file = File::open(folder.path("m.gguf"));
    RC_ASSERT(file.ok());
    RC_ASSERT(file->tensors().size() == samples.size());
    for (const Sample& sample : samples) {
      const TensorInfo* tensor = file->find_tensor(sample.shape.name);
      RC_ASSERT(tensor != nullptr);
      RC_ASSERT(tensor->gguf_type == sample.shape.gguf_type);
      RC_ASSERT(static_cast<size_t>(tensor->n_dims) == sample.shape.dims.size());
      for (size_t d = 0; d < 4; ++d) {
        RC_ASSERT(tensor->dims[d] == (d < sample.shape.dims.size() ? sample.shape.dims[d] : 1));
      }
      RC_ASSERT(std::ranges::equal(tensor->data, sample.data));
      RC_ASSERT((reinterpret_cast<uintptr_t>(tensor->data.data()) & (alignment - 1)) == 0U);
      file->prefetch(*tensor);
      file->drop(*tensor);
      RC_ASSERT(std::ranges::equal(tensor->data, sample.data));
    }
    RC_ASSERT(file->find_tensor("tensor.99") == nullptr);
  }));
}

TEST(GgufWriter, MetadataIsCopiedFromFileToFile) {
  const TempFolder folder;
  Result<Writer> first = Writer::create(folder.path("a.gguf"), {.alignment = 64});
  first->add("general.architecture", "x");
  first->add<uint16_t>("number", 3);
  first->add("texts", std::vector<std::string>{"a", "bc"});
  first->add("floats", std::vector<float>{1, 2});
  ASSERT_TRUE(first->finish().ok());
  const File a = *File::open(folder.path("a.gguf"));
  Result<Writer> second = Writer::create(folder.path("b.gguf"));
  for (const MetadataEntry& entry : a.metadata()) second->add(entry);
  ASSERT_TRUE(second->finish().ok());
  const File b = *File::open(folder.path("b.gguf"));
  EXPECT_EQ(b.find("general.alignment"), nullptr);
  ASSERT_EQ(b.metadata().size(), 4U);
  EXPECT_EQ(b.find("number")->type, ValueType::kU16);
  EXPECT_EQ(*b.array("texts")->strings(), (std::vector<std::string_view>{"a", "bc"}));
  EXPECT_EQ(*b.array("floats")->floats(), (std::vector<float>{1, 2}));
}

TEST(GgufWriter, NothingIsThereBeforeTheFileIsFinished) {
  const TempFolder folder;
  const std::string path = folder.write("m.gguf", "old");
  {
    Result<Writer> writer = Writer::create(path);
    writer->declare({"t", {8}, 0});
    ASSERT_TRUE(writer->append(pattern(16, 1)).ok());
    EXPECT_EQ(folder.read("m.gguf"), "old");
    const Status status = writer->finish();
    ASSERT_FALSE(status.ok());
    EXPECT_NE(status.error().message.find("tensor 't' has 16 of its 32 bytes"), std::string::npos);
  }
  EXPECT_EQ(folder.read("m.gguf"), "old");
  EXPECT_EQ(n_files(folder), 1U);  // no temporary file is left
}

std::string refusal(const std::function<void(Writer&)>& fill, const WriterOptions& options = {}) {
  const TempFolder folder;
  Result<Writer> writer = Writer::create(folder.path("m.gguf"), options);
  fill(*writer);
  const Status status = writer->finish();
  EXPECT_FALSE(status.ok());
  if (status.ok()) return "";
  EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(writer->finish().error().message, status.error().message);  // and it stays refused
  return status.error().message;
}

TEST(GgufWriter, WhatTheReaderWouldRefuseIsNotWritten) {
  const auto contains = [](const std::string& text, std::string_view part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  contains(refusal([](Writer& w) { w.add("k", 1), w.add("k", 2); }), "'k' was added twice");
  contains(refusal([](Writer& w) { w.add("", 1); }), "1 to 65535 bytes, not 0");
  contains(refusal([](Writer& w) { w.add("general.alignment", 64u); }), "follows from WriterOptions");
  contains(refusal([](Writer&) {}, {.alignment = 48}), "48 is not a power of two");
  contains(refusal([](Writer& w) {
             w.declare({"t", {1}, 0}), w.declare({"t", {1}, 0});
           }),
           "'t' was declared twice");
  contains(refusal([](Writer& w) { w.declare({"", {1}, 0}); }), "1 to 64 bytes");
  contains(refusal([](Writer& w) { w.declare({"t", {}, 0}); }), "0 dimensions");
  contains(refusal([](Writer& w) { w.declare({"t", {1ll << 40, 1ll << 40}, 0}); }), "not valid");
  contains(refusal([](Writer& w) {
             w.declare({"t", {48}, 8});
           }),
           "rows of 48 elements, no multiple of the 32");
  contains(refusal([](Writer& w) { w.declare({"t", {48}, 23}); }), "the size of type 23 is not known");
}

TEST(GgufWriter, DataBeyondATensorIsRefused) {
  const TempFolder folder;
  Result<Writer> writer = Writer::create(folder.path("m.gguf"));
  writer->declare({"a", {2}, 0});
  writer->declare({"b", {2}, 0});
  const Status status = writer->append(pattern(9, 0));
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("9 bytes for tensor 'a', which has room for 8"), std::string::npos);
}

TEST(GgufWriter, AFailedWriteIsAnErrorAndLeavesNothing) {
  const TempFolder folder;
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const struct rlimit limit {2 << 20, before.rlim_max};
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  {
    Result<Writer> writer = Writer::create(folder.path("m.gguf"));
    writer->declare({"t", {1 << 20}, 0});
    Status status;
    for (int i = 0; i < 64 && status.ok(); ++i) status = writer->append(pattern(1 << 16, i));
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(status.ok() ? ErrorCode::kInternal : status.error().code, ErrorCode::kIo);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);  // room again, but part of the data is lost
    EXPECT_FALSE(writer->finish().ok());
  }
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(n_files(folder), 0U);
}

TEST(GgufWriter, AFolderThatDoesNotExistIsNamed) {
  const Result<Writer> writer = Writer::create("/nonexistent/m.gguf");
  ASSERT_FALSE(writer.ok());
  EXPECT_EQ(writer.error().code, ErrorCode::kNotFound);
  EXPECT_NE(writer.error().message.find("/nonexistent/m.gguf"), std::string::npos);
}

}  // namespace
}  // namespace docmind::gguf

// Damaged files: cut anywhere, any bit flipped, and bytes that were never a model.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "gguf/writer.h"
#include "raw_gguf.h"
#include "support/model_writer.h"
#include "support/temp_folder.h"

namespace docmind::test {
namespace {

// A small file with every kind of thing in it.
std::string sound_file(const TempFolder& folder) {
  Result<gguf::Writer> writer = gguf::Writer::create(folder.path("sound.gguf"));
  writer->add("general.architecture", "llama");
  writer->add<uint32_t>("a.number", 7);
  writer->add("a.flag", true);
  writer->add("a.real", 0.5);
  writer->add("a.texts", std::vector<std::string>{"one", "", "three"});
  writer->add("a.numbers", std::vector<int16_t>{1, -2, 3});
  writer->declare({"first", {32, 2}, 8});
  writer->declare({"second", {5}, 0});
  const std::vector<std::byte> first(68, std::byte{3}), second(20, std::byte{5});
  EXPECT_TRUE(writer->append(first).ok());
  EXPECT_TRUE(writer->append(second).ok());
  EXPECT_TRUE(writer->finish().ok());
  return folder.read("sound.gguf");
}

TEST(GgufDamage, EveryTruncationIsRefused) {
  const TempFolder folder;
  RawGguf file;
  const std::string whole = sound_file(folder);
  file.bytes = whole;
  ASSERT_EQ(*file.read(), 2U);
  const size_t end = whole.size() - 12;  // the last tensor's padding may be missing
  for (size_t size = 0; size < end; ++size) {
    file.bytes = whole.substr(0, size);
    const Error error = file.error();
    ASSERT_EQ(error.code, ErrorCode::kMalformed) << "cut after " << size << ": " << error.message;
    ASSERT_NE(error.message.find("'x.gguf'"), std::string::npos) << error.message;
  }
  file.bytes = whole.substr(0, end);
  EXPECT_TRUE(file.read().ok());
}

// A flipped bit gives a sentence or a file whose every view lies inside; the sanitizer watches.
TEST(GgufDamage, EveryFlippedBitIsSurvived) {
  const TempFolder folder;
  const std::string whole = sound_file(folder);
  size_t n_refused = 0;
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::vector<char> bytes(whole.begin(), whole.end());
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    const Result<gguf::Header> header = gguf::read_header("x.gguf", std::as_bytes(std::span(bytes)));
    n_refused += header.ok() ? 0 : 1;
    if (!header.ok()) continue;
    const auto* end = reinterpret_cast<const std::byte*>(bytes.data() + bytes.size());
    for (const gguf::TensorInfo& tensor : header->tensors) {
      ASSERT_LE(tensor.data.data() + tensor.data.size(), tensor.data.empty() ? tensor.data.data() : end);
    }
    for (const gguf::MetadataEntry& entry : header->metadata) {
      if (entry.type == gguf::ValueType::kArray) (void)entry.array.strings().ok();
    }
  }
  EXPECT_GT(n_refused, whole.size());  // most bits of a header matter
}

TEST(GgufDamage, RandomBytesAfterAMagicAreSurvived) {
  EXPECT_TRUE(rc::check("no bytes crash the reader", [] {
    RawGguf file(*rc::gen::inRange<uint64_t>(0, 4), *rc::gen::inRange<uint64_t>(0, 4));
    file.bytes += *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
    (void)file.read().ok();
  }));
}

}  // namespace
}  // namespace docmind::test

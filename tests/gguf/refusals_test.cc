// What the reader refuses: each defect has its sentence, and nothing is believed before it is checked.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>

#include "raw_gguf.h"

namespace docmind::test {
namespace {

using gguf::ValueType;

constexpr uint32_t kF32 = 0, kQ4_K = 12, kIq4Xs = 23;

void expect_error(const RawGguf& file, std::string_view part, ErrorCode code = ErrorCode::kMalformed) {
  const Error error = file.error();
  EXPECT_EQ(error.code, code) << error.message;
  EXPECT_NE(error.message.find(part), std::string::npos) << error.message << "\nlacks: " << part;
  EXPECT_NE(error.message.find("'x.gguf'"), std::string::npos) << error.message;
}

TEST(GgufRefusals, WhatIsNoGgufFile) {
  RawGguf page;
  expect_error(page, "begins with ''");
  page.bytes = "<!DOCTYPE html><html>";
  expect_error(page, "begins with '<!DOCTYPE ht', not with 'GGUF'");
  page.bytes = "GGU";
  expect_error(page, "begins with 'GGU'");
}

TEST(GgufRefusals, VersionsWeCannotRead) {
  for (const uint32_t version : {0x00000000u, 0x03000000u}) {
    expect_error(RawGguf(0, 0, version), "big-endian", ErrorCode::kUnsupported);
  }
  expect_error(RawGguf(0, 0, 1), "version is 1; only 2 and 3", ErrorCode::kUnsupported);
  expect_error(RawGguf(0, 0, 4), "version is 4; only 2 and 3", ErrorCode::kUnsupported);
  EXPECT_TRUE(RawGguf(0, 0, 2).read().ok());
  EXPECT_TRUE(RawGguf(0, 0, 3).read().ok());
}

TEST(GgufRefusals, CountsThatTheFileCannotHold) {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  expect_error(RawGguf(kMost, 0), "the number of tensors is 18446744073709551615, more than the 1048576");
  expect_error(RawGguf(0, kMost),
               "the number of metadata entries is 18446744073709551615, more than the 65536");
  expect_error(RawGguf(1, 0), "the name of tensor 0 needs 8 bytes, but the file ends after 0");
  expect_error(RawGguf(0, 1), "the key of metadata entry 0 needs 8 bytes");
}

TEST(GgufRefusals, KeysAndStrings) {
  expect_error(RawGguf(0, 1).entry<uint8_t>("", ValueType::kU8, 1), "metadata entry 0 is empty");
  expect_error(RawGguf(0, 1).text(std::string(65'536, 'k')), "has 65536 bytes, more than the 65535");
  expect_error(RawGguf(0, 1).put<uint64_t>(40).put('k'), "needs 40 bytes, but the file ends after 1");
  const auto head = [] { return RawGguf(0, 1).text("k").put(ValueType::kString); };
  expect_error(head().put(std::numeric_limits<uint64_t>::max()),
               "the value of 'k' has 18446744073709551615 bytes");
  expect_error(head().put<uint64_t>(9).put('x'), "the value of 'k' needs 9 bytes");
  RawGguf twice(0, 2);
  twice.entry<uint8_t>("same", ValueType::kU8, 1).entry<float>("same", ValueType::kF32, 1);
  expect_error(twice, "the metadata key 'same' occurs twice");
  expect_error(RawGguf(0, 1).text("a\x1b[31m").put<uint32_t>(77),
               "'a\\x1b[31m'");  // nothing reaches a terminal
}

TEST(GgufRefusals, ValueTypes) {
  expect_error(RawGguf(0, 1).text("k").put<uint32_t>(13), "the type 13, which the format does not know");
  expect_error(RawGguf(0, 1).entry<uint8_t>("k", ValueType::kBool, 2), "a bool of 2, neither 0 nor 1");
  expect_error(RawGguf(0, 1).entry<uint16_t>("k", ValueType::kU32, 1),
               "needs 4 bytes, but the file ends after 2");
}

TEST(GgufRefusals, Arrays) {
  const auto head = [] { return RawGguf(0, 1).text("k").put(ValueType::kArray); };
  expect_error(head().put(ValueType::kArray).put<uint64_t>(0), "an array of arrays", ErrorCode::kUnsupported);
  expect_error(head().put<uint32_t>(99).put<uint64_t>(0), "the type 99");
  expect_error(head().put(ValueType::kU64).put<uint64_t>(2).put<uint64_t>(0),
               "2 elements of 8 bytes or more");
  // A product that does not fit 64 bits, and one that no memory could hold.
  expect_error(head().put(ValueType::kU64).put<uint64_t>(1ull << 61), "2305843009213693952 elements");
  expect_error(head().put(ValueType::kString).put<uint64_t>(1ull << 40),
               "1099511627776 elements of 8 bytes or more");
  RawGguf strings = head().put(ValueType::kString).put<uint64_t>(2).text("fine").put<uint64_t>(100);
  expect_error(strings, "needs 100 bytes");
  EXPECT_NE(strings.error().message.find("element 1"), std::string::npos) << strings.error().message;
  expect_error(head().put(ValueType::kBool).put<uint64_t>(2).put<uint8_t>(1).put<uint8_t>(7), "a bool of 7");
}

TEST(GgufRefusals, Alignment) {
  for (const uint32_t bad : {0u, 3u, 48u, 1u << 21}) {
    RawGguf file(0, 1);
    file.entry<uint32_t>("general.alignment", ValueType::kU32, bad);
    expect_error(file, "'general.alignment' is " + std::to_string(bad) + ", not a power of two");
  }
  expect_error(RawGguf(0, 1).entry<uint64_t>("general.alignment", ValueType::kU64, 32),
               "has the type u64, not u32");
}

TEST(GgufRefusals, TensorTable) {
  expect_error(RawGguf(1, 0).tensor("", {1}, kF32, 0), "the name of tensor 0 is empty");
  expect_error(RawGguf(1, 0).text(std::string(65, 't')), "has 65 bytes, more than the 64");
  expect_error(RawGguf(1, 0).tensor("t", {}, kF32, 0), "tensor 't' has 0 dimensions; 1 to 4");
  expect_error(RawGguf(1, 0).tensor("t", {1, 1, 1, 1, 1}, kF32, 0), "tensor 't' has 5 dimensions");
  expect_error(RawGguf(1, 0).tensor("t", {4, 0}, kF32, 0), "a dimension of 0");
  expect_error(RawGguf(1, 0).tensor("t", {-4}, kF32, 0), "a dimension of -4");
  expect_error(RawGguf(1, 0).tensor("t", {1ll << 32, 1ll << 31}, kF32, 0),
               "4294967296 x 2147483648, does not fit");
  RawGguf twice(2, 0);
  twice.tensor("t", {8}, kF32, 0).tensor("t", {8}, kF32, 32).data(64);
  expect_error(twice, "the tensor 't' occurs twice");
}

TEST(GgufRefusals, PlacesOfTensors) {
  expect_error(RawGguf(1, 0).tensor("t", {8}, kF32, 8).data(64),
               "begins at 8, which is no multiple of the alignment 32");
  expect_error(RawGguf(1, 0).tensor("t", {8}, kF32, 0).data(31),
               "needs 8 blocks of 4 bytes at byte 0 of the tensor data, which has 31");
  expect_error(RawGguf(1, 0).tensor("t", {8}, kF32, 1ull << 63).data(64),
               "begins at byte 9223372036854775808");
  expect_error(RawGguf(1, 0).tensor("t", {8}, kIq4Xs, 64).data(32), "begins at byte 64 of the tensor data");
  expect_error(RawGguf(1, 0).tensor("t", {1ll << 62}, kF32, 0).data(64), "needs 4611686018427387904 blocks");
  expect_error(RawGguf(1, 0).tensor("t", {128, 2}, kQ4_K, 0).data(144),
               "rows of 128 elements, no multiple of the 256 in a block of Q4_K");
  RawGguf shared(2, 0);
  shared.tensor("a", {16}, kF32, 0).tensor("b", {8}, kF32, 32).data(64);
  expect_error(shared, "the tensors 'a' and 'b' share bytes");
  RawGguf alone(1, 0);  // the header itself ends inside the padding
  alone.tensor("t", {8}, kF32, 0);
  expect_error(alone, "which has 0");
}

TEST(GgufRefusals, AnUnknownTensorTypeIsNoReason) {
  EXPECT_TRUE(RawGguf(1, 0).tensor("t", {3}, kIq4Xs, 0).data(1).read().ok());
  EXPECT_TRUE(RawGguf(1, 0).tensor("t", {3}, 4'000'000'000u, 0).data(0).read().ok());
}

}  // namespace
}  // namespace docmind::test

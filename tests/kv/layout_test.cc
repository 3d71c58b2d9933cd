// Layout and format: bytes per token, the groups of scales, and what is refused.
// SPDX-License-Identifier: Apache-2.0
#include "kv/layout.h"

#include <gtest/gtest.h>

namespace docmind::kv {
namespace {

Result<Layout> layout_of(const Geometry& geometry, Format format, double mixed_bits = 3) {
  FormatOptions options;
  options.format = format;
  options.mixed_bits = mixed_bits;
  return Layout::create(geometry, options);
}

TEST(Layout, LongSequencesTakeTheShareOfF16ThatTheFormatPromises) {
  const std::pair<Format, double> most[] = {
      {Format::kInt8, 0.54}, {Format::kInt4, 0.29}, {Format::kK8V4, 0.42}, {Format::kMixed, 0.215}};
  for (const Geometry& geometry : {Geometry{28, 8, 128}, Geometry{40, 8, 128}}) {
    const Layout f16 = *layout_of(geometry, Format::kF16);
    EXPECT_EQ(f16.sequence_bytes(32'768), static_cast<size_t>(geometry.n_layers * 8 * 128 * 2 * 2) * 32'768);
    for (const auto& [format, share] : most) {
      const Layout layout = *layout_of(geometry, format);
      for (const int64_t n : {32'768, 131'072}) {
        const double got = static_cast<double>(layout.sequence_bytes(n)) / static_cast<double>(f16.sequence_bytes(n));
        EXPECT_LE(got, share) << format_name(format) << " at " << n;
        EXPECT_GE(got, share / 1.2) << format_name(format) << " at " << n;
      }
    }
  }
}

TEST(Layout, ValuesShareScalesOverGroupsThatFitTheHeads) {
  const auto group = [](const Geometry& geometry, int64_t group_size) {
    FormatOptions options;
    options.format = Format::kInt4;
    options.group_size = group_size;
    const auto layout = Layout::create(geometry, options);
    return layout.ok() ? layout->page_shape().value_group : -1;
  };
  EXPECT_EQ(group({1, 8, 128}, 64), 128);
  EXPECT_EQ(group({1, 8, 128}, 32), 64);
  EXPECT_EQ(group({1, 8, 64}, 64), 64);
  EXPECT_EQ(group({1, 8, 256}, 64), 128);
  EXPECT_EQ(group({1, 4, 8}, 64), 32);   // four heads together
  EXPECT_EQ(group({1, 2, 8}, 64), 16);
  EXPECT_EQ(group({1, 3, 96}, 32), 96);
  EXPECT_EQ(group({1, 1, 300}, 64), -1);
}

TEST(Layout, RotatesByTheLargestPowerOfTwoThatFits) {
  EXPECT_EQ(layout_of({1, 1, 128}, Format::kF16)->rotation_block(), 1);
  EXPECT_EQ(layout_of({1, 1, 128}, Format::kInt4)->rotation_block(), 128);
  EXPECT_EQ(layout_of({1, 1, 96}, Format::kInt4)->rotation_block(), 32);
  EXPECT_EQ(layout_of({1, 1, 512}, Format::kInt4)->rotation_block(), 256);
}

TEST(Layout, SealsWhatEveryLaterQueryReadsSealed) {
  const Layout layout = *layout_of({1, 1, 64}, Format::kInt4);
  for (int64_t n = 0; n < 700; ++n) {
    for (int64_t page = 1; page < 11; ++page) {
      ASSERT_EQ(page < layout.sealed_pages(n), kernels::kv_reads_sealed(n, page, 128)) << n << " " << page;
    }
  }
  EXPECT_EQ(layout_of({1, 1, 64}, Format::kF16)->sealed_pages(100'000), 1);
}

TEST(Layout, PartsOfABlockDoNotOverlap) {
  const Layout layout = *layout_of({3, 2, 20}, Format::kMixed, 5);
  std::vector<std::byte> block(layout.block_bytes());
  std::vector<int> owners(layout.block_bytes());
  const auto mark = [&](const void* at, size_t n) {
    const auto offset = static_cast<size_t>(static_cast<const std::byte*>(at) - block.data());
    ASSERT_LE(offset + n, block.size());
    for (size_t i = offset; i < offset + n; ++i) ASSERT_EQ(owners[i]++, 0);
  };
  for (int64_t layer = 0; layer < 3; ++layer) {
    for (int64_t head = 0; head < 2; ++head) {
      for (int64_t t = 0; t < 16; ++t) {
        mark(layout.keys(block.data(), layer, head, t), 40);
        mark(layout.values(block.data(), layer, head, t), 40);
      }
      mark(layout.query_energy(block.data(), layer, head), 80);
    }
  }
}

TEST(Layout, RefusesWhatItCannotHold) {
  const auto code = [](const Result<Layout>& layout) {
    return layout.ok() ? ErrorCode::kInternal : layout.error().code;
  };
  EXPECT_EQ(code(layout_of({1, 1, 30}, Format::kInt4)), ErrorCode::kUnsupported);
  EXPECT_TRUE(layout_of({1, 1, 30}, Format::kF16).ok());
  EXPECT_EQ(code(layout_of({1, 1, 2'000}, Format::kF16)), ErrorCode::kUnsupported);
  EXPECT_EQ(code(layout_of({0, 1, 64}, Format::kF16)), ErrorCode::kUnsupported);
  EXPECT_EQ(code(layout_of({1, 1, 64}, Format::kMixed, 1.9)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(layout_of({1, 1, 64}, Format::kMixed, 8.1)), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(layout_of({2, 1, 16}, Format::kMixed, 2).ok());
  FormatOptions options;
  options.group_size = 48;
  EXPECT_EQ(code(Layout::create({1, 1, 64}, options)), ErrorCode::kInvalidArgument);
  options = {};
  options.residual_tokens = 100;
  EXPECT_EQ(code(Layout::create({1, 1, 64}, options)), ErrorCode::kInvalidArgument);
}

TEST(Format, NamesGoBothWays) {
  for (const Format format : {Format::kF16, Format::kInt8, Format::kInt4, Format::kK8V4, Format::kMixed}) {
    EXPECT_EQ(*parse_format(format_name(format)), format);
  }
  const auto message = [](std::string_view name) { return parse_format(name).error().message; };
  EXPECT_NE(message("q8_0").find("'int8' is the nearest"), std::string::npos) << message("q8_0");
  EXPECT_NE(message("q4_K_M").find("'int4' is the nearest"), std::string::npos);
  EXPECT_NE(message("fp8_e4m3").find("'int8' is the nearest"), std::string::npos);
  EXPECT_NE(message("nonsense").find("use one of f16, int8, int4, k8v4, mixed"), std::string::npos);
}

}  // namespace
}  // namespace docmind::kv

// The dispatch table: names, forcing, and proof of what runs.
// SPDX-License-Identifier: Apache-2.0
#include <set>

#include <gtest/gtest.h>

#include "kernels/random_matrix.h"

namespace docmind {
namespace {

using kernels::Isa;

TEST(Dispatch, AutoIsTheBestAndScalarAlwaysRuns) {
  const auto automatic = kernels::kernel_table_named("auto");
  ASSERT_TRUE(automatic.ok());
  EXPECT_EQ((*automatic)->isa, kernels::best_isa());
  EXPECT_TRUE(kernels::kernel_table(Isa::kScalar).ok());
}

TEST(Dispatch, AForcedNameGivesThatTable) {
  for (const Isa isa : test::runnable_isas()) {
    const auto table = kernels::kernel_table_named(kernels::isa_name(isa));
    ASSERT_TRUE(table.ok());
    EXPECT_EQ((*table)->isa, isa);
  }
}

TEST(Dispatch, WhatTheCpuLacksIsAnErrorThatNamesIt) {
  for (const Isa isa : {Isa::kAvx2, Isa::kAvx512Vnni, Isa::kAvx512Bf16}) {
    const auto table = kernels::kernel_table(isa);
    if (table.ok()) continue;
    EXPECT_EQ(table.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(table.error().message.find(kernels::isa_name(isa)), std::string::npos) << table.error().message;
  }
  const auto unknown = kernels::kernel_table_named("avx9");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(unknown.error().message.find("avx9"), std::string::npos);
}

// Forcing a table would prove nothing if tables shared their functions.
TEST(Dispatch, TablesHaveTheirOwnProducts) {
  std::set<const void*> products;
  size_t n_own = 0;
  for (const Isa isa : test::runnable_isas()) {
    const kernels::KernelTable& table = *kernels::kernel_table(isa).value();
    products.insert(reinterpret_cast<const void*>(table.matmul));
    if (isa != Isa::kAvx512Bf16) ++n_own;  // differs from avx512_vnni in attention only
  }
  EXPECT_EQ(products.size(), n_own);
}

TEST(Probes, DoTheWorkTheySay) {
  std::vector<std::byte> data(4096 + 512, std::byte{0});
  for (const Isa isa : test::runnable_isas()) {
    const kernels::KernelTable& table = *kernels::kernel_table(isa).value();
    data[700] = std::byte{5};
    const uint64_t before = table.read_probe(data.data(), data.size());
    data[700] = std::byte{9};
    EXPECT_NE(table.read_probe(data.data(), data.size()), before) << kernels::isa_name(isa);
    int32_t sink = 0;
    const int64_t once = table.int8_probe(1, &sink);
    EXPECT_GT(once, 0);
    EXPECT_NE(sink, 0);
    EXPECT_EQ(table.int8_probe(10, &sink), 10 * once);
  }
}

TEST(TensorTypes, NamesAndSizes) {
  for (const kernels::TensorType type : test::all_types()) {
    const auto info = kernels::find_tensor_type(static_cast<uint32_t>(type));
    ASSERT_TRUE(info.has_value());
    EXPECT_EQ(kernels::gguf_type_name(static_cast<uint32_t>(type)), info->name);
  }
  EXPECT_FALSE(kernels::find_tensor_type(23).has_value());
  EXPECT_EQ(kernels::gguf_type_name(23), "IQ4_XS");
  EXPECT_EQ(kernels::gguf_type_name(39), "MXFP4");
  EXPECT_EQ(kernels::gguf_type_name(4), "");
  EXPECT_EQ(kernels::gguf_type_name(4'000'000'000u), "");
}

}  // namespace
}  // namespace docmind

// convert: every scheme gives a sound file in bounded memory, and what cannot be converted is refused.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/convert.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>

#include "quantize/conversion_plan.h"
#include "quantize/tensor_chunks.h"
#include "support/model_writer.h"
#include "support/temp_folder.h"

namespace docmind::quantize {
namespace {

using kernels::TensorType;
using test::Architecture;
using test::ModelSpec;
using test::TempFolder;

const kernels::KernelTable& best_table() { return **kernels::kernel_table(kernels::best_isa()); }

Result<Conversion> convert_file(const std::string& from, const std::string& to, const ConvertOptions& options,
                                size_t n_threads = 2) {
  DM_ASSIGN(const gguf::File in, gguf::File::open(from));
  DM_ASSIGN(gguf::Writer out, gguf::Writer::create(to));
  ThreadTeam team(n_threads);
  DM_ASSIGN(Conversion conversion, convert(in, out, best_table(), team, options));
  DM_TRY(out.finish());
  return conversion;
}

std::vector<float> floats_of(const gguf::TensorInfo& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.n_elements()));
  const auto type = static_cast<TensorType>(tensor.gguf_type);
  kernels::dequantize_row(type, tensor.data.data(), tensor.n_elements(), values.data());
  return values;
}

// sqrt(sum of squared differences / sum of squares).
double relative_error(const gguf::TensorInfo& expected, const gguf::TensorInfo& got) {
  const std::vector<float> a = floats_of(expected);
  const std::vector<float> b = floats_of(got);
  double error = 0;
  double squares = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    error += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    squares += std::pow(static_cast<double>(a[i]), 2);
  }
  return std::sqrt(error / squares);
}

// What a type may lose of random weights of one deviation, generously.
double largest_error(TensorType type) {
  switch (type) {
    case TensorType::kF16: return 5e-4;
    case TensorType::kQ8_0: return 0.01;
    case TensorType::kQ6_K: return 0.03;
    case TensorType::kQ5_K: return 0.06;
    default: return 0.13;
  }
}

class Convert : public testing::Test {
 protected:
  std::string write(const ModelSpec& spec) { return *write_model(spec, folder_.path("in.gguf")); }
  [[nodiscard]] std::string out() const { return folder_.path("out.gguf"); }
  std::string refusal(ErrorCode code, Scheme scheme = Scheme::kQ4_K_M) {
    const auto converted = convert_file(folder_.path("in.gguf"), out(), {.scheme = scheme});
    EXPECT_FALSE(converted.ok());
    if (converted.ok()) return "";
    EXPECT_EQ(converted.error().code, code) << converted.error().message;
    EXPECT_FALSE(folder_.exists("out.gguf"));
    return converted.error().message;
  }

  TempFolder folder_;
};

TEST_F(Convert, EveryTensorIsAsNearAsItsTypeAllows) {
  const std::string in = write({.type = TensorType::kF16, .n_layers = 3, .n_embd = 512, .n_ff = 768, .n_heads = 8});
  const gguf::File source = *gguf::File::open(in);
  for (const Scheme scheme : {Scheme::kFp16, Scheme::kInt8, Scheme::kInt4, Scheme::kDynamic, Scheme::kQ6_K,
                              Scheme::kQ5_K_M, Scheme::kQ4_K_M, Scheme::kQ4_0}) {
    const auto conversion = convert_file(in, out(), {.scheme = scheme});
    ASSERT_TRUE(conversion.ok()) << conversion.error().message;
    const gguf::File file = *gguf::File::open(out());
    ASSERT_EQ(file.tensors().size(), source.tensors().size());
    size_t bytes = 0;
    for (size_t i = 0; i < file.tensors().size(); ++i) {
      const gguf::TensorInfo& tensor = file.tensors()[i];
      EXPECT_EQ(tensor.name, source.tensors()[i].name);
      EXPECT_EQ(tensor.n_dims, source.tensors()[i].n_dims);
      bytes += tensor.data.size();
      EXPECT_EQ(conversion->tensors[i].bytes_after, tensor.data.size());
      EXPECT_EQ(conversion->tensors[i].to, kernels::gguf_type_name(tensor.gguf_type));
      const double error = relative_error(source.tensors()[i], tensor);
      if (tensor.gguf_type == source.tensors()[i].gguf_type) EXPECT_EQ(error, 0) << tensor.name;
      else EXPECT_LE(error, largest_error(static_cast<TensorType>(tensor.gguf_type))) << tensor.name;
    }
    EXPECT_EQ(conversion->bytes_after, bytes);
    EXPECT_EQ(*file.integer("general.file_type"), static_cast<int64_t>(file_type(scheme, Level::kBalanced)));
    EXPECT_EQ(*file.integer("general.quantization_version"), 2);
    EXPECT_EQ(file.text(kReportKey)->size(), kReportBytes);
    EXPECT_EQ(file.architecture(), "qwen3");
    EXPECT_EQ(file.array("tokenizer.ggml.tokens")->n, source.array("tokenizer.ggml.tokens")->n);
  }
}

TEST_F(Convert, TheBytesDoNotDependOnTheThreads) {
  const ModelSpec spec{
      .type = TensorType::kF16, .n_layers = 2, .n_embd = 512, .n_ff = 1'280, .n_heads = 8, .n_vocab = 700};
  const std::string in = write(spec);
  ASSERT_TRUE(convert_file(in, folder_.path("one.gguf"), {}, 1).ok());
  const std::string one = folder_.read("one.gguf");
  for (const size_t n_threads : {size_t{2}, size_t{5}}) {
    ASSERT_TRUE(convert_file(in, out(), {}, n_threads).ok());
    EXPECT_EQ(folder_.read("out.gguf"), one) << n_threads;
  }
}

TEST_F(Convert, ASecondConversionReplacesTheReportAndSaysWhatWasLost) {
  const std::string in = write({.type = TensorType::kF16});
  ASSERT_TRUE(convert_file(in, folder_.path("q8.gguf"), {.scheme = Scheme::kQ8_0}).ok());
  const auto again = convert_file(folder_.path("q8.gguf"), out(), {.scheme = Scheme::kQ4_K_S});
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->tensors[0].from, "Q8_0");
  EXPECT_NE(again->tensors[0].why.find("from Q8_0, whose loss stays"), std::string::npos);
  const gguf::File file = *gguf::File::open(out());
  EXPECT_EQ(*file.integer("general.file_type"), 14);
}

TEST_F(Convert, SplitSourcesBecomeOneFile) {
  const std::string in = *test::write_model({.type = TensorType::kF16, .n_files = 3}, folder_.path("in.gguf"));
  ASSERT_TRUE(convert_file(in, out(), {}).ok());
  const gguf::File file = *gguf::File::open(out());
  EXPECT_EQ(file.find("split.no"), nullptr);
  EXPECT_EQ(file.find("split.count"), nullptr);
  EXPECT_EQ(file.find("split.tensors.count"), nullptr);
  EXPECT_EQ(file.tensors().size(), gguf::File::open(in)->tensors().size());
}

TEST_F(Convert, ImportanceChangesTheMatricesThatItNames) {
  const std::string in = write({.type = TensorType::kF16});
  Importance importance;
  std::vector<float> columns(256, 0.01f);
  for (size_t i = 0; i < 16; ++i) columns[i] = 100;
  importance.set("blk.0.attn_q.weight", columns);
  importance.set("blk.0.attn_k.weight", std::vector<float>(256, 0));
  ASSERT_TRUE(convert_file(in, folder_.path("plain.gguf"), {}).ok());
  const auto weighted = convert_file(in, out(), {.importance = &importance});
  ASSERT_TRUE(weighted.ok()) << weighted.error().message;
  const gguf::File a = *gguf::File::open(folder_.path("plain.gguf"));
  const gguf::File b = *gguf::File::open(out());
  for (size_t i = 0; i < a.tensors().size(); ++i) {
    const bool named = a.tensors()[i].name == "blk.0.attn_q.weight";
    EXPECT_EQ(std::ranges::equal(a.tensors()[i].data, b.tensors()[i].data), !named) << a.tensors()[i].name;
    EXPECT_EQ(weighted->tensors[i].weighted, named);
  }
}

TEST_F(Convert, ImportanceOfAnotherModelIsRefused) {
  const std::string in = write({.type = TensorType::kF16});
  for (const std::vector<float>& columns :
       {std::vector<float>(255, 1), std::vector<float>(256, -1), std::vector<float>(256, NAN)}) {
    Importance importance;
    importance.set("blk.0.attn_q.weight", columns);
    const auto converted = convert_file(in, out(), {.importance = &importance});
    ASSERT_FALSE(converted.ok());
    EXPECT_EQ(converted.error().code, ErrorCode::kMismatch);
    EXPECT_NE(converted.error().message.find("blk.0.attn_q.weight"), std::string::npos);
  }
}

TEST_F(Convert, ProgressCountsTheSourceAndCanStop) {
  const std::string in = write({.type = TensorType::kF16, .n_layers = 4});
  size_t last = 0;
  size_t total = 0;
  const auto whole = convert_file(in, out(), {.progress = [&](size_t done, size_t all, std::string_view tensor) {
    EXPECT_GE(done, last);
    EXPECT_FALSE(tensor.empty());
    last = done, total = all;
    return true;
  }});
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(last, total);
  EXPECT_EQ(total, whole->bytes_before);
  folder_.remove("out.gguf");
  int n_calls = 0;
  const auto stopped =
      convert_file(in, out(), {.progress = [&](size_t, size_t, std::string_view) { return ++n_calls < 5; }});
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(n_calls, 5);
  EXPECT_FALSE(folder_.exists("out.gguf"));
}

// A model of one matrix of F32, [rows, cols], with `value` as its last element.
std::string write_matrix(const TempFolder& folder, int64_t rows, int64_t cols, float value, std::string_view name,
                         std::string_view architecture = "llama") {
  gguf::Writer writer = std::move(gguf::Writer::create(folder.path("in.gguf"))).value();
  writer.add("general.architecture", architecture);
  writer.add("llama.block_count", 1u);
  writer.add("llama.attention.head_count", 1u);
  writer.declare({std::string(name), {cols, rows}, 0});
  std::vector<float> values(static_cast<size_t>(rows * cols));
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i));
  values.back() = value;
  EXPECT_TRUE(writer.append(std::as_bytes(std::span(values))).ok());
  EXPECT_TRUE(writer.finish().ok());
  return folder.path("in.gguf");
}

TEST_F(Convert, RowsLongerThanAChunkAreCutAtBlocks) {
  write_matrix(folder_, 3, kChunkElements * 2 + 512, 1, "blk.0.attn_q.weight");
  ASSERT_TRUE(convert_file(folder_.path("in.gguf"), out(), {}, 3).ok());
  const gguf::File a = *gguf::File::open(folder_.path("in.gguf"));
  const gguf::File b = *gguf::File::open(out());
  EXPECT_EQ(b.tensors()[0].gguf_type, static_cast<uint32_t>(TensorType::kQ4_K));
  EXPECT_LE(relative_error(a.tensors()[0], b.tensors()[0]), largest_error(TensorType::kQ4_K));
}

TEST_F(Convert, ValuesThatAreNotFiniteNameTheTensor) {
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const char* name : {"blk.0.attn_q.weight", "position_embd.weight"}) {  // one that is converted, one copied
      write_matrix(folder_, 300, 256, value, name);
      const std::string message = refusal(ErrorCode::kMalformed);
      EXPECT_NE(message.find(name), std::string::npos) << message;
      EXPECT_NE(message.find("at element 76799"), std::string::npos) << message;
    }
  }
  write_matrix(folder_, 300, 256, 1e6f, "blk.0.attn_q.weight");
  EXPECT_NE(refusal(ErrorCode::kLimit, Scheme::kFp16).find("up to 1000000, more than F16 can hold"), std::string::npos);
}

TEST_F(Convert, FilesThatCannotBeConvertedSayWhy) {
  write_matrix(folder_, 2, 256, 1, "blk.0.attn_q.weight", "mamba");
  EXPECT_NE(refusal(ErrorCode::kUnsupported).find("'mamba'"), std::string::npos);
  gguf::Writer writer = std::move(gguf::Writer::create(folder_.path("in.gguf"))).value();
  writer.add("general.architecture", "llama");
  writer.add("llama.block_count", 1u);
  writer.add("llama.attention.head_count", 1u);
  writer.declare({"blk.0.attn_q.weight", {256, 2}, 23, 272});  // IQ4_XS
  ASSERT_TRUE(writer.append(std::vector<std::byte>(272)).ok());
  ASSERT_TRUE(writer.finish().ok());
  const std::string message = refusal(ErrorCode::kUnsupported);
  EXPECT_NE(message.find("'blk.0.attn_q.weight' has IQ4_XS"), std::string::npos) << message;
}

// Anonymous memory of this process in bytes.
size_t anonymous_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::stoull(line.substr(8)) << 10;
  }
  return 0;
}

TEST_F(Convert, MemoryDoesNotGrowWithTheModel) {
  // One matrix of 96 MiB; nothing near its size may be held.
  constexpr int64_t kCols = 4'096;
  constexpr int64_t kRows = 12'288;
  {
    gguf::Writer writer = std::move(gguf::Writer::create(folder_.path("in.gguf"))).value();
    writer.add("general.architecture", "llama");
    writer.add("llama.block_count", 1u);
    writer.add("llama.attention.head_count", 1u);
    writer.declare({"blk.0.attn_q.weight", {kCols, kRows}, 1});
    std::vector<kernels::Half> row(kCols);
    for (size_t i = 0; i < row.size(); ++i) row[i] = static_cast<kernels::Half>(0x2800 + i * 7 % 2'048);
    for (int64_t i = 0; i < kRows; ++i) ASSERT_TRUE(writer.append(std::as_bytes(std::span(row))).ok());
    ASSERT_TRUE(writer.finish().ok());
  }
  const size_t before = anonymous_bytes();
  size_t most = 0;
  ConvertOptions options{.scheme = Scheme::kQ8_0};
  options.progress = [&](size_t, size_t, std::string_view) {
    most = std::max(most, anonymous_bytes());
    return true;
  };
  const auto converted = convert_file(folder_.path("in.gguf"), out(), options);
  ASSERT_TRUE(converted.ok()) << converted.error().message;
  EXPECT_LE(most, before + (size_t{32} << 20));
}

}  // namespace
}  // namespace docmind::quantize

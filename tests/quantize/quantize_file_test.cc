// quantize_file: nothing at the destination unless it was measured and found good enough, and a report in the file.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/quantize_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "gguf/file.h"
#include "quality_fakes.h"
#include "quantize/stored_report.h"
#include "support/model_writer.h"
#include "support/temp_folder.h"

namespace docmind::quantize {
namespace {

using docmind::test::ModelSpec;
using docmind::test::TempFolder;
using docmind::test::write_model;

// Language models that predict the last token again: the source surely, another file with `doubt` about it.
class DoubtAccess final : public ModelAccess {
 public:
  explicit DoubtAccess(std::string source) : source_(std::move(source)) {}

  Result<ModelKind> kind(const std::string& path) override {
    if (kind_error) return *kind_error;
    EXPECT_TRUE(gguf::File::open(path).ok()) << path;
    return ModelKind::kLanguage;
  }
  Result<std::unique_ptr<LanguageModel>> open_language(const std::string& path) override {
    opened.push_back(path);
    const bool is_source = path == source_;
    if (!is_source && open_error) return *open_error;
    test::FakeLanguage spec;
    spec.logits = [doubt = is_source ? 0 : doubt](const std::vector<int32_t>& context) {
      std::vector<float> row(8, 0.0f);
      row[static_cast<size_t>(context.back())] = 4 - 8 * doubt;
      return row;
    };
    return std::unique_ptr<LanguageModel>(std::make_unique<test::FakeLanguageModel>(spec));
  }
  Result<std::unique_ptr<EmbeddingModel>> open_embedding(const std::string&) override { return unexpected(); }
  Result<std::unique_ptr<RerankModel>> open_rerank(const std::string&) override { return unexpected(); }
  Result<Importance> calibrate(const std::string& path, std::string_view text,
                               const std::function<bool(int64_t, int64_t)>& step) override {
    EXPECT_EQ(path, source_);
    EXPECT_EQ(text, "a text to learn from");
    if (!step(1, 2)) return Error{ErrorCode::kCancelled, "stopped"};
    return importance;
  }

  float doubt = 0;
  std::vector<std::string> opened;
  std::optional<Error> kind_error, open_error;
  Importance importance;

 private:
  static Error unexpected() { return Error{ErrorCode::kInternal, "another kind was asked for"}; }
  std::string source_;
};

class QuantizeFile : public testing::Test {
 protected:
  QuantizeFile()
    : source_(*write_model({.type = kernels::TensorType::kF16}, folder_.path("in.gguf"))), access_(source_) {
    options_.quality->text = std::string(300, 'a');
    options_.quality->n_tokens = 200;
    options_.quality->n_context = 50;
    options_.quality->scratch_folder = folder_.mkdir("scratch");
  }

  Result<QuantizeReport> run(const std::string& destination) {
    ThreadTeam team(2);
    return quantize_file(source_, destination, **kernels::kernel_table(kernels::best_isa()), team, access_, options_);
  }
  Result<QuantizeReport> run() { return run(out_); }

  // Files beside the source; temporary ones would be among them.
  [[nodiscard]] size_t n_files() const {
    size_t n = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      n += entry.is_regular_file() ? 1 : 0;
    }
    return n;
  }
  void expect_refused(const Result<QuantizeReport>& report, ErrorCode code, std::string_view part) const {
    ASSERT_FALSE(report.ok());
    EXPECT_EQ(report.error().code, code) << report.error().message;
    EXPECT_NE(report.error().message.find(part), std::string::npos) << report.error().message;
    EXPECT_FALSE(folder_.exists("out.gguf"));
    EXPECT_EQ(n_files(), 1U);
  }

  TempFolder folder_;
  std::string source_;
  std::string out_ = folder_.path("out.gguf");
  DoubtAccess access_;
  QuantizeOptions options_;
};

TEST_F(QuantizeFile, AGoodOneIsWrittenWithItsReport) {
  const auto report = run();
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_TRUE(report->written);
  ASSERT_TRUE(report->quality.has_value());
  EXPECT_TRUE(report->quality->passes);
  EXPECT_EQ(report->file_bytes, std::filesystem::file_size(out_));
  EXPECT_LT(report->file_bytes, report->source_file_bytes);
  EXPECT_EQ(access_.opened.size(), 2U);
  EXPECT_EQ(n_files(), 2U);
  const gguf::File file = *gguf::File::open(out_);
  const auto stored = stored_report(file);
  ASSERT_TRUE(stored.ok()) << stored.error().message;
  EXPECT_EQ(stored->at("type").as_string(), "q4_k_m");
  EXPECT_EQ(stored->at("source").as_string(), "in.gguf");  // without folders of this machine
  EXPECT_TRUE(stored->at("written").as_bool());
  EXPECT_EQ(stored->at("tensors").as_array().size(), file.tensors().size());
  EXPECT_FALSE(stored_scores(*stored).empty());
  EXPECT_EQ(stored->at("file_bytes").to_number<size_t>(), report->file_bytes);
}

TEST_F(QuantizeFile, OneThatLosesTooMuchIsNotWritten) {
  access_.doubt = 1;
  const auto report = run();
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_FALSE(report->written);
  EXPECT_FALSE(report->quality->passes);
  EXPECT_EQ(n_files(), 1U);
  EXPECT_FALSE(report_to_json(*report, false).at("written").as_bool());
}

TEST_F(QuantizeFile, OneThatLosesTooMuchIsWrittenByForceAndSaysSo) {
  access_.doubt = 1;
  options_.force = true;
  const auto report = run();
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_TRUE(report->written);
  EXPECT_FALSE(stored_report(*gguf::File::open(out_))->at("quality").as_object().at("passes").as_bool());
}

TEST_F(QuantizeFile, WithoutMeasurementTheReportSaysSo) {
  options_.quality.reset();
  access_.kind_error = Error{ErrorCode::kInternal, "not asked for"};
  const auto report = run();
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_TRUE(report->written);
  EXPECT_TRUE(access_.opened.empty());
  EXPECT_TRUE(stored_report(*gguf::File::open(out_))->at("quality").is_null());
}

TEST_F(QuantizeFile, AFailedMeasurementIsAFailure) {
  access_.open_error = Error{ErrorCode::kLimit, "no memory for it"};
  options_.force = true;  // force is for losses that are known
  expect_refused(run(), ErrorCode::kLimit, "no memory for it");
}

TEST_F(QuantizeFile, CalibrationWeighsMatricesAndIsNamed) {
  access_.importance.set("blk.0.attn_q.weight", std::vector<float>(256, 1));
  access_.importance.set("blk.1.ffn_down.weight", std::vector<float>(512, 1));
  access_.importance.set("unknown.weight", {1});
  options_.calibration = "a text to learn from";
  options_.calibration_name = "notes.txt";
  const auto report = run();
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->n_calibrated, 2U);
  const json::object stored = *stored_report(*gguf::File::open(out_));
  EXPECT_EQ(stored.at("calibration").as_object().at("text").as_string(), "notes.txt");
  EXPECT_EQ(stored.at("calibration").as_object().at("tensors").to_number<int>(), 2);
}

TEST_F(QuantizeFile, CalibrationThatWouldChangeNothingIsRefused) {
  options_.calibration = "a text to learn from";
  expect_refused(run(), ErrorCode::kMismatch, "saw none of the matrices");
  options_.scheme = Scheme::kFp16;
  expect_refused(run(), ErrorCode::kInvalidArgument, "changes nothing");
}

TEST_F(QuantizeFile, DestinationsThatMustNotBeWrittenAreRefused) {
  expect_refused(run(source_), ErrorCode::kInvalidArgument, "is the source itself");
  folder_.symlink("in.gguf", "link.gguf");
  options_.overwrite = true;
  const auto link = run(folder_.path("link.gguf"));
  EXPECT_NE(link.error().message.find("is the source itself"), std::string::npos);
  folder_.remove("link.gguf");
  options_.overwrite = false;
  expect_refused(run(folder_.mkdir("folder")), ErrorCode::kInvalidArgument, "no regular file");
  expect_refused(run("/dev/null"), ErrorCode::kInvalidArgument, "no regular file");
  expect_refused(run(folder_.path("none/out.gguf")), ErrorCode::kNotFound, "none");
  expect_refused(run(""), ErrorCode::kInvalidArgument, "no name");
  EXPECT_TRUE(access_.opened.empty());
}

TEST_F(QuantizeFile, AnExistingFileIsOnlyReplacedWhenThatIsAllowed) {
  folder_.write("other.gguf", "old");
  const std::string other = folder_.path("other.gguf");
  const auto refused = run(other);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  options_.overwrite = true;
  access_.doubt = 1;
  ASSERT_TRUE(run(other).ok());
  EXPECT_EQ(folder_.read("other.gguf"), "old");  // it lost too much
  access_.doubt = 0;
  ASSERT_TRUE(run(other)->written);
  EXPECT_TRUE(gguf::File::open(other).ok());
}

TEST_F(QuantizeFile, AFileThatAppearsMeanwhileIsNotReplaced) {
  options_.progress = [&](std::string_view, int64_t, int64_t) {
    if (!folder_.exists("out.gguf")) folder_.write("out.gguf", "of somebody else");
    return true;
  };
  EXPECT_FALSE(run().ok());
  EXPECT_EQ(folder_.read("out.gguf"), "of somebody else");
}

TEST_F(QuantizeFile, CanBeStoppedAtAnyPoint) {
  access_.importance.set("blk.0.attn_q.weight", std::vector<float>(256, 1));
  options_.calibration = "a text to learn from";
  int n_calls = 0;
  std::vector<std::string> steps;
  options_.progress = [&](std::string_view what, int64_t done, int64_t total) {
    EXPECT_LE(done, total);
    if (steps.empty() || steps.back() != what) steps.emplace_back(what);
    ++n_calls;
    return true;
  };
  ASSERT_TRUE(run().ok());
  EXPECT_GE(steps.size(), 4U);  // calibrating, quantizing, and both models
  EXPECT_EQ(steps[0], "calibrating");
  EXPECT_EQ(steps[1], "quantizing");
  folder_.remove("out.gguf");
  const int n_all = n_calls;
  for (int stop = 1; stop <= n_all; stop += std::max(1, n_all / 12)) {
    int left = stop;
    options_.progress = [&](std::string_view, int64_t, int64_t) { return --left > 0; };
    const auto report = run();
    if (report.ok()) continue;  // the last calls only tell that all is done
    expect_refused(report, ErrorCode::kCancelled, "stop");
  }
}

TEST_F(QuantizeFile, AReportThatIsTooLongLeavesTheTensorsOut) {
  const std::string big = *write_model({.type = kernels::TensorType::kF16, .n_layers = 80, .n_embd = 64, .n_ff = 64,
                                        .n_heads = 1, .n_kv_heads = 1, .n_vocab = 320}, folder_.path("big.gguf"));
  options_.quality.reset();
  ThreadTeam team(2);
  const auto report =
      quantize_file(big, out_, **kernels::kernel_table(kernels::best_isa()), team, access_, options_);
  ASSERT_TRUE(report.ok()) << report.error().message;
  ASSERT_GT(json::serialize(report_to_json(*report, true)).size(), kReportBytes);
  const json::object stored = *stored_report(*gguf::File::open(out_));
  EXPECT_FALSE(stored.contains("tensors"));
  EXPECT_TRUE(stored.contains("bits_per_weight"));
}

TEST_F(QuantizeFile, WhatIsNoModelIsRefused) {
  folder_.write("in.gguf", "not a model at all");
  expect_refused(run(), ErrorCode::kMalformed, "in.gguf");
  folder_.remove("in.gguf");
  EXPECT_EQ(run().error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace docmind::quantize

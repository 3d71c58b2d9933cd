// The report in a file's metadata, and files whose report is nonsense.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "quantize/convert.h"
#include "quantize/stored_report.h"
#include "support/model_writer.h"
#include "support/temp_folder.h"

namespace docmind::quantize {
namespace {

using test::TempFolder;

gguf::File file_with(const TempFolder& folder, std::string_view report) {
  const auto add = [&](gguf::Writer& writer) {
    if (!report.empty()) writer.add(kReportKey, report);
  };
  const auto path = test::write_model({.n_layers = 1, .extra_metadata = add}, folder.path("m.gguf"));
  EXPECT_TRUE(path.ok());
  Result<gguf::File> file = gguf::File::open(*path);
  EXPECT_TRUE(file.ok());
  return std::move(*file);
}

TEST(StoredReport, GivesBackWhatWasWrittenWithBlanksBehindIt) {
  const TempFolder folder;
  const gguf::File file = file_with(
      folder, R"({"type":"q4_0","quality":{"mean_kld":0.5,"same_top":0.75,"n_tokens":9}}      )");
  const Result<json::object> report = stored_report(file);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->at("type").as_string(), "q4_0");
  const json::object scores = stored_scores(*report);
  EXPECT_EQ(scores.at("mean_kld").to_number<double>(), 0.5);
  EXPECT_EQ(scores.at("same_top").to_number<double>(), 0.75);
  EXPECT_FALSE(scores.contains("n_tokens"));
}

TEST(StoredReport, AFileWithoutOneSaysSo) {
  const TempFolder folder;
  const Result<json::object> report = stored_report(file_with(folder, ""));
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, ErrorCode::kNotFound);
}

TEST(StoredReport, NonsenseIsRefusedAndGivesNoScores) {
  for (const char* text : {"[1]", "{", "17", "{\"quality\":", "null"}) {
    const TempFolder folder;
    const Result<json::object> report = stored_report(file_with(folder, text));
    ASSERT_FALSE(report.ok()) << text;
    EXPECT_EQ(report.error().code, ErrorCode::kMalformed) << text;
  }
  for (const char* text : {"{}", R"({"quality":3})", R"({"quality":[]})",
                           R"({"quality":{"mean_kld":"low"}})"}) {
    EXPECT_TRUE(stored_scores(parse_json(text, 8, 1'000)->as_object()).empty()) << text;
  }
}

}  // namespace
}  // namespace docmind::quantize

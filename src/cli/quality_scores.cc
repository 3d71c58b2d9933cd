// Quality scores: one small JSON file for each model file that was measured.
// SPDX-License-Identifier: Apache-2.0
#include "cli/quality_scores.h"

#include <fmt/format.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/bench_kv_report.h"
#include "gguf/file.h"
#include "quantize/stored_report.h"

namespace docmind::cli {
namespace {

constexpr int64_t kMostScoreBytes = 1 << 20;
constexpr size_t kMostScoreDepth = 8;

std::string scores_folder(const Config& config) { return join_path(config.models.path, "quality"); }

std::string scores_path(const Config& config, const std::string& fingerprint) {
  return join_path(scores_folder(config), fmt::format("{}-kv.json", fingerprint.substr(0, 32)));
}

// The row of a format in a kept report; null when there is none, or the file is none of ours.
const json::object* find_row(const json::value& report, std::string_view format) {
  const json::object* object = report.if_object();
  const json::value* rows = object != nullptr ? object->if_contains("quality") : nullptr;
  if (rows == nullptr || !rows->is_array()) return nullptr;
  for (const json::value& row : rows->get_array()) {
    const json::object* fields = row.if_object();
    const json::value* name = fields != nullptr ? fields->if_contains("format") : nullptr;
    if (name != nullptr && name->is_string() && name->get_string() == format) return fields;
  }
  return nullptr;
}

json::object score_of(const json::object& row) {
  json::object score;
  for (const std::string_view name : {"mean_kl", "same_top", "perplexity_ratio"}) {
    const json::value* value = row.if_contains(name);
    if (value != nullptr && value->is_number()) score[name] = *value;
  }
  return score;
}

void add_weight_scores(json::array& known, const std::string& name, const engine::ModelInfo& model) {
  const Result<gguf::File> file = gguf::File::open(model.path);
  if (!file.ok()) return;  // moved away since it was loaded
  const Result<json::object> report = quantize::stored_report(*file);
  if (!report.ok() && report.error().code == ErrorCode::kNotFound) return;  // nobody measured this file
  json::object entry{{"model", name}, {"what", "weights"}, {"format", "unknown"}, {"score", nullptr}};
  if (!report.ok()) {
    entry["note"] = to_valid_utf8(report.error().message);
  } else {
    const json::value* type = report->if_contains("type");
    if (type != nullptr && type->is_string()) entry["format"] = *type;
    json::object scores = quantize::stored_scores(*report);
    if (scores.empty()) entry["note"] = "was not measured when it was made";
    else entry["score"] = std::move(scores);
  }
  known.push_back(std::move(entry));
}

}  // namespace

Status keep_kv_quality(const Config& config, const engine::KvQualityReport& report) {
  if (config.models.path.empty()) return {};
  DM_TRY(make_folders(scores_folder(config)));
  return write_file_atomic(scores_path(config, report.fingerprint),
                           to_string_pretty(kv_quality_to_json(report)) + "\n");
}

json::array known_quality(const Config& config, const pipeline::Models& models) {
  json::array known;
  if (models.text != nullptr) add_weight_scores(known, models.text_name, models.text->info());
  if (models.embedding != nullptr) add_weight_scores(known, models.embedding_name, models.embedding->info());
  if (models.rerank != nullptr) add_weight_scores(known, models.rerank_name, models.rerank->info());
  if (models.text == nullptr) return known;
  json::value report;
  const std::string path = scores_path(config, models.text->info().fingerprint);
  if (const Result<std::string> bytes = read_file(path, kMostScoreBytes); bytes.ok()) {
    if (Result<json::value> parsed = parse_json(*bytes, kMostScoreDepth, kMostScoreBytes); parsed.ok()) {
      report = *std::move(parsed);
    }
  }
  for (const std::string_view format : {"int8", "int4", "mixed", "k8v4"}) {
    const json::object* row = find_row(report, format);
    const bool by_control = config.control.enabled && (format == "int8" || format == "int4");
    const bool in_use = config.kv.format == format || by_control;
    if (row == nullptr && !in_use) continue;
    json::object entry{{"model", models.text_name}, {"what", "kv"}, {"format", format}, {"score", nullptr}};
    if (row != nullptr) entry["score"] = score_of(*row);
    else entry["note"] = "not measured; docmind bench kv MODEL --quality TEXT does it";
    known.push_back(std::move(entry));
  }
  return known;
}

}  // namespace docmind::cli

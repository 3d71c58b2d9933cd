// 'docmind cache calibrate': learns from labelled pairs of questions which may share an answer.
// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/text.h"
#include "cache/calibrate_pairs.h"
#include "cli/cache_actions.h"
#include "cli/library.h"

namespace docmind::cli {
namespace {

constexpr int64_t kMaxPairsBytes = 64LL << 20;
constexpr size_t kMaxPairDepth = 4;

// {"question": text, "other": text, "same": 1, 0, true or false}; further members are passed over.
Result<cache::LabelledPair> read_pair(std::string_view line) {
  DM_ASSIGN(const json::value value, parse_json(line, kMaxPairDepth, line.size()));
  const json::object* object = value.if_object();
  const auto member = [&](const char* name) {
    return object != nullptr ? object->if_contains(name) : nullptr;
  };
  const json::value* question = member("question");
  const json::value* other = member("other");
  const json::value* same = member("same");
  const bool fits = question != nullptr && question->is_string() && other != nullptr &&
                    other->is_string() && same != nullptr && (same->is_bool() || same->is_int64());
  if (!fits) {
    return Error{ErrorCode::kMalformed,
                 R"(expected {"question": text, "other": text, "same": 1 or 0})"};
  }
  return cache::LabelledPair{.question = std::string(question->as_string()),
                             .other = std::string(other->as_string()),
                             .same = same->is_bool() ? same->as_bool() : same->as_int64() != 0};
}

Result<std::vector<cache::LabelledPair>> read_pairs(const std::string& path) {
  DM_ASSIGN(const std::string text, read_file(path, kMaxPairsBytes));
  std::vector<cache::LabelledPair> pairs;
  std::string_view rest = text;
  for (size_t number = 1; !rest.empty(); ++number) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty()) continue;
    Result<cache::LabelledPair> pair = read_pair(line);
    if (!pair.ok()) {
      return std::move(pair).error().with_context(
          fmt::format("'{}' line {}", printable(path), number));
    }
    pairs.push_back(*std::move(pair));
  }
  return pairs;
}

json::object report_to_json(const cache::CalibrationReport& report,
                            const cache::CalibratorOptions& options, size_t n_exact) {
  json::array curve;
  for (const cache::CurvePoint& point : report.curve) {
    curve.push_back({{"threshold", point.threshold},
                     {"hit_rate", point.hit_rate},
                     {"wrong_share", point.wrong_share},
                     {"upper_bound", point.upper_bound}});
  }
  return {{"observations", static_cast<int64_t>(report.n_observations)},
          {"wrong", static_cast<int64_t>(report.n_wrong)},
          {"exact", static_cast<int64_t>(n_exact)},
          {"limit", options.max_wrong_share},
          {"confidence", options.confidence},
          {"threshold", report.threshold ? json::value(*report.threshold) : json::value()},
          {"hit_rate", report.hit_rate},
          {"wrong_share", report.wrong_share},
          {"upper_bound", report.upper_bound},
          {"curve", std::move(curve)}};
}

}  // namespace

Result<json::object> calibrate_cache(Session& session, const std::string& path, bool learn) {
  DM_ASSIGN(const std::vector<cache::LabelledPair> pairs, read_pairs(path));
  DM_ASSIGN(const std::string folder, store_folder(session));
  const std::unique_ptr<cache::ComputationCache> computed = open_computed(session, folder);
  DM_ASSIGN(const RetrievalModels models, load_retrieval_models(session, computed.get()));
  DM_ASSIGN(pipeline::Corpus corpus,
            pipeline::Corpus::open(folder, corpus_options(session, models, computed.get())));
  DM_ASSIGN([[maybe_unused]] const int64_t generation, corpus.refresh());
  const Config& config = session.config();
  cache::CalibratorOptions options{.confidence = config.cache.confidence};
  if (config.cache.max_wrong > 0) options.max_wrong_share = config.cache.max_wrong;
  const cache::EmbedTexts embed = [&](std::span<const std::string_view> texts, std::span<float> out) {
    return corpus.embed_questions(texts, out, session.cancel);
  };
  DM_ASSIGN(const cache::PairCalibration calibration,
            cache::calibrate_pairs(pairs, corpus.vector_dimension(), embed, options));
  if (learn) {
    DM_ASSIGN(const std::unique_ptr<cache::AnswerCache> cache, open_cache(session, folder));
    DM_TRY(cache->teach(calibration.observations));
  }
  return report_to_json(calibration.report, options, calibration.n_exact);
}

}  // namespace docmind::cli

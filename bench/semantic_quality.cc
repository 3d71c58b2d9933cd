// bench_semantic_quality: precision against hit rate of the semantic cache on labelled question pairs.
// Usage: bench_semantic_quality PAIRS.jsonl [--dimension N] [--embedder FILE.gguf] [--splits N]
// Inserts every "question", asks every "other". A hit where "same" is 0, or on another row, is wrong. What the
// exact cache answers before is no hit here. Prints one JSON object; semantic_quality.py shows it.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <numeric>
#include <random>
#include <string_view>

#include <fmt/format.h>

#include "base/json.h"
#include "engine/embedding_model.h"
#include "providers/lexical_embedder.h"
#include "providers/native_embedder.h"
#include "semantic_pairs.h"

namespace {

using namespace docmind;
using bench::NearestQuestion;
using bench::Pair;
using Hits = std::vector<const NearestQuestion*>;

struct Wanted {
  std::string pairs;
  std::string embedder;
  size_t dimension = providers::LexicalParameters{}.dimension;
  size_t n_splits = 20;
};

// Served and wrong ones.
struct Tally {
  size_t n = 0;
  size_t n_wrong = 0;
  void add(bool right) {
    ++n;
    n_wrong += right ? 0 : 1;
  }
  [[nodiscard]] double wrong_share() const {
    return n > 0 ? static_cast<double>(n_wrong) / static_cast<double>(n) : 0;
  }
  [[nodiscard]] double share_of(size_t all) const {
    return all > 0 ? static_cast<double>(n) / static_cast<double>(all) : 0;
  }
};

json::object as_json(const Tally& tally, size_t n_asked) {
  return {{"hits", tally.n}, {"hit_rate", tally.share_of(n_asked)}, {"precision", 1 - tally.wrong_share()}};
}

json::array fixed_thresholds(const Hits& hits, bool hard) {
  json::array rows;
  for (const double threshold : {0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.92, 0.94, 0.96, 0.98}) {
    Tally plain;
    Tally guarded;
    size_t n_asked = 0;
    for (const NearestQuestion* hit : hits) {
      if (hard && !hit->hard) continue;
      ++n_asked;
      if (hit->nearest_similarity < threshold) continue;
      plain.add(hit->nearest_right);
      if (hit->nearest_guards == 0) guarded.add(hit->nearest_right);
    }
    rows.push_back(json::object{{"threshold", threshold},
                                {"plain", as_json(plain, n_asked)},
                                {"guarded", as_json(guarded, n_asked)}});
  }
  return rows;
}

// On the labelled pairs themselves: what each guard stops of the hard ones.
json::array guard_costs(const std::vector<Pair>& pairs, const std::vector<NearestQuestion>& asked) {
  std::array<std::array<size_t, 2>, cache::kGuardCount + 1> fired{};  // by label; last: any
  std::array<size_t, 2> all{};
  for (size_t row = 0; row < pairs.size(); ++row) {
    if (!asked[row].hard) continue;
    const size_t label = pairs[row].same ? 1 : 0;
    const auto verdict = cache::QuestionGuards::compare(pairs[row].other, pairs[row].question);
    ++all[label];
    for (size_t i = 0; i < cache::kGuardCount; ++i) {
      fired[i][label] += verdict.has(static_cast<cache::Guard>(i)) ? 1 : 0;
    }
    fired.back()[label] += verdict.passed() ? 0 : 1;
  }
  json::array rows;
  for (size_t i = 0; i < fired.size(); ++i) {
    const auto name = i < cache::kGuardCount ? cache::guard_name(static_cast<cache::Guard>(i)) : "any";
    const auto share = [&](size_t label) {
      return static_cast<double>(fired[i][label]) / static_cast<double>(std::max<size_t>(all[label], 1));
    };
    rows.push_back(json::object{{"guard", name}, {"stopped", share(0)}, {"lost", share(1)}});
  }
  return rows;
}

// The most hits that a fixed threshold gives, chosen with hindsight, with no larger share of wrong ones.
size_t best_fixed(const Hits& hits, double wrong_share, bool guards) {
  std::vector<std::pair<double, bool>> ranked;
  for (const NearestQuestion* hit : hits) {
    if (!guards || hit->nearest_guards == 0) ranked.emplace_back(hit->nearest_similarity, hit->nearest_right);
  }
  std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  Tally tally;
  size_t best = 0;
  for (size_t i = 0; i < ranked.size(); ++i) {
    tally.add(ranked[i].second);
    const bool tied = i + 1 < ranked.size() && ranked[i + 1].first == ranked[i].first;
    if (!tied && tally.wrong_share() <= wrong_share + 1e-12) best = tally.n;
  }
  return best;
}

struct SplitResult {
  Tally served;
  size_t fixed = 0;
  size_t fixed_guarded = 0;
};

bool is_right(const NearestQuestion& hit, bool implied) { return implied ? hit.implied : hit.right; }

SplitResult run_split(const Hits& hits, double bound, bool implied, uint64_t seed) {
  Hits shuffled = hits;
  std::mt19937_64 random(seed);
  std::shuffle(shuffled.begin(), shuffled.end(), random);
  const auto half = shuffled.begin() + static_cast<ptrdiff_t>(shuffled.size() / 2);
  // Fits once, at the end.
  cache::Calibrator calibrator({.max_wrong_share = bound, .confidence = 0.95, .n_recent = 200,
                                .n_refit = shuffled.size() + 1});
  std::vector<cache::Observation> learned;
  for (auto hit = shuffled.begin(); hit != half; ++hit) {
    learned.push_back({.entry_id = 0, .features = (*hit)->features, .same = is_right(**hit, implied),
                       .source = cache::Observation::Source::kPair, .at_unix_ms = 0});
  }
  calibrator.add(learned);
  calibrator.fit();
  SplitResult result;
  for (auto hit = half; hit != shuffled.end(); ++hit) {
    if (calibrator.serves((*hit)->features, 0)) result.served.add(is_right(**hit, implied));
  }
  const double wrong_share = result.served.n > 0 ? result.served.wrong_share() : bound;
  const Hits other(half, shuffled.end());
  result.fixed = best_fixed(other, wrong_share, false);
  result.fixed_guarded = best_fixed(other, wrong_share, true);
  return result;
}

json::object calibrated(const Hits& hits, double bound, bool implied, size_t n_splits) {
  size_t n_held = 0;
  size_t n_serving = 0;
  double hit_rate = 0;
  double precision = 0;
  double fixed = 0;
  double fixed_guarded = 0;
  for (size_t split = 0; split < n_splits; ++split) {
    const SplitResult result = run_split(hits, bound, implied, split + 1);
    const auto n_asked = static_cast<double>(hits.size() - hits.size() / 2);
    n_held += result.served.wrong_share() <= bound ? 1 : 0;
    n_serving += result.served.n > 0 ? 1 : 0;
    hit_rate += static_cast<double>(result.served.n) / n_asked;
    precision += result.served.n > 0 ? 1 - result.served.wrong_share() : 0;
    fixed += static_cast<double>(result.fixed) / n_asked;
    fixed_guarded += static_cast<double>(result.fixed_guarded) / n_asked;
  }
  const auto n = static_cast<double>(n_splits);
  return {{"bound", bound}, {"splits", n_splits}, {"held", n_held}, {"serving", n_serving},
          {"hit_rate", hit_rate / n},
          {"precision", n_serving > 0 ? json::value(precision / static_cast<double>(n_serving)) : nullptr},
          {"fixed", fixed / n}, {"fixed_guarded", fixed_guarded / n}};
}

Result<json::object> measure(const Wanted& wanted, const providers::Embedder& embedder,
                             const std::vector<Pair>& pairs, ThreadPool& pool) {
  DM_ASSIGN(const std::vector<NearestQuestion> asked, bench::ask_all(pairs, embedder, pool));
  Hits hits;
  size_t n_nearest_right = 0;
  size_t n_right = 0;
  for (const NearestQuestion& one : asked) {
    if (one.exact) continue;
    hits.push_back(&one);
    n_nearest_right += one.nearest_right ? 1 : 0;
    n_right += one.right ? 1 : 0;
  }
  json::array strict;
  json::array implied;
  for (const double bound : {0.01, 0.02, 0.05, 0.1, 0.2, 0.3}) {
    strict.push_back(calibrated(hits, bound, false, wanted.n_splits));
    implied.push_back(calibrated(hits, bound, true, wanted.n_splits));
  }
  const auto same = static_cast<size_t>(
      std::count_if(pairs.begin(), pairs.end(), [](const Pair& pair) { return pair.same; }));
  return json::object{{"embedder", embedder.info().provider.identity}, {"pairs", pairs.size()}, {"same", same},
                      {"exact", asked.size() - hits.size()}, {"nearest_right", n_nearest_right},
                      {"closest_right", n_right}, {"fixed", fixed_thresholds(hits, false)},
                      {"fixed_hard", fixed_thresholds(hits, true)}, {"guards", guard_costs(pairs, asked)},
                      {"calibrated", std::move(strict)}, {"calibrated_implied", std::move(implied)}};
}

Result<json::object> run(const Wanted& wanted) {
  DM_ASSIGN(const std::vector<Pair> pairs, bench::read_pairs(wanted.pairs));
  ThreadPool pool(0);
  if (!wanted.embedder.empty()) {
    DM_ASSIGN(auto model, engine::EmbeddingModel::load(wanted.embedder, {}));
    const providers::NativeEmbedder embedder(std::move(model));
    return measure(wanted, embedder, pairs, pool);
  }
  providers::LexicalTrainer trainer({.dimension = wanted.dimension});
  for (const Pair& pair : pairs) trainer.add(pair.question);
  const providers::TrainedTerms terms = trainer.train(pool);
  return measure(wanted, providers::LexicalEmbedder(terms), pairs, pool);
}

bool read_number(std::string_view text, size_t& number) {
  return std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc() && number > 0;
}

bool read_arguments(int argc, char** argv, Wanted& wanted) {
  if (argc < 2 || argc % 2 != 0) return false;
  wanted.pairs = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--embedder") {
      wanted.embedder = argv[i + 1];
    } else if (!((name == "--dimension" && read_number(argv[i + 1], wanted.dimension)) ||
                 (name == "--splits" && read_number(argv[i + 1], wanted.n_splits)))) {
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Wanted wanted;
  if (!read_arguments(argc, argv, wanted)) {
    fmt::print(stderr, "usage: bench_semantic_quality PAIRS.jsonl [--dimension N] [--embedder FILE.gguf] "
                       "[--splits N]\n");
    return 2;
  }
  const Result<json::object> result = run(wanted);
  if (!result.ok()) {
    fmt::print(stderr, "{}\n", result.error().message);
    return 1;
  }
  fmt::print("{}\n", json::serialize(*result));
}

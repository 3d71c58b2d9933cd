// Calibrator: decides which near questions may share an answer, under a bound on wrong hits.
// SPDX-License-Identifier: Apache-2.0
#include "cache/calibrator.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "cache/back_off.h"
#include "cache/hit_vector.h"
#include "cache/logistic_model.h"
#include "cache/threshold_choice.h"

namespace docmind::cache {
namespace {

constexpr double kRidge = 1.0;
constexpr size_t kFolds = 5;
constexpr double kEntryVariance = 1.0;  // of an entry's own log-odds around the pooled ones
constexpr size_t kMaxObservations = 12'000;  // the newest; bounds the time of a fit to seconds

// An entry's correction: the most likely one under a normal prior around 0, given what its own
// observations say beyond the pooled log-odds.
class EntryCorrection {
 public:
  void add(double pooled, bool same) { seen_.emplace_back(pooled, same); }

  [[nodiscard]] double value() const {
    double correction = 0;
    constexpr int kSteps = 8;  // Newton's; the function is concave
    for (int step = 0; step < kSteps; ++step) {
      double gradient = -correction / kEntryVariance;
      double curvature = 1 / kEntryVariance;
      for (const auto& [pooled, same] : seen_) {
        const double p = logistic(pooled + correction);
        gradient += (same ? 1 : 0) - p;
        curvature += p * (1 - p);
      }
      correction += std::clamp(gradient / curvature, -1.0, 1.0);
    }
    return correction;
  }

 private:
  std::vector<std::pair<double, bool>> seen_;
};

using Corrections = std::unordered_map<int64_t, double>;

LabelledRows rows_of(const std::deque<Observation>& observations) {
  LabelledRows rows{.width = kHitFeatures, .features = {}, .labels = {}};
  rows.features.reserve(observations.size() * kHitFeatures);
  for (const Observation& observation : observations) {
    const HitVector vector = hit_vector(observation.features);
    rows.features.insert(rows.features.end(), vector.begin(), vector.end());
    rows.labels.push_back(observation.same);
  }
  return rows;
}

// Of the observations in use, by entry.
Corrections corrections_of(const std::deque<Observation>& observations, const LabelledRows& rows,
                           const std::vector<bool>& use, const LogisticModel& model) {
  std::unordered_map<int64_t, EntryCorrection> entries;
  for (size_t i = 0; i < observations.size(); ++i) {
    const int64_t id = observations[i].entry_id;
    if (id == 0 || (!use.empty() && !use[i])) continue;
    entries[id].add(model.log_odds(rows.row(i)), observations[i].same);
  }
  Corrections corrections;
  for (const auto& [id, entry] : entries) corrections.emplace(id, entry.value());
  return corrections;
}

// Scores each observation by a model, and by corrections, of the other folds.
std::vector<ScoredHit> cross_fit(const std::deque<Observation>& observations,
                                 const LabelledRows& rows) {
  std::vector<ScoredHit> scored;
  std::vector<bool> use(rows.size());
  for (size_t fold = 0; fold < kFolds; ++fold) {
    for (size_t i = 0; i < use.size(); ++i) use[i] = i % kFolds != fold;
    const LogisticModel model = LogisticModel::fit(rows, use, kRidge);
    const Corrections corrections = corrections_of(observations, rows, use, model);
    for (size_t i = fold; i < rows.size(); i += kFolds) {
      if (observations[i].source == Observation::Source::kFeedback) continue;
      const auto correction = corrections.find(observations[i].entry_id);
      const double own = correction == corrections.end() ? 0 : correction->second;
      scored.push_back({model.log_odds(rows.row(i)) + own, !observations[i].same});
    }
  }
  return scored;
}

bool is_recent_kind(const Observation& observation) {
  return observation.source != Observation::Source::kPair;
}

}  // namespace

struct Calibrator::Impl {
  // What readers use; never changed once it is published.
  struct Fitted {
    LogisticModel model;
    Corrections corrections;
    std::optional<double> threshold;   // log-odds
    std::optional<double> permitted;   // after backing off
    std::vector<ScoredHit> tested;

    [[nodiscard]] double log_odds(const HitFeatures& features, int64_t entry_id) const {
      const HitVector vector = hit_vector(features);
      const auto correction = corrections.find(entry_id);
      return model.log_odds(vector) + (correction == corrections.end() ? 0 : correction->second);
    }
  };

  explicit Impl(const CalibratorOptions& given) : options(given) {}

  void add(const Observation& observation) {
    observations.push_back(observation);
    if (observations.size() > kMaxObservations) observations.pop_front();
    n_since_fit += 1;
  }

  // Fitting grows with the number of observations; a twentieth more changes little.
  [[nodiscard]] bool fit_is_due() const {
    return n_since_fit >= std::max(options.n_refit, observations.size() / 20);
  }

  void fit() {
    auto next = std::make_shared<Fitted>();
    const LabelledRows rows = rows_of(observations);
    next->model = LogisticModel::fit(rows, {}, kRidge);
    next->corrections = corrections_of(observations, rows, {}, next->model);
    next->tested = cross_fit(observations, rows);
    next->threshold =
        choose_threshold(next->tested, options.max_wrong_share, options.confidence);
    n_since_fit = 0;
    back_off(*next);
    publish(std::move(next));
  }

  // Between fits only the back-off follows the newest observations.
  void follow() {
    auto next = std::make_shared<Fitted>(*current());
    back_off(*next);
    publish(std::move(next));
  }

  void back_off(Fitted& fitted) const {
    fitted.permitted = fitted.threshold;
    if (!fitted.threshold) return;
    RecentHits recent(options.n_recent, options.max_wrong_share, options.confidence);
    size_t n_recent = 0;
    auto first = observations.end();
    while (first != observations.begin() && n_recent < options.n_recent) {
      --first;
      n_recent += is_recent_kind(*first) ? 1 : 0;
    }
    for (; first != observations.end(); ++first) {
      if (!is_recent_kind(*first)) continue;
      recent.add(fitted.log_odds(first->features, first->entry_id), !first->same);
    }
    fitted.permitted = recent.permitted(*fitted.threshold);
  }

  [[nodiscard]] std::shared_ptr<const Fitted> current() const {
    const std::lock_guard lock(published_mutex);
    return published;
  }
  void publish(std::shared_ptr<const Fitted> next) {
    const std::lock_guard lock(published_mutex);
    published = std::move(next);
  }

  const CalibratorOptions options;

  mutable std::mutex writer;  // of what follows
  std::deque<Observation> observations;
  size_t n_since_fit = 0;

  mutable std::mutex published_mutex;  // held for a copy of the pointer only
  std::shared_ptr<const Fitted> published = std::make_shared<Fitted>();
};

Calibrator::Calibrator(const CalibratorOptions& options)
    : impl_(std::make_unique<Impl>(options)) {}
Calibrator::~Calibrator() = default;

void Calibrator::add(const Observation& observation) { add(std::span(&observation, 1)); }

void Calibrator::add(std::span<const Observation> observations) {
  const std::lock_guard lock(impl_->writer);
  for (const Observation& observation : observations) impl_->add(observation);
  if (impl_->fit_is_due()) {
    impl_->fit();
  } else if (std::any_of(observations.begin(), observations.end(), is_recent_kind)) {
    impl_->follow();
  }
}

void Calibrator::fit() {
  const std::lock_guard lock(impl_->writer);
  impl_->fit();
}

void Calibrator::forget_entry(int64_t entry_id) {
  if (entry_id == 0) return;
  const std::lock_guard lock(impl_->writer);
  for (Observation& observation : impl_->observations) {
    if (observation.entry_id == entry_id) observation.entry_id = 0;
  }
  auto next = std::make_shared<Impl::Fitted>(*impl_->current());
  next->corrections.erase(entry_id);
  impl_->publish(std::move(next));
}

double Calibrator::probability(const HitFeatures& features, int64_t entry_id) const {
  return logistic(impl_->current()->log_odds(features, entry_id));
}

bool Calibrator::serves(const HitFeatures& features, int64_t entry_id) const {
  const auto fitted = impl_->current();
  return fitted->permitted && fitted->log_odds(features, entry_id) >= *fitted->permitted;
}

CalibrationReport Calibrator::report() const {
  const std::lock_guard lock(impl_->writer);
  const auto fitted = impl_->current();
  CalibrationReport report;
  report.n_observations = impl_->observations.size();
  report.n_wrong = static_cast<size_t>(
      std::count_if(impl_->observations.begin(), impl_->observations.end(),
                    [](const Observation& observation) { return !observation.same; }));
  report.curve = curve_of(fitted->tested, impl_->options.confidence);
  report.backed_off = fitted->threshold != fitted->permitted;
  if (!fitted->permitted) return report;
  report.threshold = logistic(*fitted->permitted);
  const auto point = std::find_if(report.curve.begin(), report.curve.end(), [&](const auto& p) {
    return std::abs(p.threshold - *report.threshold) < 1e-12;
  });
  if (point == report.curve.end()) return report;
  report.hit_rate = point->hit_rate;
  report.wrong_share = point->wrong_share;
  report.upper_bound = point->upper_bound;
  return report;
}

}  // namespace docmind::cache

// RecentHits: notices when the newest served hits contradict the promised bound.
// SPDX-License-Identifier: Apache-2.0
#include "cache/back_off.h"

#include <algorithm>
#include <cmath>

#include "cache/threshold_choice.h"

namespace docmind::cache {

void RecentHits::add(double log_odds, bool wrong) {
  if (n_kept_ == 0) return;
  if (hits_.size() == n_kept_) hits_.pop_front();
  hits_.push_back({log_odds, wrong});
}

bool RecentHits::contradicted(double threshold, bool& serves_any) const {
  double n_wrong = 0;
  double n_right = 0;
  for (const Hit& hit : hits_) {
    if (hit.log_odds >= threshold) (hit.wrong ? n_wrong : n_right) += 1;
  }
  serves_any = n_wrong + n_right > 0;
  constexpr double kTimes[] = {2, 4, 8};
  const double limit = std::clamp(limit_, 1e-6, 0.99);
  double evidence = 0;
  for (const double times : kTimes) {
    const double share = std::min(limit * times, (1 + limit) / 2);
    evidence += std::exp(n_wrong * std::log(share / limit) +
                         n_right * std::log((1 - share) / (1 - limit))) / std::size(kTimes);
  }
  return evidence * (1 - confidence_) >= 1;
}

std::optional<double> RecentHits::permitted(double wanted) const {
  bool serves_any = false;
  if (!contradicted(wanted, serves_any)) return wanted;
  // Loose to strict.
  const auto grid = threshold_grid();
  for (auto threshold = grid.rbegin(); threshold != grid.rend(); ++threshold) {
    if (*threshold <= wanted) continue;
    const bool refused = contradicted(*threshold, serves_any);
    // Where no recent hit was served there is no evidence that it would be better.
    if (!serves_any) return std::nullopt;
    if (!refused) return *threshold;
  }
  return std::nullopt;
}

}  // namespace docmind::cache

// RopeTable: the angles of rotary position embeddings, with linear and YaRN scaling.
// SPDX-License-Identifier: Apache-2.0
#include "model/rope_table.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace docmind::model {
namespace {

// The pair whose wave turns `n_turns` times within the original context.
double pair_of_turns(const DecoderConfig& config, double n_turns) {
  const double wave = static_cast<double>(config.rope_original_context) / (n_turns * 2 * std::numbers::pi);
  return static_cast<double>(config.n_rot) * std::log(wave) / (2 * std::log(static_cast<double>(config.rope_base)));
}

// 1 for pairs that turn often (their frequency stays), 0 for those that hardly turn (interpolated).
double extrapolated_share(const DecoderConfig& config, int64_t pair) {
  const double first = std::max(0.0, std::floor(pair_of_turns(config, config.yarn_beta_fast)));
  const double last = std::min(static_cast<double>(config.n_rot - 1),
                               std::ceil(pair_of_turns(config, config.yarn_beta_slow)));
  const double ramp = (static_cast<double>(pair) - first) / std::max(0.001, last - first);
  return (1 - std::clamp(ramp, 0.0, 1.0)) * config.yarn_ext_factor;
}

}  // namespace

RopeTable::RopeTable(const DecoderConfig& config, std::span<const float> factors) {
  const bool yarn = config.rope_scaling == RopeScaling::kYarn && config.yarn_ext_factor != 0;
  const double factor = config.rope_scaling == RopeScaling::kNone ? 1.0 : config.rope_factor;
  magnitude_ = config.yarn_attn_factor;
  if (yarn && factor > 1) magnitude_ *= 0.1 * std::log(factor) + 1;
  for (int64_t pair = 0; pair < config.n_rot / 2; ++pair) {
    const double exponent = -2.0 * static_cast<double>(pair) / static_cast<double>(config.n_rot);
    double frequency = std::pow(static_cast<double>(config.rope_base), exponent);
    if (!factors.empty()) frequency /= factors[static_cast<size_t>(pair)];
    const double share = yarn ? extrapolated_share(config, pair) : 0.0;
    frequencies_.push_back(frequency / factor * (1 - share) + frequency * share);
  }
}

void RopeTable::fill(int64_t position, float* cos_sin) const {
  for (size_t pair = 0; pair < frequencies_.size(); ++pair) {
    const double angle = static_cast<double>(position) * frequencies_[pair];
    cos_sin[2 * pair] = static_cast<float>(std::cos(angle) * magnitude_);
    cos_sin[2 * pair + 1] = static_cast<float>(std::sin(angle) * magnitude_);
  }
}

}  // namespace docmind::model

// UpstreamBase: what all kinds of servers have in common: the caller, and what was found out, kept for a while.
// SPDX-License-Identifier: Apache-2.0
#include "providers/upstream_base.h"

#include <cmath>

#include <fmt/format.h>

#include "providers/token_estimate.h"
#include "providers/upstream_errors.h"

namespace docmind::providers {
namespace {

// A model may be replaced behind its name while this process runs.
constexpr double kKeepKnownMs = 5 * 60'000;

}  // namespace

Result<UpstreamCapabilities> UpstreamBase::capabilities(const CancelToken& cancel) {
  const int64_t n_absences = caller_.n_absences();
  {
    const std::scoped_lock lock(mutex_);
    if (known_ && known_->n_absences == n_absences && known_->age.elapsed_ms() < kKeepKnownMs) {
      return known_->capabilities;
    }
  }
  DM_ASSIGN(UpstreamCapabilities found, discover(cancel));
  const std::scoped_lock lock(mutex_);
  known_ = Known{.capabilities = found, .n_absences = n_absences, .age = {}};
  return found;
}

UpstreamCounts UpstreamBase::counts() const {
  UpstreamCounts counts = caller_.counts();
  counts.n_embedded_tokens = n_embedded_tokens_;
  return counts;
}

std::optional<json::value> UpstreamBase::look(const UpstreamCall& call, const CancelToken& cancel) {
  const HttpAnswer answer = caller_.look(call, cancel);
  if (!answer.ok()) return std::nullopt;
  Result<json::value> value = upstream_json(options(), answer, answer.body);
  return value.ok() ? std::optional(*std::move(value)) : std::nullopt;
}

Status UpstreamBase::check_all_read(int64_t n_read, std::span<const std::string_view> texts) {
  int64_t n_least = 0;
  for (const std::string_view text : texts) n_least += least_tokens(text);
  if (n_read <= 0 || n_read >= n_least) return {};
  caller_.count_truncated();
  return upstream_truncated(options(), n_read, n_least);
}

void normalise_row(std::vector<float>& row) {
  double sum = 0;
  for (const float value : row) sum += static_cast<double>(value) * static_cast<double>(value);
  if (sum <= 0) return;
  const auto scale = static_cast<float>(1 / std::sqrt(sum));
  for (float& value : row) value *= scale;
}

Status check_same_length(const UpstreamOptions& options, const std::vector<std::vector<float>>& rows) {
  for (const std::vector<float>& row : rows) {
    if (row.size() == rows.front().size()) continue;
    return Error{ErrorCode::kMismatch,
                 fmt::format("{} gave vectors of {} and of {} dimensions, which cannot be compared",
                             upstream_name(options.spec), rows.front().size(), row.size())};
  }
  return {};
}

}  // namespace docmind::providers

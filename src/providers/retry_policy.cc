// RetryPolicy: whether a request to another server is tried again, and after which pause.
// SPDX-License-Identifier: Apache-2.0
#include "providers/retry_policy.h"

#include <algorithm>

namespace docmind::providers {
namespace {

constexpr int kMostDoublings = 20;

bool may_try_again(const FailedTry& failed) {
  switch (failed.end) {
    case HttpEnd::kNotReached: return true;
    case HttpEnd::kBrokeOff: return failed.repeatable;
    case HttpEnd::kAnswered: break;
    case HttpEnd::kStopped: return failed.repeatable && failed.malformed;
    case HttpEnd::kNoAnswer:
    case HttpEnd::kStalled:
    case HttpEnd::kTooLarge:
    case HttpEnd::kCancelled: return false;
  }
  const int status = failed.status;
  if (status == 429 || status == 502 || status == 503 || status == 504) return true;
  return failed.repeatable && failed.malformed;
}

}  // namespace

std::optional<int64_t> pause_before_retry(const RetryPolicy& policy, const FailedTry& failed, double random) {
  if (failed.gave_text || failed.n_before >= policy.n_retries || !may_try_again(failed)) return std::nullopt;
  const bool server_says = (failed.status == 429 || failed.status == 503) && failed.retry_after_s >= 0;
  if (server_says) {
    if (failed.retry_after_s > policy.longest_retry_after_ms / 1'000) return std::nullopt;
    if (failed.retry_after_s > 0) return failed.retry_after_s * 1'000;
  }
  const int64_t doubled = policy.first_pause_ms << std::min(failed.n_before, kMostDoublings);
  const auto pause = static_cast<double>(std::min(doubled, policy.longest_pause_ms));
  return static_cast<int64_t>(pause * (1 - random / 2));
}

}  // namespace docmind::providers

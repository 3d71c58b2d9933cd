// RetryPolicy: whether a request to another server is tried again, and after which pause.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "providers/http_client.h"

namespace docmind::providers {

struct RetryPolicy {
  int n_retries = 2;
  int64_t first_pause_ms = 200;         // doubled from one try to the next
  int64_t longest_pause_ms = 2'000;
  int64_t longest_retry_after_ms = 5'000;  // a server that asks for more is busy for us
};

// What is known of a try that failed.
struct FailedTry {
  int n_before = 0;            // tries that failed before it
  HttpEnd end = HttpEnd::kAnswered;
  int status = 0;
  int64_t retry_after_s = -1;  // as the server said; -1: it did not
  bool gave_text = false;      // the caller has seen a part of the answer
  bool malformed = false;      // it answered with something else than its protocol
  bool repeatable = false;     // a second answer is as good as the first: vectors and scores
};

// The pause before the next try in ms; none when there must not be one. Never after a part of the answer was handed
// out. Safe are: no connection, 429 and 503 (nothing was begun; the server's Retry-After is kept to), 502 and 504 (a
// proxy did not reach the server); for what is repeatable also a broken or malformed answer. `random` in [0, 1)
// takes up to half off the pause, so that those who failed together do not come back together.
[[nodiscard]] std::optional<int64_t> pause_before_retry(const RetryPolicy& policy, const FailedTry& failed,
                                                        double random);

}  // namespace docmind::providers

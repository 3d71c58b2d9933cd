// UpstreamCaller: sends requests to one server, with retries where they are safe and a circuit breaker.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/cancel.h"
#include "base/error.h"
#include "base/json.h"
#include "providers/circuit_breaker.h"
#include "providers/http_client.h"
#include "providers/retry_policy.h"
#include "providers/upstream.h"

namespace docmind::providers {

// Reads the answer to a request, try by try.
class AnswerReader {
 public:
  virtual ~AnswerReader() = default;
  virtual void begin_try() = 0;
  // A piece of the body of a 2xx answer. Errors end the request; kMalformed may lead to another try.
  [[nodiscard]] virtual Status take(std::string_view piece) = 0;
  // The body is whole.
  [[nodiscard]] virtual Status finish(const HttpAnswer& answer) = 0;
  // Whether the answer itself has begun, after signs of life that mean nothing.
  [[nodiscard]] virtual bool begun() const = 0;
  // Whether the body came to its end mark; what happens to the connection after it is of no interest.
  [[nodiscard]] virtual bool complete() const { return false; }
  // Whether the caller has seen a part of it, so that there must be no other try.
  [[nodiscard]] virtual bool gave_text() const { return false; }
};

struct UpstreamCall {
  std::string path{};
  std::string body{};       // empty: a GET
  bool repeatable = false;  // a second answer is as good as the first
  bool is_question = false; // about the server itself: that it answers does not mean that it can do its work
  int64_t first_byte_timeout_ms = 0;  // 0: that of the options
};

// Parses a JSON body; an error makes the answer a malformed one where it is kMalformed.
using JsonTaker = std::function<Status(const json::value& value)>;

// Any thread.
class UpstreamCaller {
 public:
  explicit UpstreamCaller(const UpstreamOptions& options);

  // Errors name the server.
  [[nodiscard]] Status stream(const UpstreamCall& call, AnswerReader& reader, const CancelToken& cancel);
  [[nodiscard]] Status ask(const UpstreamCall& call, const JsonTaker& take, const CancelToken& cancel);
  // One try, past the breaker and without counting, for questions about the server itself.
  [[nodiscard]] HttpAnswer look(const UpstreamCall& call, const CancelToken& cancel);

  [[nodiscard]] const UpstreamOptions& options() const { return options_; }
  [[nodiscard]] UpstreamCounts counts() const;
  [[nodiscard]] bool is_open() const { return breaker_.is_open(); }
  void count_truncated() { ++n_truncated_; }
  // Raised each time that the server could not be reached or broke off: what was known of it may be wrong now.
  [[nodiscard]] int64_t n_absences() const { return n_absences_; }

 private:
  struct Try;
  Try attempt(const UpstreamCall& call, AnswerReader& reader, int n_before, const CancelToken& cancel);
  Try tries(const UpstreamCall& call, AnswerReader& reader, const CancelToken& cancel);
  [[nodiscard]] Error breaker_error() const;
  double random();

  const UpstreamOptions options_;
  HttpClient client_;
  CircuitBreaker breaker_;
  const RetryPolicy retries_;
  std::atomic<int64_t> n_requests_{0}, n_failures_{0}, n_retries_{0}, n_refused_{0}, n_truncated_{0}, n_in_flight_{0};
  std::atomic<int64_t> n_absences_{0};
  std::atomic<uint64_t> n_random_{0};
};

}  // namespace docmind::providers

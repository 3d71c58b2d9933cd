// UpstreamCaller: sends requests to one server, with retries where they are safe and a circuit breaker.
// SPDX-License-Identifier: Apache-2.0
#include "providers/upstream_call.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "providers/upstream_errors.h"

namespace docmind::providers {
namespace {

constexpr int64_t kWaitStepMs = 20;
// What only asks about the server is answered at once or not at all.
constexpr int64_t kLookTimeoutMs = 5'000;

// False when it was cancelled.
bool wait_ms(int64_t ms, const CancelToken& cancel) {
  const Stopwatch clock;
  while (!cancel.cancelled()) {
    const int64_t left = ms - static_cast<int64_t>(clock.elapsed_ms());
    if (left <= 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(left, kWaitStepMs)));
  }
  return false;
}

// Gathers a JSON body and hands it over whole.
class JsonReader final : public AnswerReader {
 public:
  JsonReader(const UpstreamOptions& options, const JsonTaker& take) : options_(options), take_(take) {}

  void begin_try() override { body_.clear(); }
  Status take(std::string_view piece) override { return body_.append(piece), Status(); }
  Status finish(const HttpAnswer& answer) override {
    DM_ASSIGN(const json::value value, upstream_json(options_, answer, body_));
    return take_(value);
  }
  bool begun() const override { return !body_.empty(); }

 private:
  const UpstreamOptions& options_;
  const JsonTaker& take_;
  std::string body_;
};

// One more in flight for as long as it lives.
class InFlight {
 public:
  explicit InFlight(std::atomic<int64_t>& count) : count_(count) { ++count_; }
  ~InFlight() { --count_; }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;

 private:
  std::atomic<int64_t>& count_;
};

BreakerOptions breaker_options(const UpstreamOptions& options) {
  return {.n_failures_to_open = options.n_failures_to_open,
          .open_ms = options.open_ms,
          .most_open_ms = options.most_open_ms};
}

}  // namespace

struct UpstreamCaller::Try {
  FailedTry how;
  Status status;
  // Whether the server itself was not there, as opposed to not liking the request or being busy.
  [[nodiscard]] bool absent() const {
    if (status.ok()) return false;
    if (how.end == HttpEnd::kAnswered) return how.status == 502 || how.status == 504 || how.malformed;
    if (how.end == HttpEnd::kStopped) return how.malformed;
    return how.end != HttpEnd::kCancelled;
  }
};

UpstreamCaller::UpstreamCaller(const UpstreamOptions& options)
    : options_(options),
      client_(options.spec.url, options.api_key, options.connect_timeout_ms),
      breaker_(breaker_options(options)),
      retries_{.n_retries = options.n_retries} {}

double UpstreamCaller::random() {
  const int64_t now = std::chrono::steady_clock::now().time_since_epoch().count();
  const std::string seed = fmt::format("{}/{}", now, ++n_random_);
  constexpr double kBits = 1ULL << 53;
  return static_cast<double>(hash64(seed) >> 11) / kBits;
}

UpstreamCaller::Try UpstreamCaller::attempt(const UpstreamCall& call, AnswerReader& reader, int n_before,
                                            const CancelToken& cancel) {
  reader.begin_try();
  HttpRequest request{.path = call.path,
                      .body = call.body,
                      .first_byte_timeout_ms = options_.first_byte_timeout_ms,
                      .stall_timeout_ms = options_.stall_timeout_ms,
                      .largest_answer_bytes = options_.largest_answer_bytes,
                      .cancel = cancel};
  if (call.first_byte_timeout_ms > 0) request.first_byte_timeout_ms = call.first_byte_timeout_ms;
  request.on_body = [&](std::string_view piece) { return reader.take(piece); };
  request.begun = [&] { return reader.begun(); };
  const HttpAnswer answer = client_.send(request);
  Try made{.how = {.n_before = n_before,
                   .end = answer.end,
                   .status = answer.status,
                   .retry_after_s = answer.retry_after_s,
                   .repeatable = call.repeatable},
           .status = {}};
  const bool lost_after_end =
      reader.complete() && (answer.end == HttpEnd::kStalled || answer.end == HttpEnd::kBrokeOff);
  made.status = answer.ok() || lost_after_end ? reader.finish(answer) : Status(upstream_error(options_, answer));
  made.how.gave_text = reader.gave_text();
  made.how.malformed = !made.status.ok() && made.status.error().code == ErrorCode::kMalformed;
  return made;
}

UpstreamCaller::Try UpstreamCaller::tries(const UpstreamCall& call, AnswerReader& reader, const CancelToken& cancel) {
  for (int n_before = 0;; ++n_before) {
    Try made = attempt(call, reader, n_before, cancel);
    if (made.status.ok()) return made;
    const std::optional<int64_t> pause = pause_before_retry(retries_, made.how, random());
    if (!pause || !wait_ms(*pause, cancel)) return made;
    ++n_retries_;
  }
}

Status UpstreamCaller::stream(const UpstreamCall& call, AnswerReader& reader, const CancelToken& cancel) {
  const std::optional<CircuitBreaker::Ticket> ticket = breaker_.begin();
  if (!ticket) {
    ++n_refused_;
    return breaker_error();
  }
  ++n_requests_;
  const InFlight in_flight(n_in_flight_);
  const Try made = tries(call, reader, cancel);
  if (!made.status.ok() && cancel.cancelled()) {
    breaker_.undecided(*ticket);
    return Error{ErrorCode::kCancelled, fmt::format("the request to {} was stopped", upstream_name(options_.spec))};
  }
  if (made.absent()) {
    ++n_absences_;
    breaker_.failed(*ticket);
  } else if (call.is_question) {
    breaker_.undecided(*ticket);
  } else {
    breaker_.succeeded(*ticket);
  }
  if (!made.status.ok() && made.status.error().code != ErrorCode::kCancelled) ++n_failures_;
  return made.status;
}

Status UpstreamCaller::ask(const UpstreamCall& call, const JsonTaker& take, const CancelToken& cancel) {
  JsonReader reader(options_, take);
  return stream(call, reader, cancel);
}

HttpAnswer UpstreamCaller::look(const UpstreamCall& call, const CancelToken& cancel) {
  HttpRequest request{.path = call.path,
                      .body = call.body,
                      .first_byte_timeout_ms = std::min(kLookTimeoutMs, options_.first_byte_timeout_ms),
                      .stall_timeout_ms = std::min(kLookTimeoutMs, options_.stall_timeout_ms),
                      .largest_answer_bytes = options_.largest_answer_bytes,
                      .cancel = cancel};
  return client_.send(request);
}

Error UpstreamCaller::breaker_error() const {
  return {ErrorCode::kBusy,
          fmt::format("{} did not answer lately and is left alone for {}; {}", upstream_name(options_.spec),
                      format_ms(static_cast<double>(std::max<int64_t>(breaker_.open_for_ms(), 1))),
                      "see that it runs, then try again")};
}

UpstreamCounts UpstreamCaller::counts() const {
  return {.n_requests = n_requests_,
          .n_failures = n_failures_,
          .n_retries = n_retries_,
          .n_refused_by_breaker = n_refused_,
          .n_truncated = n_truncated_,
          .n_in_flight = n_in_flight_,
          .n_connections_made = client_.n_connections_made(),
          .open = is_open()};
}

}  // namespace docmind::providers

// AnswerFlights: near-identical questions in flight share one computation and its stream.
// SPDX-License-Identifier: Apache-2.0
#include "cache/answer_flights.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <utility>

#include "cache/flight_registry.h"

namespace docmind::cache {
namespace {

constexpr int kFlightPollMs = 10;

// One caller's side of the stream. Its text may come from several flights, one after another; what was
// given once is not given again.
class Delivery {
 public:
  Delivery(const PieceSink& sink, const CancelToken& cancel) : sink_(sink), cancel_(cancel) {}

  Status check_cancel() const {
    if (!cancel_.cancelled()) return {};
    return Error{ErrorCode::kCancelled, "the request was cancelled before its answer was complete"};
  }
  // What `text`, the flight's so far, has beyond what was given; to be given next.
  Result<std::string> next(std::string_view text) {
    const size_t n = std::min(text.size(), before_.size());
    if (text.substr(n_alike_, n - n_alike_) != std::string_view(before_).substr(n_alike_, n - n_alike_)) {
      return differs();
    }
    n_alike_ = n;
    if (text.size() <= n_given_) return std::string();
    return std::string(text.substr(n_given_));
  }
  Status give(const std::string& piece) {
    n_given_ += piece.size();
    if (piece.empty() || !sink_ || sink_(piece)) return check_cancel();
    return Error{ErrorCode::kCancelled, "the reader of the answer wants no more of it"};
  }
  // The whole of `text` was given: no less of it may be there than before.
  Status finish(std::string_view text) const { return text.size() < n_given_ ? differs() : Status{}; }
  // Goes on with another flight, whose text must begin with what was given of this one's.
  void restart(std::string_view text) {
    if (n_given_ > before_.size()) before_ = text.substr(0, n_given_);
    n_alike_ = 0;
  }

 private:
  Error differs() const {
    return Error{ErrorCode::kMismatch,
                 "the answer broke off after " + std::to_string(n_given_) +
                     " bytes, and the one made in its place does not begin with them; ask again"};
  }

  const PieceSink& sink_;
  const CancelToken& cancel_;
  size_t n_given_ = 0;
  std::string before_;  // the beginning of what was given, from flights that failed
  size_t n_alike_ = 0;  // bytes of `before_` that this flight's text was found to begin with
};

// A flight's end, at the latest on destruction, so that nobody waits for ever should the computation throw.
class Landing {
 public:
  Landing(FlightRegistry& registry, Flight& flight) : registry_(registry), flight_(flight) {}
  ~Landing() {
    registry_.close(flight_);
    {
      std::lock_guard lock(flight_.mutex);
      flight_.state = payload_ != nullptr ? Flight::State::kLanded : Flight::State::kFailed;
      flight_.payload = payload_;
    }
    flight_.changed.notify_all();
  }
  void with(std::shared_ptr<const std::string> payload) { payload_ = std::move(payload); }

 private:
  FlightRegistry& registry_;
  Flight& flight_;
  std::shared_ptr<const std::string> payload_;
};

// A follower's presence, which keeps a flight in the air whose own caller has left.
class Presence {
 public:
  Presence(FlightRegistry& registry, Flight& flight, std::atomic<size_t>& n_waiting)
      : registry_(registry), flight_(flight), n_waiting_(n_waiting) {
    ++n_waiting_;
  }
  ~Presence() {
    --n_waiting_;
    registry_.leave(flight_);
  }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;

 private:
  FlightRegistry& registry_;
  Flight& flight_;
  std::atomic<size_t>& n_waiting_;
};

}  // namespace

struct AnswerFlights::Impl {
  Result<FlightOutcome> lead(Flight& flight, Delivery& delivery, const Compute& compute);
  // None: the flight failed.
  Result<std::optional<FlightOutcome>> follow(const FlightRegistry::Joined& joined, Delivery& delivery);

  MayShare may_share;
  FlightRegistry registry;
  std::atomic<size_t> n_waiting{0};
};

Result<FlightOutcome> AnswerFlights::Impl::lead(Flight& flight, Delivery& delivery, const Compute& compute) {
  Status own;  // an error once this caller's part has ended
  const auto give_own = [&]() -> Status {
    DM_ASSIGN(const std::string piece, delivery.next(flight.text));
    return delivery.give(piece);
  };
  const PieceSink take = [&](std::string_view piece) {
    {
      std::lock_guard lock(flight.mutex);
      flight.text.append(piece);
    }
    flight.changed.notify_all();
    if (own.ok()) own = give_own();
    return own.ok() || !registry.close_if_alone(flight);
  };
  std::shared_ptr<const std::string> payload;
  {
    Landing landing(registry, flight);
    Result<std::string> made = compute(take);
    if (made.ok()) payload = std::make_shared<const std::string>(*std::move(made));
    if (!made.ok() && own.ok()) own = std::move(made).error();
    landing.with(payload);
  }
  if (own.ok()) own = delivery.finish(flight.text);
  if (!own.ok()) return std::move(own).error();
  return FlightOutcome{std::move(payload), false, 1, flight.request.question};
}

Result<std::optional<FlightOutcome>> AnswerFlights::Impl::follow(const FlightRegistry::Joined& joined,
                                                                 Delivery& delivery) {
  Flight& flight = *joined.flight;
  const Presence presence(registry, flight, n_waiting);
  std::unique_lock lock(flight.mutex);
  while (true) {
    DM_TRY(delivery.check_cancel());
    if (flight.state == Flight::State::kFailed) {
      delivery.restart(flight.text);
      return std::optional<FlightOutcome>();
    }
    DM_ASSIGN(const std::string piece, delivery.next(flight.text));
    if (!piece.empty()) {
      lock.unlock();
      DM_TRY(delivery.give(piece));
      lock.lock();
    } else if (flight.state == Flight::State::kLanded) {
      DM_TRY(delivery.finish(flight.text));
      return std::optional(FlightOutcome{flight.payload, true, joined.similarity, flight.request.question});
    } else {
      flight.changed.wait_for(lock, std::chrono::milliseconds(kFlightPollMs));
    }
  }
}

AnswerFlights::AnswerFlights(MayShare may_share) : impl_(std::make_unique<Impl>()) {
  impl_->may_share = std::move(may_share);
}

AnswerFlights::~AnswerFlights() = default;

Result<FlightOutcome> AnswerFlights::run(const FlightRequest& request, const PieceSink& sink,
                                         const CancelToken& cancel, const Compute& compute) {
  Delivery delivery(sink, cancel);
  while (true) {
    DM_TRY(delivery.check_cancel());
    const FlightRegistry::Joined joined = impl_->registry.join(request, impl_->may_share);
    if (joined.leads) return impl_->lead(*joined.flight, delivery, compute);
    // After a failure the first of those who waited to come here leads, and the others join it.
    DM_ASSIGN(std::optional<FlightOutcome> outcome, impl_->follow(joined, delivery));
    if (outcome) return *std::move(outcome);
  }
}

size_t AnswerFlights::n_in_flight() const { return impl_->registry.n_flights(); }

size_t AnswerFlights::n_waiting() const { return impl_->n_waiting; }

}  // namespace docmind::cache

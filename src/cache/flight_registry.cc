// FlightRegistry: the computations in flight that callers may join, by key and by nearness within a scope.
// SPDX-License-Identifier: Apache-2.0
#include "cache/flight_registry.h"

#include <algorithm>
#include <cmath>

namespace docmind::cache {
namespace {

// The inner product; nullopt where the vectors do not belong to one space.
std::optional<double> inner_product_of(const FlightRequest& a, const FlightRequest& b) {
  if (a.vector.empty() || a.vector.size() != b.vector.size()) return std::nullopt;
  double sum = 0;
  for (size_t i = 0; i < a.vector.size(); ++i) {
    sum += static_cast<double>(a.vector[i]) * static_cast<double>(b.vector[i]);
  }
  if (!std::isfinite(sum)) return std::nullopt;
  return sum;
}

}  // namespace

// After the judging only flights that began meanwhile are left to judge; when there are none, the new
// flight begins under the same lock, so that of two near questions at once one follows the other.
FlightRegistry::Joined FlightRegistry::join(const FlightRequest& request,
                                            const AnswerFlights::MayShare& may_share) {
  for (uint64_t n_judged = 0;;) {
    std::vector<Joined> candidates;
    {
      std::lock_guard lock(mutex_);
      if (std::optional<Joined> same = join_same_key(request)) return *std::move(same);
      if (may_share) candidates = near_flights(request, n_judged);
      if (candidates.empty()) return begin_flight(request);
      n_judged = n_begun_;
    }
    for (Joined& candidate : candidates) {
      if (!may_share(request, candidate.flight->request, candidate.similarity)) continue;
      if (join_open(candidate.flight)) return std::move(candidate);
    }
  }
}

std::optional<FlightRegistry::Joined> FlightRegistry::join_same_key(const FlightRequest& request) {
  const auto found = by_key_.find(request.key);
  if (found == by_key_.end()) return std::nullopt;
  ++found->second->n_followers;
  return Joined{found->second, 1, false};
}

// Nearest first.
std::vector<FlightRegistry::Joined> FlightRegistry::near_flights(const FlightRequest& request,
                                                                 uint64_t above_number) const {
  std::vector<Joined> near;
  const auto scope = by_scope_.find(request.scope);
  if (scope == by_scope_.end()) return near;
  for (const std::shared_ptr<Flight>& flight : scope->second) {
    if (flight->number <= above_number) continue;
    const std::optional<double> similarity = inner_product_of(request, flight->request);
    if (similarity) near.push_back({flight, *similarity, false});
  }
  std::stable_sort(near.begin(), near.end(),
                   [](const Joined& a, const Joined& b) { return a.similarity > b.similarity; });
  return near;
}

FlightRegistry::Joined FlightRegistry::begin_flight(const FlightRequest& request) {
  auto flight = std::make_shared<Flight>(request, ++n_begun_);
  by_key_.emplace(request.key, flight);
  by_scope_[request.scope].push_back(flight);
  return {std::move(flight), 1, true};
}

// False: it was closed meanwhile.
bool FlightRegistry::join_open(const std::shared_ptr<Flight>& flight) {
  std::lock_guard lock(mutex_);
  const auto found = by_key_.find(flight->request.key);
  if (found == by_key_.end() || found->second != flight) return false;
  ++flight->n_followers;
  return true;
}

void FlightRegistry::close(const Flight& flight) {
  std::lock_guard lock(mutex_);
  close_locked(flight);
}

bool FlightRegistry::close_if_alone(const Flight& flight) {
  std::lock_guard lock(mutex_);
  if (flight.n_followers > 0) return false;
  close_locked(flight);
  return true;
}

void FlightRegistry::close_locked(const Flight& flight) {
  const auto found = by_key_.find(flight.request.key);
  if (found == by_key_.end() || found->second.get() != &flight) return;  // closed before
  const auto scope = by_scope_.find(flight.request.scope);
  std::erase(scope->second, found->second);
  if (scope->second.empty()) by_scope_.erase(scope);
  by_key_.erase(found);
}

void FlightRegistry::leave(Flight& flight) {
  std::lock_guard lock(mutex_);
  --flight.n_followers;
}

size_t FlightRegistry::n_flights() const {
  std::lock_guard lock(mutex_);
  return by_key_.size();
}

}  // namespace docmind::cache

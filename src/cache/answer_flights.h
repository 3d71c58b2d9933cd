// AnswerFlights: near-identical questions in flight share one computation and its stream.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "cache/tier.h"

namespace docmind::cache {

// A question as others in flight see it.
struct FlightRequest {
  CacheKey key{};             // equal keys always share
  Digest scope{};             // others only within one scope
  std::string question;
  std::vector<float> vector;  // unit length; empty: shares by key alone
  std::vector<int64_t> evidence = {};  // ids of the passages that it will be answered from, for MayShare
};

struct FlightOutcome {
  std::shared_ptr<const std::string> payload;  // what the computation returned
  bool shared = false;                         // made by another caller
  double similarity = 1;                       // to that caller's question
  std::string question;                        // that caller's
};

// Gets text as it is made; false: this caller wants no more.
using PieceSink = std::function<bool(std::string_view piece)>;

// Any number of threads may call. Computations run on the threads of their callers.
class AnswerFlights {
 public:
  // Whether two questions of one scope, of this similarity, may share an answer.
  // Called without any lock.
  using MayShare =
      std::function<bool(const FlightRequest& asked, const FlightRequest& running, double similarity)>;
  // Makes the answer, giving its text to the sink piece by piece.
  using Compute = std::function<Result<std::string>(const PieceSink& sink)>;

  explicit AnswerFlights(MayShare may_share);
  ~AnswerFlights();

  // The first caller computes; those who come meanwhile with the same or a sharable question get all
  // its pieces from the first on, as they are made, and its payload. When the one that computes fails
  // or is cancelled, one of those who wait computes instead: an error of one caller is never that of
  // another. What was already given to a sink is not given again: the text of the second try must
  // begin with it (equal seeds give equal texts), else that waiter's answer is kMismatch. A sink that
  // returns false or a raised `cancel` ends this caller's part with kCancelled within some 10 ms; a
  // computing caller goes on for the others while there are any, but writes to its own sink no more,
  // and learns of a raised `cancel` when it gives a piece, which may be empty. Waiting callers may get
  // several pieces as one. A sink that blocks holds up the others only where its caller computes.
  // A computation must not run() a question that could share its own: it would wait for itself.
  [[nodiscard]] Result<FlightOutcome> run(const FlightRequest& request, const PieceSink& sink,
                                          const CancelToken& cancel, const Compute& compute);

  [[nodiscard]] size_t n_in_flight() const;
  [[nodiscard]] size_t n_waiting() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace docmind::cache

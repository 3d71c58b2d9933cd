// Pool: the least loaded of several generators of the same model.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <mutex>
#include <optional>

#include "providers/route_attempt.h"

namespace docmind::providers {
namespace {

// Which generators have how much to do. Any thread.
class LoadTable {
 public:
  explicit LoadTable(size_t n) : n_in_flight_(n, 0) {}

  // Counts the request of its taker until it is destroyed, however that comes about.
  class Taken {
   public:
    Taken(LoadTable& table, size_t index) : table_(table), index_(index) {}
    Taken(const Taken&) = delete;
    Taken& operator=(const Taken&) = delete;
    ~Taken() { table_.give_back(index_); }
    [[nodiscard]] size_t index() const { return index_; }

   private:
    LoadTable& table_;
    const size_t index_;
  };

  // Of those that `may_take`, the one with the fewest; equals in turn. Nothing: there is none.
  std::optional<size_t> take(const std::vector<bool>& may_take) {
    const std::lock_guard lock(mutex_);
    std::optional<size_t> best;
    for (size_t step = 0; step < n_in_flight_.size(); ++step) {
      const size_t i = (next_ + step) % n_in_flight_.size();
      if (may_take[i] && (!best || n_in_flight_[i] < n_in_flight_[*best])) best = i;
    }
    if (!best) return best;
    ++n_in_flight_[*best];
    next_ = (*best + 1) % n_in_flight_.size();
    return best;
  }

 private:
  void give_back(size_t index) {
    const std::lock_guard lock(mutex_);
    --n_in_flight_[index];
  }

  std::mutex mutex_;
  std::vector<int64_t> n_in_flight_;  // [generator]
  size_t next_ = 0;                   // who is looked at first
};

class PoolGenerator final : public Generator {
 public:
  PoolGenerator(std::vector<RoutedGenerator> generators, RouteLog log)
      : generators_(std::move(generators)), log_(std::move(log)), quotes_(any_quotes(generators_)),
        load_(generators_.size()) {}

  ProviderInfo info() const override { return generators_.front().generator->info(); }
  std::string identity_now() const override { return generators_.front().generator->identity_now(); }
  bool quotes_documents() const override { return quotes_; }

  Result<GenerateResult> generate(const GenerateRequest& request, const TextSink& sink,
                                  const CancelToken& cancel) const override {
    RouteFailures failures;
    std::vector<bool> may_take = available_ones();
    while (const std::optional<size_t> index = load_.take(may_take)) {
      const LoadTable::Taken in_flight(load_, *index);
      const Generator& generator = *generators_[*index].generator;
      RouteAttempt attempt = try_generator(generator, request, sink, cancel);
      if (attempt.result.ok()) return taken(*std::move(attempt.result), generator, failures);
      if (!attempt.may_go_on(cancel)) return std::move(attempt.result).error();
      failures.add(generator.info().name, attempt.result.error());
      may_take[*index] = false;
    }
    return failures.error();
  }

 private:
  // All of them when none is: the one that is asked says what is wrong.
  std::vector<bool> available_ones() const {
    std::vector<bool> may_take;
    for (const RoutedGenerator& one : generators_) may_take.push_back(is_available(one));
    if (std::ranges::find(may_take, true) == may_take.end()) may_take.assign(generators_.size(), true);
    return may_take;
  }

  // The same model: its answers are those of the first, whoever made them.
  Result<GenerateResult> taken(GenerateResult result, const Generator& by, const RouteFailures& failures) const {
    const ProviderInfo info = by.info();
    if (result.identity == info.identity) result.identity.clear();
    if (generators_.front().generator.get() != &by && result.provider.empty()) result.provider = info.name;
    if (failures.empty()) return result;
    const std::string sentence = failures.sentence_for(info.name);
    result.route = result.route.empty() ? sentence : sentence + "; " + result.route;
    if (log_) log_(sentence);
    return result;
  }

  const std::vector<RoutedGenerator> generators_;
  const RouteLog log_;
  const bool quotes_;
  mutable LoadTable load_;
};

}  // namespace

std::unique_ptr<Generator> make_pool(std::vector<RoutedGenerator> generators, RouteLog log) {
  return std::make_unique<PoolGenerator>(std::move(generators), std::move(log));
}

}  // namespace docmind::providers

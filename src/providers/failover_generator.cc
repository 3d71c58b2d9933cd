// Fail-over: generators in an order, each for when those before it fail.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "providers/route_attempt.h"

namespace docmind::providers {
namespace {

class FailoverGenerator final : public Generator {
 public:
  FailoverGenerator(std::vector<RoutedGenerator> generators, RouteLog log)
      : generators_(std::move(generators)), log_(std::move(log)), quotes_(any_quotes(generators_)) {}

  ProviderInfo info() const override { return generators_.front().generator->info(); }
  std::string identity_now() const override {
    const auto next = std::ranges::find_if(generators_, is_available);
    return (next == generators_.end() ? generators_.front() : *next).generator->identity_now();
  }
  bool quotes_documents() const override { return quotes_; }

  Result<GenerateResult> generate(const GenerateRequest& request, const TextSink& sink,
                                  const CancelToken& cancel) const override {
    // Those whose circuit is open only fail; with all of them open the first says what is wrong.
    const bool none = std::ranges::none_of(generators_, is_available);
    RouteFailures failures;
    for (size_t i = 0; i < generators_.size(); ++i) {
      const Generator& generator = *generators_[i].generator;
      const bool is_last = i + 1 == generators_.size();
      if (!none && !is_available(generators_[i]) && !is_last) {
        failures.skip(generator.info().name);
        continue;
      }
      RouteAttempt attempt = try_generator(generator, request, sink, cancel);
      if (attempt.result.ok()) return taken(*std::move(attempt.result), i, failures);
      if (!attempt.may_go_on(cancel)) return std::move(attempt.result).error();
      failures.add(generator.info().name, attempt.result.error());
    }
    return failures.error();
  }

 private:
  Result<GenerateResult> taken(GenerateResult result, size_t index, const RouteFailures& failures) const {
    if (index == 0) return result;
    const Generator& by = *generators_[index].generator;
    const ProviderInfo info = by.info();
    const std::string sentence = failures.sentence_for(info.name);
    if (result.identity.empty()) result.identity = info.identity;
    if (result.provider.empty()) result.provider = info.name;
    result.route = result.route.empty() ? sentence : sentence + "; " + result.route;
    if (log_) log_(sentence);
    return result;
  }

  const std::vector<RoutedGenerator> generators_;
  const RouteLog log_;
  const bool quotes_;
};

}  // namespace

std::unique_ptr<Generator> make_failover(std::vector<RoutedGenerator> generators, RouteLog log) {
  return std::make_unique<FailoverGenerator>(std::move(generators), std::move(log));
}

}  // namespace docmind::providers

// ComplexityRouter: short factual questions to a small model, hard ones to a large one.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "providers/route_attempt.h"

namespace docmind::providers {
namespace {

// Keys of a pair: which of the two answers is decided by the question alone, so the pair's answer is always the same.
std::string pair_identity(std::string_view small, std::string_view large) {
  return fmt::format("by-complexity/{}/({})/({})", kComplexityRulesVersion, small, large);
}

class ComplexityRouter final : public Generator {
 public:
  ComplexityRouter(std::shared_ptr<const Generator> small, std::shared_ptr<const Generator> large, RouteLog log)
      : small_(std::move(small)), large_(std::move(large)), log_(std::move(log)) {}

  ProviderInfo info() const override {
    const ProviderInfo small = small_->info();
    const ProviderInfo large = large_->info();
    return {fmt::format("{} or {}", small.name, large.name), pair_identity(small.identity, large.identity)};
  }
  std::string identity_now() const override { return pair_identity(small_->identity_now(), large_->identity_now()); }
  bool quotes_documents() const override { return small_->quotes_documents() || large_->quotes_documents(); }

  Result<GenerateResult> generate(const GenerateRequest& request, const TextSink& sink,
                                  const CancelToken& cancel) const override {
    const Complexity judged = judge_request(request);
    if (judged.hard) return by_large(try_generator(*large_, request, sink, cancel), "the question " + judged.reason);
    RouteAttempt attempt = try_generator(*small_, request, sink, cancel);
    if (attempt.result.ok()) return by_small(*std::move(attempt.result), "the question " + judged.reason);
    if (!attempt.may_go_on(cancel)) return std::move(attempt.result).error();
    const Error failure = std::move(attempt.result).error();
    return instead_of_small(try_generator(*large_, request, sink, cancel), failure);
  }

 private:
  static Complexity judge_request(const GenerateRequest& request) {
    size_t n_bytes = 0;
    for (const Passage& passage : request.passages) n_bytes += passage.text.size();
    return judge_complexity(request.question, request.passages.size(), n_bytes);
  }

  Result<GenerateResult> by_small(GenerateResult result, const std::string& reason) const {
    if (!result.identity.empty()) result.identity = pair_identity(result.identity, large_->info().identity);
    name(result, *small_, reason);
    return result;
  }

  Result<GenerateResult> by_large(RouteAttempt attempt, const std::string& reason) const {
    if (!attempt.result.ok()) return std::move(attempt.result).error();
    GenerateResult result = *std::move(attempt.result);
    if (!result.identity.empty()) result.identity = pair_identity(small_->info().identity, result.identity);
    name(result, *large_, reason);
    return result;
  }

  Result<GenerateResult> instead_of_small(RouteAttempt attempt, const Error& failure) const {
    const std::string small_name = small_->info().name;
    if (!attempt.result.ok()) {
      const Error& error = attempt.result.error();
      if (attempt.has_text || error.code == ErrorCode::kCancelled) return error;
      return Error{error.code, fmt::format("{}; '{}' before it: {}", error.message, small_name, failure.message)};
    }
    GenerateResult result = *std::move(attempt.result);
    const std::string made_by = result.identity.empty() ? large_->info().identity : result.identity;
    result.identity = pair_identity(made_by, made_by);
    const std::string why = fmt::format("'{}' failed: {}", small_name, failure.message);
    name(result, *large_, why);
    if (log_) log_(fmt::format("'{}' answers because {}", result.provider, why));
    return result;
  }

  static void name(GenerateResult& result, const Generator& by, std::string_view reason) {
    if (result.provider.empty()) result.provider = by.info().name;
    const std::string inner = std::move(result.route);
    result.route = fmt::format("'{}' was chosen because {}", by.info().name, reason);
    if (!inner.empty()) result.route += "; " + inner;
  }

  const std::shared_ptr<const Generator> small_, large_;
  const RouteLog log_;
};

}  // namespace

std::unique_ptr<Generator> make_complexity_router(std::shared_ptr<const Generator> small,
                                                  std::shared_ptr<const Generator> large, RouteLog log) {
  return std::make_unique<ComplexityRouter>(std::move(small), std::move(large), std::move(log));
}

}  // namespace docmind::providers

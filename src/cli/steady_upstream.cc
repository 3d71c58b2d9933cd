// Models of other servers that can be asked who they are at any time.
// SPDX-License-Identifier: Apache-2.0
#include "cli/steady_upstream.h"

#include <mutex>
#include <string>
#include <utility>

#include "base/clock.h"

namespace docmind::cli {
namespace {

// How long a fall-back counts as the one that will answer.
constexpr double kNowMs = 2'000;

// "Not found" would be a document, "invalid argument" and "malformed" what was asked for.
Error as_server_error(Error error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kMalformed:
    case ErrorCode::kNotFound:
    case ErrorCode::kPermission:
    case ErrorCode::kUnsupported:
    case ErrorCode::kMismatch: error.code = ErrorCode::kIo; break;
    default: break;
  }
  return error;
}

class SteadyGenerator final : public providers::Generator {
 public:
  explicit SteadyGenerator(std::shared_ptr<const Generator> inner)
      : inner_(std::move(inner)), info_(inner_->info()), now_(info_.identity) {}

  [[nodiscard]] providers::ProviderInfo info() const override {
    const std::lock_guard lock(mutex_);
    return info_;
  }
  [[nodiscard]] std::string identity_now() const override {
    const std::lock_guard lock(mutex_);
    return since_.elapsed_ms() < kNowMs ? now_ : info_.identity;
  }
  [[nodiscard]] bool quotes_documents() const override { return inner_->quotes_documents(); }

  [[nodiscard]] Result<providers::GenerateResult> generate(const providers::GenerateRequest& request,
                                                           const providers::TextSink& sink,
                                                           const CancelToken& cancel) const override {
    Result<providers::GenerateResult> result = inner_->generate(request, sink, cancel);
    if (!result.ok()) {
      note({}, inner_->identity_now());
      return as_server_error(std::move(result).error());
    }
    providers::ProviderInfo info = inner_->info();
    if (result->identity.empty()) result->identity = info.identity;
    if (result->provider.empty()) result->provider = info.name;
    // A server that is away does not say what it is: what it said before stands.
    const bool by_first = result->identity == info.identity;
    note(by_first ? std::move(info) : providers::ProviderInfo{}, inner_->identity_now());
    return result;
  }

 private:
  // Nothing that is empty is noted.
  void note(providers::ProviderInfo info, std::string now) const {
    const std::lock_guard lock(mutex_);
    if (!info.identity.empty()) info_ = std::move(info);
    now_ = std::move(now);
    since_ = Stopwatch();
  }

  const std::shared_ptr<const Generator> inner_;
  mutable std::mutex mutex_;
  mutable providers::ProviderInfo info_;
  mutable std::string now_;
  mutable Stopwatch since_;  // now_ was told
};

class SteadyEmbedder final : public providers::Embedder {
 public:
  explicit SteadyEmbedder(std::shared_ptr<const Embedder> inner) : inner_(std::move(inner)) {}
  [[nodiscard]] providers::EmbedderInfo info() const override { return inner_->info(); }
  [[nodiscard]] Status embed(std::span<const std::string_view> texts, providers::EmbedKind kind, std::span<float> out,
                             const CancelToken& cancel) const override {
    Status done = inner_->embed(texts, kind, out, cancel);
    return done.ok() ? done : Status(as_server_error(std::move(done).error()));
  }
  [[nodiscard]] int64_t n_tokens() const override { return inner_->n_tokens(); }
  [[nodiscard]] int64_t n_cut_tokens() const override { return inner_->n_cut_tokens(); }

 private:
  const std::shared_ptr<const Embedder> inner_;
};

class SteadyReranker final : public providers::Reranker {
 public:
  explicit SteadyReranker(std::shared_ptr<const Reranker> inner) : inner_(std::move(inner)), info_(inner_->info()) {}
  [[nodiscard]] providers::ProviderInfo info() const override { return info_; }
  [[nodiscard]] Result<std::vector<double>> rerank(std::string_view question,
                                                   std::span<const providers::Passage> passages,
                                                   const CancelToken& cancel) const override {
    Result<std::vector<double>> scores = inner_->rerank(question, passages, cancel);
    if (!scores.ok()) return as_server_error(std::move(scores).error());
    return scores;
  }

 private:
  const std::shared_ptr<const Reranker> inner_;
  const providers::ProviderInfo info_;
};

}  // namespace

std::shared_ptr<const providers::Generator> steady_upstream(std::shared_ptr<const providers::Generator> inner) {
  return std::make_shared<const SteadyGenerator>(std::move(inner));
}

std::shared_ptr<const providers::Embedder> steady_upstream(std::shared_ptr<const providers::Embedder> inner) {
  return std::make_shared<const SteadyEmbedder>(std::move(inner));
}

std::shared_ptr<const providers::Reranker> steady_upstream(std::shared_ptr<const providers::Reranker> inner) {
  return std::make_shared<const SteadyReranker>(std::move(inner));
}

}  // namespace docmind::cli

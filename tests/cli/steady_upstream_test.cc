// steady_upstream: what is known of another server without asking it.
// SPDX-License-Identifier: Apache-2.0
#include "cli/steady_upstream.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

namespace docmind::cli {
namespace {

// Counts how often it is asked who it is, which takes a request.
class Elsewhere final : public providers::Generator {
 public:
  providers::ProviderInfo info() const override {
    ++n_asked;
    return {"model", identity};
  }
  std::string identity_now() const override {
    ++n_asked;
    return now.empty() ? identity : now;
  }
  Result<providers::GenerateResult> generate(const providers::GenerateRequest&, const providers::TextSink&,
                                             const CancelToken&) const override {
    if (error != ErrorCode::kInternal) return Error{error, "the other server said so"};
    providers::GenerateResult result;
    result.identity = made_by;
    return result;
  }
  bool quotes_documents() const override { return false; }

  mutable std::atomic<int> n_asked{0};
  std::string identity = "unknown", now, made_by;
  ErrorCode error = ErrorCode::kInternal;
};

Result<providers::GenerateResult> ask(const providers::Generator& generator) {
  return generator.generate({.question = "?", .passages = {}}, {}, {});
}

TEST(SteadyUpstream, WhoAnswersIsKnownWithoutAskingAndKeptUpToDateByAnswers) {
  const auto inner = std::make_shared<Elsewhere>();
  const std::shared_ptr<const providers::Generator> served =
      steady_upstream(std::shared_ptr<const providers::Generator>(inner));
  const int n_asked = inner->n_asked;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(served->info().identity, "unknown");
    EXPECT_EQ(served->identity_now(), "unknown");
  }
  EXPECT_EQ(inner->n_asked, n_asked);
  inner->identity = inner->made_by = "model/1";  // it came up
  EXPECT_EQ(ask(*served)->identity, "model/1");
  EXPECT_EQ(served->info().identity, "model/1");
  EXPECT_EQ(served->identity_now(), "model/1");
  // Another one answers for it, and it does not say what it is.
  inner->identity = "unknown";
  inner->now = inner->made_by = "fall-back";
  EXPECT_EQ(ask(*served)->identity, "fall-back");
  EXPECT_EQ(served->info().identity, "model/1");
  EXPECT_EQ(served->identity_now(), "fall-back");
}

TEST(SteadyUpstream, ItsFaultsAreNotThoseOfTheClient) {
  const auto inner = std::make_shared<Elsewhere>();
  const auto served = steady_upstream(std::shared_ptr<const providers::Generator>(inner));
  for (const ErrorCode code : {ErrorCode::kInvalidArgument, ErrorCode::kMalformed, ErrorCode::kNotFound, ErrorCode::kPermission,
                               ErrorCode::kUnsupported, ErrorCode::kMismatch, ErrorCode::kIo}) {
    inner->error = code;
    EXPECT_EQ(ask(*served).error().code, ErrorCode::kIo) << error_code_name(code);
    EXPECT_EQ(ask(*served).error().message, "the other server said so");
  }
  for (const ErrorCode code : {ErrorCode::kBusy, ErrorCode::kLimit, ErrorCode::kCancelled}) {
    inner->error = code;
    EXPECT_EQ(ask(*served).error().code, code) << error_code_name(code);
  }
}

}  // namespace
}  // namespace docmind::cli

// FakeGenerator: a generator whose every answer the test decides.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "providers/generator_routes.h"

namespace docmind::providers {

class FakeGenerator final : public Generator {
 public:
  // What it streams before its outcome, an error or none, and what else a test wants to happen meanwhile.
  struct Script {
    std::vector<std::string> pieces;
    std::optional<Error> error;
    std::string identity{};  // of the result
    std::function<void()> meanwhile{};
    bool quotes = false;
    std::string identity_now{};  // empty: that of info()
  };
  FakeGenerator(std::string name, Script script) : name_(std::move(name)), script_(std::move(script)) {}

  ProviderInfo info() const override { return {name_, name_ + "/1"}; }
  std::string identity_now() const override {
    return script_.identity_now.empty() ? info().identity : script_.identity_now;
  }
  bool quotes_documents() const override { return script_.quotes; }
  Result<GenerateResult> generate(const GenerateRequest&, const TextSink& sink,
                                  const CancelToken&) const override {
    ++n_calls;
    if (script_.meanwhile) script_.meanwhile();
    GenerateResult result;
    for (const std::string& piece : script_.pieces) {
      if (!sink(piece)) return Error{ErrorCode::kCancelled, "the answer was stopped"};
      result.text += piece;
    }
    if (script_.error) return *script_.error;
    result.identity = script_.identity;
    return result;
  }

  mutable std::atomic<int64_t> n_calls{0};

 private:
  const std::string name_;
  const Script script_;
};

inline std::shared_ptr<FakeGenerator> fake(std::string name, FakeGenerator::Script script) {
  return std::make_shared<FakeGenerator>(std::move(name), std::move(script));
}
inline std::shared_ptr<FakeGenerator> answering(std::string name) {
  return fake(std::move(name), {.pieces = {"yes"}, .error = {}});
}
inline std::shared_ptr<FakeGenerator> failing(std::string name, ErrorCode code, std::vector<std::string> pieces = {}) {
  const Error error{code, name + " cannot"};
  return fake(std::move(name), {.pieces = std::move(pieces), .error = error});
}

}  // namespace docmind::providers

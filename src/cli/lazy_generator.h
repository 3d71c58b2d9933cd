// LazyGenerator: a language model of this process that is loaded when it is first asked.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cli/lazy_models.h"
#include "providers/provider.h"

namespace docmind::cli {

class LazyGenerator final : public providers::Generator {
 public:
  // `known`: what loading it told before. Without that it has an identity of its own until it is loaded, which no
  // answer has.
  LazyGenerator(std::string name, std::optional<providers::ProviderInfo> known,
                LazyModel<providers::Generator>::Load load)
      : name_(std::move(name)), known_(std::move(known)), model_(std::move(load)) {}

  [[nodiscard]] providers::ProviderInfo info() const override {
    if (known_) return *known_;
    if (const providers::Generator* model = model_.loaded()) return model->info();
    return {name_, "not-loaded/" + name_};
  }
  [[nodiscard]] std::string identity_now() const override {
    const providers::Generator* model = model_.loaded();
    return model != nullptr ? model->identity_now() : info().identity;
  }
  [[nodiscard]] Result<providers::GenerateResult> generate(const providers::GenerateRequest& request,
                                                           const providers::TextSink& sink,
                                                           const CancelToken& cancel) const override {
    DM_ASSIGN(const providers::Generator* model, model_.get());
    return model->generate(request, sink, cancel);
  }
  [[nodiscard]] bool quotes_documents() const override { return false; }  // a language model's own words

 private:
  const std::string name_;
  const std::optional<providers::ProviderInfo> known_;
  const LazyModel<providers::Generator> model_;
};

inline std::shared_ptr<const providers::Generator> make_lazy_generator(
    std::string name, std::optional<providers::ProviderInfo> known, LazyModel<providers::Generator>::Load load) {
  return std::make_shared<const LazyGenerator>(std::move(name), std::move(known), std::move(load));
}

}  // namespace docmind::cli

// FakeService: real models and a collection that always answers the same, without a store.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/service.h"

namespace docmind::server::test {

using pipeline::Answer;
using pipeline::AskOptions;

class FakeCollection final : public pipeline::Collection {
 public:
  explicit FakeCollection(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] const std::string& folder() const override { return name_; }

  Result<Answer> ask(std::string_view question, const AskOptions& options, const providers::TextSink& sink,
                     const CancelToken&) override {
    asked.push_back(options);
    if (question == "fail") return Error{ErrorCode::kIo, "the disk is on fire"};
    for (const std::string_view piece : {"The pump ", "weighs \"40\" kg. ", "[1]"}) {
      if (question == "break" && piece == "[1]") return Error{ErrorCode::kIo, "the disk is on fire"};
      if (!sink(piece)) return Error{ErrorCode::kCancelled, "stopped"};
    }
    return answer(question, pipeline::CacheState::kMiss);
  }
  std::optional<Answer> ask_memory(std::string_view question, const AskOptions& options) override {
    if (question != "again") return std::nullopt;
    asked.push_back(options);
    return answer(question, pipeline::CacheState::kMemory);
  }
  Result<pipeline::Retrieval> search(std::string_view, const pipeline::RetrieveOptions&, const CancelToken&) override {
    return pipeline::Retrieval{};
  }
  Result<std::vector<std::vector<float>>> embed(std::span<const std::string_view> texts, const CancelToken&) override {
    return std::vector<std::vector<float>>(texts.size(), {0.6f, 0.8f});
  }
  Result<std::vector<double>> rerank(std::string_view, std::span<const std::string_view> documents,
                                     const CancelToken&) override {
    std::vector<double> scores;
    for (const std::string_view document : documents) scores.push_back(static_cast<double>(document.size()));
    return scores;
  }
  Result<Counts> counts() override { return Counts{}; }
  Result<std::vector<pipeline::DocumentInfo>> documents() override { return std::vector<pipeline::DocumentInfo>{}; }
  Result<SourceText> source(std::string_view) override { return Error{ErrorCode::kNotFound, "no document"}; }
  Result<pipeline::DocumentInfo> add(std::string_view, const std::string&) override {
    return Error{ErrorCode::kUnsupported, "no"};
  }
  Status remove(std::string_view) override { return {}; }
  int64_t reindex() override { return 1; }
  [[nodiscard]] pipeline::IndexJob job() const override { return {}; }
  uint64_t wait_change(uint64_t seen, int64_t) const override { return seen; }
  cache::AnswerCache* answers() override { return nullptr; }
  cache::ComputationCache* computed() override { return nullptr; }

  std::vector<AskOptions> asked;

 private:
  static Answer answer(std::string_view question, pipeline::CacheState cache) {
    Answer made;
    made.question = question;
    made.text = "The pump weighs \"40\" kg. [1]";
    made.provider = "fake";
    made.cache = cache;
    made.n_prompt_tokens = 11;
    made.n_completion_tokens = 7;
    pipeline::Citation citation;
    citation.path = "pump.md";
    made.citations.push_back(citation);
    made.stages = {{"rerank", 0.5}};
    made.total_ms = 2;
    return made;
  }
  const std::string name_;
};

class FakeService final : public pipeline::Service {
 public:
  explicit FakeService(pipeline::Models models = {}) {
    options_.models = std::move(models);
    options_.version = "1.2.3";
    collections_["default"] = std::make_shared<FakeCollection>("default");
    collections_["manuals"] = std::make_shared<FakeCollection>("manuals");
  }
  [[nodiscard]] const pipeline::Models& models() const override { return options_.models; }
  [[nodiscard]] const pipeline::ServiceOptions& options() const override { return options_; }
  monitor::Metrics& metrics() override { return metrics_; }
  Result<pipeline::CollectionPtr> collection(std::string_view, std::string_view name, bool) override {
    const auto found = collections_.find(std::string(name));
    if (found == collections_.end())
      return Error{ErrorCode::kNotFound, "there is no collection '" + std::string(name) + "'"};
    return pipeline::CollectionPtr(found->second);
  }
  std::vector<std::string> collection_names(std::string_view) override { return {"default", "manuals"}; }
  Status post(std::function<void()> work) override {
    if (is_full) return Error{ErrorCode::kBusy, "256 questions wait"};
    work();
    return {};
  }
  [[nodiscard]] int64_t retry_after_ms() const override { return 2'500; }
  [[nodiscard]] AskOptions ask_options(std::string_view) const override { return {}; }
  [[nodiscard]] control::Setpoints setpoints() const override { return {}; }
  pipeline::ServiceSample sample() override { return {}; }
  json::object stats() override { return {}; }
  json::object history(int64_t) override { return {}; }
  json::object decisions(size_t) override { return {}; }
  void set_server_stats(std::function<json::object()>) override {}
  Status ready() override { return {}; }

  FakeCollection& documents(const std::string& name) { return *collections_.at(name); }
  bool is_full = false;

 private:
  pipeline::ServiceOptions options_;
  monitor::Metrics metrics_;
  std::map<std::string, std::shared_ptr<FakeCollection>> collections_;
};

}  // namespace docmind::server::test

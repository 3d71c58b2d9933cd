// What to change where a plan does not fit: the nearest choices that do.
// SPDX-License-Identifier: Apache-2.0
#include "control/plan_alternatives.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::control {
namespace {

constexpr size_t kMostAlternatives = 3;
constexpr int64_t kContextStep = 1'024;
constexpr int64_t kLeastPlanContext = 2'048;
constexpr double kPerModelHalving = 0.10, kPerContextHalving = 0.08, kPerTextsHalving = 0.08;
constexpr double kRagOnCpu = 0.05, kWithoutRag = 0.15, kOtherOption = 0.002, kFurtherChange = 0.05;

// Terms of the distance; the largest is the kind.
enum PlanTerm { kModelTerm, kContextTerm, kTextsTerm, kStorageTerm, kRagTerm, kNumTerms };

struct Candidate {
  PlanPick pick;
  std::array<double, kNumTerms> terms{};
  double distance = 0;
  double loss = 0;
  [[nodiscard]] int kind() const {
    return static_cast<int>(std::max_element(terms.begin(), terms.end()) - terms.begin());
  }
};

double halvings(int64_t from, int64_t to) {
  return to >= from || to < 1 ? 0 : std::log2(static_cast<double>(from) / static_cast<double>(to));
}

class AlternativeSearch {
 public:
  AlternativeSearch(const PlanPick& asked, const PlanDevice& device, const PlanRequest& request)
    : asked_(asked), device_(device), request_(request), asked_loss_(expected_loss(asked)) {}

  void look_at(const PlanModel& model) {
    for (const WeightOption& weights : model.weights) {
      for (const KvOption& kv : model.kv) {
        for (int64_t texts = asked_.concurrent; texts >= 1; texts = fewer(texts)) {
          look_at({.model = &model, .weights = &weights, .kv = &kv, .context = asked_.context, .concurrent = texts,
                   .rag_bytes = asked_.rag_bytes});
        }
      }
    }
  }

  [[nodiscard]] std::vector<PlanChoice> nearest() {
    std::stable_sort(found_.begin(), found_.end(), [](const Candidate& a, const Candidate& b) {
      return std::pair(a.distance, a.loss) < std::pair(b.distance, b.loss);
    });
    take([this](const Candidate& c) { return !taken_has([&](const Candidate& t) { return t.kind() == c.kind(); }); });
    take([this](const Candidate& c) {
      return !taken_has([&](const Candidate& t) { return t.pick.model == c.pick.model; });
    });
    take([this](const Candidate& c) {
      return !taken_has([&](const Candidate& t) { return t.pick.model == c.pick.model && t.pick.kv == c.pick.kv; });
    });
    take([](const Candidate&) { return true; });
    std::stable_sort(taken_.begin(), taken_.end(),
                     [](const Candidate* a, const Candidate* b) { return a->distance < b->distance; });
    std::vector<PlanChoice> choices;
    for (const Candidate* one : taken_) {
      choices.push_back(describe_choice(one->pick, device_, request_));
      choices.back().changes = changes(one->pick);
    }
    return choices;
  }

 private:
  // 5, 4, 3, 2, 1; from eight on by quarters.
  static int64_t fewer(int64_t texts) { return texts - std::max<int64_t>(1, texts / 4); }

  void look_at(PlanPick pick) {
    add(pick);
    if (pick.rag_bytes == 0) return;
    pick.rag_bytes = 0;
    add(pick);
  }

  void add(PlanPick pick) {
    pick.context = std::min(asked_.context, pick.model->largest_context);
    if (total_bytes(pick) > device_.usable_bytes) {
      pick.context = longest_context(pick, device_.usable_bytes) / kContextStep * kContextStep;
      if (pick.context < std::min(kLeastPlanContext, asked_.context)) return;
    }
    if (const PlanModel& m = *pick.model; !m.file.empty() && pick.context > m.file_context &&
                                          request_.provider != PlanProvider::kLlamaCpp &&
                                          request_.provider != PlanProvider::kVllm) {
      return;
    }
    Candidate found{.pick = pick, .loss = expected_loss(pick)};
    found.terms[kModelTerm] = kPerModelHalving * halvings(asked_.model->n_parameters, pick.model->n_parameters);
    found.terms[kContextTerm] = kPerContextHalving * halvings(asked_.context, pick.context);
    found.terms[kTextsTerm] = kPerTextsHalving * halvings(asked_.concurrent, pick.concurrent);
    found.terms[kStorageTerm] = std::max(0.0, found.loss - asked_loss_) +
                                kOtherOption * static_cast<double>((pick.weights->name != asked_.weights->name) +
                                                                   (pick.kv->name != asked_.kv->name));
    if (asked_.rag_bytes > pick.rag_bytes) found.terms[kRagTerm] = device_.gpu ? kRagOnCpu : kWithoutRag;
    int n_changes = 0;
    for (int term = 0; term < kNumTerms; ++term) {
      found.distance += found.terms[static_cast<size_t>(term)];
      if (term != kStorageTerm && found.terms[static_cast<size_t>(term)] > 0) ++n_changes;
    }
    found.distance += kFurtherChange * std::max(0, n_changes - 1);
    found_.push_back(found);
  }

  // The nearest that `wanted` accepts, one after another, until there are enough.
  template <typename Wanted>
  void take(Wanted&& wanted) {
    for (const Candidate& candidate : found_) {
      if (taken_.size() == kMostAlternatives) return;
      if (std::ranges::find(taken_, &candidate) == taken_.end() && wanted(candidate)) taken_.push_back(&candidate);
    }
  }
  template <typename Test>
  [[nodiscard]] bool taken_has(Test&& test) const {
    return std::ranges::any_of(taken_, [&](const Candidate* one) { return test(*one); });
  }

  [[nodiscard]] std::vector<std::string> changes(const PlanPick& pick) const {
    std::vector<std::string> words;
    const auto add = [&](const std::string& is, const std::string& was, const char* what) {
      if (is != was) words.push_back(fmt::format("{}{} instead of {}", what, is, was));
    };
    add(pick.model->name, asked_.model->name, "");
    add(format_count(pick.context), format_count(asked_.context), "a context of ");
    add(format_count(pick.concurrent), format_count(asked_.concurrent), "texts at the same time: ");
    add(pick.weights->name, asked_.weights->name, "weights in ");
    add(pick.kv->name, asked_.kv->name, "keys and values in ");
    if (asked_.rag_bytes > pick.rag_bytes) {
      words.push_back(device_.gpu ? "embedder and reranker on the CPU" : "no models to embed and rerank");
    }
    return words;
  }

  PlanPick asked_;
  const PlanDevice& device_;
  const PlanRequest& request_;
  double asked_loss_;
  std::vector<Candidate> found_;
  std::vector<const Candidate*> taken_;  // in found_, which is complete by then
};

}  // namespace

std::vector<PlanChoice> nearest_that_fit(const PlanPick& asked, const std::vector<PlanModel>& others,
                                         const PlanDevice& device, const PlanRequest& request) {
  AlternativeSearch search(asked, device, request);
  search.look_at(*asked.model);
  for (const PlanModel& model : others) {
    if (model.n_parameters < asked.model->n_parameters) search.look_at(model);
  }
  return search.nearest();
}

}  // namespace docmind::control

// The planner: chooses among the options of a model and says what fits.
// SPDX-License-Identifier: Apache-2.0
#include "control/planner.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/text.h"
#include "control/plan_alternatives.h"
#include "control/plan_choice.h"

namespace docmind::control {
namespace {

constexpr int64_t kMostConcurrent = 65'536;
constexpr std::array<std::string_view, 4> kProviders = {"native", "llamacpp", "ollama", "vllm"};

struct KvAlias {
  std::string_view theirs, ours;
};
// What other programs call our formats.
constexpr std::array<KvAlias, 8> kKvAliases = {{{"q8_0", "int8"},
                                                {"int8_per_token_head", "int8"},
                                                {"q4_0", "int4"},
                                                {"q4_k_m", "int4"},
                                                {"int4_per_token_head", "int4"},
                                                {"turboquant_k8v4", "k8v4"},
                                                {"fp16", "f16"},
                                                {"float16", "f16"}}};

std::string folded(std::string_view text) {
  std::string text_folded(text);
  for (char& c : text_folded) c = is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  return text_folded;
}

template <typename Option>
const Option* find_option(const std::vector<Option>& options, std::string_view name) {
  const auto found = std::ranges::find_if(options, [&](const Option& one) { return folded(one.name) == folded(name); });
  return found == options.end() ? nullptr : &*found;
}

template <typename Option>
std::string names_of(const std::vector<Option>& options) {
  std::string names;
  for (const Option& one : options) names += (names.empty() ? "" : ", ") + one.name;
  return names;
}

template <typename Option>
std::string nearest_of(const std::vector<Option>& options, std::string_view name) {
  std::vector<std::string> all;
  for (const Option& one : options) all.push_back(folded(one.name));
  const std::vector<std::string_view> views(all.begin(), all.end());
  const auto nearest = nearest_name(folded(name), views);
  if (!nearest) return "";
  const auto place = static_cast<size_t>(std::ranges::find(views, *nearest) - views.begin());
  return fmt::format("did you mean '{}'? ", options[place].name);
}

Result<const WeightOption*> find_weights(const PlanModel& model, std::string_view name) {
  if (const WeightOption* found = find_option(model.weights, name)) return found;
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("weights of {} cannot be planned in '{}'; {}there are {}", printable(model.name),
                           printable(name), nearest_of(model.weights, name), printable(names_of(model.weights)))};
}

Result<const KvOption*> find_kv(const PlanModel& model, PlanProvider provider, std::string_view name) {
  if (const KvOption* found = find_option(model.kv, name)) return found;
  std::string hint = nearest_of(model.kv, name);
  const auto alias = std::ranges::find(kKvAliases, folded(name), &KvAlias::theirs);
  if (alias != kKvAliases.end()) hint = fmt::format("'{}' is the nearest here; ", alias->ours);
  if (folded(name) == "mixed") hint = "only the native engine has it; ";
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("'{}' is no format for keys and values of {} with {}; {}there are {}", printable(name),
                           printable(model.name), plan_provider_name(provider), hint, names_of(model.kv))};
}

Status check_model(const PlanModel& model) {
  if (model.weights.empty() || model.kv.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} has {} ways to store weights and {} for keys and values; both need one",
                             printable(model.name), model.weights.size(), model.kv.size())};
  }
  return {};
}

Status check_context(const PlanModel& model, PlanProvider provider, int64_t context) {
  if (context < 1) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("a context of {} tokens is asked for; at least 1 is needed", context)};
  }
  if (context > model.largest_context) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("a context of {} tokens is asked for, but {} can have at most {}", format_count(context),
                             printable(model.name), format_count(model.largest_context))};
  }
  const bool bound = provider == PlanProvider::kOllama || provider == PlanProvider::kNative;
  if (bound && !model.file.empty() && context > model.file_context) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("a context of {} tokens is asked for, but '{}' says {}, and {} takes no more than the "
                             "file says", format_count(context), printable(model.file),
                             format_count(model.file_context), plan_provider_name(provider))};
  }
  return {};
}

Result<PlanRequest> checked(const PlanModel& model, PlanRequest request) {
  DM_TRY(check_model(model));
  if (request.context == 0) request.context = model.trained_context;
  DM_TRY(check_context(model, request.provider, request.context));
  if (request.concurrent < 1 || request.concurrent > kMostConcurrent) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} texts at the same time are asked for; 1 to {} can be planned", request.concurrent,
                             kMostConcurrent)};
  }
  return request;
}

// What is asked for where it is open and nothing fits.
template <typename Option>
const Option* usual(const std::vector<Option>& options, std::string_view name) {
  const Option* found = find_option(options, name);
  return found != nullptr ? found : &options.back();
}

// `weights` and `kv` are what the request named, or null.
PlanPick choose(PlanPick pick, const WeightOption* weights, const KvOption* kv, int64_t usable_bytes) {
  std::optional<PlanPick> best;
  for (const WeightOption& one : pick.model->weights) {
    if (weights != nullptr && &one != weights) continue;
    for (const KvOption& other : pick.model->kv) {
      if (kv != nullptr && &other != kv) continue;
      pick.weights = &one;
      pick.kv = &other;
      if (total_bytes(pick) > usable_bytes) continue;
      const auto better = [](const PlanPick& a, const PlanPick& b) {
        return std::pair(expected_loss(a), total_bytes(a)) < std::pair(expected_loss(b), total_bytes(b));
      };
      if (!best || better(pick, *best)) best = pick;
    }
  }
  if (best) return *best;
  pick.weights = weights != nullptr ? weights : usual(pick.model->weights, "Q4_K_M");
  pick.kv = kv != nullptr ? kv : usual(pick.model->kv, "int8");
  return pick;
}

}  // namespace

std::string_view plan_provider_name(PlanProvider provider) { return kProviders[static_cast<size_t>(provider)]; }

Result<PlanProvider> parse_plan_provider(std::string_view text) {
  const std::string name = folded(text);
  const auto found = std::ranges::find(kProviders, name == "llama.cpp" ? "llamacpp" : std::string_view(name));
  if (found != kProviders.end()) return static_cast<PlanProvider>(found - kProviders.begin());
  const auto nearest = nearest_name(name, kProviders);
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("'{}' is no provider{}; native, llamacpp, ollama and vllm can be planned", printable(text),
                           nearest ? fmt::format(", did you mean '{}'?", *nearest) : "")};
}

Result<Plan> make_plan(const PlanModel& model, const std::vector<PlanModel>& others, const PlanDevice& device,
                       const PlanRequest& given) {
  DM_ASSIGN(const PlanRequest request, checked(model, given));
  const WeightOption* weights = nullptr;
  const KvOption* kv = nullptr;
  if (!request.weights.empty()) {
    DM_ASSIGN(weights, find_weights(model, request.weights));
  }
  if (!request.kv.empty()) {
    DM_ASSIGN(kv, find_kv(model, request.provider, request.kv));
  }
  PlanPick pick{.model = &model, .context = request.context, .concurrent = request.concurrent,
                .rag_bytes = request.rag_bytes};
  Plan plan;
  for (const WeightOption& one : model.weights) {
    for (const KvOption& other : model.kv) {
      pick.weights = &one;
      pick.kv = &other;
      plan.options.push_back(describe_choice(pick, device, request));
    }
  }
  pick = choose(pick, weights, kv, device.usable_bytes);
  plan.asked = describe_choice(pick, device, request);
  if (!plan.asked.fits) plan.alternatives = nearest_that_fit(pick, others, device, request);
  return plan;
}

}  // namespace docmind::control

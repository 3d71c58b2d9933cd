// One choice of a plan: what it takes, how fast it can be at most, and what it is expected to lose.
// SPDX-License-Identifier: Apache-2.0
#include "control/plan_choice.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::control {
namespace {

constexpr int64_t kMostChoiceBytes = int64_t{1} << 60;

int64_t bounded(int64_t n_bytes) { return std::clamp<int64_t>(n_bytes, 0, kMostChoiceBytes); }

int64_t rounded_bytes(double n_bytes) {
  return n_bytes >= static_cast<double>(kMostChoiceBytes) ? kMostChoiceBytes : std::llround(std::max(0.0, n_bytes));
}

int64_t kv_bytes(const PlanPick& pick) {
  return rounded_bytes(static_cast<double>(sequence_kv_bytes(*pick.kv, pick.context)) *
                       static_cast<double>(pick.concurrent));
}

int64_t scratch_bytes(const PlanPick& pick) {
  return bounded(bounded(pick.model->activation_bytes) + bounded(pick.weights->scratch_bytes) +
                 bounded(pick.kv->scratch_bytes));
}

constexpr double kScalingLoss = 0.01;

double kv_loss(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, double>, 6> kLoss = {
      {{"f16", 0}, {"fp8", 0.01}, {"int8", 0.015}, {"k8v4", 0.025}, {"int4", 0.04}, {"mixed", 0.06}}};
  for (const auto& [known, loss] : kLoss) {
    if (known == name) return loss;
  }
  return 0;
}

// Tokens a second of `n_streams` together: a step reads the weights once and the keys and values of each.
std::optional<double> decode_speed(const PlanPick& pick, const PlanDevice& device, int64_t context, int64_t n_streams) {
  const auto n = static_cast<double>(n_streams);
  const double read = static_cast<double>(bounded(pick.weights->decode_read_bytes)) +
                      n * static_cast<double>(context > 0 ? sequence_kv_bytes(*pick.kv, context) : 0);
  if (!(device.bandwidth_gb_per_s > 0) || !(read > 0)) return std::nullopt;
  return n * device.bandwidth_gb_per_s * 1e9 / read;
}

std::vector<PlanPart> parts_of(const PlanPick& pick, const PlanRequest& request) {
  const std::string texts = pick.concurrent == 1 ? "" : fmt::format(", {} times", format_count(pick.concurrent));
  std::vector<PlanPart> parts = {
      {"weights", bounded(pick.weights->n_bytes),
       fmt::format("{}, {:.2f} bits a weight", pick.weights->name, pick.weights->bits_per_weight)},
      {"kv", kv_bytes(pick),
       fmt::format("{}, {:.1f} KiB a token, {} tokens{}", pick.kv->name, pick.kv->bytes_per_token / 1024,
                   format_count(pick.context), texts)},
      {"activations", scratch_bytes(pick), "what passes compute in"},
  };
  if (pick.rag_bytes > 0) parts.push_back({"rag", bounded(pick.rag_bytes), request.rag});
  parts.push_back({"overhead", bounded(pick.model->overhead_bytes),
                   request.provider == PlanProvider::kNative ? "program and vocabulary" : "runtime and its buffers"});
  return parts;
}

// Some files allow for the answer beyond what was trained, without scaling (Qwen3: a quarter).
bool in_file_room(const PlanModel& model, int64_t context) {
  return context <= model.file_context && model.file_context <= model.trained_context + model.trained_context / 4;
}

std::string context_note(const PlanModel& model, int64_t context) {
  if (context <= model.trained_context) return "";
  if (in_file_room(model, context)) {
    return fmt::format("{} tokens are more than the {} that the model was trained with; its file allows {} without "
                       "scaling of positions", format_count(context), format_count(model.trained_context),
                       format_count(model.file_context));
  }
  return fmt::format("{} tokens are more than the {} that the model was trained with: positions must be scaled (YaRN, "
                     "factor {}){}, which costs some quality, most of all with short texts",
                     format_count(context), format_count(model.trained_context), rope_scaling_factor(model, context),
                     context <= model.file_context ? ", as its file says" : "");
}

// Programs that read the largest context from the file, and cut or refuse what is beyond it.
std::string file_note(const PlanModel& model, PlanProvider provider, int64_t context) {
  if (context <= model.file_context) return "";
  if (provider == PlanProvider::kOllama) {
    return fmt::format("Ollama silently cuts the context to what the file says, usually {} tokens here: a file with "
                       "context_length {} and keys for YaRN is needed", format_count(model.file_context), context);
  }
  if (provider == PlanProvider::kNative) {
    return fmt::format("the native engine takes the context from the file, usually {} tokens here: a file with "
                       "context_length {} and keys for YaRN is needed", format_count(model.file_context), context);
  }
  return "";
}

std::vector<std::string> notes_of(const PlanPick& pick, const PlanRequest& request) {
  std::vector<std::string> notes;
  const auto add = [&](std::string note) {
    if (!note.empty()) notes.push_back(std::move(note));
  };
  add(context_note(*pick.model, pick.context));
  add(file_note(*pick.model, request.provider, pick.context));
  if (pick.concurrent > 1) {
    add("memory for keys and values is that of whole contexts, all at the same time; shorter texts take less");
  }
  if (request.provider == PlanProvider::kVllm && pick.weights->name != "F16" && pick.weights->name != "BF16") {
    add("vLLM reads GGUF files only as an experiment, and slowly; formats of its own of such sizes are FP8 and AWQ");
  }
  return notes;
}

std::vector<std::string> quality_of(const PlanPick& pick) {
  std::vector<std::string> quality;
  const WeightOption& weights = *pick.weights;
  if (!weights.quality.empty()) quality.push_back(fmt::format("{}: {}", weights.name, weights.quality));
  if (!pick.kv->quality.empty()) quality.push_back(fmt::format("KV {}: {}", pick.kv->name, pick.kv->quality));
  return quality;
}

}  // namespace

int64_t rope_scaling_factor(const PlanModel& model, int64_t context) {
  if (model.trained_context < 1 || context <= model.trained_context || in_file_room(model, context)) return 1;
  return (context - 1) / model.trained_context + 1;
}

int64_t sequence_kv_bytes(const KvOption& kv, int64_t n_tokens) {
  return rounded_bytes(static_cast<double>(kv.fixed_bytes) + kv.bytes_per_token * static_cast<double>(n_tokens));
}

int64_t total_bytes(const PlanPick& pick) {
  return bounded(pick.weights->n_bytes) + kv_bytes(pick) + scratch_bytes(pick) + bounded(pick.rag_bytes) +
         bounded(pick.model->overhead_bytes);
}

int64_t longest_context(const PlanPick& pick, int64_t usable_bytes) {
  PlanPick empty = pick;
  empty.context = 0;
  const double left = static_cast<double>(usable_bytes) - static_cast<double>(total_bytes(empty));
  if (left < 0) return 0;
  const double per_token = pick.kv->bytes_per_token * static_cast<double>(pick.concurrent);
  PlanPick longest = pick;
  if (per_token > 0) {
    longest.context = static_cast<int64_t>(std::min(static_cast<double>(pick.context), left / per_token));
  }
  while (longest.context > 0 && total_bytes(longest) > usable_bytes) --longest.context;  // by rounding, a token or two
  return longest.context;
}

double expected_loss(const PlanPick& pick) {
  return 1 - std::clamp(pick.weights->same_top.value_or(1), 0.0, 1.0) + kv_loss(pick.kv->name) +
         (rope_scaling_factor(*pick.model, pick.context) > 1 ? kScalingLoss : 0);
}

PlanChoice describe_choice(const PlanPick& pick, const PlanDevice& device, const PlanRequest& request) {
  PlanChoice choice{.provider = request.provider,
                    .model = *pick.model,
                    .device = device,
                    .weights = pick.weights->name,
                    .kv = pick.kv->name,
                    .context = pick.context,
                    .concurrent = pick.concurrent,
                    .with_rag = pick.rag_bytes > 0,
                    .parts = parts_of(pick, request),
                    .total_bytes = total_bytes(pick),
                    .fits = false,
                    .missing_bytes = 0,
                    .decode_tokens_per_s = decode_speed(pick, device, pick.context, 1),
                    .decode_tokens_per_s_empty = decode_speed(pick, device, 0, 1),
                    .decode_tokens_per_s_together = decode_speed(pick, device, pick.context, pick.concurrent),
                    .quality = quality_of(pick),
                    .changes = {},
                    .notes = notes_of(pick, request)};
  choice.model.weights.clear();
  choice.model.kv.clear();
  choice.missing_bytes = choice.total_bytes - device.usable_bytes;
  choice.fits = choice.missing_bytes <= 0;
  return choice;
}

}  // namespace docmind::control

// What the planner needs to know of a model: from a GGUF file or from the catalogue of shapes.
// SPDX-License-Identifier: Apache-2.0
#include "providers/plan_inputs.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "base/thread_team.h"
#include "gguf/file.h"
#include "kernels/tensor_type.h"
#include "model/decoder_config.h"
#include "providers/plan_kv.h"
#include "providers/plan_shapes.h"
#include "providers/plan_weights.h"
#include "quantize/stored_report.h"

namespace docmind::providers {
namespace {

using control::PlanModel;
using control::PlanProvider;
using control::WeightOption;

constexpr double kPlanGiB = double{1 << 30};
constexpr int64_t kPlanMiB = int64_t{1} << 20;
// Native: the program with its libraries, threads and stacks, and for each token of the vocabulary its text, hashes and
// merges; measured (bench/plan.py).
constexpr int64_t kProgramBytes = 25 * kPlanMiB;
constexpr int64_t kVocabularyTokenBytes = 200;
// Elsewhere: what a GPU runtime takes for itself.
constexpr int64_t kRuntimeBytes = static_cast<int64_t>(0.5 * kPlanGiB);

struct InputRequest {
  PlanProvider provider;
  NativePlan native;
  [[nodiscard]] const NativePlan* native_plan() const { return provider == PlanProvider::kNative ? &native : nullptr; }
};

// Buffers of a pass of 512 tokens: logits, and rows as wide as the model.
int64_t runtime_activations(int64_t n_parameters) {
  struct Step {
    int64_t least_parameters;
    double gib;
  };
  static constexpr std::array<Step, 5> kSteps = {
      {{24'000'000'000, 0.6}, {10'000'000'000, 0.4}, {6'000'000'000, 0.3}, {2'500'000'000, 0.2}, {0, 0.1}}};
  const auto* step = std::ranges::find_if(kSteps, [&](const Step& s) { return n_parameters >= s.least_parameters; });
  return static_cast<int64_t>(step->gib * kPlanGiB);
}

void fill_sizes(const PlanTensors& tensors, const InputRequest& request, PlanModel& model) {
  const model::DecoderConfig& config = tensors.config;
  model.architecture = config.architecture;
  model.n_parameters = tensors.n_parameters();
  model.n_layers = config.n_layers;
  model.n_embd = config.n_embd;
  model.n_heads = config.n_heads;
  model.n_kv_heads = config.n_kv_heads;
  model.head_dim = config.head_dim;
  model.n_vocab = config.n_vocab;
  model.rope_base = config.rope_base;
  model.kv = plan_kv_options(model, request.provider, request.native.prefill_tokens);
  if (request.provider == PlanProvider::kNative) {
    model.overhead_bytes = kProgramBytes + config.n_vocab * kVocabularyTokenBytes;
  } else {
    model.overhead_bytes = kRuntimeBytes;
    model.activation_bytes = runtime_activations(model.n_parameters);
  }
}

PlanTensors tensors_and_config(const PlanShape& shape) {
  PlanTensors tensors{.config = {}, .tensors = tensors_of(shape)};
  model::DecoderConfig& config = tensors.config;
  config.architecture = shape.architecture;
  config.n_layers = shape.n_layers;
  config.n_embd = shape.n_embd;
  config.n_ff = shape.n_ff;
  config.n_heads = shape.n_heads;
  config.n_kv_heads = shape.n_kv_heads;
  config.head_dim = config.n_rot = shape.head_dim;
  config.n_vocab = shape.n_vocab;
  config.n_context = shape.file_context;
  config.rope_base = static_cast<float>(shape.rope_base);
  return tensors;
}

Result<PlanModel> model_of_shape(const PlanShape& shape, const InputRequest& request) {
  const PlanTensors tensors = tensors_and_config(shape);
  PlanModel model;
  model.name = shape.name;
  model.hugging_face = shape.hugging_face;
  model.ollama = shape.ollama;
  model.file_context = shape.file_context;
  model.trained_context = shape.trained_context;
  model.largest_context = shape.largest_context;
  fill_sizes(tensors, request, model);
  DM_ASSIGN(model.weights, quantized_weights(tensors, request.native_plan()));
  return model;
}

Result<std::vector<PlanModel>> family_of(const PlanShape& shape, const InputRequest& request) {
  std::vector<PlanModel> others;
  for (const PlanShape& other : plan_shapes()) {
    if (other.family != shape.family || other.name == shape.name) continue;
    DM_ASSIGN(PlanModel model, model_of_shape(other, request));
    others.push_back(std::move(model));
  }
  return others;
}

// --- files ---

// The shape that a file has, preferably one with the same context.
const PlanShape* shape_of(const model::DecoderConfig& config) {
  const PlanShape* found = nullptr;
  for (const PlanShape& shape : plan_shapes()) {
    const bool same = shape.architecture == config.architecture && shape.n_layers == config.n_layers &&
                      shape.n_embd == config.n_embd && shape.n_ff == config.n_ff && shape.n_heads == config.n_heads &&
                      shape.n_kv_heads == config.n_kv_heads && shape.head_dim == config.head_dim;
    if (!same) continue;
    if (found == nullptr || shape.file_context == config.n_context) found = &shape;
  }
  return found;
}

void fill_contexts(const model::DecoderConfig& config, const PlanShape* shape, PlanModel& model) {
  model.file_context = model.trained_context = model.largest_context = config.n_context;
  if (config.rope_scaling != model::RopeScaling::kNone) {
    model.trained_context = std::min(config.rope_original_context, config.n_context);
  } else if (shape != nullptr) {
    model.trained_context = std::min(config.n_context, shape->trained_context);
    model.largest_context = std::max(config.n_context, shape->largest_context);
  }
}

bool is_float_type(uint32_t gguf_type) {
  const auto is = [&](kernels::TensorType type) { return gguf_type == static_cast<uint32_t>(type); };
  return is(kernels::TensorType::kF32) || is(kernels::TensorType::kF16) || is(kernels::TensorType::kBF16);
}

// The type of most of the elements.
uint32_t main_type(const PlanTensors& tensors) {
  std::map<uint32_t, int64_t> n_elements;
  for (const PlanTensor& tensor : tensors.tensors) n_elements[tensor.gguf_type] += tensor.n_elements();
  return std::ranges::max_element(n_elements, {}, &std::pair<const uint32_t, int64_t>::second)->first;
}

// The mix that a file says it has (general.file_type of the format), or the type of most of its weights.
std::string type_name(const gguf::File& file, uint32_t main) {
  static constexpr std::array<std::pair<int64_t, const char*>, 9> kMixes = {{{2, "Q4_0"},
                                                                             {7, "Q8_0"},
                                                                             {14, "Q4_K_S"},
                                                                             {15, "Q4_K_M"},
                                                                             {16, "Q5_K_S"},
                                                                             {17, "Q5_K_M"},
                                                                             {18, "Q6_K"},
                                                                             {12, "Q3_K_M"},
                                                                             {30, "IQ4_XS"}}};
  const std::string_view name = kernels::gguf_type_name(main);
  const std::string of_weights = name.empty() ? "unknown" : std::string(name);
  const Result<int64_t> said = file.integer_or("general.file_type", -1);
  if (!said.ok() || is_float_type(main)) return of_weights;
  const auto* mix = std::ranges::find(kMixes, *said, &std::pair<int64_t, const char*>::first);
  return mix != kMixes.end() ? mix->second : of_weights;
}

// What the file's own report says; a report that cannot be read says nothing.
void add_report(const gguf::File& file, WeightOption& option) {
  const Result<json::object> report = quantize::stored_report(file);
  if (!report.ok()) return;
  const json::object scores = quantize::stored_scores(*report);
  const auto number = [&](const char* key) -> std::optional<double> {
    const json::value* value = scores.if_contains(key);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    return value->to_number<double>();
  };
  const auto same_top = number("same_top"), kld = number("mean_kld"), ratio = number("perplexity_ratio");
  if (!same_top || !(*same_top >= 0 && *same_top <= 1)) return;
  option.same_top = same_top;
  option.quality = fmt::format("measured when the file was made: same likeliest token {:.1f}%", 100 * *same_top);
  if (kld) option.quality += fmt::format(", KLD {:.4f}", *kld);
  if (ratio) option.quality += fmt::format(", perplexity {:+.2f}%", 100 * (*ratio - 1));
}

// A type that the engine does not read has its size told by the file's length.
Result<WeightOption> own_weights(const gguf::File& file, const PlanTensors& tensors, const InputRequest& request) {
  const std::string name = type_name(file, main_type(tensors));
  Result<WeightOption> option = weights_as_they_are(tensors, name, request.native_plan());
  if (option.ok() || request.provider == PlanProvider::kNative) return option;
  const auto n_bytes = static_cast<int64_t>(file.file_bytes());
  WeightOption whole{.name = name, .n_bytes = n_bytes, .decode_read_bytes = n_bytes};
  whole.bits_per_weight = 8 * static_cast<double>(n_bytes) / static_cast<double>(tensors.n_parameters());
  return whole;
}

Status fill_weights(const gguf::File& file, const PlanTensors& tensors, const InputRequest& request, PlanModel& model) {
  DM_ASSIGN(WeightOption own, own_weights(file, tensors, request));
  const bool is_float = is_float_type(main_type(tensors));
  const std::string own_name = own.name;
  if (is_float) {
    own.same_top = 1;
    own.quality = "as the file is";
  } else {
    add_published_quality(own);
    add_report(file, own);
  }
  model.weights.push_back(std::move(own));
  if (!is_float) return {};
  DM_ASSIGN(std::vector<WeightOption> smaller, quantized_weights(tensors, request.native_plan()));
  for (WeightOption& option : smaller) {
    if (option.name == "F16" && own_name != "F32") continue;  // of the same size
    model.weights.push_back(std::move(option));
  }
  return {};
}

Result<PlanInputs> inputs_of_file(const std::string& path, const InputRequest& request) {
  DM_ASSIGN(const gguf::File file, gguf::File::open(path));
  PlanTensors tensors;
  DM_ASSIGN(tensors.config, model::read_decoder_config(file));
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    PlanTensor one{.name = std::string(tensor.name), .n_dims = tensor.n_dims, .gguf_type = tensor.gguf_type};
    std::ranges::copy(tensor.dims, one.dims);
    tensors.tensors.push_back(std::move(one));
  }
  const PlanShape* shape = shape_of(tensors.config);
  PlanInputs inputs;
  PlanModel& model = inputs.model;
  model.name = std::filesystem::path(path).stem().string();
  model.file = path;
  if (shape != nullptr) {
    model.hugging_face = shape->hugging_face;
    model.ollama = shape->ollama;
  }
  fill_contexts(tensors.config, shape, model);
  fill_sizes(tensors, request, model);
  DM_TRY(fill_weights(file, tensors, request, model));
  if (shape != nullptr) {
    DM_ASSIGN(inputs.others, family_of(*shape, request));
  }
  return inputs;
}

// A name that ends with a type ("qwen3-8b-q4_k_m") means that type alone.
Result<PlanInputs> inputs_of_name(const std::string& name, const InputRequest& request) {
  Result<const PlanShape*> shape = find_plan_shape(name);
  std::string type;
  if (const size_t dash = name.rfind('-'); !shape.ok() && dash != std::string::npos) {
    type = name.substr(dash + 1);
    Result<const PlanShape*> stem = find_plan_shape(name.substr(0, dash));
    if (!stem.ok()) return std::move(shape).error();
    shape = std::move(stem);
  }
  if (!shape.ok()) return std::move(shape).error();
  PlanInputs inputs;
  DM_ASSIGN(inputs.model, model_of_shape(**shape, request));
  if (!type.empty()) {
    const std::string wanted = fold_case(type);
    std::erase_if(inputs.model.weights, [&](const WeightOption& one) { return fold_case(one.name) != wanted; });
    if (inputs.model.weights.empty()) return find_plan_shape(name).error();
  }
  DM_ASSIGN(inputs.others, family_of(**shape, request));
  return inputs;
}

}  // namespace

Result<PlanInputs> plan_inputs(const std::string& name_or_path, PlanProvider provider, int64_t prefill_tokens,
                               size_t n_threads) {
  const InputRequest request{.provider = provider,
                             .native = {.n_threads = ThreadTeam::size_of(n_threads), .prefill_tokens = prefill_tokens}};
  std::error_code ignored;
  const bool is_path = name_or_path.ends_with(".gguf") || std::filesystem::is_regular_file(name_or_path, ignored);
  return is_path ? inputs_of_file(name_or_path, request) : inputs_of_name(name_or_path, request);
}

std::vector<std::string> plan_shape_names() {
  std::vector<std::string> names;
  for (const PlanShape& shape : plan_shapes()) names.emplace_back(shape.name);
  return names;
}

int64_t plan_rag_bytes(PlanProvider provider) {
  // 566.7 and 567.8 million parameters in blocks of 34 bytes for 32; native: the passes of both, elsewhere the buffers
  // of two more models in a runtime.
  constexpr double kWeights = (566.7e6 + 567.8e6) * 34 / 32;
  return static_cast<int64_t>(kWeights + (provider == PlanProvider::kNative ? 0.1 : 0.28) * kPlanGiB);
}

}  // namespace docmind::providers

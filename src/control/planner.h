// The planner: what a model takes in memory with each choice of weights, KV format and context, what fits a budget,
// and what to change where it does not. Arithmetic only: sizes come in, plans go out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace docmind::control {

// Who will run the model.
enum class PlanProvider { kNative, kLlamaCpp, kOllama, kVllm };
[[nodiscard]] std::string_view plan_provider_name(PlanProvider provider);  // "native", "llamacpp", "ollama", "vllm"
[[nodiscard]] Result<PlanProvider> parse_plan_provider(std::string_view text);  // kInvalidArgument: the nearest

// A way to store the weights.
struct WeightOption {
  std::string name;             // "Q4_K_M"
  int64_t n_bytes = 0;          // in memory
  int64_t decode_read_bytes = 0;  // that one generated token reads
  int64_t scratch_bytes = 0;    // of passes, beyond PlanModel::activation_bytes
  double bits_per_weight = 0;
  std::string quality{};        // what is known of its loss, with its source; empty: nothing
  std::optional<double> same_top{};  // 0..1, for the order of choices alone: may be interpolated
};
// A way to store keys and values: bytes of a sequence = fixed_bytes + n_tokens * bytes_per_token.
struct KvOption {
  std::string name;             // "f16", "int8", "fp8", "k8v4", "int4", "mixed"
  double bytes_per_token = 0;
  int64_t fixed_bytes = 0;
  int64_t scratch_bytes = 0;    // of all sequences together, beyond PlanModel::activation_bytes
  std::string quality;
};

struct PlanModel {
  std::string name;             // "qwen3-14b"
  std::string architecture;     // "qwen3"
  std::string file;             // the GGUF it was read from; empty: the catalogue
  std::string hugging_face;     // "Qwen/Qwen3-14B"; may be empty, as the next
  std::string ollama;           // "qwen3:14b"
  int64_t n_parameters = 0;
  int64_t n_layers = 0, n_embd = 0, n_heads = 0, n_kv_heads = 0, head_dim = 0, n_vocab = 0;
  int64_t file_context = 0;     // context_length of its metadata (Qwen3: 40,960)
  int64_t trained_context = 0;  // without scaling of positions (Qwen3: 32,768)
  int64_t largest_context = 0;  // with it (Qwen3: 131,072)
  double rope_base = 0;
  std::vector<WeightOption> weights;  // largest first
  std::vector<KvOption> kv;           // largest first, for the provider of the request
  int64_t overhead_bytes = 0;         // runtime: GPU context, buffers of a pass that do not grow with the context
  int64_t activation_bytes = 0;       // scratch of passes
};

// Where it will run. usable_bytes is without what display, driver and system take.
struct PlanDevice {
  std::string name;             // "RTX 4060", "12 GiB card", "this machine"
  bool gpu = false;
  int64_t memory_bytes = 0;
  int64_t usable_bytes = 0;
  double bandwidth_gb_per_s = 0;  // 1e9 bytes; 0: unknown, then no speed is told
};

struct PlanRequest {
  PlanProvider provider = PlanProvider::kLlamaCpp;
  int64_t context = 0;          // tokens of each sequence; 0: the trained context
  int64_t concurrent = 1;       // sequences of that length at the same time
  std::string weights;          // empty: the planner chooses the best that fits
  std::string kv;               // likewise
  int64_t rag_bytes = 0;        // embedder and reranker on the device; 0: without
  std::string rag;              // what that is, in words
};

// One line of the memory table.
struct PlanPart {
  std::string name;             // "weights", "kv", "activations", "rag", "overhead"
  int64_t n_bytes = 0;
  std::string note;             // "Q4_K_M, 4.87 bits a weight"
};

struct PlanChoice {
  PlanProvider provider = PlanProvider::kLlamaCpp;
  PlanModel model;              // its options left out (empty lists)
  PlanDevice device;
  std::string weights, kv;
  int64_t context = 0, concurrent = 1;
  bool with_rag = false;
  std::vector<PlanPart> parts;
  int64_t total_bytes = 0;
  bool fits = false;
  int64_t missing_bytes = 0;    // beyond the usable memory; negative: free
  std::optional<double> decode_tokens_per_s;  // one stream at most: bandwidth / bytes read a token, at full context
  std::optional<double> decode_tokens_per_s_empty;  // the same at an empty context
  std::optional<double> decode_tokens_per_s_together;  // all `concurrent` streams in sum, each at full context
  std::vector<std::string> quality;  // what is known of weights and KV format
  std::vector<std::string> changes;  // of an alternative: what differs from what was asked, in words
  std::vector<std::string> notes;    // "YaRN factor 4 is needed; it costs quality on short prompts"
};

struct Plan {
  PlanChoice asked;                      // as asked, or the best choice where the request left it open
  std::vector<PlanChoice> options;       // the asked context and concurrency with every pair of weights and KV format
  std::vector<PlanChoice> alternatives;  // the three nearest that fit, nearest first, when `asked` does not
};

// `others` are models of the same family that may stand in, in any order. kInvalidArgument names a weight or KV option
// that does not exist with the nearest, and a context beyond the model's largest with both numbers.
//
// Where weights or KV format are left open, the pair with the least expected loss of quality (plan_choice.h) among
// those that fit is chosen, of equal ones the smaller; where none fits, Q4_K_M and int8.
[[nodiscard]] Result<Plan> make_plan(const PlanModel& model, const std::vector<PlanModel>& others,
                                     const PlanDevice& device, const PlanRequest& request);

// The factor by which positions must be scaled, ceil(context / trained context); 1: within what was trained, or the
// little more that the file allows for answers.
[[nodiscard]] int64_t rope_scaling_factor(const PlanModel& model, int64_t context);

// What `docmind plan --json` prints, and what configuration writers read; both directions keep every field but
// PlanModel's options (the rows of `options` have neither model nor device: they are those of `asked`). parse_plan
// takes a whole plan, or one choice of it such as an alternative; kMalformed names the field.
[[nodiscard]] json::object plan_to_json(const Plan& plan);
[[nodiscard]] Result<PlanChoice> parse_plan(std::string_view json_text);  // of `asked`

}  // namespace docmind::control

// docmind plan: what fits into memory, and what to change.
// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/plan_report.h"
#include "monitor/gpu.h"
#include "monitor/process.h"
#include "providers/model_catalogue.h"
#include "providers/plan_inputs.h"

namespace docmind::cli {
namespace {

using control::PlanDevice;
using control::PlanProvider;

constexpr double kUsableShare = 0.8;  // of system memory; the rest is for everything else that runs
constexpr double kSameMemory = 1.03;  // drivers round

// "131072", "131,072" or "128k" (of 1,024).
Result<int64_t> parse_tokens(const std::string& text) {
  std::string digits;
  for (const char c : text) {
    if (c != ',' && c != '_') digits += c;
  }
  const bool thousands = digits.ends_with('k') || digits.ends_with('K');
  if (thousands) digits.pop_back();
  int64_t n = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  if (error != std::errc() || end != digits.data() + digits.size() || n < 0 || n > (int64_t{1} << 40)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("'{}' is no number of tokens; write it as 131072 or 128k", printable(text))};
  }
  return thousands ? n * 1'024 : n;
}

class PlanCommand final : public Command {
 public:
  CLI::App* declare(CLI::App& app, FieldFlags& fields) override {
    CLI::App* sub = app.add_subcommand(
        "plan", "Say what a language model takes in memory, whether that fits, how fast it can be at most, and what to "
                "change where it does not fit. Exits with 5 if it does not.");
    sub->add_option("MODEL,--model", model_, "A GGUF file, a pulled model, or a name such as qwen3-14b")->required();
    sub->add_option("--context", context_, "Tokens of each text, 32768 or 32k; default: as the model was trained");
    sub->add_option("--concurrent", request_.concurrent, "Texts of that length at the same time")
        ->check(CLI::Range(1, 65'536))->capture_default_str();
    sub->add_option("--gpu", gpu_, "Name of a card, such as 'RTX 4060'");
    sub->add_option("--vram", vram_, "Memory of a card, such as 12GiB; with --gpu a limit on it");
    sub->add_option("--ram", ram_, "Memory of a machine without a card; default: this machine's");
    sub->add_option("--bandwidth", bandwidth_, "How fast that memory is read, in GB/s; default: the card's or measured")
        ->check(CLI::Range(0.1, 100'000.0));
    sub->add_option("--provider", provider_, "native, llamacpp, ollama or vllm; default: native, on a card llamacpp");
    sub->add_option("--weights", request_.weights, "Such as Q4_K_M; default: the best that fits");
    sub->add_option("--kv", request_.kv, "f16, int8, k8v4, int4, mixed or fp8; default: the best that fits");
    sub->add_flag("--with-rag", with_rag_, "With models to embed and to rerank beside it");
    sub->add_flag("--json", json_, "Print one JSON object, which 'docmind config export' reads");
    fields.add(*sub, "--threads", "model.threads");
    return sub;
  }

  int run(Session& session) override {
    const Result<control::Plan> plan = make(session);
    if (!plan.ok()) return fail(session, plan.error());
    session.terminal.out(json_ ? to_string_pretty(control::plan_to_json(*plan)) + "\n"
                               : plan_report(*plan, session.terminal));
    session.terminal.flush();
    return plan->asked.fits ? kExitOk : kExitDoesNotFit;
  }

 private:
  Result<control::Plan> make(Session& session) {
    DM_ASSIGN(request_.context, context_.empty() ? Result<int64_t>(0) : parse_tokens(context_));
    DM_TRY(choose_provider());
    DM_ASSIGN(const providers::PlanInputs inputs, inputs_of(session.config()));
    DM_ASSIGN(const PlanDevice device, choose_device(session.config()));
    if (with_rag_) {
      request_.rag_bytes = providers::plan_rag_bytes(request_.provider);
      request_.rag = "BGE-M3 and bge-reranker-v2-m3 in Q8_0";
    }
    return control::make_plan(inputs.model, inputs.others, device, request_);
  }

  [[nodiscard]] bool on_card() const { return !gpu_.empty() || !vram_.empty(); }

  Status choose_provider() {
    request_.provider = on_card() ? PlanProvider::kLlamaCpp : PlanProvider::kNative;
    if (!provider_.empty()) {
      DM_ASSIGN(request_.provider, control::parse_plan_provider(provider_));
    }
    if (on_card() && !ram_.empty()) {
      return Error{ErrorCode::kInvalidArgument,
                   "--ram plans without a card, --gpu and --vram with one: give one of them"};
    }
    if (on_card() && request_.provider == PlanProvider::kNative) {
      return Error{ErrorCode::kInvalidArgument,
                   "the native engine computes on the CPU: plan with --ram, or with --provider llamacpp for a card"};
    }
    return {};
  }

  Result<providers::PlanInputs> inputs_of(const Config& config) const {
    const Result<std::string> path = providers::resolve_model(config, model_);
    return providers::plan_inputs(path.ok() ? *path : model_, request_.provider, config.batch.prefill_tokens,
                                  static_cast<size_t>(config.model.threads));
  }

  Result<PlanDevice> choose_device(const Config& config) const {
    PlanDevice device;
    if (on_card()) {
      DM_ASSIGN(device, named_card());
    } else if (std::optional<PlanDevice> found = ram_.empty() ? card_of_machine() : std::nullopt) {
      device = *found;
    } else {
      DM_ASSIGN(device, machine(config));
    }
    if (bandwidth_ > 0) device.bandwidth_gb_per_s = bandwidth_;
    return device;
  }

  // A card's memory may be limited, not extended.
  Result<PlanDevice> named_card() const {
    int64_t vram = 0;
    if (!vram_.empty()) {
      DM_ASSIGN(vram, providers::parse_bytes(vram_));
    }
    if (gpu_.empty()) return providers::card_of_memory(vram);
    // Of several parts of one name that with as much memory.
    const int64_t gib = vram >> 30;
    Result<PlanDevice> card = providers::find_card(fmt::format("{} {}GB", gpu_, gib));
    if (!card.ok()) card = providers::find_card(gpu_);
    if (!card.ok() || vram == 0) return card;
    if (static_cast<double>(vram) > kSameMemory * static_cast<double>(card->memory_bytes)) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("the {} has {} of memory, but --vram says {}: leave one of the two out", card->name,
                               format_bytes(card->memory_bytes), format_bytes(vram))};
    }
    card->memory_bytes = vram;
    card->usable_bytes = providers::usable_card_bytes(vram);
    return card;
  }

  // The first card of this machine, for programs that would use it.
  std::optional<PlanDevice> card_of_machine() const {
    if (request_.provider == PlanProvider::kNative) return std::nullopt;
    const monitor::GpuState state = monitor::GpuMonitor().read();
    if (!state.present()) return std::nullopt;
    const monitor::GpuDevice& found = state.devices.front();
    PlanDevice device = providers::card_of_memory(found.total_bytes);
    const Result<PlanDevice> known = providers::find_card(found.name);
    device.bandwidth_gb_per_s = known.ok() ? known->bandwidth_gb_per_s : 0;
    device.name = found.name;
    return device;
  }

  Result<PlanDevice> machine(const Config& config) const {
    PlanDevice device{.name = "this machine's CPU", .gpu = false};
    if (!ram_.empty()) {
      DM_ASSIGN(device.memory_bytes, providers::parse_bytes(ram_));
      device.name = fmt::format("a machine with {}", format_bytes(device.memory_bytes));
    } else {
      DM_ASSIGN(const monitor::SystemMemory memory, monitor::system_memory());
      device.memory_bytes = memory.total_bytes;
      const auto n_threads = static_cast<size_t>(config.model.threads);
      if (!(bandwidth_ > 0)) device.bandwidth_gb_per_s = providers::probe_bandwidth(n_threads);
    }
    device.usable_bytes = static_cast<int64_t>(kUsableShare * static_cast<double>(device.memory_bytes));
    if (ram_.empty() && config.memory.budget_mib > 0) device.usable_bytes = config.memory.budget_mib << 20;
    return device;
  }

  std::string model_, context_, gpu_, vram_, ram_, provider_;
  double bandwidth_ = 0;
  control::PlanRequest request_;
  bool with_rag_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_plan_command() { return std::make_unique<PlanCommand>(); }

}  // namespace docmind::cli

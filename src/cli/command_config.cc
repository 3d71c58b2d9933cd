// docmind config: the effective configuration; docmind config export: a plan as the settings that a provider accepts.
// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "providers/config_writer.h"

namespace docmind::cli {
namespace {

constexpr size_t kMostPlanFileBytes = size_t{4} << 20;

// All of standard input, up to the size that a plan may have.
Result<std::string> read_plan_from_pipe() {
  std::string text;
  char piece[16'384];
  while (true) {
    const ssize_t n = ::read(STDIN_FILENO, piece, sizeof(piece));
    if (n < 0 && errno == EINTR) return Error{ErrorCode::kCancelled, "interrupted"};
    if (n < 0) return errno_error("cannot read", "standard input", errno);
    if (n == 0) return text;
    text.append(piece, static_cast<size_t>(n));
    if (text.size() > kMostPlanFileBytes) {
      return Error{ErrorCode::kLimit, fmt::format("standard input is longer than the {} that a plan may have",
                                                  format_bytes(kMostPlanFileBytes))};
    }
  }
}

class ConfigCommand final : public Command {
 public:
  CLI::App* declare(CLI::App& app, FieldFlags&) override {
    CLI::App* sub = app.add_subcommand(
        "config", "Print the effective configuration as TOML, each value with its origin: default, "
                  "file, environment or flag. The output is a valid configuration file.");
    sub->add_flag("--json", json_, "Print one JSON object with value and origin of each key");
    declare_export(*sub);
    sub->require_subcommand(0, 1);
    return sub;
  }

  int run(Session& session) override {
    if (export_->parsed()) {
      const Status done = export_plan(session);
      session.terminal.flush();
      return done.ok() ? kExitOk : fail(session, done.error());
    }
    session.terminal.out(json_ ? to_string_pretty(config_to_json(session.effective)) + "\n"
                               : config_to_toml(session.effective, true));
    session.terminal.flush();
    return kExitOk;
  }

  bool needs_config() const override { return !export_->parsed(); }

 private:
  void declare_export(CLI::App& sub) {
    export_ = sub.add_subcommand(
        "export", "Write a plan as the settings that Ollama, llama.cpp's server or vLLM really accept, with a comment "
                  "for each line. What does not exist there is refused with the nearest that does.");
    export_->add_option("--provider", provider_, "ollama, llamacpp or vllm; the plan's own if left out");
    export_->add_option("--from-plan", plan_, "The plan: what 'docmind plan --json' printed; - is standard input")
        ->required();
    export_->add_option("--form", form_, "all, shell (a script), env (a file of variables), systemd or modelfile");
    export_->add_option("--provider-version", options_.version,
                        "Its version, as 0.20.0 (vLLM, Ollama) or b10256 (llama.cpp); else the current one");
    export_->add_option("--model-file", options_.model_path,
                        "Where the GGUF file lies; for vLLM a repository of Hugging Face or a folder");
    export_->add_option("--threads", options_.threads, "CPU threads");
    export_->add_option("--port", options_.port, "The port to listen at");
    export_->add_option("--kv", options_.kv,
                        "Format of keys and values in place of the plan's: f16, int8, k8v4, int4 or the provider's");
    export_->add_option("--set", options_.extra,
                        "A further setting of the provider: NAME=VALUE or a switch; flags without their dashes. "
                        "May be repeated")
        ->expected(1)
        ->take_all()
        ->allow_extra_args(false);
    export_->add_flag("--force", options_.force, "Write a plan that does not fit as well");
    export_->add_option("-o,--output", output_, "Write to this file");
  }

  Status export_plan(const Session& session) {
    DM_ASSIGN(options_.form, providers::parse_config_form(form_));
    DM_ASSIGN(const std::string text, plan_ == "-" ? read_plan_from_pipe() : read_file(plan_, kMostPlanFileBytes));
    DM_ASSIGN(const control::PlanChoice plan, control::parse_plan(text));
    control::PlanProvider provider = plan.provider;
    if (!provider_.empty()) {
      DM_ASSIGN(provider, control::parse_plan_provider(provider_));
    }
    DM_ASSIGN(const providers::WrittenConfig written, providers::write_config(plan, provider, options_));
    for (const std::string& warning : written.warnings) {
      session.terminal.note(session.terminal.styled_note(Style::kYellow, "warning: ") + printable(warning));
    }
    if (!output_.empty()) return write_file_atomic(output_, written.text);
    session.terminal.out(written.text);
    return {};
  }

  CLI::App* export_ = nullptr;
  bool json_ = false;
  providers::ConfigWriterOptions options_;
  std::string provider_, plan_, output_, form_ = "all";
};

}  // namespace

std::unique_ptr<Command> make_config_command() { return std::make_unique<ConfigCommand>(); }

}  // namespace docmind::cli

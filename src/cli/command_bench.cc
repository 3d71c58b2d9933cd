// docmind bench: what this machine can do.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/bench_report.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/load_models.h"
#include "cli/progress_bar.h"
#include "providers/model_catalogue.h"

namespace docmind::cli {
namespace {

class BenchCommand final : public Command {
 public:
  CLI::App* declare(CLI::App& app, FieldFlags& fields) override {
    CLI::App* sub = app.add_subcommand("bench", "Measure what this machine can do");
    sub->require_subcommand(1, 1);
    CLI::App* model = sub->add_subcommand(
        "model", "Measure the rates of a model and what share of this machine's limits they are: a "
                 "prompt and each embedded token are bound by the int8 rate, generated tokens by the "
                 "reading speed, both measured in the same run.");
    model->add_option("MODEL", model_, "A GGUF file, or the name of a pulled model")->required();
    model->add_flag("--json", json_, "Print one JSON object");
    model->add_option("--prompt", options_.n_prompt, "Tokens of a prompt or text")
        ->check(CLI::Range(1, 1'000'000))->capture_default_str();
    model->add_option("--generate", options_.n_generate, "Tokens after the prompt")
        ->check(CLI::Range(1, 1'000'000))->capture_default_str();
    model->add_option("--runs", options_.n_runs, "Runs of which the median counts")
        ->check(CLI::Range(1, 1'000))->capture_default_str();
    model->add_flag("--long", options_.with_long, "Also a prompt of 4,096 tokens, where the context allows it");
    fields.add(*model, "--threads", "model.threads");
    fields.add(*model, "--isa", "model.isa");
    return sub;
  }

  int run(Session& session) override {
    Result<std::string> path = providers::resolve_model(session.config(), model_);
    if (!path.ok()) return fail(session, path.error());
    options_.engine = engine_options(session.config());
    options_.on_step = [&](std::string_view step) {
      if (session.terminal.err_is_tty()) session.terminal.note(fmt::format("{} ...", step));
    };
    ProgressBar bar(session.terminal);
    options_.engine.progress = [&](size_t n_done, size_t n_total) {
      bar.show_bytes("loading", static_cast<int64_t>(n_done), static_cast<int64_t>(n_total));
      if (n_done == n_total) bar.finish();
      return !session.cancel.cancelled();
    };
    const Result<engine::BenchReport> report = engine::bench_model(*path, options_, session.cancel);
    bar.finish();
    if (!report.ok()) return fail(session, report.error());
    session.terminal.out(json_ ? to_string_pretty(bench_to_json(*report)) + "\n"
                               : bench_table(*report, options_.n_prompt, options_.n_generate));
    session.terminal.flush();
    return kExitOk;
  }

 private:
  std::string model_;
  engine::BenchOptions options_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_bench_command() { return std::make_unique<BenchCommand>(); }

}  // namespace docmind::cli

// docmind bench: what this machine can do.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/bench_kv_report.h"
#include "cli/bench_report.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/load_models.h"
#include "cli/progress_bar.h"
#include "cli/quality_scores.h"
#include "providers/model_catalogue.h"

namespace docmind::cli {
namespace {

constexpr int64_t kMostTextBytes = 64 << 20;
constexpr const char* kModelHelp = "A GGUF file, or the name of a pulled model";

class BenchCommand final : public Command {
 public:
  CLI::App* declare(CLI::App& app, FieldFlags& fields) override {
    CLI::App* sub = app.add_subcommand("bench", "Measure what this machine can do");
    sub->require_subcommand(1, 1);
    declare_model(*sub, fields);
    declare_kv(*sub, fields);
    declare_streams(*sub, fields);
    return sub;
  }

  int run(Session& session) override {
    Result<std::string> path = providers::resolve_model(session.config(), model_);
    if (!path.ok()) return fail(session, path.error());
    if (kv_app_->parsed()) return run_kv(session, *path);
    return streams_app_->parsed() ? run_streams(session, *path) : run_model(session, *path);
  }

 private:
  void add_common(CLI::App& app, FieldFlags& fields, int& n_runs) {
    app.add_option("MODEL", model_, kModelHelp)->required();
    app.add_flag("--json", json_, "Print one JSON object");
    app.add_option("--runs", n_runs, "Runs of which the median counts")
        ->check(CLI::Range(1, 1'000))->capture_default_str();
    fields.add(app, "--threads", "model.threads");
    fields.add(app, "--isa", "model.isa");
  }

  void declare_model(CLI::App& app, FieldFlags& fields) {
    CLI::App* sub = app.add_subcommand(
        "model", "Measure the rates of a model and what share of this machine's limits they are: a "
                 "prompt and each embedded token are bound by the int8 rate, generated tokens by the "
                 "reading speed, both measured in the same run.");
    add_common(*sub, fields, options_.n_runs);
    fields.add(*sub, "--quantize-on-load", "model.quantize_on_load");
    sub->add_option("--prompt", options_.n_prompt, "Tokens of a prompt or text")
        ->check(CLI::Range(1, 1'000'000))->capture_default_str();
    sub->add_option("--generate", options_.n_generate, "Tokens after the prompt")
        ->check(CLI::Range(1, 1'000'000))->capture_default_str();
    sub->add_flag("--long", options_.with_long, "Also a prompt of 4,096 tokens, where the context allows it");
  }

  void declare_kv(CLI::App& app, FieldFlags& fields) {
    kv_app_ = app.add_subcommand(
        "kv", "Measure the memory for keys and values of a language model's texts in every format: what a "
              "token takes, what a budget holds, what the process truly grows by, and how fast attention "
              "reads it. Keys and values are made up, and the weights are not loaded.");
    add_common(*kv_app_, fields, kv_.n_runs);
    kv_app_->add_option("--tokens", kv_.n_tokens, "Length of the text that is filled in")
        ->check(CLI::Range(1, 10'000'000))->capture_default_str();
    kv_app_->add_option("--formats", format_names_, "f16, int8, int4, k8v4, mixed; all by default")
        ->delimiter(',');
    CLI::Option* decode = kv_app_->add_flag("--decode", kv_.with_decode,
                                            "Also load the weights and generate tokens after that text");
    kv_app_->add_option("--quality", quality_text_,
                        "Instead, read this text file, up to --tokens of it, with the model in every format, and "
                        "compare what it expects next with what it expects in f16")
        ->type_name("TEXT")->excludes(decode);
    fields.add(*kv_app_, "--budget", "kv.budget_mib");
    fields.add(*kv_app_, "--group-size", "kv.group_size");
    fields.add(*kv_app_, "--residual", "kv.residual");
    fields.add(*kv_app_, "--mixed-bits", "kv.mixed_bits");
  }

  void declare_streams(CLI::App& app, FieldFlags& fields) {
    streams_app_ = app.add_subcommand(
        "streams", "Measure a language model with several texts at once: what they give together, and what "
                   "a long prompt that enters does to those that run.");
    add_common(*streams_app_, fields, streams_.n_runs);
    streams_app_->add_option("--streams", streams_.n_streams, "Texts at once")
        ->check(CLI::Range(1, 256))->capture_default_str();
    streams_app_->add_option("--prompt", streams_.n_prompt, "Tokens of each prompt")
        ->check(CLI::Range(1, 1'000'000))->capture_default_str();
    streams_app_->add_option("--generate", streams_.n_generate, "Tokens of each text")
        ->check(CLI::Range(2, 1'000'000))->capture_default_str();
    streams_app_->add_option("--admit", streams_.n_admitted, "Tokens of the long prompt; 0: none")
        ->check(CLI::Range(0, 1'000'000))->capture_default_str();
    fields.add(*streams_app_, "--kv", "kv.format");
  }

  // Notes for people who wait.
  static auto step_notes(Session& session) {
    return [&session](std::string_view step) {
      if (session.terminal.err_is_tty()) session.terminal.note(fmt::format("{} ...", step));
    };
  }

  int print(Session& session, const json::object& object, const std::string& table) const {
    session.terminal.out(json_ ? to_string_pretty(object) + "\n" : table);
    session.terminal.flush();
    return kExitOk;
  }

  int run_model(Session& session, const std::string& path) {
    Result<engine::EngineOptions> engine = engine_options(session.config());
    if (!engine.ok()) return fail(session, engine.error());
    options_.engine = *engine;
    options_.on_step = step_notes(session);
    ProgressBar bar(session.terminal);
    options_.engine.progress = [&](size_t n_done, size_t n_total) {
      bar.show_bytes("loading", static_cast<int64_t>(n_done), static_cast<int64_t>(n_total));
      if (n_done == n_total) bar.finish();
      return !session.cancel.cancelled();
    };
    const Result<engine::BenchReport> report = engine::bench_model(path, options_, session.cancel);
    bar.finish();
    if (!report.ok()) return fail(session, report.error());
    return print(session, bench_to_json(*report), bench_table(*report, options_.n_prompt, options_.n_generate));
  }

  int run_kv(Session& session, const std::string& path) {
    Result<engine::EngineOptions> engine = engine_options(session.config());
    if (!engine.ok()) return fail(session, engine.error());
    kv_.engine = *engine;
    kv_.on_step = step_notes(session);
    if (kv_.engine.kv_budget_bytes > 0) kv_.budget_bytes = kv_.engine.kv_budget_bytes;
    if (format_names_.empty()) format_names_ = {"f16", "int8", "k8v4", "int4", "mixed"};
    for (const std::string& name : format_names_) {
      const Result<kv::Format> format = kv::parse_format(name);
      if (!format.ok()) return fail(session, format.error());
      kv_.formats.push_back(*format);
    }
    if (!quality_text_.empty()) return run_quality(session, path);
    const Result<engine::KvBenchReport> report = engine::bench_kv(path, kv_, session.cancel);
    if (!report.ok()) return fail(session, report.error());
    return print(session, kv_bench_to_json(*report), kv_bench_table(*report));
  }

  int run_quality(Session& session, const std::string& path) {
    const Result<std::string> text = read_file(quality_text_, kMostTextBytes);
    if (!text.ok()) return fail(session, text.error());
    if (!is_valid_utf8(*text)) {
      return fail(session, {ErrorCode::kMalformed, fmt::format("'{}' is not UTF-8 text", printable(quality_text_))});
    }
    const engine::KvQualityOptions options{
        .engine = kv_.engine, .formats = kv_.formats, .n_tokens = kv_.n_tokens, .on_step = kv_.on_step};
    const Result<engine::KvQualityReport> report = engine::bench_kv_quality(path, *text, options, session.cancel);
    if (!report.ok()) return fail(session, report.error());
    if (const Status kept = keep_kv_quality(session.config(), *report); !kept.ok()) {
      session.terminal.note("the scores are not kept for 'serve' to show: " + kept.error().message);
    }
    return print(session, kv_quality_to_json(*report), kv_quality_table(*report));
  }

  int run_streams(Session& session, const std::string& path) {
    Result<engine::EngineOptions> engine = engine_options(session.config());
    if (!engine.ok()) return fail(session, engine.error());
    streams_.engine = *engine;
    streams_.on_step = step_notes(session);
    const Result<engine::StreamBenchReport> report = engine::bench_streams(path, streams_, session.cancel);
    if (!report.ok()) return fail(session, report.error());
    return print(session, stream_bench_to_json(*report, streams_.n_streams), stream_bench_table(*report, streams_));
  }

  CLI::App* kv_app_ = nullptr;
  CLI::App* streams_app_ = nullptr;
  std::string model_;
  engine::BenchOptions options_;
  engine::KvBenchOptions kv_;
  engine::StreamBenchOptions streams_;
  std::vector<std::string> format_names_;
  std::string quality_text_;  // a file
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_bench_command() { return std::make_unique<BenchCommand>(); }

}  // namespace docmind::cli

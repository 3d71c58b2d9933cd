// docmind quantize: a smaller model file, measured against its source before it is there.
// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/load_models.h"
#include "cli/progress_bar.h"
#include "cli/quantize_report.h"
#include "engine/load_options.h"
#include "gguf/file.h"
#include "kernels/kernels.h"
#include "monitor/process.h"
#include "providers/model_catalogue.h"
#include "providers/native_model_access.h"
#include "quantize/analyse.h"
#include "quantize/quantize_file.h"

namespace docmind::cli {
namespace {

constexpr int64_t kMostSampleBytes = int64_t{64} << 20;

// What the flags say, as text.
struct QuantizeFlags {
  std::string source, destination;
  std::string type = "int4", level = "balanced";
  std::string calibrate, text, labelled;
  std::string rule = "perplexity";
  double least = 0.95;
  int64_t n_tokens = 2'048;
  bool no_quality = false, force = false, overwrite = false, analyse = false, measure = false, json = false;
};

Result<quantize::QualityOptions> quality_options(const QuantizeFlags& flags) {
  quantize::QualityOptions options;
  options.least = flags.least;
  options.n_tokens = flags.n_tokens;
  DM_ASSIGN(options.rule, quantize::parse_quality_rule(flags.rule));
  if (!flags.text.empty()) {
    DM_ASSIGN(options.text, read_file(flags.text, kMostSampleBytes));
    options.sample_name = display_path(flags.text);
  }
  if (!flags.labelled.empty()) {
    DM_ASSIGN(const std::string lines, read_file(flags.labelled, kMostSampleBytes));
    Result<quantize::LabelledSet> set = quantize::parse_labelled_set(lines);
    if (!set.ok()) return std::move(set).error().with_context(display_path(flags.labelled));
    options.labelled = *std::move(set);
    options.sample_name = display_path(flags.labelled);
  }
  const std::string folder = std::filesystem::path(flags.destination).parent_path().string();
  options.scratch_folder = folder.empty() ? "." : folder;
  return options;
}

Result<quantize::QuantizeOptions> quantize_options(const QuantizeFlags& flags) {
  quantize::QuantizeOptions options;
  DM_ASSIGN(options.scheme, quantize::parse_scheme(flags.type));
  DM_ASSIGN(options.level, quantize::parse_level(flags.level));
  options.force = flags.force;
  options.overwrite = flags.overwrite;
  if (!flags.calibrate.empty()) {
    DM_ASSIGN(options.calibration, read_file(flags.calibrate, kMostSampleBytes));
    if (trim(options.calibration).empty()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("'{}' has no text to calibrate with", printable(flags.calibrate))};
    }
    options.calibration_name = display_path(flags.calibrate);
  }
  options.quality.reset();
  if (!flags.no_quality) {
    DM_ASSIGN(options.quality, quality_options(flags));
  }
  return options;
}

// Of models that are loaded to be measured: what the machine has left, so that a model that is too large is told
// before it is loaded.
Result<std::unique_ptr<quantize::ModelAccess>> model_access(const Session& session) {
  DM_ASSIGN(const engine::EngineOptions engine, engine_options(session.config()));
  DM_ASSIGN(const monitor::SystemMemory memory, monitor::system_memory());
  return providers::make_native_model_access(
      {.engine = engine, .memory_limit_bytes = static_cast<size_t>(memory.available_bytes)});
}

class QuantizeCommand final : public Command {
 public:
  CLI::App* declare(CLI::App& app, FieldFlags& fields) override {
    CLI::App* sub = app.add_subcommand(
        "quantize",
        "Write a smaller GGUF model. It is measured against its source before it is there: a language model keeps 95% "
        "when the perplexity of a sample text grows to at most 1/0.95 of the source's (--rule perplexity) or when 95% "
        "of the tokens have the same likeliest successor (--rule same-top); an embedder when nDCG@10 and the mean "
        "cosine of its vectors stay above 95%, a reranker when nDCG@10 and the order of documents do. What loses more "
        "is not written, and the exit code is 1.");
    sub->add_option("IN", flags_.source, "A GGUF file, or the name of a downloaded model")->required();
    sub->add_option("OUT", flags_.destination, "The file to write");
    sub->add_option("--type", flags_.type,
                    "fp16, int8, int4, dynamic (int8, tables in fp16), or a mix by its GGUF name: q8_0, q6_k, q5_k_m, "
                    "q5_k_s, q4_k_m, q4_k_s, q4_0")->capture_default_str();
    sub->add_option("--level", flags_.level, "Of int8, int4 and dynamic: conservative, balanced or aggressive")
        ->capture_default_str();
    sub->add_option("--calibrate", flags_.calibrate, "Text that shows which weights matter most")->type_name("FILE");
    sub->add_option("--text", flags_.text, "Text to measure a language model with; default: a built-in sample")
        ->type_name("FILE");
    sub->add_option("--labelled", flags_.labelled,
                    "JSON lines to measure embedders and rerankers with: {\"id\", \"text\"} documents and {\"query\", "
                    "\"relevant\": {id: grade}}; default: a built-in set")->type_name("FILE");
    sub->add_option("--tokens", flags_.n_tokens, "Tokens of the text that are read")->check(CLI::Range(2, 10'000'000))
        ->capture_default_str();
    sub->add_option("--rule", flags_.rule, "What decides: perplexity, same-top or both")->capture_default_str();
    sub->add_option("--least", flags_.least, "Share of the quality that must be kept")->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
    sub->add_flag("--no-quality", flags_.no_quality, "Do not measure; the file says so");
    sub->add_flag("--force", flags_.force, "Write the file though it loses more than it may");
    sub->add_flag("--overwrite", flags_.overwrite, "Replace OUT if it exists");
    sub->add_flag("--analyse", flags_.analyse,
                  "Only compare what each format would cost, NF4 among them; writes nothing");
    sub->add_flag("--measure", flags_.measure, "Only measure OUT, which exists, against IN; writes nothing");
    fields.add(*sub, "--threads", "model.threads");
    sub->add_flag("--json", flags_.json, "Print the report as JSON");
    return sub;
  }

  int run(Session& session) override {
    const Status done = flags_.analyse ? analyse(session) : flags_.measure ? measure(session) : convert(session);
    return done.ok() ? exit_code_ : fail(session, done.error());
  }

 private:
  Status analyse(Session& session) {
    if (!flags_.destination.empty()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("--analyse writes nothing; leave '{}' out", printable(flags_.destination))};
    }
    DM_ASSIGN(const std::string path, providers::resolve_model(session.config(), flags_.source));
    DM_ASSIGN(const kernels::KernelTable* table, kernels::kernel_table_named(session.config().model.isa));
    DM_ASSIGN(const gguf::File file, gguf::File::open(path));
    ThreadTeam team(static_cast<size_t>(session.config().model.threads));
    ProgressBar bar(session.terminal);
    DM_ASSIGN(const quantize::Analysis analysis,
              quantize::analyse(file, *table, team, [&](size_t n_done, size_t n_total) {
                bar.show_bytes("reading", static_cast<int64_t>(n_done), static_cast<int64_t>(n_total));
                return !session.cancel.cancelled();
              }));
    bar.finish();
    session.terminal.out(flags_.json ? to_string_pretty(quantize::analysis_to_json(analysis)) + "\n"
                                     : analysis_table(analysis, path));
    return {};
  }

  Status measure(Session& session) {
    if (flags_.destination.empty() || flags_.no_quality) {
      return Error{ErrorCode::kInvalidArgument, "--measure wants two files, IN and OUT, and no --no-quality"};
    }
    DM_ASSIGN(const std::string source, providers::resolve_model(session.config(), flags_.source));
    DM_ASSIGN(const std::string smaller, providers::resolve_model(session.config(), flags_.destination));
    DM_ASSIGN(quantize::QualityOptions options, quality_options(flags_));
    options.n_threads = static_cast<size_t>(session.config().model.threads);
    DM_ASSIGN(const auto access, model_access(session));
    ProgressBar bar(session.terminal);
    options.progress = [&](std::string_view what, int64_t n_done, int64_t n_total) {
      bar.show_count(what, n_done, n_total);
      return !session.cancel.cancelled();
    };
    DM_ASSIGN(const quantize::Quality quality, quantize::measure_quality(*access, source, smaller, options));
    bar.finish();
    session.terminal.out(flags_.json ? to_string_pretty(quantize::quality_to_json(quality)) + "\n"
                                     : quality_report_text(quality, session.terminal));
    if (!quality.passes) exit_code_ = kExitFailed;
    return {};
  }

  Status convert(Session& session) {
    if (flags_.destination.empty()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("name the file to write: docmind quantize {} OUT.gguf; or add --analyse, to compare "
                               "formats only",
                               printable(flags_.source))};
    }
    DM_ASSIGN(const std::string path, providers::resolve_model(session.config(), flags_.source));
    DM_ASSIGN(const kernels::KernelTable* table, kernels::kernel_table_named(session.config().model.isa));
    DM_ASSIGN(quantize::QuantizeOptions options, quantize_options(flags_));
    DM_ASSIGN(const auto access, model_access(session));
    ThreadTeam team(static_cast<size_t>(session.config().model.threads));
    ProgressBar bar(session.terminal);
    const auto progress = [&](std::string_view what, int64_t n_done, int64_t n_total) {
      if (what.starts_with("quantizing")) bar.show_bytes("quantizing", n_done, n_total);
      else bar.show_count(what, n_done, n_total);
      return !session.cancel.cancelled();
    };
    options.progress = progress;
    if (options.quality) {
      options.quality->progress = progress;
      options.quality->n_threads = team.n_threads();
    }
    Result<quantize::QuantizeReport> report =
        quantize::quantize_file(path, flags_.destination, *table, team, *access, options);
    bar.finish();
    if (!report.ok()) return std::move(report).error();
    print(session, *report);
    return {};
  }

  void print(Session& session, const quantize::QuantizeReport& report) {
    session.terminal.out(flags_.json ? to_string_pretty(quantize::report_to_json(report, true)) + "\n"
                                     : quantize_report_text(report, session.terminal));
    session.terminal.flush();
    if (report.written) return;
    session.terminal.error(fmt::format("'{}' was not written: it loses more than it may; --force writes it, --type or "
                                       "--level may lose less, --least {} sets the limit",
                                       printable(report.destination), flags_.least));
    exit_code_ = kExitFailed;
  }

  QuantizeFlags flags_;
  int exit_code_ = kExitOk;
};

}  // namespace

std::unique_ptr<Command> make_quantize_command() { return std::make_unique<QuantizeCommand>(); }

}  // namespace docmind::cli

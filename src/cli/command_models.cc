// docmind models: list, show, verify and download GGUF models.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/model_actions.h"
#include "cli/model_report.h"
#include "gguf/file.h"
#include "providers/model_catalogue.h"

namespace docmind::cli {
namespace {

void print_json(const Session& session, const json::value& value) {
  session.terminal.out(to_string_pretty(value) + "\n");
  session.terminal.flush();
}

void print_models(const Terminal& terminal, const json::object& list) {
  for (const json::value& value : list.at("models").as_array()) {
    const json::object& row = value.as_object();
    const bool here = row.at("downloaded").as_bool();
    const auto text = [&](const char* key) {
      return row.contains(key) ? printable(std::string_view(row.at(key).as_string())) : std::string();
    };
    const std::string size = here ? format_bytes(row.at("bytes").to_number<int64_t>()) : std::string("-");
    terminal.out(fmt::format("{} {:<28} {:<9} {:>9}  {}\n", here ? terminal.styled(Style::kGreen, "*") : " ",
                             text("name"), text("kind"), size, text("description")));
  }
  terminal.flush();
  terminal.note(fmt::format("* downloaded, in {}; others: docmind models pull NAME",
                            display_path(std::string_view(list.at("folder").as_string()))));
}

void print_upstream_models(const Terminal& terminal, const json::object& list) {
  for (const json::value& row : list.at("models").as_array()) {
    const json::value& context = row.at("context");
    terminal.out(fmt::format("{:<40} {:>9}  {}\n", printable(std::string_view(row.at("name").as_string())),
                             context.is_null() ? "-" : format_count(context.to_number<int64_t>()),
                             printable(std::string_view(row.at("spec").as_string()))));
  }
  terminal.flush();
  terminal.note("name, tokens of context where the server tells, and how to name it here, as in: docmind ask --model");
}

void print_pulled(const Terminal& terminal, const json::object& row) {
  const std::string path = display_path(std::string_view(row.at("path").as_string()));
  const std::string size = format_bytes(row.at("bytes").to_number<int64_t>());
  if (!row.at("downloaded").as_bool()) {
    terminal.out(fmt::format("{} is there already ({}); --force downloads it again\n", path, size));
    return;
  }
  const std::string_view checked = row.at("checked_against").as_string();
  const char* words = checked == "catalogue" ? "as the catalogue says"
                      : checked == "server"  ? "as the server says; the catalogue has none to compare"
                                            : "NOT VERIFIED: neither catalogue nor server has one to compare";
  terminal.out(fmt::format("{}  {}, licence {}\nSHA-256 {}, {}\n", path, size,
                           printable(std::string_view(row.at("licence").as_string())),
                           std::string_view(row.at("sha256").as_string()), words));
}

class ModelsCommand final : public Command {
 public:
  CLI::App* declare(CLI::App& app, FieldFlags& fields) override {
    CLI::App* sub = app.add_subcommand(
        "models", "Download, list, describe and check GGUF models. The catalogue is built in; a file "
                  "models.toml in the configuration folder adds to it.");
    sub->require_subcommand(1, 1);
    fields.add(*sub, "--models-path", "models.path");
    list_ = sub->add_subcommand("list", "What can be downloaded, and what is");
    list_->add_option("--upstream", upstream_,
                      "List the models of another server instead: 'ollama:', 'llamacpp:', 'vllm:', 'lmstudio:' or "
                      "'openai:', with @URL where it is not at its usual address")
        ->type_name("KIND:@URL");
    show_ = sub->add_subcommand("show", "Metadata, tensor types and memory need of a model");
    show_->add_option("MODEL", target_, "A GGUF file, or the name of a downloaded model")->required();
    verify_ = sub->add_subcommand("verify",
                                  "Check structure and SHA-256 of models. Exits with 1 if one is not sound.");
    verify_->add_option("MODEL", targets_,
                        "GGUF files or names of downloaded models; default: all that are downloaded");
    pull_ = sub->add_subcommand("pull", "Download models. An interrupted download goes on where it stopped.");
    pull_->add_option("NAME", targets_, "Names of the catalogue")->required();
    pull_->add_flag("--force", force_, "Download again what is there already");
    for (CLI::App* each : {list_, show_, verify_, pull_}) each->add_flag("--json", json_, "Print JSON");
    return sub;
  }

  int run(Session& session) override {
    if (list_->parsed()) return list(session);
    if (show_->parsed()) return show(session);
    if (verify_->parsed()) return verify(session);
    return pull(session);
  }

 private:
  int list_upstream(Session& session) const {
    const Result<json::object> list = list_upstream_models(session, upstream_);
    if (!list.ok()) return fail(session, list.error());
    if (json_) print_json(session, *list);
    else print_upstream_models(session.terminal, *list);
    return kExitOk;
  }

  int list(Session& session) const {
    if (!upstream_.empty()) return list_upstream(session);
    const Result<json::object> list = list_models(session);
    if (!list.ok()) return fail(session, list.error());
    if (json_) print_json(session, *list);
    else print_models(session.terminal, *list);
    return kExitOk;
  }

  int show(Session& session) const {
    const Result<std::string> path = providers::resolve_model(session.config(), target_);
    if (!path.ok()) return fail(session, path.error());
    const Result<gguf::File> file = gguf::File::open(*path);
    if (!file.ok()) return fail(session, file.error());
    const json::object report = model_report(*file);
    if (json_) {
      print_json(session, report);
    } else {
      session.terminal.out(model_report_text(report));
      session.terminal.flush();
    }
    return kExitOk;
  }

  int verify(Session& session) const {
    const Result<json::array> rows = verify_models(session, targets_);
    if (!rows.ok()) return fail(session, rows.error());
    const bool sound =
        std::ranges::all_of(*rows, [](const json::value& row) { return row.at("sound").as_bool(); });
    if (json_) print_json(session, json::object{{"models", *rows}});
    for (const json::value& row : *rows) {
      if (json_) break;
      const Terminal& terminal = session.terminal;
      const bool good = row.at("sound").as_bool();
      terminal.out(fmt::format(
          "{}  {}: {}\n", good ? terminal.styled(Style::kGreen, "ok ") : terminal.styled(Style::kRed, "BAD"),
          display_path(std::string_view(row.at("path").as_string())),
          printable(std::string_view(row.at("finding").as_string()))));
    }
    if (rows->empty() && !json_) session.terminal.note("no model is downloaded");
    session.terminal.flush();
    return sound ? kExitOk : kExitFailed;
  }

  int pull(Session& session) const {
    json::array rows;
    for (const std::string& name : targets_) {
      Result<json::object> row = pull_model(session, name, force_);
      if (!row.ok()) return fail(session, row.error());
      if (!json_) print_pulled(session.terminal, *row);
      session.terminal.flush();
      rows.push_back(*std::move(row));
    }
    if (json_) print_json(session, json::object{{"models", std::move(rows)}});
    return kExitOk;
  }

  CLI::App* list_ = nullptr;
  CLI::App* show_ = nullptr;
  CLI::App* verify_ = nullptr;
  CLI::App* pull_ = nullptr;
  std::string target_;
  std::string upstream_;
  std::vector<std::string> targets_;
  bool json_ = false;
  bool force_ = false;
};

}  // namespace

std::unique_ptr<Command> make_models_command() { return std::make_unique<ModelsCommand>(); }

}  // namespace docmind::cli

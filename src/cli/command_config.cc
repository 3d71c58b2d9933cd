// docmind config: the effective configuration, and a plan as the settings that a provider accepts.
// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"
#include "cli/command.h"
#include "cli/exit_codes.h"

namespace docmind::cli {
namespace {

class ConfigCommand final : public Command {
 public:
  CLI::App* declare(CLI::App& app, FieldFlags&) override {
    CLI::App* sub = app.add_subcommand(
        "config", "Print the effective configuration as TOML, each value with its origin: default, "
                  "file, environment or flag. The output is a valid configuration file.");
    sub->add_flag("--json", json_, "Print one JSON object with value and origin of each key");
    return sub;
  }

  int run(Session& session) override {
    session.terminal.out(json_ ? to_string_pretty(config_to_json(session.effective)) + "\n"
                               : config_to_toml(session.effective, true));
    session.terminal.flush();
    return kExitOk;
  }

 private:
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_config_command() { return std::make_unique<ConfigCommand>(); }

}  // namespace docmind::cli

// The docmind binary: flags, configuration, signals; then one command runs.
// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <climits>
#include <csignal>
#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>

#include "base/config.h"
#include "base/log.h"
#include "base/environment.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/manual.h"

namespace docmind::cli {
namespace {

// The flag that a signal handler may touch; the handler needs it before any object exists.
const CancelToken* interrupt_token = nullptr;

extern "C" void on_interrupt(int signal) {
  interrupt_token->cancel();
  std::signal(signal, SIG_DFL);  // a second Ctrl-C ends the program at once
}

std::string own_path() {
  char path[PATH_MAX];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof(path));
  return n > 0 ? std::string(path, static_cast<size_t>(n)) : std::string();
}

Result<Effective> read_config(const std::string& file, const FieldFlags& fields) {
  ConfigSources sources;
  if (!file.empty()) sources.file_path = file;
  sources.env = process_environment();
  sources.flags = fields.values();
  return load_config(sources);
}

int run(int argc, char** argv) {
  CLI::App app(manual_intro(), "docmind");
  app.set_version_flag("--version", version_line());
  app.footer(manual_footer());
  app.require_subcommand(1);
  app.fallthrough();
  app.get_formatter()->column_width(28);
  std::string config_file;
  FieldFlags fields;
  app.add_option("--config", config_file, "Configuration file (default: see FILES below)")
      ->type_name("FILE");
  fields.add(app, "--store", "store.path");
  fields.add(app, "--color", "output.color");
  fields.add(app, "--log-level", "log.level");
  std::vector<std::unique_ptr<Command>> commands = make_commands(app);
  std::vector<std::pair<CLI::App*, Command*>> declared;
  for (const auto& command : commands) {
    declared.emplace_back(command->declare(app, fields), command.get());
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);  // prints help, version or what is wrong
    return code == 0 ? kExitOk : kExitUsage;
  }
  Command* command = nullptr;
  for (const auto& [sub, candidate] : declared) {
    if (sub->parsed()) command = candidate;
  }
  Result<Effective> effective =
      command->needs_config() ? read_config(config_file, fields) : Result<Effective>(Effective{});
  if (!effective.ok()) {
    Terminal("auto").error(effective.error().message);
    return kExitUsage;
  }
  const Config& config = effective->config;
  Result<Logger> logger = Logger::make(config.log.level, config.log.format);
  if (!logger.ok()) {
    Terminal("auto").error(logger.error().message);
    return kExitUsage;
  }
  Session session{.terminal = Terminal(config.output.color),
                  .effective = *std::move(effective),
                  .logger = *std::move(logger),
                  .cancel = {},
                  .metrics = {},
                  .executable = own_path()};
  interrupt_token = &session.cancel;
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  std::signal(SIGPIPE, SIG_IGN);
  return command->run(session);
}

}  // namespace
}  // namespace docmind::cli

int main(int argc, char** argv) { return docmind::cli::run(argc, argv); }

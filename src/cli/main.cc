// The docmind binary: flags, configuration, signals; then one command runs.
// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <climits>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

#include <CLI/CLI.hpp>

#include "base/config.h"
#include "base/log.h"
#include "base/environment.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/manual.h"
#include "cli/usage_error.h"

namespace docmind::cli {
namespace {

// The flag that a signal handler may touch; the handler needs it before any object exists.
const CancelToken* interrupt_token = nullptr;

extern "C" void on_interrupt(int) { interrupt_token->cancel(); }

// The first Ctrl-C ends a wait for input as well (no SA_RESTART); a second one ends the program.
void catch_interrupts(const CancelToken& token) {
  interrupt_token = &token;
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESETHAND;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

// Nothing below throws on purpose; what a library throws (no memory left) ends in a sentence too.
int run_guarded(Command& command, Session& session) {
  try {
    return command.run(session);
  } catch (const std::bad_alloc&) {
    return fail(session, Error{ErrorCode::kLimit, "there is not enough memory"});
  } catch (const std::exception& unexpected) {
    return fail(session, Error{ErrorCode::kInternal,
                               std::string("internal error: ") + unexpected.what()});
  }
}

// Results that did not arrive are a failure; that a reader such as head went away is not.
int check_output(const Session& session, int code) {
  session.terminal.flush();
  const int lost = session.terminal.out_error();
  if (lost == 0 || lost == EPIPE) return code;
  const int failed = fail(session, Error{ErrorCode::kIo, std::string("cannot write the output: ") +
                                                             std::strerror(lost)});
  return code == kExitOk ? failed : code;
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
    if (code == 0) return kExitOk;
    if (const std::string hint = usage_hint(app); !hint.empty()) Terminal("auto").note(hint);
    return kExitUsage;
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
  catch_interrupts(session.cancel);
  return check_output(session, run_guarded(*command, session));
}

}  // namespace
}  // namespace docmind::cli

int main(int argc, char** argv) { return docmind::cli::run(argc, argv); }

// Command: one verb of the binary; Session: what every command gets to work with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/cancel.h"
#include "base/config.h"
#include "base/log.h"
#include "cli/terminal.h"
#include "monitor/metrics.h"

namespace docmind::cli {

// Built after the flags are parsed and the configuration is read.
struct Session {
  Terminal terminal;
  Effective effective;  // configuration with the origin of each value
  Logger logger;
  CancelToken cancel;   // raised by Ctrl-C
  monitor::Metrics metrics;
  std::string executable;  // path of this binary, for the parse worker

  const Config& config() const { return effective.config; }
};

// Flags that set configuration fields: "--top-k 8" is the field "ask.top_k" with the value "8".
class FieldFlags {
 public:
  // Adds `flag` to `app`; its help is the field's help. `flag` may be "-k,--top-k".
  void add(CLI::App& app, const std::string& flag, const std::string& field);
  // Adds a switch that sets the field to `value`.
  void add_switch(CLI::App& app, const std::string& flag, const std::string& field,
                  const std::string& value, const std::string& help);
  [[nodiscard]] std::vector<FlagValue> values() const { return values_; }

 private:
  std::vector<FlagValue> values_;
};

class Command {
 public:
  virtual ~Command() = default;
  // Declares the subcommand with its flags and its manual.
  virtual CLI::App* declare(CLI::App& app, FieldFlags& fields) = 0;
  // Returns an exit code.
  virtual int run(Session& session) = 0;
  // Whether it runs without configuration (completion, the parse worker).
  [[nodiscard]] virtual bool needs_config() const { return true; }
};

// All commands, in the order of the help text. `completion` needs the whole app to walk it.
std::vector<std::unique_ptr<Command>> make_commands(CLI::App& app);

std::unique_ptr<Command> make_index_command();
std::unique_ptr<Command> make_ask_command();
std::unique_ptr<Command> make_search_command();
std::unique_ptr<Command> make_remove_command();
std::unique_ptr<Command> make_status_command();
std::unique_ptr<Command> make_cache_command();
std::unique_ptr<Command> make_models_command();
std::unique_ptr<Command> make_run_command();
std::unique_ptr<Command> make_serve_command();
std::unique_ptr<Command> make_bench_command();
std::unique_ptr<Command> make_plan_command();
std::unique_ptr<Command> make_quantize_command();
std::unique_ptr<Command> make_doctor_command();
std::unique_ptr<Command> make_config_command();
std::unique_ptr<Command> make_completion_command(CLI::App& app);
std::unique_ptr<Command> make_parse_worker_command();

// Prints the error and returns its exit code.
int fail(const Session& session, const Error& error);

}  // namespace docmind::cli

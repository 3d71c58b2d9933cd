// The list of commands and what they share.
// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cli/exit_codes.h"

namespace docmind::cli {

void FieldFlags::add(CLI::App& app, const std::string& flag, const std::string& field) {
  const FieldInfo* info = find_field(field);
  CLI::Option* option = app.add_option_function<std::vector<std::string>>(
      flag,
      [this, flag, field](const std::vector<std::string>& values) {
        std::string joined;
        for (const std::string& value : values) joined += (joined.empty() ? "" : ",") + value;
        values_.push_back({field, joined, flag.substr(flag.rfind(',') + 1)});
      },
      info != nullptr ? std::string(info->help) : field);
  const bool list = info != nullptr && info->type == FieldType::kList;
  option->expected(1, list ? CLI::detail::expected_max_vector_size : 1);
  option->type_name(info != nullptr ? std::string(field_type_name(info->type)) : "TEXT");
  option->allow_extra_args(false);  // one value a flag: what follows is the command's
  if (list) option->take_all();
  else option->take_last();
}

void FieldFlags::add_switch(CLI::App& app, const std::string& flag, const std::string& field,
                            const std::string& value, const std::string& help) {
  app.add_flag_callback(flag, [this, flag, field, value] { values_.push_back({field, value, flag}); },
                        help);
}

std::vector<std::unique_ptr<Command>> make_commands(CLI::App& app) {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(make_index_command());
  commands.push_back(make_ask_command());
  commands.push_back(make_search_command());
  commands.push_back(make_run_command());
  commands.push_back(make_serve_command());
  commands.push_back(make_status_command());
  commands.push_back(make_remove_command());
  commands.push_back(make_cache_command());
  commands.push_back(make_models_command());
  commands.push_back(make_quantize_command());
  commands.push_back(make_bench_command());
  commands.push_back(make_plan_command());
  commands.push_back(make_doctor_command());
  commands.push_back(make_config_command());
  commands.push_back(make_completion_command(app));
  commands.push_back(make_parse_worker_command());
  return commands;
}

int fail(const Session& session, const Error& error) {
  session.terminal.error(printable(error.message));
  return exit_code_of(error.code);
}

}  // namespace docmind::cli

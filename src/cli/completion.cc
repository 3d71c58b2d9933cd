// Shell completion scripts, generated from the same option table as the help.
// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.h"

#include <algorithm>

#include <fmt/format.h>

namespace docmind::cli {
std::vector<const CLI::App*> visible_commands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); });
}

std::vector<std::string> flags_of(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty() || option->get_positional()) continue;
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
    for (const std::string& name : option->get_snames()) flags.push_back("-" + name);
  }
  return flags;
}

namespace {

std::string first_sentence(const std::string& text) {
  std::string sentence = text.substr(0, text.find_first_of(".:;\n"));
  std::replace(sentence.begin(), sentence.end(), '\'', ' ');
  return sentence;
}

std::string join(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, " ")); }

std::string bash_script(const CLI::App& app) {
  std::vector<std::string> names;
  std::string cases;
  for (const CLI::App* sub : visible_commands(app)) {
    names.push_back(sub->get_name());
    std::vector<std::string> words = flags_of(*sub);
    for (const CLI::App* inner : visible_commands(*sub)) words.push_back(inner->get_name());
    cases += fmt::format("    {}) words='{}' ;;\n", sub->get_name(), join(words));
  }
  return fmt::format(R"(# bash completion for docmind: source <(docmind completion bash)
_docmind() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} command= word words=
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case " {0} " in *" $word "*) command=$word; break ;; esac
  done
  case $command in
    '') words='{0} {1}' ;;
{2}  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ -n $command && $current != -* ]] && COMPREPLY+=($(compgen -f -- "$current"))
}}
complete -o filenames -F _docmind docmind
)",
                     join(names), join(flags_of(app)), cases);
}

std::string zsh_script(const CLI::App& app) {
  std::string commands;
  std::string cases;
  for (const CLI::App* sub : visible_commands(app)) {
    commands += fmt::format("    '{}:{}'\n", sub->get_name(), first_sentence(sub->get_description()));
    std::vector<std::string> words = flags_of(*sub);
    for (const CLI::App* inner : visible_commands(*sub)) words.push_back(inner->get_name());
    cases += fmt::format("    {}) compadd -- {} ;;\n", sub->get_name(), join(words));
  }
  return fmt::format(R"(#compdef docmind
# zsh completion for docmind: docmind completion zsh > "${{fpath[1]}}/_docmind"
_docmind() {{
  local -a commands=(
{0}  )
  local word command=
  for word in ${{words[2,CURRENT-1]}}; do
    if (( ${{commands[(I)$word:*]}} )); then command=$word; break; fi
  done
  case $command in
    '') _describe command commands; compadd -- {1} ;;
{2}  esac
  [[ -n $command ]] && _files
}}
_docmind "$@"
)",
                     commands, join(flags_of(app)), cases);
}

std::string fish_script(const CLI::App& app) {
  std::string script = "# fish completion for docmind: docmind completion fish | source\n";
  const auto add_flags = [&](const CLI::App& of, const std::string& condition) {
    for (const std::string& flag : flags_of(of)) {
      const bool is_long = flag.starts_with("--");
      script += fmt::format("complete -c docmind -n '{}' {} {}\n", condition, is_long ? "-l" : "-s",
                            flag.substr(is_long ? 2 : 1));
    }
  };
  add_flags(app, "__fish_use_subcommand");
  for (const CLI::App* sub : visible_commands(app)) {
    script += fmt::format("complete -c docmind -n __fish_use_subcommand -a {} -d '{}'\n",
                          sub->get_name(), first_sentence(sub->get_description()));
    const std::string inside = "__fish_seen_subcommand_from " + sub->get_name();
    add_flags(*sub, inside);
    for (const CLI::App* inner : visible_commands(*sub)) {
      script += fmt::format("complete -c docmind -n '{}' -a {}\n", inside, inner->get_name());
    }
  }
  return script;
}

}  // namespace

Result<std::string> completion_script(const CLI::App& app, const std::string& shell) {
  if (shell == "bash") return bash_script(app);
  if (shell == "zsh") return zsh_script(app);
  if (shell == "fish") return fish_script(app);
  return Error{ErrorCode::kInvalidArgument,
               "no completion for the shell '" + shell + "'; there is bash, zsh and fish"};
}

}  // namespace docmind::cli

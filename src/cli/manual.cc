// The words of --help and --version that are not about one option.
// SPDX-License-Identifier: Apache-2.0
#include "cli/manual.h"

#include "base/config.h"

namespace docmind::cli {

std::string version_line() { return "docmind " DOCMIND_VERSION; }

std::string manual_intro() {
  return "Answers questions over your own documents, on your own machine, with citations.\n"
         "No model and no network are needed; nothing leaves the machine.";
}

std::string manual_footer() {
  std::string text = R"(
Examples:
  docmind index ~/Documents            read a folder; run it again after changes
  docmind index --watch ~/notes        ... or let it watch
  docmind ask "how long is the notice period?"
  docmind ask --explain --json "..."   where the time went, for programs
  docmind search -k 10 "notice period" the passages alone
  docmind search --queries q.tsv       a file of id<TAB>query lines
  docmind models pull qwen3-4b-q4_k_m  download a model; 'docmind models list' shows which
  docmind models show FILE.gguf        what is in a model file, and the memory it needs
  docmind quantize IN.gguf OUT.gguf    a smaller model, written when it keeps its quality
  docmind plan --model qwen3-14b --vram 12GiB --context 32768
                                       what fits into memory, and what to change
  docmind ask --model ollama:qwen3:14b "..."
                                       a model of Ollama, llama.cpp or vLLM answers
  docmind serve                        a page and the APIs of OpenAI, Ollama and rerankers on port 8080

Results go to standard output, progress and notes to standard error.

Exit codes:
  0 done    1 failed    2 wrong flags or configuration    3 done, but some files were skipped
  4 another process is writing to the store, or a server of models is busy
  5 a plan does not fit    130 interrupted; what was committed is kept

Files:
  $XDG_CONFIG_HOME/docmind/config.toml (~/.config)     configuration; 'docmind config' prints one
  $XDG_DATA_HOME/docmind/default (~/.local/share)      the store; --store names another folder
  $XDG_DATA_HOME/docmind/models                        downloaded models, each with its SHA-256
  $XDG_CONFIG_HOME/docmind/models.toml                 your own models for 'docmind models pull':
                                                       [[model]] name, kind, url, sha256, bytes, ...

  $XDG_DATA_HOME/docmind/default/uploads               documents that were handed to 'serve'

DOCMIND_API_KEYS holds keys for 'serve', as server.keys_file does; DOCMIND_UPSTREAM_KEY the key for other servers.

Configuration keys (in the file as [section] key = value, in the environment as DOCMIND_SECTION_KEY):
)";
  text += config_reference();
  return text;
}

}  // namespace docmind::cli

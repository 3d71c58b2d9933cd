// The commands that the documentation shows exist and work; the scripts parse.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include "base/text.h"
#include "support/docmind.h"
#include "support/sample_docs.h"

namespace docmind::test {
namespace fs = std::filesystem;
namespace {

const fs::path kSource = DOCMIND_SOURCE_DIR;

std::string content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// README.md, docs/*.md and the handbook.
std::vector<fs::path> documentation() {
  std::vector<fs::path> files;
  if (fs::exists(kSource / "README.md")) files.push_back(kSource / "README.md");
  for (const fs::path& folder : {kSource / "docs", kSource / "examples/handbook"}) {
    if (!fs::exists(folder)) continue;
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".md") files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// The docmind and mkdir lines of shell blocks (```sh, ```bash, ```console), without the prompt;
// continued lines joined.
std::vector<std::string> commands_of(const std::string& markdown) {
  std::vector<std::string> commands;
  bool in_shell = false;
  std::string pending;
  for (std::string line : lines_of(markdown)) {
    const size_t fence = line.find("```");
    if (fence != std::string::npos && trim(line.substr(0, fence)).empty()) {
      const std::string language(trim(line.substr(fence + 3)));
      in_shell = !in_shell && (language == "sh" || language == "bash" || language == "shell" ||
                               language == "console");
      continue;
    }
    if (!in_shell) continue;
    line = pending + std::string(trim(line));
    pending.clear();
    if (line.ends_with('\\')) {
      pending = line.substr(0, line.size() - 1);
      continue;
    }
    if (line.starts_with("$ ")) line = line.substr(2);
    for (const char* prefix : {"./build/release/docmind ", "build/release/docmind "}) {
      if (line.starts_with(prefix)) line = "docmind " + line.substr(std::string_view(prefix).size());
    }
    if (line.starts_with("docmind ") || line.starts_with("mkdir -p ~/")) commands.push_back(line);
  }
  return commands;
}

std::set<std::string> words_of(const std::string& text) {
  std::set<std::string> words;
  std::string word;
  for (const char c : text + " ") {
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_') {
      word += c;
    } else if (!word.empty()) {
      words.insert(std::exchange(word, ""));
    }
  }
  return words;
}

// The words of a command line as the shell cuts them, without what follows a pipe or redirection.
std::vector<std::string> shell_words(const Sandbox& box, const std::string& command) {
  const ProcessResult cut =
      box.shell("docmind() { printf '%s\\n' docmind \"$@\" >&3; }\nexec 3>&1 >/dev/null\n" + command);
  return lines_of(cut.out);
}

// Lines with placeholders, and those that do not end by themselves, are not run.
bool runnable(const std::string& command) {
  for (const char* part : {"--watch", " -w ", "...", "PATH", "FILE", "<"}) {
    if (contains(command, part)) return false;
  }
  return !command.ends_with(" -w") && command != "docmind ask";
}

class Documentation : public testing::Test {
 protected:
  void SetUp() override {
    write_sample_docs(box_);
    // What the examples talk about, so that it is there: the handbook and some folders and files.
    for (const char* folder : {"notes", "papers", "drafts"}) write_page(folder);
    fs::create_directories(box_.folder.path("examples"));
    fs::copy(kSource / "examples/handbook", box_.folder.path("examples/handbook"));
    for (const char* queries : {"q.tsv", "queries.tsv", "questions.tsv"}) {
      box_.folder.write(queries, "q1\tnotice period\n");
    }
    box_.folder.write("questions.txt", "How long is the notice period?\n");
    box_.index();
  }
  void write_page(const std::string& folder) const {
    box_.folder.write(folder + "/page.md", "# Page\n\nThe notice period of the lease is a month.\n");
  }
  // The folders below the home that a command indexes.
  void write_home_folders(const std::string& command) const {
    bool after_index = false;
    const std::string home = box_.folder.path("home/");
    for (const std::string& word : shell_words(box_, command)) {
      if (after_index && word.starts_with(home)) write_page("home/" + word.substr(home.size()));
      after_index = after_index || word == "index";
    }
  }
  Sandbox box_;
};

TEST_F(Documentation, EveryCommandAndFlagExists) {
  const std::set<std::string> global = words_of(box_.run({"--help"}).out);
  std::map<std::string, std::set<std::string>> help;
  for (const char* name : {"index", "ask", "search", "status", "remove", "cache", "doctor",
                           "config", "completion"}) {
    help[name] = words_of(box_.run({name, "--help"}).out);
  }
  size_t n_commands = 0;
  for (const fs::path& file : documentation()) {
    for (const std::string& command : commands_of(content_of(file))) {
      if (!command.starts_with("docmind ")) {
        EXPECT_EQ(box_.shell(command).code, 0) << command;
        continue;
      }
      ++n_commands;
      const std::set<std::string>* own = nullptr;
      for (const std::string& word : shell_words(box_, command)) {
        if (own == nullptr && help.contains(word)) own = &help[word];
        if (!word.starts_with("-") || word == "--" || word == "-") continue;
        const std::string flag = word.substr(0, word.find('='));
        EXPECT_TRUE(global.contains(flag) || (own != nullptr && own->contains(flag)))
            << file.filename() << ": no flag " << flag << " in: " << command;
      }
      EXPECT_TRUE(own != nullptr || contains(command, "--help") || contains(command, "--version"))
          << file.filename() << ": no command in: " << command;
    }
  }
  EXPECT_GT(n_commands, 0U) << "the documentation shows no commands";
}

TEST_F(Documentation, EveryCommandWorks) {
  for (const fs::path& file : documentation()) {
    for (const std::string& command : commands_of(content_of(file))) {
      if (!runnable(command)) continue;
      write_home_folders(command);
      ProcessOptions options = box_.command({});
      // Lines build on each other, but each finds something in the store.
      options.env["DOCMIND_STORE"] = box_.folder.path("example-store");
      options.argv = {"/bin/bash", "-c", "docmind index docs >/dev/null && " + command};
      const ProcessResult result = run_process(options);
      if (result.code == 127 && contains(command, "|")) continue;  // a tool that is not installed
      const bool may_fail = contains(command, "docmind doctor");   // it judges this machine
      EXPECT_TRUE(result.code == 0 || result.code == 3 || (may_fail && result.code == 1))
          << file.filename() << ": " << command << "\n" << result.code << "\n" << result.err;
    }
  }
}

TEST_F(Documentation, ReadmeShowsCommands) {
  if (!fs::exists(kSource / "README.md")) GTEST_SKIP() << "there is no README.md yet";
  const std::string readme = content_of(kSource / "README.md");
  EXPECT_FALSE(commands_of(readme).empty());
  // Scripts that it names are there and can be run.
  std::istringstream words(readme);
  for (std::string word; words >> word;) {
    while (!word.empty() && std::string("`().,;:").find(word.back()) != std::string::npos) word.pop_back();
    while (!word.empty() && std::string("`(").find(word.front()) != std::string::npos) word.erase(0, 1);
    if (!word.starts_with("./scripts/")) continue;
    struct stat script {};
    EXPECT_EQ(::stat((kSource / word.substr(2)).c_str(), &script), 0) << word;
    EXPECT_TRUE(script.st_mode & S_IXUSR) << word;
  }
}

TEST(Scripts, Parse) {
  const Sandbox box;
  size_t n_scripts = 0;
  for (const auto& entry : fs::directory_iterator(kSource / "scripts")) {
    if (entry.path().extension() != ".sh") continue;
    ++n_scripts;
    const ProcessResult check = box.shell("bash -n '" + entry.path().string() + "'");
    EXPECT_EQ(check.code, 0) << entry.path() << ": " << check.err;
    EXPECT_TRUE(content_of(entry.path()).starts_with("#!")) << entry.path();
  }
  EXPECT_GT(n_scripts, 0U);
}

}  // namespace
}  // namespace docmind::test

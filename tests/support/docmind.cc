// Sandbox through Process.
// SPDX-License-Identifier: Apache-2.0
#include "support/docmind.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <random>

namespace docmind::test {

Sandbox::Sandbox() {
  for (const char* name : {"PATH", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"}) {
    if (const char* value = ::getenv(name)) env[name] = value;
  }
  const std::filesystem::path binary(DOCMIND_BINARY);
  env["PATH"] = binary.parent_path().string() + ":" + env["PATH"];
  env["HOME"] = folder.mkdir("home");
  env["LANG"] = "C.UTF-8";
  env["TERM"] = "xterm";
  env["DOCMIND_STORE"] = store();
  env["DOCMIND_INDEX_THREADS"] = "2";
  static_cast<void>(folder.mkdir("docs"));
}

std::string Sandbox::doc(std::string_view name, std::string_view bytes) const {
  return folder.write("docs/" + std::string(name), bytes);
}

ProcessOptions Sandbox::command(std::vector<std::string> args) const {
  ProcessOptions options;
  options.argv = std::move(args);
  options.argv.insert(options.argv.begin(), DOCMIND_BINARY);
  options.env = env;
  options.folder = folder.path();
  return options;
}

ProcessResult Sandbox::run(std::vector<std::string> args) const {
  return run_process(command(std::move(args)));
}

ProcessResult Sandbox::shell(const std::string& line) const {
  ProcessOptions options = command({});
  options.argv = {"/bin/bash", "-o", "pipefail", "-c", line};
  return run_process(options);
}

json::value Sandbox::json_of(std::vector<std::string> args, int code) const {
  std::string words;
  for (const std::string& arg : args) words += " " + arg;
  const ProcessResult result = run(std::move(args));
  EXPECT_EQ(result.code, code) << words << "\n" << result.out << result.err;
  Result<json::value> value = parse_json(result.out, 32, 256u << 20);
  if (value.ok()) return *std::move(value);
  ADD_FAILURE() << words << ": " << value.error().message << "\n" << result.out << result.err;
  return json::object();
}

json::value Sandbox::index(int code, std::vector<std::string> flags) const {
  std::vector<std::string> args{"index", "--json", docs()};
  args.insert(args.end(), flags.begin(), flags.end());
  return json_of(std::move(args), code);
}

bool without_privileges(const Sandbox& box, ProcessOptions& options) {
  if (::geteuid() != 0) return true;
  constexpr uid_t kNobody = 65'534;
  EXPECT_EQ(::lchown(box.folder.path().c_str(), kNobody, kNobody), 0);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(box.folder.path())) {
    EXPECT_EQ(::lchown(entry.path().c_str(), kNobody, kNobody), 0) << entry.path();
  }
  options.before_exec = [] {
    if (::setgroups(0, nullptr) != 0 || ::setgid(kNobody) != 0 || ::setuid(kNobody) != 0) ::_exit(125);
  };
  ProcessOptions probe = options;
  probe.argv = {options.argv[0], "--version"};
  return run_process(probe).code == 0;
}

namespace {

const json::value* member(const json::value& object, std::string_view key) {
  const json::object* members = object.if_object();
  const json::value* value = members != nullptr ? members->if_contains(key) : nullptr;
  if (value == nullptr) ADD_FAILURE() << "no '" << key << "' in " << json::serialize(object);
  return value;
}

}  // namespace

int64_t number(const json::value& object, std::string_view key) {
  const json::value* value = member(object, key);
  if (value == nullptr) return -1;
  if (!value->is_number()) ADD_FAILURE() << "'" << key << "' is no number: " << json::serialize(object);
  return value->is_number() ? value->to_number<int64_t>() : -1;
}

std::string text(const json::value& object, std::string_view key) {
  const json::value* value = member(object, key);
  if (value == nullptr) return {};
  if (!value->is_string()) ADD_FAILURE() << "'" << key << "' is no text: " << json::serialize(object);
  return value->is_string() ? std::string(value->as_string()) : std::string();
}

json::array list(const json::value& object, std::string_view key) {
  const json::value* value = member(object, key);
  if (value == nullptr) return {};
  if (!value->is_array()) ADD_FAILURE() << "'" << key << "' is no list: " << json::serialize(object);
  return value->is_array() ? value->as_array() : json::array();
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string filler_text(uint64_t seed, size_t n_words) {
  static constexpr const char* kStarts[] = {"ka", "lo", "mi", "ter", "sun", "bra", "vel", "do"};
  static constexpr const char* kEnds[] = {"ran", "tis", "mo", "lek", "var", "ne", "gus", "phi"};
  std::mt19937_64 random(seed);
  std::string filler;
  for (size_t i = 0; i < n_words; ++i) {
    std::string word = kStarts[random() % 8];
    if (random() % 2 == 0) word += kStarts[random() % 8];
    word += kEnds[random() % 8];
    if (i % 10 == 0) word[0] = static_cast<char>(std::toupper(word[0]));
    filler += word + (i % 10 == 9 ? (i % 100 == 99 ? ".\n\n" : ". ") : " ");
  }
  return filler;
}

}  // namespace docmind::test

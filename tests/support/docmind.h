// Sandbox: the docmind binary with a home of its own, for tests that run it as people do.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "support/process.h"
#include "support/temp_folder.h"

namespace docmind::test {

// A temporary folder with home/, docs/ and store/, and the environment that keeps the binary inside
// it. `folder` is open to tests; the working folder of every command is folder.path().
struct Sandbox {
  Sandbox();

  TempFolder folder;
  std::map<std::string, std::string> env;  // DOCMIND_STORE is store()

  [[nodiscard]] std::string docs() const { return folder.path("docs"); }
  [[nodiscard]] std::string store() const { return folder.path("store"); }
  // Writes docs/`name`.
  std::string doc(std::string_view name, std::string_view bytes) const;

  // What a run needs; change it and hand it to run_process() or Process.
  [[nodiscard]] ProcessOptions command(std::vector<std::string> args) const;
  [[nodiscard]] ProcessResult run(std::vector<std::string> args) const;
  // Runs a command line through the shell, with docmind in the PATH.
  [[nodiscard]] ProcessResult shell(const std::string& line) const;
  // Standard output of `args` as JSON; anything but `code` is a failure of the test.
  [[nodiscard]] json::value json_of(std::vector<std::string> args, int code = 0) const;
  // Indexes docs/ and expects `code`; returns the summary.
  json::value index(int code = 0, std::vector<std::string> flags = {}) const;
};

// Lets the command run as a user whom file permissions bind: as root, hands the sandbox to nobody and
// runs as nobody. False when nobody cannot run the binary.
[[nodiscard]] bool without_privileges(const Sandbox& box, ProcessOptions& options);

// A member of a JSON object as a number or a text; a missing one is a failure of the test.
[[nodiscard]] int64_t number(const json::value& object, std::string_view key);
[[nodiscard]] std::string text(const json::value& object, std::string_view key);
[[nodiscard]] json::array list(const json::value& object, std::string_view key);

[[nodiscard]] bool contains(std::string_view text, std::string_view part);
// The lines of a text without their ends; a last line without an end counts.
[[nodiscard]] std::vector<std::string> lines_of(std::string_view text);

// `n_words` of a small language, always the same for the same seed; sentences of ten words.
[[nodiscard]] std::string filler_text(uint64_t seed, size_t n_words);

}  // namespace docmind::test

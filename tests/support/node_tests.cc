// Tests that are written in JavaScript.
// SPDX-License-Identifier: Apache-2.0
#include "support/node_tests.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace docmind::test {

void run_node_tests(const Sandbox& box, const std::string& folder, const std::vector<std::string>& files,
                    const std::map<std::string, std::string>& env) {
  ProcessOptions options{.argv = {"/usr/bin/env", "node", "--test", "--test-reporter=spec"},
                         .env = {{"PATH", std::getenv("PATH")}, {"HOME", box.folder.path("home")}},
                         .folder = folder,
                         .timeout_s = 240};
  options.argv.insert(options.argv.end(), files.begin(), files.end());
  for (const auto& [name, value] : env) options.env[name] = value;
  const ProcessResult result = run_process(options);
  EXPECT_EQ(result.code, 0) << result.out << result.err;
}

}  // namespace docmind::test

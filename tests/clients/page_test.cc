// The page: its own parts, and in a headless browser against the mock and against the real server.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "support/docmind.h"
#include "support/node_tests.h"
#include "support/served.h"

namespace docmind::test {
namespace {

std::string web_folder() { return std::string(DOCMIND_SOURCE_DIR) + "/web"; }

// Of a folder below web/, sorted.
std::vector<std::string> test_files(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(web_folder() + "/" + folder)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".test.mjs")) files.push_back(folder + "/" + name);
  }
  std::sort(files.begin(), files.end());
  return files;
}

class Page : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(web_folder() + "/node_modules")) {
      GTEST_SKIP() << "built without the page";
    }
  }
  static void need_browser() {
    if (!std::filesystem::exists("/usr/bin/chromium")) GTEST_SKIP() << "the Debian package chromium is not installed";
  }
  void run(const std::vector<std::string>& files, std::map<std::string, std::string> env = {}) {
    env["DOCMIND_PAGE_DIST"] = DOCMIND_PAGE_DIST;
    run_node_tests(box_, web_folder(), files, env);
  }
  Sandbox box_;
};

TEST_F(Page, TypesAndParts) {
  const ProcessResult types =
      run_process({.argv = {"/usr/bin/env", "node", "node_modules/typescript/bin/tsc", "--noEmit"},
                   .env = {{"PATH", std::getenv("PATH")}},
                   .folder = web_folder()});
  EXPECT_EQ(types.code, 0) << types.out;
  run(test_files("tests/unit"));
}

TEST_F(Page, ChatAgainstTheMock) {
  need_browser();
  run({"tests/page/chat.test.mjs"});
}

TEST_F(Page, DocumentsAgainstTheMock) {
  need_browser();
  run({"tests/page/documents.test.mjs"});
}

TEST_F(Page, FrameAndPerformanceAgainstTheMock) {
  need_browser();
  run({"tests/page/frame.test.mjs"});
  run({"tests/page/performance.test.mjs"});
}

TEST_F(Page, AgainstTheServer) {
  need_browser();
  const Served served(box_);
  for (const std::string& file : test_files("tests/page")) run({file}, {{"DOCMIND_URL", served.url()}});
}

}  // namespace
}  // namespace docmind::test

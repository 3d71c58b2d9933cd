// Served: starting and stopping the server.
// SPDX-License-Identifier: Apache-2.0
#include "support/served.h"

#include <csignal>
#include <cstdlib>

#include <gtest/gtest.h>

namespace docmind::test {

Served::Served(const Sandbox& box, std::vector<std::string> flags) {
  std::vector<std::string> args{"serve", "--port", "0"};
  args.insert(args.end(), flags.begin(), flags.end());
  ProcessOptions options = box.command(args);
  options.timeout_s = 280;
  // Other tests keep the processors busy, and what is idle could be little for long.
  options.env.emplace("DOCMIND_INDEX_PRIORITY", "low");
  process_ = std::make_unique<Process>(options);
  while (const auto line = process_->read_line()) {
    const size_t at = line->find("http://");
    if (at == std::string::npos) continue;
    url_ = line->substr(at, line->find_last_not_of(" \r") + 1 - at);
    port_ = std::atoi(url_.c_str() + url_.rfind(':') + 1);
    return;
  }
  const ProcessResult result = process_->wait();
  process_.reset();
  ADD_FAILURE() << "the server did not come up: " << result.err;
}

ProcessResult Served::stop(int signal) {
  process_->kill(signal);
  ProcessResult result = process_->wait();
  process_.reset();
  return result;
}

Served::~Served() {
  if (process_ == nullptr) return;
  const ProcessResult result = stop(SIGTERM);
  EXPECT_EQ(result.code, 0) << result.err;
}

}  // namespace docmind::test

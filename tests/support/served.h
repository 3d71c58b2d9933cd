// Served: a running `docmind serve` of a sandbox, on a free port.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "support/docmind.h"
#include "support/process.h"

namespace docmind::test {

// Starts it and waits until it listens; a server that does not come up is a failure of the test, and url() is
// empty. Stopped by SIGTERM in the destructor, which fails the test when that does not end it with code 0.
class Served {
 public:
  explicit Served(const Sandbox& box, std::vector<std::string> flags = {});
  ~Served();
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  [[nodiscard]] const std::string& url() const { return url_; }  // "http://127.0.0.1:41234"
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] Process& process() { return *process_; }
  // Ends it now; what it printed.
  ProcessResult stop(int signal);

 private:
  std::unique_ptr<Process> process_;
  std::string url_;
  int port_ = 0;
};

}  // namespace docmind::test

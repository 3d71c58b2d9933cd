// FileServer: a local HTTP server with the faults that downloads meet (file_server.py).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/process.h"

namespace docmind::test {

// Runs until destruction. A failure to start is a failure of the test.
class FileServer {
 public:
  explicit FileServer(const std::string& folder);

  // "http://127.0.0.1:PORT/MODE/NAME"; the modes are described in file_server.py.
  [[nodiscard]] std::string url(std::string_view mode, std::string_view name) const;
  // The requests so far: "/good/f bytes=100- "tag"".
  [[nodiscard]] std::vector<std::string> log() const;

 private:
  std::unique_ptr<Process> process_;
  std::string port_;
};

}  // namespace docmind::test

// FileServer: a local HTTP server with the faults that downloads meet (file_server.py).
// SPDX-License-Identifier: Apache-2.0
#include "support/file_server.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.h"
#include "providers/http_get.h"
#include "support/docmind.h"

namespace docmind::test {

FileServer::FileServer(const std::string& folder) {
  // The shell hands the port on through a file, since Process keeps the output until the end.
  const std::string port_file = folder + "/.port";
  ProcessOptions options;
  options.argv = {"/bin/sh", "-c", "exec python3 \"$1\" \"$2\" > \"$2/.port\"", "sh",
                  DOCMIND_SOURCE_DIR "/tests/support/file_server.py", folder};
  if (const char* path = std::getenv("PATH")) options.env["PATH"] = path;
  process_ = std::make_unique<Process>(options);
  for (int tries = 0; tries < 200 && !port_.ends_with('\n'); ++tries) {
    if (!process_->runs_for_ms(50)) break;
    Result<std::string> text = read_file(port_file, 100);
    if (text.ok()) port_ = *text;
  }
  EXPECT_TRUE(port_.ends_with('\n')) << "the server did not start: " << process_->wait().err;
  if (port_.ends_with('\n')) port_.pop_back();
}

std::string FileServer::url(std::string_view mode, std::string_view name) const {
  return "http://127.0.0.1:" + port_ + "/" + std::string(mode) + "/" + std::string(name);
}

std::vector<std::string> FileServer::log() const {
  std::string text;
  providers::HttpGetRequest request{
      .url = "http://127.0.0.1:" + port_ + "/log",
      .on_head = [](const providers::HttpHead&) { return Status(); },
      .on_body = [&](std::string_view piece) { return text.append(piece), Status(); }};
  const auto head = providers::http_get(request);
  EXPECT_TRUE(head.ok()) << (head.ok() ? "" : head.error().message);
  return lines_of(text);
}

}  // namespace docmind::test

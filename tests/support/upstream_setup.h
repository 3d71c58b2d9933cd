// How tests open an Upstream on a ScriptedServer: short pauses, no patience.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "providers/upstream.h"
#include "support/recorded_servers.h"
#include "support/scripted_server.h"

namespace docmind::test {

// Timeouts are long, so that a busy machine fails no test; those that are about them set their own.
inline providers::UpstreamOptions upstream_options(providers::UpstreamKind kind, const std::string& url) {
  providers::UpstreamOptions options;
  options.spec = {.kind = kind, .model = "qwen3:0.6b", .url = url};
  options.connect_timeout_ms = 20'000;
  options.n_retries = 0;
  options.n_failures_to_open = 1'000;
  return options;
}

inline std::shared_ptr<providers::Upstream> open_upstream(const providers::UpstreamOptions& options) {
  auto opened = providers::Upstream::open(options);
  EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().message);
  return opened.ok() ? *std::move(opened) : nullptr;
}

struct Said {
  std::string text;
  Result<providers::Upstream::ChatResult> result;

  [[nodiscard]] std::string message() const { return result.ok() ? std::string() : result.error().message; }
  [[nodiscard]] bool failed_with(ErrorCode code) const { return !result.ok() && result.error().code == code; }
};

inline const providers::Upstream::ChatRequest kShortChat{.system = "Be brief.", .user = "What is it?",
                                                         .max_tokens = 64};

inline Said chat(providers::Upstream& upstream, const providers::Upstream::ChatRequest& request = kShortChat,
                 const CancelToken& cancel = {}) {
  std::string text;
  auto result = upstream.chat(request, [&](std::string_view piece) { return text.append(piece), true; }, cancel);
  return {text, std::move(result)};
}

}  // namespace docmind::test

// What other routes share with Ollama's.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "server/exchange.h"

namespace docmind::server {

// What Ollama answers to GET /, by which its clients know it.
inline constexpr std::string_view kOllamaBanner = "Ollama is running";
// Whether GET / (or HEAD) asks for it rather than for a page: no browser, which would say that it takes text/html.
[[nodiscard]] bool wants_ollama_banner(const HttpRequest& request);

}  // namespace docmind::server

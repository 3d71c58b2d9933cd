// The sentences for what goes wrong with another server: which one, what it said, what to do.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "providers/http_client.h"
#include "providers/upstream.h"

namespace docmind::providers {

// "Ollama at http://127.0.0.1:11434"
[[nodiscard]] std::string upstream_name(const ModelSpec& spec);

// A request that did not end with a 2xx status, or was ended. kCancelled, kIo, kBusy, kPermission, kNotFound, kLimit,
// kMalformed, kInvalidArgument as the case is; the key is not in it even where the server repeats it. HttpEnd::kStopped
// gives HttpAnswer::stopped with the server's name.
[[nodiscard]] Error upstream_error(const UpstreamOptions& options, const HttpAnswer& answer);

// The same for an error that the server tells within a stream; `body` is its JSON, `status` what it says, or 0.
[[nodiscard]] Error upstream_stream_error(const UpstreamOptions& options, int status, std::string_view body);

// It answered, but not in its protocol: "Ollama at URL answered with a web page; is that the right address?"
[[nodiscard]] Error upstream_malformed(const UpstreamOptions& options, std::string_view what);

// A body parsed as JSON; kMalformed says what came instead.
[[nodiscard]] Result<json::value> upstream_json(const UpstreamOptions& options, const HttpAnswer& answer,
                                                std::string_view body);

// Prompt and answer do not fit: both numbers, and how to make room. `n_tokens` may be an estimate.
[[nodiscard]] Error upstream_too_long(const UpstreamOptions& options, int64_t n_tokens, int64_t n_context);
// It read less of the prompt than there was.
[[nodiscard]] Error upstream_truncated(const UpstreamOptions& options, int64_t n_read, int64_t n_least);

}  // namespace docmind::providers

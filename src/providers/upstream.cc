// Upstream::open: which URLs and keys are allowed, and the class for each kind of server.
// SPDX-License-Identifier: Apache-2.0
#include "providers/upstream.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "providers/http_url.h"
#include "providers/upstream_base.h"

namespace docmind::providers {
namespace {

// Without a password in it, so that it can be shown: only called once that is known.
Status check_upstream_url(const UpstreamOptions& options, const HttpUrl& url) {
  const std::string shown = printable(options.spec.url);
  if (url.scheme != "http" && url.scheme != "https") {
    return Error{ErrorCode::kInvalidArgument, fmt::format("'{}' is neither http nor https", shown)};
  }
  if (url.this_machine) return {};
  if (!options.allow_remote) {
    return Error{ErrorCode::kPermission,
                 fmt::format("'{}' is on another machine, and questions and passages would go there; set "
                             "upstream.allow_remote = true if you want that",
                             shown)};
  }
  if (url.scheme == "http" && !options.api_key.empty()) {
    return Error{ErrorCode::kPermission,
                 fmt::format("the key would go to '{}' in clear text; use https, or no key", shown)};
  }
  return {};
}

bool is_header_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

Result<std::shared_ptr<Upstream>> Upstream::open(const UpstreamOptions& options) {
  if (options.spec.native()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("'{}' is a model of this process, not of a server", printable(options.spec.model))};
  }
  DM_ASSIGN(const HttpUrl url, parse_http_url(options.spec.url));
  if (url.has_password) {
    return Error{ErrorCode::kInvalidArgument,
                 "a server's address must not hold a name or password; put the key into the file of upstream.key_file"};
  }
  DM_TRY(check_upstream_url(options, url));
  if (!is_header_text(options.api_key)) {
    return Error{ErrorCode::kInvalidArgument, "the key for the other server holds spaces, control characters or "
                                              "characters beyond ASCII, which no key does"};
  }
  if (options.spec.kind == UpstreamKind::kOllama) return make_ollama_upstream(options);
  return make_openai_upstream(options);
}

}  // namespace docmind::providers

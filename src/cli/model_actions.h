// What 'docmind models' does: list, verify and download; as JSON, which the command prints.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "cli/command.h"

namespace docmind::cli {

// {"folder", "models": [{"name", "kind", "downloaded", "path", "bytes", "url", ...}]}: the catalogue's
// models by name, then others that lie in the folder, which have neither kind nor url.
Result<json::object> list_models(const Session& session);

// {"server", "models": [{"name", "context", "spec"}]} of another server, in its order; `spec` as in a ModelSpec whose
// model may be left out.
Result<json::object> list_upstream_models(const Session& session, const std::string& spec);

// [{"path", "sound", "finding", "sha256"}] of these files or names, or of all that are downloaded.
Result<json::array> verify_models(const Session& session, const std::vector<std::string>& targets);

// {"name", "path", "downloaded", "bytes", ...}; "downloaded" is false when it was there already. With a
// progress bar on standard error.
Result<json::object> pull_model(const Session& session, const std::string& name, bool force);

}  // namespace docmind::cli

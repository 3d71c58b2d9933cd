// From the configuration to models behind other servers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/command.h"
#include "providers/model_spec.h"
#include "providers/upstream.h"

namespace docmind::cli {

// A model that the configuration names, and the field that does.
struct ConfiguredSpec {
  std::string field;  // "model.fallback"
  providers::ModelSpec spec;
};
// Those of other servers, each once. kInvalidArgument names the field of a spec that is wrong.
[[nodiscard]] Result<std::vector<ConfiguredSpec>> configured_upstreams(const Config& config);
// parse_model_spec, whose errors name the field.
[[nodiscard]] Result<providers::ModelSpec> field_spec(std::string_view field, std::string_view text);

// The API key for other servers: of upstream.key_file, else DOCMIND_UPSTREAM_KEY, else none. kPermission when others
// can read the file.
[[nodiscard]] Result<std::string> upstream_key(const Config& config);
// Nothing is sent yet. kPermission for another machine without upstream.allow_remote.
[[nodiscard]] Result<std::shared_ptr<providers::Upstream>> open_upstream(const Session& session,
                                                                         const providers::ModelSpec& spec);

}  // namespace docmind::cli

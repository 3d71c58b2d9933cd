// From the configuration to the options of a server and of what it serves.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/error.h"
#include "cli/command.h"
#include "pipeline/service.h"
#include "server/api_keys.h"
#include "server/http_server.h"
#include "server/routes.h"

namespace docmind::cli {

// `models` are loaded.
Result<pipeline::ServiceOptions> service_options(const Session& session, pipeline::Models models);
// Uploads are spooled in a folder of the store, which is made and emptied.
Result<server::HttpOptions> http_options(const Session& session);
server::RouteOptions route_options(const Config& config);
// Of server.keys_file and DOCMIND_API_KEYS.
Result<server::ApiKeys> load_keys(const Config& config);
// So that server.connections can be held, as far as the system allows.
void raise_descriptor_limit(const Config& config);
// kInvalidArgument when everybody who reaches the machine could use it: an address that is not loopback without keys.
Status check_exposure(const Config& config, const server::ApiKeys& keys, bool insecure);

}  // namespace docmind::cli

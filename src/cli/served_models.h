// The models of a process that serves.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "cli/command.h"
#include "pipeline/models.h"

namespace docmind::cli {

// All that the configuration names, loaded now but for fall-backs, which are loaded when they are needed. `session`
// must outlive them.
Result<pipeline::Models> load_served_models(Session& session);

}  // namespace docmind::cli

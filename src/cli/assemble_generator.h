// From the configuration to the one generator that answers: replicas, fall-backs and the small model put together.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/command.h"
#include "pipeline/models.h"
#include "providers/generator_routes.h"

namespace docmind::cli {

// How to get a model of this process, by its file or name as in a ModelSpec.
struct NativeOpeners {
  using Open = std::function<Result<std::shared_ptr<const providers::Generator>>(const std::string& name)>;
  Open first;    // model.path
  Open open;     // others that are asked from the start
  Open standby;  // takes no memory before it is needed
};

struct AssembledGenerator {
  std::shared_ptr<const providers::Generator> generator;  // null where the configuration names none
  bool falls_back_to_extractive = false;
  providers::RouteLog log;
  std::vector<pipeline::RemoteModel> remote;
};

// model.path and model.replicas are a pool, which with model.fallback is tried in order; with model.route, short
// questions go to model.small. "extractive" as the last fall-back stands for the extractive generator. kInvalidArgument
// names a field that lacks another one.
[[nodiscard]] Result<AssembledGenerator> assemble_generator(const Session& session, const NativeOpeners& native);

// What clients call a model: its name, or the file without folder and ending; of another server, its name there.
[[nodiscard]] std::string client_name(const providers::ModelSpec& spec);

}  // namespace docmind::cli

// From the configuration to the one generator that answers: replicas, fall-backs and the small model put together.
// SPDX-License-Identifier: Apache-2.0
#include "cli/assemble_generator.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/load_upstream.h"
#include "cli/steady_upstream.h"

namespace docmind::cli {
namespace {

using providers::Generator;
using providers::ModelSpec;
using providers::RoutedGenerator;

constexpr std::string_view kExtractive = "extractive";

Error needs_field(std::string_view field, std::string_view other) {
  return Error{ErrorCode::kInvalidArgument, fmt::format("{} needs {}, which names no model", field, other)};
}

class GeneratorAssembly {
 public:
  GeneratorAssembly(const Session& session, const NativeOpeners& native) : session_(session), native_(native) {
    made_.log = [logger = session.logger](std::string_view sentence) { logger.warn("{}", printable(sentence)); };
  }

  Result<AssembledGenerator> run() {
    const Config::Model& model = session_.config().model;
    DM_TRY(check(model));
    if (model.path.empty()) return std::move(made_);
    DM_ASSIGN(made_.generator, with_fallbacks(model));
    if (model.route) {
      DM_ASSIGN(RoutedGenerator small, open("model.small", model.small, native_.open));
      made_.generator = providers::make_complexity_router(std::move(small.generator), made_.generator, made_.log);
    }
    if (!made_.remote.empty()) made_.generator = steady_upstream(std::move(made_.generator));
    return std::move(made_);
  }

 private:
  static Status check(const Config::Model& model) {
    if (model.route && model.small.empty()) return needs_field("model.route", "model.small");
    if (!model.path.empty()) return {};
    if (!model.replicas.empty()) return needs_field("model.replicas", "model.path");
    if (!model.fallback.empty()) return needs_field("model.fallback", "model.path");
    if (model.route) return needs_field("model.route", "model.path");
    return {};
  }

  Result<RoutedGenerator> open(std::string_view field, const std::string& text, const NativeOpeners::Open& native) {
    DM_ASSIGN(const ModelSpec spec, field_spec(field, text));
    if (spec.native()) {
      DM_ASSIGN(std::shared_ptr<const Generator> generator, native(spec.text()));
      return RoutedGenerator{std::move(generator)};
    }
    DM_ASSIGN(std::shared_ptr<providers::Upstream> upstream, open_upstream(session_, spec));
    made_.remote.push_back({"text", client_name(spec), upstream});
    return RoutedGenerator{providers::make_upstream_generator(upstream), [upstream] { return !upstream->is_open(); }};
  }

  // A pool is available while one of its members is.
  Result<RoutedGenerator> pool(const Config::Model& model) {
    DM_ASSIGN(RoutedGenerator first, open("model.path", model.path, native_.first));
    if (model.replicas.empty()) return first;
    std::vector<RoutedGenerator> members{std::move(first)};
    for (const std::string& text : model.replicas) {
      DM_ASSIGN(RoutedGenerator replica, open("model.replicas", text, native_.open));
      members.push_back(std::move(replica));
    }
    const auto available = [members] {
      return std::ranges::any_of(members, [](const RoutedGenerator& one) { return !one.available || one.available(); });
    };
    return RoutedGenerator{providers::make_pool(std::move(members), made_.log), available};
  }

  Result<std::shared_ptr<const Generator>> with_fallbacks(const Config::Model& model) {
    DM_ASSIGN(RoutedGenerator first, pool(model));
    std::vector<RoutedGenerator> order{std::move(first)};
    for (size_t i = 0; i < model.fallback.size(); ++i) {
      const std::string& text = model.fallback[i];
      if (text == kExtractive) {
        if (i + 1 == model.fallback.size()) made_.falls_back_to_extractive = true;
        else return extractive_not_last(model.fallback[i + 1]);
        break;
      }
      DM_ASSIGN(RoutedGenerator next, open("model.fallback", text, native_.standby));
      order.push_back(std::move(next));
    }
    if (order.size() == 1) return std::move(order.front().generator);
    return std::shared_ptr<const Generator>(providers::make_failover(std::move(order), made_.log));
  }

  static Error extractive_not_last(std::string_view next) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("model.fallback: 'extractive' always answers, so '{}' after it would never be asked; "
                             "put it last",
                             printable(next))};
  }

  const Session& session_;
  const NativeOpeners& native_;
  AssembledGenerator made_;
};

}  // namespace

Result<AssembledGenerator> assemble_generator(const Session& session, const NativeOpeners& native) {
  return GeneratorAssembly(session, native).run();
}

std::string client_name(const providers::ModelSpec& spec) {
  if (!spec.native()) return spec.model.empty() ? spec.text() : spec.model;
  const std::filesystem::path file = std::filesystem::path(spec.model).filename();
  return file.extension() == ".gguf" ? file.stem().string() : file.string();
}

}  // namespace docmind::cli

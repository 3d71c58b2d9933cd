// What is right or wrong with the models of other servers that the configuration names.
// SPDX-License-Identifier: Apache-2.0
#include "cli/upstream_findings.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/load_upstream.h"

namespace docmind::cli {
namespace {

using FindingLevel = Finding::Level;
using providers::UpstreamKind;

constexpr size_t kMostNames = 8;
// Passages of an answer and the answer itself; less cuts documents off.
constexpr int64_t kLeastContext = 4'096;

std::string names_of(const std::vector<providers::UpstreamModel>& models) {
  std::string names;
  for (size_t i = 0; i < std::min(models.size(), kMostNames); ++i) {
    names += fmt::format("{}'{}'", i == 0 ? "" : ", ", models[i].name);
  }
  if (models.size() > kMostNames) names += fmt::format(" and {} more", models.size() - kMostNames);
  return names.empty() ? "none" : names;
}

// Ollama lists "qwen3" as "qwen3:latest".
bool is_listed(const std::string& model, const std::vector<providers::UpstreamModel>& models) {
  return std::ranges::any_of(models, [&](const providers::UpstreamModel& one) {
    return one.name == model || one.name == model + ":latest";
  });
}

std::string absent_model(const providers::ModelSpec& spec, const std::vector<providers::UpstreamModel>& models) {
  const std::string advice =
      spec.kind == UpstreamKind::kOllama ? fmt::format("; run: ollama pull {}", printable(spec.model)) : std::string();
  return fmt::format("has no model '{}' but {}{}", printable(spec.model), printable(names_of(models)), advice);
}

Finding check_capabilities(providers::Upstream& upstream, const ConfiguredSpec& configured, const std::string& subject,
                           const CancelToken& cancel) {
  const Result<providers::UpstreamCapabilities> can = upstream.capabilities(cancel);
  if (!can.ok()) return {FindingLevel::kNote, "upstream", fmt::format("{}: {}", subject, can.error().message)};
  const std::string server = can->server.empty() ? "ready" : can->server;
  const bool reranks = configured.field != "reranker.path" || can->reranks;
  if (!reranks) {
    return {FindingLevel::kBad, "upstream",
            fmt::format("{}: {} does not rerank; use a reranker of another server or a GGUF file", subject, server)};
  }
  if (!can->n_context) return {FindingLevel::kGood, "upstream", fmt::format("{}: {}", subject, server)};
  const std::string context = fmt::format("{}: {}, {} tokens of context", subject, server,
                                          format_count(*can->n_context));
  const bool is_small = configured.field.starts_with("model.") && *can->n_context < kLeastContext;
  if (!is_small) return {FindingLevel::kGood, "upstream", context};
  return {FindingLevel::kNote, "upstream",
          fmt::format("{}, which cuts off passages; give the server {} or more{}", context,
                      format_count(kLeastContext),
                      upstream.options().spec.kind == UpstreamKind::kOllama ? " (upstream.context)" : "")};
}

Finding check_upstream(const Session& session, const ConfiguredSpec& configured) {
  const providers::ModelSpec& spec = configured.spec;
  const std::string subject = fmt::format("{} '{}'", configured.field, printable(spec.text()));
  const Result<std::shared_ptr<providers::Upstream>> opened = open_upstream(session, spec);
  if (!opened.ok()) return {FindingLevel::kBad, "upstream", fmt::format("{}: {}", subject, opened.error().message)};
  providers::Upstream& upstream = **opened;
  const providers::UpstreamHealth health = upstream.health(session.cancel);
  if (!health.ready) return {FindingLevel::kBad, "upstream", fmt::format("{}: {}", subject, health.text)};
  const Result<std::vector<providers::UpstreamModel>> models = upstream.models(session.cancel);
  if (!models.ok()) return {FindingLevel::kBad, "upstream", fmt::format("{}: {}", subject, models.error().message)};
  if (!spec.model.empty() && !is_listed(spec.model, *models)) {
    return {FindingLevel::kBad, "upstream", fmt::format("{}: the server {}", subject, absent_model(spec, *models))};
  }
  if (spec.model.empty() && models->size() != 1) {
    return {FindingLevel::kBad, "upstream", fmt::format("{}: the server has {}; name one of them", subject,
                                                 printable(names_of(*models)))};
  }
  return check_capabilities(upstream, configured, subject, session.cancel);
}

}  // namespace

std::vector<Finding> upstream_findings(const Session& session) {
  const Result<std::vector<ConfiguredSpec>> configured = configured_upstreams(session.config());
  if (!configured.ok()) return {{FindingLevel::kBad, "upstream", configured.error().message}};
  std::vector<Finding> findings;
  for (const ConfiguredSpec& one : *configured) findings.push_back(check_upstream(session, one));
  return findings;
}

}  // namespace docmind::cli

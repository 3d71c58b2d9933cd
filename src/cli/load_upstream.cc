// From the configuration to models behind other servers.
// SPDX-License-Identifier: Apache-2.0
#include "cli/load_upstream.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "base/environment.h"
#include "base/file.h"
#include "base/text.h"

namespace docmind::cli {
namespace {

constexpr size_t kMostKeyBytes = 16 << 10;

Status check_key_file(const std::string& path) {
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0) return errno_error("read the key of other servers in", path, errno);
  if ((about.st_mode & (S_IRWXO | S_IWGRP)) == 0) return {};
  return Error{ErrorCode::kPermission,
               fmt::format("the key in '{0}' (upstream.key_file) can be read by others or changed by its group (mode "
                           "{1:04o}); run: chmod 600 '{0}'",
                           printable(path), about.st_mode & 07777)};
}

// It becomes part of a header.
Status check_key(std::string_view key, std::string_view place) {
  const bool plain = std::ranges::all_of(key, [](char c) { return c > 0x20 && c < 0x7f; });
  if (plain && !key.empty()) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{} must hold one key of visible ASCII characters and nothing else", place)};
}

}  // namespace

Result<providers::ModelSpec> field_spec(std::string_view field, std::string_view text) {
  Result<providers::ModelSpec> spec = providers::parse_model_spec(text);
  if (!spec.ok()) return std::move(spec).error().with_context(field);
  return spec;
}

Result<std::vector<ConfiguredSpec>> configured_upstreams(const Config& config) {
  std::vector<std::pair<std::string, std::string>> named{{"model.path", config.model.path}};
  for (const std::string& text : config.model.replicas) named.emplace_back("model.replicas", text);
  for (const std::string& text : config.model.fallback) named.emplace_back("model.fallback", text);
  if (config.model.route) named.emplace_back("model.small", config.model.small);
  named.emplace_back("embedder.path", config.embedder.path);
  named.emplace_back("reranker.path", config.reranker.path);
  std::vector<ConfiguredSpec> specs;
  for (const auto& [field, text] : named) {
    if (text.empty()) continue;
    DM_ASSIGN(providers::ModelSpec spec, field_spec(field, text));
    const bool known = std::ranges::any_of(
        specs, [&](const ConfiguredSpec& one) { return one.field == field && one.spec.text() == spec.text(); });
    if (!spec.native() && !known) specs.push_back({field, std::move(spec)});
  }
  return specs;
}

Result<std::string> upstream_key(const Config& config) {
  if (const std::string& path = config.upstream.key_file; !path.empty()) {
    DM_TRY(check_key_file(path));
    DM_ASSIGN(const std::string bytes, read_file(path, kMostKeyBytes));
    std::string key(trim(bytes));
    DM_TRY(check_key(key, fmt::format("'{}' (upstream.key_file)", printable(path))));
    return key;
  }
  const Environment environment = process_environment();
  const auto found = environment.find("DOCMIND_UPSTREAM_KEY");
  if (found == environment.end() || found->second.empty()) return std::string();
  DM_TRY(check_key(found->second, "DOCMIND_UPSTREAM_KEY"));
  return found->second;
}

Result<std::shared_ptr<providers::Upstream>> open_upstream(const Session& session,
                                                           const providers::ModelSpec& spec) {
  const Config& config = session.config();
  providers::UpstreamOptions options;
  options.spec = spec;
  DM_ASSIGN(options.api_key, upstream_key(config));
  options.allow_remote = config.upstream.allow_remote;
  options.connect_timeout_ms = config.upstream.connect_timeout_ms;
  options.first_byte_timeout_ms = config.upstream.first_byte_timeout_ms;
  options.stall_timeout_ms = config.upstream.stall_timeout_ms;
  options.n_retries = static_cast<int>(config.upstream.retries);
  options.n_context = config.upstream.context;
  options.temperature = config.model.temperature;
  options.top_p = config.model.top_p;
  options.top_k = config.model.top_k;
  options.min_p = config.model.min_p;
  options.seed = config.model.seed;
  options.thinking = config.model.thinking;
  return providers::Upstream::open(options);
}

}  // namespace docmind::cli

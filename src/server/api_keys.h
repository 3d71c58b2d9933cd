// ApiKeys: which key belongs to whom; only digests are kept.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "server/exchange.h"

namespace docmind::server {

// Immutable.
class ApiKeys {
 public:
  // None: everybody is the tenant `default_tenant`.
  explicit ApiKeys(std::string default_tenant = "local") : default_tenant_(std::move(default_tenant)) {}

  // Lines "KEY [TENANT [LABEL]]", '#' begins a comment; KEY may be "sha256:HEX". The file must not be readable by
  // others (kPermission). `from_environment` is a comma-separated list of the same, with ':' for the blanks.
  static Result<ApiKeys> load(const std::string& path, std::string_view from_environment, std::string default_tenant);

  [[nodiscard]] bool required() const { return !entries_.empty(); }
  // `key` is what came as "Authorization: Bearer", "x-api-key" or "api-key". All entries are compared, in constant
  // time each.
  [[nodiscard]] std::optional<Caller> find(std::string_view key) const;
  [[nodiscard]] Caller anonymous() const { return {.tenant = default_tenant_, .label = {}, .address = {}}; }

 private:
  struct Entry {
    Digest digest{};
    std::string tenant;
    std::string label;
  };
  std::vector<Entry> entries_;
  std::string default_tenant_;
};

}  // namespace docmind::server

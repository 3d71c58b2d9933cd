// CollectionMap: the collections of all tenants, opened when first asked for.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/collection_map.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "index/store_reader.h"

namespace docmind::pipeline {
namespace {

constexpr std::string_view kDefaultName = "default";
constexpr size_t kMaxCollectionNameBytes = 64;
// Each has connections, caches and threads' askers; far more than that is a mistake of a client.
constexpr size_t kMaxOpen = 256;

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxCollectionNameBytes &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

bool is_store(const std::string& folder) {
  std::error_code failure;
  return std::filesystem::is_regular_file(index::database_path(folder), failure);
}

}  // namespace

std::string CollectionMap::folder_of_tenant(std::string_view tenant) const {
  constexpr size_t kDigits = 32;
  const std::string tenants = join_path(context_.options->store_folder, "tenants");
  // "t-" begins the digests' own names.
  if (is_plain_name(tenant) && !tenant.starts_with("t-")) return join_path(tenants, tenant);
  return join_path(tenants, "t-" + to_hex(sha256(tenant)).substr(0, kDigits));
}

std::string CollectionMap::folder_of(std::string_view tenant, std::string_view name) const {
  const ServiceOptions& options = *context_.options;
  if (tenant != options.default_tenant) return join_path(folder_of_tenant(tenant), name);
  if (name == kDefaultName) return options.store_folder;
  return join_path(join_path(options.store_folder, "collections"), name);
}

Result<CollectionPtr> CollectionMap::get(std::string_view tenant, std::string_view name, bool create) {
  if (!is_plain_name(name)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("'{}' cannot name a collection: a name is 1 to {} of a-z, 0-9, '_' and '-'",
                             ellipsize(printable(name), kMaxCollectionNameBytes), kMaxCollectionNameBytes)};
  }
  const std::lock_guard lock(mutex_);
  const auto key = std::pair(std::string(tenant), std::string(name));
  const auto known = open_.find(key);
  if (known != open_.end()) return CollectionPtr(known->second);
  const std::string folder = folder_of(tenant, name);
  if (name != kDefaultName && !create && !is_store(folder)) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("there is no collection '{}'; create it with POST /v1/collections", name)};
  }
  if (open_.size() >= kMaxOpen) {
    return Error{ErrorCode::kLimit, fmt::format("{} collections are open, and no more than {} may be", open_.size(),
                                                kMaxOpen)};
  }
  DM_ASSIGN(std::shared_ptr<CollectionImpl> collection, CollectionImpl::open(std::string(name), folder, context_));
  open_[key] = collection;
  return CollectionPtr(std::move(collection));
}

std::vector<std::string> CollectionMap::names(std::string_view tenant) const {
  const bool is_default = tenant == context_.options->default_tenant;
  const std::string folder =
      is_default ? join_path(context_.options->store_folder, "collections") : folder_of_tenant(tenant);
  std::vector<std::string> names;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
    std::string name = entry.path().filename().string();
    const bool is_other = name != kDefaultName && is_plain_name(name);
    if (is_other && is_store(entry.path().string())) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  names.insert(names.begin(), std::string(kDefaultName));
  return names;
}

std::vector<std::shared_ptr<CollectionImpl>> CollectionMap::open_ones() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<CollectionImpl>> all;
  for (const auto& [key, collection] : open_) all.push_back(collection);
  return all;
}

}  // namespace docmind::pipeline

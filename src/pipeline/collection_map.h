// CollectionMap: the collections of all tenants, opened when first asked for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/collection_impl.h"

namespace docmind::pipeline {

// Any thread. A collection that was opened stays open until the map goes.
class CollectionMap {
 public:
  explicit CollectionMap(const CollectionContext& context) : context_(context) {}

  // As Service::collection(); "default" is always created.
  [[nodiscard]] Result<CollectionPtr> get(std::string_view tenant, std::string_view name, bool create);
  // Sorted, "default" first.
  [[nodiscard]] std::vector<std::string> names(std::string_view tenant) const;
  [[nodiscard]] std::vector<std::shared_ptr<CollectionImpl>> open_ones() const;

  // Nobody's name leads out of the store: a tenant whose name could is given a folder by its digest.
  [[nodiscard]] std::string folder_of(std::string_view tenant, std::string_view name) const;

 private:
  [[nodiscard]] std::string folder_of_tenant(std::string_view tenant) const;

  const CollectionContext context_;
  mutable std::mutex mutex_;  // also held while a collection is opened, so that none is opened twice
  std::map<std::pair<std::string, std::string>, std::shared_ptr<CollectionImpl>> open_;
};

}  // namespace docmind::pipeline

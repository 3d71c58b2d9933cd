// FormatCaches: the KV memory of one model whose texts may be kept in different formats, under one budget.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "kv/cache.h"

namespace docmind::kv {

// What a format has of the memory, now.
struct FormatUse {
  Format format = Format::kF16;
  int64_t n_sequences = 0;
  size_t referenced_bytes = 0;  // as in CacheStats
  size_t held_bytes = 0;
};

// A cache for each format that is used, made when it is used first. Sequences share prefixes with those of their own
// format; a sequence may take the room of any format's held prefixes. Thread rule of Cache but for layout().
class FormatCaches {
 public:
  // `options.format` is the configured format, and its settings are those of the others too. Errors as Cache::create.
  static Result<std::unique_ptr<FormatCaches>> create(const Geometry& geometry, const CacheOptions& options,
                                                      const kernels::KernelTable& table);
  FormatCaches(const FormatCaches&) = delete;
  FormatCaches& operator=(const FormatCaches&) = delete;

  [[nodiscard]] Format configured_format() const { return options_.format.format; }
  [[nodiscard]] Cache& configured() { return **cache(configured_format()); }  // there from the beginning
  // Any thread. kInvalidArgument for a format whose tokens take more than the configured one's, kUnsupported for one
  // that cannot hold the model's heads.
  [[nodiscard]] Result<const Layout*> layout(Format format) const;
  // Lives as long as this. Errors as layout() and Cache::create.
  [[nodiscard]] Result<Cache*> cache(Format format);

  // --- of all formats together ---
  [[nodiscard]] size_t budget_bytes() const { return budget_->n_bytes(); }
  [[nodiscard]] size_t available_bytes() const { return budget_->n_bytes() - budget_->used_bytes(); }
  [[nodiscard]] CacheStats stats() const;
  [[nodiscard]] std::vector<FormatUse> uses() const;  // of the formats that were used, the configured one included
  // As Cache::evict; the least recently used of all go first.
  void evict(size_t keep_bytes = 0);

 private:
  static constexpr size_t kNFormats = 5;

  FormatCaches(const Geometry& geometry, const CacheOptions& options, const kernels::KernelTable& table)
      : geometry_(geometry), options_(options), table_(table),
        budget_(std::make_shared<MemoryBudget>(options.budget_bytes)) {}

  const Geometry geometry_;
  const CacheOptions options_;
  const kernels::KernelTable& table_;
  const std::shared_ptr<MemoryBudget> budget_;
  std::array<std::optional<Result<Layout>>, kNFormats> layouts_;  // by format
  std::array<std::unique_ptr<Cache>, kNFormats> caches_;
};

}  // namespace docmind::kv

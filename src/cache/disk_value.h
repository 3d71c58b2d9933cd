// Values as the disk tier stores them: compressed with zstd where that makes them smaller.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace docmind::cache {

enum class DiskEncoding : int64_t { kPlain = 0, kZstd = 1 };  // as in the file

// `bytes` is borrowed: from the value, the packer or the database row.
struct StoredValue {
  int64_t encoding = 0;  // a DiskEncoding; from a file it may be anything
  int64_t plain_bytes = 0;
  std::string_view bytes;
};

// Keeps zstd's working memory between calls. Use from one thread at a time.
class ValuePacker {
 public:
  // What stands for `plain` in the file; borrowed from it or from `buffer`.
  [[nodiscard]] StoredValue pack(std::string_view plain, std::string& buffer);
  // The plain value; nullopt when the stored one is damaged or claims more than `max_bytes`, which
  // is found out before memory is taken.
  [[nodiscard]] std::optional<std::string> unpack(const StoredValue& stored, int64_t max_bytes);

 private:
  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
    void operator()(ZSTD_DCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_CCtx_s, Free> compress_;
  std::unique_ptr<ZSTD_DCtx_s, Free> decompress_;
};

}  // namespace docmind::cache

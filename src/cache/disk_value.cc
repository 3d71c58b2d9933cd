// Values as the disk tier stores them: compressed with zstd where that makes them smaller.
// SPDX-License-Identifier: Apache-2.0
#include "cache/disk_value.h"

#include <zstd.h>

namespace docmind::cache {
namespace {

// Level 1 packs some 500 MB/s, which the write that it saves repays; higher ones do not.
constexpr int kLevel = 1;
// A frame's own header and checksum eat up what could be saved on less.
constexpr size_t kLeastBytes = 64;

}  // namespace

void ValuePacker::Free::operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }
void ValuePacker::Free::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }

StoredValue ValuePacker::pack(std::string_view plain, std::string& buffer) {
  StoredValue stored = {.encoding = static_cast<int64_t>(DiskEncoding::kPlain),
                        .plain_bytes = static_cast<int64_t>(plain.size()),
                        .bytes = plain};
  if (plain.size() < kLeastBytes) return stored;
  if (compress_ == nullptr) compress_.reset(ZSTD_createCCtx());
  if (compress_ == nullptr) return stored;
  // One byte less than the value: zstd stops with an error where nothing would be saved.
  buffer.resize(plain.size() - 1);
  const size_t n_bytes = ZSTD_compressCCtx(compress_.get(), buffer.data(), buffer.size(),
                                           plain.data(), plain.size(), kLevel);
  if (ZSTD_isError(n_bytes) != 0) return stored;
  stored.encoding = static_cast<int64_t>(DiskEncoding::kZstd);
  stored.bytes = std::string_view(buffer).substr(0, n_bytes);
  return stored;
}

std::optional<std::string> ValuePacker::unpack(const StoredValue& stored, int64_t max_bytes) {
  if (stored.plain_bytes < 0 || stored.plain_bytes > max_bytes) return std::nullopt;
  const auto plain_bytes = static_cast<size_t>(stored.plain_bytes);
  if (stored.encoding == static_cast<int64_t>(DiskEncoding::kPlain)) {
    if (stored.bytes.size() != plain_bytes) return std::nullopt;
    return std::string(stored.bytes);
  }
  if (stored.encoding != static_cast<int64_t>(DiskEncoding::kZstd)) return std::nullopt;
  // The frame tells its plain size too; a row that lies about it must not make us take memory.
  const unsigned long long told = ZSTD_getFrameContentSize(stored.bytes.data(), stored.bytes.size());
  if (told != plain_bytes) return std::nullopt;
  if (decompress_ == nullptr) decompress_.reset(ZSTD_createDCtx());
  if (decompress_ == nullptr) return std::nullopt;
  std::string plain(plain_bytes, '\0');
  const size_t n_bytes = ZSTD_decompressDCtx(decompress_.get(), plain.data(), plain.size(),
                                             stored.bytes.data(), stored.bytes.size());
  if (ZSTD_isError(n_bytes) != 0 || n_bytes != plain_bytes) return std::nullopt;
  return plain;
}

}  // namespace docmind::cache

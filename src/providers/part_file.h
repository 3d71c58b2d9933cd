// PartFile: what has arrived of a download, with its hash, its lock and where it came from.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/cancel.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

namespace docmind::providers {

// Where a part came from; kept beside it, so that only the same file is continued.
struct PartOrigin {
  std::string url;
  std::string etag;       // of the server; empty: it sent none that identifies bytes
  std::string sha256;     // of the whole, as the server says; empty: it does not
  int64_t n_total = 0;    // 0: unknown
  bool operator==(const PartOrigin&) const = default;
};

// Not movable while in use by callbacks; one thread.
class PartFile {
 public:
  // Opens or creates `path` and locks it; kBusy when another process has it.
  static Result<PartFile> open(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int64_t size() const { return size_; }
  [[nodiscard]] const PartOrigin& origin() const { return origin_; }  // empty url: unknown

  // Hashes what is there, `on_piece` gets the bytes done; kCancelled.
  Status hash_existing(const CancelToken& cancel, const std::function<void(int64_t)>& on_piece);
  // Empties it.
  Status restart();
  Status set_origin(PartOrigin origin);
  Status append(std::string_view piece);
  // Of all bytes. Nothing may be appended afterwards.
  [[nodiscard]] std::string take_sha256() { return to_hex(hasher_->finish()); }
  // Flushes and renames it to `path`, and removes what was kept beside it.
  Status move_to(const std::string& path);
  // Removes it and what was kept beside it.
  void discard();

 private:
  PartFile(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  [[nodiscard]] std::string origin_path() const { return path_ + ".json"; }
  Status load();

  std::string path_;
  UniqueFd fd_;
  int64_t size_ = 0;
  PartOrigin origin_;
  std::unique_ptr<StreamHasher> hasher_ = std::make_unique<StreamHasher>();
};

}  // namespace docmind::providers

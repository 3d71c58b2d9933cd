// State files: sequences and prefixes on disk, in records with checksums.
//
// A file is FileStart, the binding (what the cache is: model, geometry, format), a checksum of both, then
// records: RecordStart, its bytes, a checksum of both. The last record is kEnd with the number of those before
// it and a checksum of their checksums. Numbers are little-endian; checksums are hash64().
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "kv/layout.h"

namespace docmind::kv {

enum class StateKind : uint32_t { kSequence = 1, kPrefixes = 2 };
enum class RecordKind : uint32_t { kEnd = 0, kSummary = 1, kTokens = 2, kBlock = 3, kPage = 4, kNode = 5 };

inline constexpr char kStateMagic[8] = {'D', 'M', 'K', 'V', 'F', 'I', 'L', 'E'};
inline constexpr uint32_t kStateVersion = 1;

struct FileStart {
  char magic[8];
  uint32_t version;
  uint32_t kind;
  uint64_t binding_bytes;
};
static_assert(sizeof(FileStart) == 24);

struct RecordStart {
  uint32_t kind;
  uint32_t reserved;
  uint64_t n_bytes;
};
static_assert(sizeof(RecordStart) == 16);

// What a file is bound to, in words: two caches can exchange files when these are equal.
[[nodiscard]] std::string state_binding(const Layout& layout, std::string_view identity);

// Writes beside `path` and takes its place in finish(); what was begun and not finished leaves nothing. Prefixes are on
// the disk then; a sequence is not waited for, as its file is of no use after a crash and checked when it is read.
class StateWriter {
 public:
  static Result<StateWriter> create(const std::string& path, StateKind kind, const std::string& binding);
  StateWriter(StateWriter&& other) noexcept = default;
  StateWriter& operator=(StateWriter&&) = delete;
  ~StateWriter();

  // One record of all parts. kIo: nothing more should be written.
  Status add(RecordKind kind, std::span<const std::span<const std::byte>> parts);
  Status finish();

 private:
  StateWriter(UniqueFd fd, StateKind kind, std::string path, std::string temporary)
    : fd_(std::move(fd)), kind_(kind), path_(std::move(path)), temporary_(std::move(temporary)) {}
  Status write(std::string_view bytes);

  UniqueFd fd_;
  StateKind kind_;
  std::string path_, temporary_;
  std::string buffer_;  // of a record
  uint64_t n_records_ = 0;
  uint64_t sums_ = 0;
};

// Reads record after record; each is checked before it is given out.
class StateReader {
 public:
  // kMalformed when it is no such file, kMismatch names both bindings (or versions) when it is another's.
  static Result<StateReader> open(const std::string& path, StateKind kind, const std::string& binding);

  // The next record, at most `limit_bytes`, valid until the next call; its kind is kEnd after the last. kMalformed for
  // anything that is not as it was written.
  struct Record {
    RecordKind kind;
    std::span<const std::byte> bytes;
  };
  Result<Record> next(uint64_t limit_bytes);

 private:
  StateReader(UniqueFd fd, std::string path, uint64_t n_bytes)
    : fd_(std::move(fd)), path_(std::move(path)), n_left_(n_bytes) {}
  Status read(void* to, uint64_t n);
  Status read_start(StateKind kind, const std::string& binding);
  [[nodiscard]] Error damaged(std::string_view what) const;

  UniqueFd fd_;
  std::string path_;
  uint64_t n_left_;
  std::vector<std::byte> buffer_;
  uint64_t n_records_ = 0;
  uint64_t sums_ = 0;
};

}  // namespace docmind::kv

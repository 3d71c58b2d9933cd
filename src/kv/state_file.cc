// State files: checksums on the way out, distrust on the way in.
// SPDX-License-Identifier: Apache-2.0
#include "kv/state_file.h"

#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/text.h"

namespace docmind::kv {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr uint64_t kMaxBinding = 1 << 16;

template <typename T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}
std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct RecordsEnd {
  uint64_t n_records;
  uint64_t sums;
};

uint64_t add_sum(uint64_t sums, uint64_t sum) { return hash64(bytes_of(sum), sums); }

}  // namespace

std::string state_binding(const Layout& layout, std::string_view identity) {
  const Geometry& g = layout.geometry();
  const FormatOptions& options = layout.options();
  std::string format(format_name(options.format));
  if (layout.seals()) {
    format += fmt::format(" in groups of {} but the newest {}", options.group_size, options.residual_tokens);
  }
  if (options.format == Format::kMixed) format += fmt::format(" with {} bits", options.mixed_bits);
  return fmt::format("model '{}', {} layers with {} heads of {} channels, {} ({} and {} bytes)", identity, g.n_layers,
                     g.n_kv_heads, g.head_dim, format, layout.block_bytes(), layout.page_bytes());
}

Result<StateWriter> StateWriter::create(const std::string& path, StateKind kind, const std::string& binding) {
  const std::string temporary = fmt::format("{}.tmp.{}", path, ::getpid());
  UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return errno_error("create", temporary, errno);
  StateWriter writer(std::move(fd), kind, path, temporary);
  FileStart start = {.magic = {}, .version = kStateVersion, .kind = static_cast<uint32_t>(kind),
                     .binding_bytes = binding.size()};
  std::memcpy(start.magic, kStateMagic, sizeof(start.magic));
  const uint64_t sum = hash64(binding, hash64(bytes_of(start)));
  DM_TRY(writer.write(bytes_of(start)));
  DM_TRY(writer.write(binding));
  DM_TRY(writer.write(bytes_of(sum)));
  return writer;
}

StateWriter::~StateWriter() {
  if (fd_.valid()) ::unlink(temporary_.c_str());
}

Status StateWriter::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("write", temporary_, errno);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Status StateWriter::add(RecordKind kind, std::span<const std::span<const std::byte>> parts) {
  buffer_.clear();
  for (const auto part : parts) buffer_.append(as_text(part));
  const RecordStart start = {.kind = static_cast<uint32_t>(kind), .reserved = 0, .n_bytes = buffer_.size()};
  const uint64_t sum = hash64(buffer_, hash64(bytes_of(start)));
  sums_ = add_sum(sums_, sum);
  ++n_records_;
  DM_TRY(write(bytes_of(start)));
  DM_TRY(write(buffer_));
  return write(bytes_of(sum));
}

Status StateWriter::finish() {
  const RecordsEnd end = {.n_records = n_records_, .sums = sums_};
  const std::span<const std::byte> part = std::as_bytes(std::span(&end, 1));
  DM_TRY(add(RecordKind::kEnd, std::span(&part, 1)));
  if (kind_ == StateKind::kPrefixes && ::fsync(fd_.get()) != 0) return errno_error("flush", temporary_, errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return errno_error("replace", path_, errno);
  fd_.reset();
  return {};
}

Error StateReader::damaged(std::string_view what) const {
  return Error{ErrorCode::kMalformed, fmt::format("the KV file '{}' is damaged: {}", printable(path_), what)};
}

Result<StateReader> StateReader::open(const std::string& path, StateKind kind, const std::string& binding) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return errno_error("open", path, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return errno_error("read the size of", path, errno);
  if (!S_ISREG(info.st_mode)) {
    return Error{ErrorCode::kUnsupported, fmt::format("'{}' is not a regular file", printable(path))};
  }
  StateReader reader(std::move(fd), path, static_cast<uint64_t>(info.st_size));
  DM_TRY(reader.read_start(kind, binding));
  return reader;
}

Status StateReader::read(void* to, uint64_t n) {
  if (n > n_left_) return damaged(fmt::format("it ends where {} more bytes are needed, {} are left", n, n_left_));
  auto* at = static_cast<char*>(to);
  n_left_ -= n;
  while (n > 0) {
    const ssize_t got = ::read(fd_.get(), at, n);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("read", path_, errno);
    if (got == 0) return damaged("it became shorter while it was read");
    at += got;
    n -= static_cast<uint64_t>(got);
  }
  return {};
}

Status StateReader::read_start(StateKind kind, const std::string& binding) {
  FileStart start{};
  DM_TRY(read(&start, sizeof(start)));
  if (std::memcmp(start.magic, kStateMagic, sizeof(start.magic)) != 0) {
    return Error{ErrorCode::kMalformed, fmt::format("'{}' is no KV file", printable(path_))};
  }
  if (start.binding_bytes > kMaxBinding) return damaged("its beginning is too long");
  std::string found(start.binding_bytes, '\0');
  uint64_t sum = 0;
  DM_TRY(read(found.data(), found.size()));
  DM_TRY(read(&sum, sizeof(sum)));
  if (sum != hash64(found, hash64(bytes_of(start)))) return damaged("its beginning has changed");
  const auto mismatch = [this](const std::string& theirs, const std::string& ours) {
    return Error{ErrorCode::kMismatch, fmt::format("the KV file '{}' is of {}, not of {}", printable(path_),
                                                   printable(theirs), printable(ours))};
  };
  if (start.version != kStateVersion) {
    return mismatch(fmt::format("version {}", start.version), fmt::format("version {}", kStateVersion));
  }
  if (start.kind != static_cast<uint32_t>(kind)) {
    const auto name = [](uint32_t k) -> std::string {
      return k == 1 ? "a sequence" : k == 2 ? "prefixes" : "another kind";
    };
    return mismatch(name(start.kind), name(static_cast<uint32_t>(kind)));
  }
  if (found != binding) return mismatch(found, binding);
  return {};
}

Result<StateReader::Record> StateReader::next(uint64_t limit_bytes) {
  RecordStart start{};
  DM_TRY(read(&start, sizeof(start)));
  if (start.n_bytes > limit_bytes || start.n_bytes > n_left_) {
    return damaged(fmt::format("record {} says it has {} bytes", n_records_, start.n_bytes));
  }
  buffer_.resize(start.n_bytes);
  uint64_t sum = 0;
  DM_TRY(read(buffer_.data(), buffer_.size()));
  DM_TRY(read(&sum, sizeof(sum)));
  if (sum != hash64(as_text(buffer_), hash64(bytes_of(start)))) {
    return damaged(fmt::format("record {} has changed", n_records_));
  }
  const Record record = {static_cast<RecordKind>(start.kind), buffer_};
  if (record.kind == RecordKind::kEnd) {
    RecordsEnd end{};
    if (buffer_.size() != sizeof(end)) return damaged("its end has the wrong length");
    std::memcpy(&end, buffer_.data(), sizeof(end));
    if (end.n_records != n_records_ || end.sums != sums_) return damaged("records are missing or in another order");
    if (n_left_ != 0) return damaged(fmt::format("{} bytes follow its end", n_left_));
    return record;
  }
  sums_ = add_sum(sums_, sum);
  ++n_records_;
  return record;
}

}  // namespace docmind::kv

// MappedFile and AlignedBuffer: memory that comes from mmap.
// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/aligned_buffer.h"
#include "base/file.h"
#include "base/mapped_file.h"
#include "base/text.h"

namespace docmind {
namespace {

constexpr size_t kLargePage = size_t{2} << 20;

size_t page_size() {
  return static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

// The whole pages inside [offset, offset + length) of a mapping of `size` bytes.
std::pair<size_t, size_t> inner_pages(size_t offset, size_t length, size_t size) {
  const size_t page = page_size();
  const size_t end = std::min(size, offset + length);
  const size_t first = (offset + page - 1) / page * page;
  const size_t last = end == size ? end : end / page * page;
  return {first, last > first ? last - first : 0};
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return errno_error("open", path, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return errno_error("read the size of", path, errno);
  if (!S_ISREG(info.st_mode)) {
    return Error{ErrorCode::kUnsupported, fmt::format("'{}' is not a regular file", printable(path))};
  }
  MappedFile file;
  file.size_ = static_cast<size_t>(info.st_size);
  if (file.size_ == 0) return file;
  void* data = ::mmap(nullptr, file.size_, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED) return errno_error("map", path, errno);
  file.data_ = static_cast<const std::byte*>(data);
  return file;
}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::drop(size_t offset, size_t length) const {
  const auto [first, n] = inner_pages(offset, length, size_);
  if (n > 0) ::madvise(const_cast<std::byte*>(data_) + first, n, MADV_DONTNEED);
}

void MappedFile::prefetch(size_t offset, size_t length) const {
  const auto [first, n] = inner_pages(offset, length, size_);
  if (n > 0) ::madvise(const_cast<std::byte*>(data_) + first, n, MADV_WILLNEED);
}

Result<AlignedBuffer> AlignedBuffer::allocate(size_t n_bytes) {
  AlignedBuffer buffer;
  if (n_bytes == 0) return buffer;
  void* data = ::mmap(nullptr, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) {
    return Error{ErrorCode::kLimit, fmt::format("cannot get {} bytes of memory", n_bytes)};
  }
  // Streaming through large pages costs fewer address translations; refusal does no harm.
  if (n_bytes >= 2 * kLargePage) ::madvise(data, n_bytes, MADV_HUGEPAGE);
  buffer.data_ = static_cast<std::byte*>(data);
  buffer.size_ = n_bytes;
  return buffer;
}

AlignedBuffer& AlignedBuffer::operator=(AlignedBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

AlignedBuffer::~AlignedBuffer() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace docmind

// gguf::File: the metadata and the tensor table of a GGUF model, checked before anything is believed.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/file.h"

#include <fmt/format.h>

#include "base/mapped_file.h"
#include "base/text.h"
#include "gguf/format.h"
#include "gguf/header_reader.h"
#include "gguf/name_index.h"
#include "gguf/split_name.h"

namespace docmind::gguf {
namespace {

// One file of a model with its header; the header's views point into the mapping.
struct Part {
  std::string path;
  MappedFile mapping;
  Header header;
};

Result<Part> read_part(const std::string& path) {
  Part part{.path = path, .mapping = {}, .header = {}};
  DM_ASSIGN(part.mapping, MappedFile::open(path));
  DM_ASSIGN(part.header, read_header(path, part.mapping.bytes()));
  return part;
}

}  // namespace

struct File::Impl {
  std::string path;
  uint32_t version = 0;
  std::vector<MappedFile> mappings;  // one a split
  std::vector<MetadataEntry> metadata;
  std::vector<TensorInfo> tensors;
  NameIndex keys;
  NameIndex names;

  // The place of a tensor in its file.
  [[nodiscard]] size_t offset_of(const TensorInfo& tensor) const {
    return static_cast<size_t>(tensor.data.data() - mappings[tensor.split].bytes().data());
  }

  void adopt(Part part) {
    const size_t split = mappings.size();
    if (split == 0) {
      version = part.header.version;
      metadata = std::move(part.header.metadata);
      keys = NameIndex(metadata.size(), [&](size_t i) { return metadata[i].key; });
    }
    for (TensorInfo& tensor : part.header.tensors) {
      tensor.split = split;
      tensors.push_back(tensor);
    }
    mappings.push_back(std::move(part.mapping));
  }
};

File::File(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
File::File(File&&) noexcept = default;
File& File::operator=(File&&) noexcept = default;
File::~File() = default;

namespace {

Result<int64_t> find_integer(const Part& part, std::string_view key, int64_t otherwise) {
  for (const MetadataEntry& entry : part.header.metadata) {
    if (entry.key != key) continue;
    switch (entry.type) {
      case ValueType::kU16: return load<uint16_t>(entry.bytes);
      case ValueType::kU32: return load<uint32_t>(entry.bytes);
      case ValueType::kI32: return load<int32_t>(entry.bytes);
      default:
        return Error{ErrorCode::kMalformed,
                     fmt::format("'{}': '{}' has the type {}, not u16 or i32", printable(part.path), key,
                                 value_type_name(entry.type))};
    }
  }
  return otherwise;
}

// The file's name, its siblings' names and the metadata of each must tell the same.
Status check_place(const Part& part, int64_t number, int64_t count) {
  DM_ASSIGN(const int64_t said_count, find_integer(part, kSplitCountKey, 1));
  DM_ASSIGN(const int64_t said_number, find_integer(part, kSplitNoKey, 0));
  if (said_count != count || said_number != number) {
    return Error{ErrorCode::kMalformed,
                 fmt::format("'{}' is part {} of {} by its name, but {} of {} by its metadata; split models "
                             "are named NAME-00001-of-0000N.gguf",
                             printable(part.path), number + 1, count, said_number + 1, said_count)};
  }
  return {};
}

}  // namespace

Result<File> File::open(const std::string& path) {
  const auto name = parse_split_name(path);
  const uint32_t count = name ? name->count : 1;
  if (count > kMaxSplits) {
    return Error{ErrorCode::kLimit,
                 fmt::format("'{}' is one of {} parts; {} are allowed", printable(path), count, kMaxSplits)};
  }
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  int64_t n_tensors = -1;  // of all parts, as the first one says
  for (uint32_t number = 1; number <= count; ++number) {
    DM_ASSIGN(Part part, read_part(name ? name->path(number) : path));
    DM_TRY(check_place(part, number - 1, count));
    if (number == 1) {
      DM_ASSIGN(n_tensors, find_integer(part, kSplitTensorsKey, -1));
    }
    impl->adopt(std::move(part));
  }
  const auto found = static_cast<int64_t>(impl->tensors.size());
  if (n_tensors >= 0 && n_tensors != found) {
    return Error{ErrorCode::kMalformed,
                 fmt::format("'{}': '{}' is {}, but its {} files hold {} tensors", printable(path),
                             kSplitTensorsKey, n_tensors, count, found)};
  }
  impl->names = NameIndex(impl->tensors.size(), [&](size_t i) { return impl->tensors[i].name; });
  if (const auto twice = impl->names.duplicate()) {
    return Error{ErrorCode::kMalformed, fmt::format("'{}': the tensor '{}' is in two of its files",
                                                    printable(path), printable(*twice))};
  }
  return File(std::move(impl));
}

const std::string& File::path() const { return impl_->path; }
uint32_t File::version() const { return impl_->version; }

size_t File::file_bytes() const {
  size_t n_bytes = 0;
  for (const MappedFile& mapping : impl_->mappings) n_bytes += mapping.bytes().size();
  return n_bytes;
}

std::string_view File::architecture() const {
  const auto name = text_or("general.architecture", "");
  return name.ok() ? *name : std::string_view();
}

std::span<const MetadataEntry> File::metadata() const { return impl_->metadata; }
std::span<const TensorInfo> File::tensors() const { return impl_->tensors; }

const MetadataEntry* File::find(std::string_view key) const {
  const auto place = impl_->keys.find(key);
  return place ? &impl_->metadata[*place] : nullptr;
}

const TensorInfo* File::find_tensor(std::string_view name) const {
  const auto place = impl_->names.find(name);
  return place ? &impl_->tensors[*place] : nullptr;
}

void File::drop(const TensorInfo& tensor) const {
  if (tensor.data.empty()) return;
  impl_->mappings[tensor.split].drop(impl_->offset_of(tensor), tensor.data.size());
}

void File::prefetch(const TensorInfo& tensor) const {
  if (tensor.data.empty()) return;
  impl_->mappings[tensor.split].prefetch(impl_->offset_of(tensor), tensor.data.size());
}

}  // namespace docmind::gguf

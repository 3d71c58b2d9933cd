// gguf::Writer: writes a GGUF file from metadata and streamed tensor data, in bounded memory.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/writer.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/text.h"
#include "gguf/format.h"
#include "gguf/name_index.h"
#include "gguf/temporary_file.h"

namespace docmind::gguf {
namespace {

constexpr size_t kBufferBytes = 1 << 20;

template <typename T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void put_text(std::string& out, std::string_view text) {
  put<uint64_t>(out, text.size());
  out.append(text);
}

Error invalid(std::string sentence) { return Error{ErrorCode::kInvalidArgument, std::move(sentence)}; }

// Bytes of a tensor's data, or why it cannot have any.
Result<uint64_t> data_bytes(const TensorShape& shape) {
  const std::string what = fmt::format("tensor '{}'", printable(shape.name));
  if (shape.name.empty() || shape.name.size() > kMaxTensorNameBytes) {
    return invalid(
        fmt::format("{}: a name has 1 to {} bytes, not {}", what, kMaxTensorNameBytes, shape.name.size()));
  }
  if (shape.dims.empty() || shape.dims.size() > kMaxDims) {
    return invalid(
        fmt::format("{} has {} dimensions; 1 to {} are allowed", what, shape.dims.size(), kMaxDims));
  }
  int64_t n_elements = 1;
  for (const int64_t dim : shape.dims) {
    if (dim < 1 || dim > std::numeric_limits<int64_t>::max() / n_elements) {
      return invalid(
          fmt::format("{}: its dimensions, {}, are not valid", what, fmt::join(shape.dims, " x ")));
    }
    n_elements *= dim;
  }
  const auto type = kernels::find_tensor_type(shape.gguf_type);
  if (!type) {
    if (shape.n_bytes) return *shape.n_bytes;
    return invalid(fmt::format("{}: the size of type {} is not known", what, shape.gguf_type));
  }
  if (shape.dims[0] % type->block_len != 0) {
    return invalid(fmt::format("{} has rows of {} elements, no multiple of the {} in a block of {}", what,
                               shape.dims[0], type->block_len, type->name));
  }
  return static_cast<uint64_t>(n_elements / type->block_len) * type->block_bytes;
}

}  // namespace

struct Writer::Impl {
  Impl(std::string destination, WriterOptions o, TemporaryFile temporary)
    : path(std::move(destination)), options(o), file(std::move(temporary)) {}

  // Room for a text that is known later.
  struct Reserved {
    std::string key;
    uint64_t offset;  // in the metadata, then in the file
    size_t n_bytes;
  };

  std::string path;
  WriterOptions options;
  TemporaryFile file;
  std::string buffer;    // to be written; the metadata until the header is complete
  uint64_t n_written = 0;  // bytes of the file, the buffer included, once the header is complete
  std::vector<std::string> keys;
  std::vector<TensorShape> shapes;
  std::vector<uint64_t> sizes;  // of the tensors' data, filled with the header
  std::vector<Reserved> reserved;
  bool has_header = false;
  bool is_complete = false;
  size_t current = 0;       // the tensor that is not complete
  uint64_t n_current = 0;   // its bytes so far
  std::optional<Error> failure;

  Status flush() {
    DM_TRY(file.append(buffer));
    buffer.clear();
    return {};
  }

  Status write(std::string_view bytes) {
    buffer.append(bytes);
    n_written += bytes.size();
    return buffer.size() >= kBufferBytes ? flush() : Status();
  }

  Status pad() {
    const uint64_t past = n_written % options.alignment;
    return past == 0 ? Status() : write(std::string(options.alignment - past, '\0'));
  }

  Status check() const {
    if (!std::has_single_bit(options.alignment) || options.alignment > kMaxAlignment) {
      return invalid(
          fmt::format("the alignment {} is not a power of two up to {}", options.alignment, kMaxAlignment));
    }
    const NameIndex key_index(keys.size(), [&](size_t i) -> std::string_view { return keys[i]; });
    if (const auto twice = key_index.duplicate()) {
      return invalid(fmt::format("the metadata key '{}' was added twice", printable(*twice)));
    }
    if (key_index.find(kAlignmentKey) && options.alignment == kDefaultAlignment) {
      return invalid(fmt::format("'{}' is not added, it follows from WriterOptions", kAlignmentKey));
    }
    for (const std::string& key : keys) {
      if (!key.empty() && key.size() <= kMaxKeyBytes) continue;
      return invalid(fmt::format("a metadata key has 1 to {} bytes, not {}", kMaxKeyBytes, key.size()));
    }
    const NameIndex names(shapes.size(), [&](size_t i) -> std::string_view { return shapes[i].name; });
    if (const auto twice = names.duplicate()) {
      return invalid(fmt::format("the tensor '{}' was declared twice", printable(*twice)));
    }
    return {};
  }

  Status write_header() {
    has_header = true;
    const std::string metadata = std::exchange(buffer, {});
    DM_TRY(check());
    std::string head(kMagic);
    put<uint32_t>(head, kWriteVersion);
    put<uint64_t>(head, shapes.size());
    put<uint64_t>(head, keys.size());
    for (Reserved& room : reserved) room.offset += head.size();
    DM_TRY(write(head));
    DM_TRY(write(metadata));
    uint64_t offset = 0;
    for (const TensorShape& shape : shapes) {
      DM_ASSIGN(const uint64_t n_bytes, data_bytes(shape));
      std::string row;
      put_text(row, shape.name);
      put(row, static_cast<uint32_t>(shape.dims.size()));
      for (const int64_t dim : shape.dims) put(row, dim);
      put(row, shape.gguf_type);
      put(row, offset);
      DM_TRY(write(row));
      sizes.push_back(n_bytes);
      offset += (n_bytes + options.alignment - 1) / options.alignment * options.alignment;
    }
    DM_TRY(pad());
    return skip_complete();
  }

  // Pads what is complete and goes on to the next tensor that has data.
  Status skip_complete() {
    while (current < sizes.size() && n_current == sizes[current]) {
      DM_TRY(pad());
      ++current;
      n_current = 0;
    }
    return {};
  }

  Status append(std::span<const std::byte> bytes) {
    DM_TRY(check_open());
    if (!has_header) {
      DM_TRY(write_header());
    }
    if (bytes.empty()) return {};
    if (current >= sizes.size()) {
      return invalid(fmt::format("'{}': {} bytes after the last tensor", printable(path), bytes.size()));
    }
    const uint64_t room = sizes[current] - n_current;
    if (bytes.size() > room) {
      return invalid(fmt::format("'{}': {} bytes for tensor '{}', which has room for {}", printable(path),
                                 bytes.size(), printable(shapes[current].name), room));
    }
    DM_TRY(write(as_text(bytes)));
    n_current += bytes.size();
    return skip_complete();
  }

  Status check_open() const {
    if (!file.published()) return {};
    return invalid(fmt::format("'{}' is finished already", printable(path)));
  }

  Status complete() {
    DM_TRY(check_open());
    if (!has_header) {
      DM_TRY(write_header());
    }
    if (current < sizes.size()) {
      return invalid(fmt::format("'{}': tensor '{}' has {} of its {} bytes", printable(path),
                                 printable(shapes[current].name), n_current, sizes[current]));
    }
    is_complete = true;
    return flush();
  }

  Status fill(std::string_view key, std::string_view text) {
    DM_TRY(check_open());
    if (!is_complete) return invalid(fmt::format("'{}' is not complete yet", printable(path)));
    const auto room = std::ranges::find(reserved, key, &Reserved::key);
    if (room == reserved.end()) return invalid(fmt::format("no room was reserved for '{}'", printable(key)));
    if (text.size() > room->n_bytes) {
      return Error{ErrorCode::kLimit, fmt::format("'{}': {} bytes for '{}', which has room for {}", printable(path),
                                                  text.size(), printable(key), room->n_bytes)};
    }
    std::string padded(text);
    padded.resize(room->n_bytes, ' ');
    return file.overwrite(room->offset, padded);
  }

  Status finish() {
    DM_TRY(complete());
    return file.publish();
  }

  // Nothing is written after a failure: part of the buffer may be in the file.
  template <typename Call>
  Status once(Call&& call) {
    if (failure) return *failure;
    Status status = call();
    if (!status.ok()) failure = status.error();
    return status;
  }
};

Writer::Writer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;
Writer::~Writer() = default;

Result<Writer> Writer::create(const std::string& path, const WriterOptions& options) {
  DM_ASSIGN(TemporaryFile file, TemporaryFile::create(path));
  Writer writer(std::make_unique<Impl>(path, options, std::move(file)));
  if (options.alignment != kDefaultAlignment) writer.add(kAlignmentKey, options.alignment);
  return writer;
}

void Writer::add_raw(std::string_view key, ValueType type, std::span<const std::byte> value) {
  impl_->keys.emplace_back(key);
  put_text(impl_->buffer, key);
  put(impl_->buffer, type);
  impl_->buffer.append(as_text(value));
}

void Writer::add_array(std::string_view key, ValueType element, uint64_t n,
                       std::span<const std::byte> values) {
  std::string value;
  put(value, element);
  put(value, n);
  value.append(as_text(values));
  add_raw(key, ValueType::kArray, std::as_bytes(std::span(value)));
}

void Writer::add(std::string_view key, std::string_view text) {
  std::string value;
  put_text(value, text);
  add_raw(key, ValueType::kString, std::as_bytes(std::span(value)));
}

void Writer::add(std::string_view key, const std::vector<std::string>& texts) {
  std::string values;
  for (const std::string& text : texts) put_text(values, text);
  add_array(key, ValueType::kString, texts.size(), std::as_bytes(std::span(values)));
}

void Writer::add(const MetadataEntry& entry) {
  if (entry.key == kAlignmentKey) return;
  if (entry.type == ValueType::kArray) {
    add_array(entry.key, entry.array.element, entry.array.n, entry.array.bytes);
  } else if (entry.type == ValueType::kString) {
    add(entry.key, as_text(entry.bytes));
  } else {
    add_raw(entry.key, entry.type, entry.bytes);
  }
}

void Writer::reserve(std::string_view key, size_t n_bytes) {
  add(key, std::string(n_bytes, ' '));
  impl_->reserved.push_back({std::string(key), impl_->buffer.size() - n_bytes, n_bytes});
}

void Writer::declare(TensorShape shape) { impl_->shapes.push_back(std::move(shape)); }

Status Writer::append(std::span<const std::byte> bytes) {
  return impl_->once([&] { return impl_->append(bytes); });
}

Result<std::string> Writer::complete() {
  DM_TRY(impl_->once([&] { return impl_->complete(); }));
  return impl_->file.path();
}

Status Writer::fill(std::string_view key, std::string_view text) {
  if (impl_->failure) return *impl_->failure;
  Status status = impl_->fill(key, text);
  // Half a text may be there; what was refused changed nothing.
  if (!status.ok() && status.error().code == ErrorCode::kIo) impl_->failure = status.error();
  return status;
}

Status Writer::finish() {
  return impl_->once([&] { return impl_->finish(); });
}

}  // namespace docmind::gguf

// Reads the header of one GGUF file: metadata, tensor table and where each tensor's data lies.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/header_reader.h"

#include <algorithm>
#include <limits>

#include "gguf/byte_cursor.h"
#include "gguf/name_index.h"

namespace docmind::gguf {
namespace {

using Bytes = std::span<const std::byte>;

class HeaderReader {
 public:
  HeaderReader(const std::string& path, Bytes bytes) : bytes_(bytes), in_(path, bytes) {}

  Result<Header> read() {
    DM_TRY(read_version());
    DM_ASSIGN(const uint64_t n_tensors, count("the number of tensors", kMaxTensors));
    DM_ASSIGN(const uint64_t n_metadata, count("the number of metadata entries", kMaxMetadata));
    for (uint64_t i = 0; i < n_metadata; ++i) DM_TRY(read_entry(i));
    DM_TRY(check_metadata());
    for (uint64_t i = 0; i < n_tensors; ++i) DM_TRY(read_tensor(i));
    DM_TRY(place_tensors());
    return std::move(header_);
  }

 private:
  Status read_version() {
    if (bytes_.size() < kMagic.size() || as_text(bytes_.first(kMagic.size())) != kMagic) {
      const std::string_view start = as_text(bytes_.first(std::min<size_t>(bytes_.size(), 12)));
      return in_.error(
          fmt::format("not a GGUF file: it begins with '{}', not with 'GGUF'", printable(start)));
    }
    DM_TRY(in_.take(kMagic.size(), "the magic"));
    DM_ASSIGN(header_.version, in_.number<uint32_t>("the version"));
    if ((header_.version & 0xffffu) == 0) {
      return in_.error("the numbers are big-endian; only little-endian files can be read",
                       ErrorCode::kUnsupported);
    }
    if (header_.version != 2 && header_.version != 3) {
      return in_.error(fmt::format("the format's version is {}; only 2 and 3 can be read", header_.version),
                       ErrorCode::kUnsupported);
    }
    return {};
  }

  // A count of things; each is read before memory is spent on the next.
  Result<uint64_t> count(std::string_view what, uint64_t max) {
    DM_ASSIGN(const uint64_t n, in_.number<uint64_t>(what));
    if (n > max) return in_.error(fmt::format("{} is {}, more than the {} allowed", what, n, max));
    return n;
  }

  Status read_entry(uint64_t i) {
    DM_ASSIGN(const Bytes key, in_.string(kMaxKeyBytes, fmt::format("the key of metadata entry {}", i)));
    MetadataEntry entry;
    entry.key = as_text(key);
    if (entry.key.empty()) return in_.error(fmt::format("the key of metadata entry {} is empty", i));
    const std::string what = fmt::format("the value of '{}'", printable(entry.key));
    DM_ASSIGN(entry.type, read_type(what));
    if (entry.type == ValueType::kArray) {
      DM_ASSIGN(entry.array, read_array(what));
    } else if (entry.type == ValueType::kString) {
      DM_ASSIGN(entry.bytes, in_.string(kMaxStringBytes, what));
    } else {
      DM_ASSIGN(entry.bytes, in_.take(scalar_bytes(entry.type), what));
      if (entry.type == ValueType::kBool) DM_TRY(check_bools(entry.bytes, what));
    }
    header_.metadata.push_back(entry);
    return {};
  }

  Result<ValueType> read_type(std::string_view what) {
    DM_ASSIGN(const auto number, in_.number<uint32_t>(fmt::format("the type of {}", what)));
    const auto type = static_cast<ValueType>(number);
    if (value_type_name(type).empty()) {
      return in_.error(fmt::format("{} has the type {}, which the format does not know", what, number));
    }
    return type;
  }

  Result<ArrayView> read_array(std::string_view what) {
    ArrayView array;
    DM_ASSIGN(array.element, read_type(what));
    if (array.element == ValueType::kArray) {
      return in_.error(fmt::format("{} is an array of arrays, which is not supported", what),
                       ErrorCode::kUnsupported);
    }
    DM_ASSIGN(array.n, in_.number<uint64_t>(what));
    const size_t begin = in_.offset();
    const bool strings = array.element == ValueType::kString;
    const size_t least = strings ? sizeof(uint64_t) : scalar_bytes(array.element);
    if (array.n > in_.left() / least) {
      return in_.error(fmt::format("{} has {} elements of {} bytes or more, but the file ends after {} bytes",
                                   what, array.n, least, in_.left()));
    }
    if (!strings) {
      DM_ASSIGN(array.bytes, in_.take(array.n * least, what));
      if (array.element == ValueType::kBool) DM_TRY(check_bools(array.bytes, what));
      return array;
    }
    for (uint64_t i = 0; i < array.n; ++i) {
      // No sentence is made for an element that is sound: there are 250,000 in a vocabulary.
      Result<Bytes> element = in_.string(kMaxStringBytes, what);
      if (!element.ok()) return std::move(element).error().with_context(fmt::format("element {}", i));
    }
    array.bytes = bytes_.subspan(begin, in_.offset() - begin);
    return array;
  }

  Status check_bools(Bytes bytes, std::string_view what) const {
    const auto bad = std::ranges::find_if(bytes, [](std::byte byte) { return byte > std::byte{1}; });
    if (bad == bytes.end()) return {};
    return in_.error(fmt::format("{} is a bool of {}, neither 0 nor 1", what, static_cast<int>(*bad)));
  }

  Status check_metadata() {
    const NameIndex keys(header_.metadata.size(), [&](size_t i) { return header_.metadata[i].key; });
    if (const auto twice = keys.duplicate()) {
      return in_.error(fmt::format("the metadata key '{}' occurs twice", printable(*twice)));
    }
    header_.alignment = kDefaultAlignment;
    const auto place = keys.find(kAlignmentKey);
    if (!place) return {};
    const MetadataEntry& entry = header_.metadata[*place];
    if (entry.type != ValueType::kU32) {
      return in_.error(
          fmt::format("'{}' has the type {}, not u32", kAlignmentKey, value_type_name(entry.type)));
    }
    const auto alignment = load<uint32_t>(entry.bytes);
    if (!std::has_single_bit(alignment) || alignment > kMaxAlignment) {
      return in_.error(
          fmt::format("'{}' is {}, not a power of two up to {}", kAlignmentKey, alignment, kMaxAlignment));
    }
    header_.alignment = alignment;
    return {};
  }

  Status read_tensor(uint64_t i) {
    TensorInfo tensor;
    DM_ASSIGN(const Bytes name, in_.string(kMaxTensorNameBytes, fmt::format("the name of tensor {}", i)));
    tensor.name = as_text(name);
    if (tensor.name.empty()) return in_.error(fmt::format("the name of tensor {} is empty", i));
    const std::string what = fmt::format("tensor '{}'", printable(tensor.name));
    DM_ASSIGN(const auto n_dims, in_.number<uint32_t>(what));
    if (n_dims < 1 || n_dims > kMaxDims) {
      return in_.error(fmt::format("{} has {} dimensions; 1 to {} are allowed", what, n_dims, kMaxDims));
    }
    tensor.n_dims = static_cast<int>(n_dims);
    DM_TRY(read_dims(tensor, what));
    DM_ASSIGN(tensor.gguf_type, in_.number<uint32_t>(what));
    DM_ASSIGN(const auto offset, in_.number<uint64_t>(what));
    header_.tensors.push_back(tensor);
    offsets_.push_back(offset);
    return {};
  }

  Status read_dims(TensorInfo& tensor, std::string_view what) {
    int64_t product = 1;
    for (int d = 0; d < tensor.n_dims; ++d) {
      DM_ASSIGN(const auto dim, in_.number<int64_t>(what));
      if (dim < 1) return in_.error(fmt::format("{} has a dimension of {}", what, dim));
      if (dim > std::numeric_limits<int64_t>::max() / product) {
        return in_.error(fmt::format("{}: the product of its dimensions, {} x {}, does not fit 63 bits", what,
                                     product, dim));
      }
      product *= dim;
      tensor.dims[d] = dim;
    }
    return {};
  }

  // A tensor's offset counts from the first aligned byte after the table.
  Status place_tensors() {
    const NameIndex names(header_.tensors.size(), [&](size_t i) { return header_.tensors[i].name; });
    if (const auto twice = names.duplicate()) {
      return in_.error(fmt::format("the tensor '{}' occurs twice", printable(*twice)));
    }
    const size_t begin = (in_.offset() + header_.alignment - 1) / header_.alignment * header_.alignment;
    const Bytes data = bytes_.subspan(std::min(begin, bytes_.size()));
    for (size_t i = 0; i < header_.tensors.size(); ++i)
      DM_TRY(place_tensor(header_.tensors[i], offsets_[i], data));
    return check_overlaps();
  }

  Status place_tensor(TensorInfo& tensor, uint64_t offset, Bytes data) const {
    const std::string what = fmt::format("tensor '{}'", printable(tensor.name));
    if (offset % header_.alignment != 0) {
      return in_.error(fmt::format("{} begins at {}, which is no multiple of the alignment {}", what, offset,
                                   header_.alignment));
    }
    if (offset > data.size()) {
      return in_.error(fmt::format("{} begins at byte {} of the tensor data, which has {} bytes", what,
                                   offset, data.size()));
    }
    const auto type = kernels::find_tensor_type(tensor.gguf_type);
    if (!type) return {};  // its size is not known; whoever wants to compute with it refuses it
    if (tensor.dims[0] % type->block_len != 0) {
      return in_.error(fmt::format("{} has rows of {} elements, no multiple of the {} in a block of {}", what,
                                   tensor.dims[0], type->block_len, type->name));
    }
    const auto n_blocks = static_cast<uint64_t>(tensor.n_elements() / type->block_len);
    const uint64_t room = data.size() - offset;
    if (n_blocks > room / type->block_bytes) {
      return in_.error(
          fmt::format("{} needs {} blocks of {} bytes at byte {} of the tensor data, which has {} bytes",
                      what, n_blocks, type->block_bytes, offset, data.size()));
    }
    tensor.data = data.subspan(offset, n_blocks * type->block_bytes);
    return {};
  }

  Status check_overlaps() const {
    std::vector<const TensorInfo*> order;
    for (const TensorInfo& tensor : header_.tensors) {
      if (!tensor.data.empty()) order.push_back(&tensor);
    }
    std::ranges::sort(order, {}, [](const TensorInfo* tensor) { return tensor->data.data(); });
    for (size_t i = 1; i < order.size(); ++i) {
      if (order[i - 1]->data.data() + order[i - 1]->data.size() > order[i]->data.data()) {
        return in_.error(fmt::format("the tensors '{}' and '{}' share bytes", printable(order[i - 1]->name),
                                     printable(order[i]->name)));
      }
    }
    return {};
  }

  Bytes bytes_;
  ByteCursor in_;
  Header header_;
  std::vector<uint64_t> offsets_;  // of header_.tensors
};

}  // namespace

Result<Header> read_header(const std::string& path, std::span<const std::byte> bytes) {
  return HeaderReader(path, bytes).read();
}

}  // namespace docmind::gguf

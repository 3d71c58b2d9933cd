// Fuzzes the reader of GGUF files: whatever it accepts is inside the file, and everything can be asked for.
// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "base/file.h"
#include "fuzz/check.h"
#include "gguf/file.h"

namespace docmind::fuzz {
namespace {

// Touches every byte, so that a sanitizer or the memory's end speaks.
size_t touch(std::span<const std::byte> bytes) {
  size_t sum = 0;
  for (const std::byte byte : bytes) sum += static_cast<size_t>(byte);
  return sum;
}

void check_entry(const gguf::File& file, const gguf::MetadataEntry& entry) {
  require(file.find(entry.key) == &entry, "a key is found where it is");
  volatile size_t sum = touch(entry.bytes) + touch(entry.array.bytes);
  static_cast<void>(sum);
  const auto integer = file.integer(entry.key);
  const auto real = file.real(entry.key);
  require(!integer.ok() || real.ok(), "a whole number is a number");
  static_cast<void>(file.boolean_or(entry.key, false).ok());
  static_cast<void>(file.text(entry.key).ok());
  const auto array = file.array(entry.key);
  require(array.ok() == (entry.type == gguf::ValueType::kArray), "an array is an array");
  if (!array.ok()) return;
  const auto texts = array->strings();
  require(!texts.ok() || texts->size() == array->n, "an array has all its texts");
  const auto floats = array->floats();
  require(!floats.ok() || floats->size() == array->n, "an array has all its numbers");
  static_cast<void>(array->integers().ok());
}

void check_tensor(const gguf::File& file, const gguf::TensorInfo& tensor) {
  require(file.find_tensor(tensor.name) == &tensor, "a tensor is found where it is");
  require(tensor.n_elements() > 0, "a tensor has elements");
  require(tensor.data.size() <= file.file_bytes(), "a tensor is no larger than its file");
  volatile size_t sum = touch(tensor.data);
  static_cast<void>(sum);
  file.prefetch(tensor);
  file.drop(tensor);
}

void check_bytes(std::string_view bytes) {
  const UniqueFd fd(::memfd_create("model", MFD_CLOEXEC));
  require(fd.valid(), "a file in memory");
  require(::write(fd.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
          "it takes all");
  const auto file = gguf::File::open("/proc/self/fd/" + std::to_string(fd.get()));
  if (!file.ok()) {
    require(file.error().code != ErrorCode::kInternal && !file.error().message.empty(),
            "a refusal has a sentence");
    return;
  }
  for (const gguf::MetadataEntry& entry : file->metadata()) check_entry(*file, entry);
  for (const gguf::TensorInfo& tensor : file->tensors()) check_tensor(*file, tensor);
  static_cast<void>(file->architecture());
}

}  // namespace
}  // namespace docmind::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  docmind::fuzz::check_bytes(docmind::fuzz::as_text(data, size));
  return 0;
}

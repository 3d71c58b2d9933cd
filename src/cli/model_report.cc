// What 'models show' says about a GGUF file: tensors, memory need, metadata.
// SPDX-License-Identifier: Apache-2.0
#include "cli/model_report.h"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "gguf/format.h"
#include "quantize/stored_report.h"

namespace docmind::cli {
namespace {

using gguf::ValueType;

constexpr size_t kMaxTextBytes = 4'096;
constexpr size_t kMaxElements = 8;
constexpr size_t kTextColumns = 72;
constexpr int64_t kMemoryTokens = 4'096;  // a usual length of question, passages and answer

std::string cut(std::string_view text) {
  if (text.size() <= kMaxTextBytes) return to_valid_utf8(text);
  return to_valid_utf8(text.substr(0, utf8_floor(text, kMaxTextBytes))) + "…";
}

template <typename T>
json::value number(std::span<const std::byte> bytes) { return gguf::load<T>(bytes); }

json::value scalar(ValueType type, std::span<const std::byte> bytes) {
  switch (type) {
    case ValueType::kU8: return number<uint8_t>(bytes);
    case ValueType::kI8: return number<int8_t>(bytes);
    case ValueType::kU16: return number<uint16_t>(bytes);
    case ValueType::kI16: return number<int16_t>(bytes);
    case ValueType::kU32: return number<uint32_t>(bytes);
    case ValueType::kI32: return number<int32_t>(bytes);
    case ValueType::kU64: return number<uint64_t>(bytes);
    case ValueType::kI64: return number<int64_t>(bytes);
    case ValueType::kF32: return number<float>(bytes);
    case ValueType::kF64: return number<double>(bytes);
    case ValueType::kBool: return gguf::load<uint8_t>(bytes) != 0;
    case ValueType::kString: return json::value(cut(gguf::as_text(bytes)));
    case ValueType::kArray: break;
  }
  return nullptr;
}

json::value array_value(const gguf::ArrayView& array) {
  json::array first;
  const size_t n_shown = std::min<uint64_t>(array.n, kMaxElements);
  if (const auto texts = array.strings(); texts.ok()) {
    for (size_t i = 0; i < n_shown; ++i) first.push_back(json::value(cut((*texts)[i])));
  } else {
    const size_t size = gguf::scalar_bytes(array.element);
    for (size_t i = 0; i < n_shown; ++i)
      first.push_back(scalar(array.element, array.bytes.subspan(i * size)));
  }
  return json::object{
      {"type", gguf::value_type_name(array.element)}, {"n", array.n}, {"first", std::move(first)}};
}

json::object metadata_of(const gguf::File& file) {
  json::object metadata;
  for (const gguf::MetadataEntry& entry : file.metadata()) {
    metadata[to_valid_utf8(entry.key)] =
        entry.type == ValueType::kArray ? array_value(entry.array) : scalar(entry.type, entry.bytes);
  }
  return metadata;
}

json::array types_of(const gguf::File& file) {
  struct Sum {
    int64_t n_tensors = 0, n_elements = 0, n_bytes = 0;
  };
  std::map<uint32_t, Sum> sums;
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    Sum& sum = sums[tensor.gguf_type];
    ++sum.n_tensors;
    sum.n_elements += tensor.n_elements();
    sum.n_bytes += static_cast<int64_t>(tensor.data.size());
  }
  json::array types;
  for (const auto& [type, sum] : sums) {
    const std::string_view name = kernels::gguf_type_name(type);
    json::object row{{"type", name.empty() ? fmt::format("unknown ({})", type) : std::string(name)},
                     {"tensors", sum.n_tensors},
                     {"elements", sum.n_elements}};
    const bool supported = kernels::find_tensor_type(type).has_value();
    if (supported) row["bytes"] = sum.n_bytes;
    row["supported"] = supported;
    types.push_back(std::move(row));
  }
  return types;
}

std::optional<int64_t> integer_of(const gguf::File& file, std::string_view key) {
  const auto value = file.integer(fmt::format("{}.{}", file.architecture(), key));
  return value.ok() ? std::optional(*value) : std::nullopt;
}

// Two bytes a value for keys and values; empty for models that generate nothing, and for numbers
// that no model has.
std::optional<int64_t> kv_bytes_per_token(const gguf::File& file) {
  constexpr int64_t kMost = 1 << 20;
  const auto layers = integer_of(file, "block_count");
  const auto heads = integer_of(file, "attention.head_count");
  const auto kv_heads = integer_of(file, "attention.head_count_kv");
  const auto width = integer_of(file, "embedding_length");
  if (!layers || !heads || !kv_heads || !width) return std::nullopt;
  for (const int64_t value : {*layers, *heads, *kv_heads, *width}) {
    if (value < 1 || value > kMost) return std::nullopt;
  }
  const int64_t key_length = integer_of(file, "attention.key_length").value_or(*width / *heads);
  const int64_t value_length = integer_of(file, "attention.value_length").value_or(*width / *heads);
  if (key_length < 1 || key_length > kMost || value_length < 1 || value_length > kMost) return std::nullopt;
  return *layers * *kv_heads * (key_length + value_length) * 2;
}

std::string line(std::string_view name, std::string_view value) {
  return fmt::format("{:<13} {}\n", name, value);
}

std::string text_of(const json::value& value) {
  if (value.is_string()) return ellipsize(printable(std::string_view(value.as_string())), kTextColumns);
  if (value.is_double()) return fmt::format("{:.7g}", value.as_double());  // a float's digits
  if (!value.is_object()) return json::serialize(value);
  const json::object& array = value.as_object();
  std::string text;
  for (const json::value& element : array.at("first").as_array())
    text += (text.empty() ? "" : ", ") + text_of(element);
  return ellipsize(fmt::format("{} of {}: {}", array.at("n").to_number<uint64_t>(),
                               std::string_view(array.at("type").as_string()), text), kTextColumns);
}

// "mean_kld 0.0123, same_top 0.95": what the file says that it lost when it was quantized.
std::string quality_of(const json::object& quantization) {
  std::string text;
  for (const auto& [name, value] : quantize::stored_scores(quantization)) {
    text += fmt::format("{}{} {:.4g}", text.empty() ? "" : ", ", std::string_view(name), value.to_number<double>());
  }
  return text.empty() ? "was not measured when it was made" : text + ", says the file";
}

}  // namespace

json::object model_report(const gguf::File& file) {
  int64_t n_elements = 0;
  int64_t weight_bytes = 0;
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    n_elements += tensor.n_elements();
    weight_bytes += static_cast<int64_t>(tensor.data.size());
  }
  json::object memory{{"weights_bytes", weight_bytes}};
  if (const auto kv_bytes = kv_bytes_per_token(file)) {
    memory["kv_bytes_per_token"] = *kv_bytes;
    memory["tokens"] = kMemoryTokens;
    memory["total_bytes"] = weight_bytes + kMemoryTokens * *kv_bytes;
  }
  json::object report{{"path", to_valid_utf8(file.path())},
                      {"bytes", file.file_bytes()},
                      {"version", file.version()},
                      {"architecture", to_valid_utf8(file.architecture())},
                      {"parameters", n_elements}};
  if (const auto context = integer_of(file, "context_length")) report["context_length"] = *context;
  if (Result<json::object> made = quantize::stored_report(file); made.ok()) report["quantization"] = *std::move(made);
  report["tensor_types"] = types_of(file);
  report["memory"] = std::move(memory);
  report["metadata"] = metadata_of(file);
  return report;
}

std::string model_report_text(const json::object& report) {
  const auto text = [&](const char* key) { return printable(std::string_view(report.at(key).as_string())); };
  const auto count = [](const json::object& object, const char* key) {
    return object.at(key).to_number<int64_t>();
  };
  std::string out = line("file", text("path"));
  out += line("size", fmt::format("{}, GGUF version {}", format_bytes(count(report, "bytes")),
                                  count(report, "version")));
  out += line("architecture", text("architecture"));
  out += line("parameters", format_count(count(report, "parameters")));
  if (report.contains("context_length"))
    out += line("context", format_count(count(report, "context_length"), "token"));
  for (const json::value& value : report.at("tensor_types").as_array()) {
    const json::object& row = value.as_object();
    out += line(
        "tensors",
        fmt::format("{:<8} {:>5}  {:>15} elements{}", std::string_view(row.at("type").as_string()),
                    count(row, "tensors"), format_count(count(row, "elements")),
                    row.at("supported").as_bool() ? "  " + format_bytes(count(row, "bytes"))
                                                  : std::string("  not supported: the model cannot be run")));
  }
  const json::object& memory = report.at("memory").as_object();
  std::string need = format_bytes(count(memory, "weights_bytes")) + " of weights";
  if (memory.contains("total_bytes")) {
    need += fmt::format(", {} a token; {} with {} tokens", format_bytes(count(memory, "kv_bytes_per_token")),
                        format_bytes(count(memory, "total_bytes")), format_count(count(memory, "tokens")));
  }
  out += line("memory", need);
  if (report.contains("quantization")) out += line("quality", quality_of(report.at("quantization").as_object()));
  out += "\n";
  for (const auto& [key, value] : report.at("metadata").as_object()) {
    out += fmt::format("{:<45} {}\n", printable(std::string_view(key)), text_of(value));
  }
  return out;
}

}  // namespace docmind::cli

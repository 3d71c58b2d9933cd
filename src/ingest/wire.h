// Little-endian fields in byte strings: how requests and documents travel to and from the worker.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/error.h"
#include "ingest/reader.h"

namespace docmind::ingest {

class WireWriter {
 public:
  void u8(uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void u32(uint32_t value) { number(value, 4); }
  void u64(uint64_t value) { number(value, 8); }
  void string(std::string_view text) {
    u32(static_cast<uint32_t>(text.size()));
    out_.append(text);
  }
  void raw(std::string_view bytes) { out_.append(bytes); }
  std::string take() { return std::move(out_); }

 private:
  void number(uint64_t value, int n_bytes) {
    for (int i = 0; i < n_bytes; ++i) out_.push_back(static_cast<char>(value >> (8 * i)));
  }
  std::string out_;
};

// Reads past the end give zeros and empty strings, and ok() turns false for good.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : left_(bytes) {}
  uint8_t u8() { return static_cast<uint8_t>(number(1)); }
  uint32_t u32() { return static_cast<uint32_t>(number(4)); }
  uint64_t u64() { return number(8); }
  std::string_view string() { return raw(u32()); }
  std::string_view raw(uint64_t n_bytes) {
    if (n_bytes > left_.size()) {
      fail();
      return {};
    }
    const std::string_view piece = left_.substr(0, n_bytes);
    left_.remove_prefix(n_bytes);
    return piece;
  }
  // A count of things that take at least `min_bytes` each; more than can follow is a failure.
  uint32_t count(size_t min_bytes) {
    const uint32_t n = u32();
    if (n <= left_.size() / min_bytes) return n;
    fail();
    return 0;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return left_.empty(); }
  void fail() {
    ok_ = false;
    left_ = {};
  }

 private:
  uint64_t number(size_t n_bytes) {
    const std::string_view piece = raw(n_bytes);
    uint64_t value = 0;
    for (size_t i = 0; i < piece.size(); ++i) {
      value |= static_cast<uint64_t>(static_cast<unsigned char>(piece[i])) << (8 * i);
    }
    return value;
  }
  std::string_view left_;
  bool ok_ = true;
};

// Every message starts with a frame of fixed size: magic, kind, length of the payload.
inline constexpr uint32_t kFrameMagic = 0x31574D44;  // "DMW1"
inline constexpr size_t kFrameBytes = 16;
enum class FrameKind : uint32_t { kRequest = 1, kDocument = 2, kError = 3 };

struct Frame {
  FrameKind kind = FrameKind::kRequest;
  uint64_t n_bytes = 0;
};
[[nodiscard]] std::string encode_frame(const Frame& frame);
// kMalformed unless magic and kind are right and the payload has at most `max_bytes`.
Result<Frame> decode_frame(std::string_view header, uint64_t max_bytes);

// A file to parse. Views into the payload after decoding.
struct ParseRequest {
  ReadLimits limits;
  std::string_view path;
  std::string_view bytes;
};
// Everything of the payload before the file's bytes, which follow it unchanged.
[[nodiscard]] std::string encode_request_head(const ParseRequest& request);
Result<ParseRequest> decode_request(std::string_view payload);

[[nodiscard]] std::string encode_error(const Error& error);
// The error that a payload holds; kMalformed when it holds none.
[[nodiscard]] Error decode_error(std::string_view payload);

}  // namespace docmind::ingest

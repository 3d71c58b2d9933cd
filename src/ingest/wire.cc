// Frames, requests and errors between the indexer and its parse worker.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/wire.h"

#include "ingest/utf8.h"

namespace docmind::ingest {

std::string encode_frame(const Frame& frame) {
  WireWriter out;
  out.u32(kFrameMagic);
  out.u32(static_cast<uint32_t>(frame.kind));
  out.u64(frame.n_bytes);
  return out.take();
}

Result<Frame> decode_frame(std::string_view header, uint64_t max_bytes) {
  WireReader in(header);
  const uint32_t magic = in.u32();
  const uint32_t kind = in.u32();
  const uint64_t n_bytes = in.u64();
  if (!in.ok() || magic != kFrameMagic || kind < 1 || kind > 3) {
    return Error{ErrorCode::kMalformed, "not a message of the parse worker's protocol"};
  }
  if (n_bytes > max_bytes) {
    return Error{ErrorCode::kMalformed, "a message of " + std::to_string(n_bytes) +
                                            " bytes is larger than the " +
                                            std::to_string(max_bytes) + " that can be right"};
  }
  return Frame{.kind = static_cast<FrameKind>(kind), .n_bytes = n_bytes};
}

std::string encode_request_head(const ParseRequest& request) {
  WireWriter out;
  out.u64(static_cast<uint64_t>(request.limits.max_file_bytes));
  out.u64(static_cast<uint64_t>(request.limits.max_text_bytes));
  out.u64(static_cast<uint64_t>(request.limits.max_archive_bytes));
  out.u32(static_cast<uint32_t>(request.limits.max_pages));
  out.u32(static_cast<uint32_t>(request.limits.max_depth));
  out.u32(static_cast<uint32_t>(request.limits.timeout_ms));
  out.u64(static_cast<uint64_t>(request.limits.worker_memory_bytes));
  out.string(request.path);
  out.u64(request.bytes.size());
  return out.take();
}

Result<ParseRequest> decode_request(std::string_view payload) {
  WireReader in(payload);
  ParseRequest request;
  request.limits.max_file_bytes = static_cast<int64_t>(in.u64());
  request.limits.max_text_bytes = static_cast<int64_t>(in.u64());
  request.limits.max_archive_bytes = static_cast<int64_t>(in.u64());
  request.limits.max_pages = static_cast<int>(in.u32());
  request.limits.max_depth = static_cast<int>(in.u32());
  request.limits.timeout_ms = static_cast<int>(in.u32());
  request.limits.worker_memory_bytes = static_cast<int64_t>(in.u64());
  request.path = in.string();
  request.bytes = in.raw(in.u64());
  if (!in.ok() || !in.at_end()) {
    return Error{ErrorCode::kMalformed, "the request to the parse worker is damaged"};
  }
  return request;
}

std::string encode_error(const Error& error) {
  WireWriter out;
  out.u8(static_cast<uint8_t>(error.code));
  out.string(error.message);
  return out.take();
}

Error decode_error(std::string_view payload) {
  WireReader in(payload);
  const uint8_t code = in.u8();
  const std::string_view message = in.string();
  const bool known = code <= static_cast<uint8_t>(ErrorCode::kInternal);
  if (!in.ok() || !in.at_end() || !known || !is_valid_utf8(message)) {
    return Error{ErrorCode::kMalformed, "the parse worker sent a damaged error"};
  }
  constexpr size_t kMaxMessageBytes = 4096;
  return Error{static_cast<ErrorCode>(code), one_line(message, kMaxMessageBytes)};
}

}  // namespace docmind::ingest

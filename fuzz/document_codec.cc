// Fuzzes what indexer and parse worker read from each other: documents, frames, requests, errors.
// SPDX-License-Identifier: Apache-2.0
#include "fuzz/check.h"
#include "ingest/utf8.h"
#include "ingest/wire.h"
#include "ingest/worker.h"

namespace docmind::fuzz {
namespace {

void check_sound(const ingest::Document& document) {
  require(ingest::is_valid_utf8(document.text), "text is UTF-8");
  require(document.text.find('\0') == std::string::npos, "text has no NUL");
  require(document.marks.empty() == document.text.empty(), "text has a mark");
  for (size_t i = 0; i < document.marks.size(); ++i) {
    const uint32_t offset = document.marks[i].offset;
    require(i == 0 ? offset == 0 : offset > document.marks[i - 1].offset, "marks are in order");
    require(offset < document.text.size(), "a mark lies in the text");
  }
  for (size_t i = 0; i < document.headings.size(); ++i) {
    const uint32_t offset = document.headings[i].offset;
    require(i == 0 || offset >= document.headings[i - 1].offset, "headings are in order");
    require(offset < document.text.size(), "a heading lies in the text");
  }
}

// There is one encoding only, so what decodes encodes to the same bytes.
void check_bytes(std::string_view bytes) {
  if (const auto document = ingest::decode_document(bytes); document.ok()) {
    check_sound(*document);
    require(ingest::encode_document(*document) == bytes, "a document encodes to the same bytes");
  }
  if (const auto frame = ingest::decode_frame(bytes.substr(0, ingest::kFrameBytes), 1 << 20);
      frame.ok()) {
    require(ingest::encode_frame(*frame) == bytes.substr(0, ingest::kFrameBytes),
            "a frame encodes to the same bytes");
  }
  if (const auto request = ingest::decode_request(bytes); request.ok()) {
    require(ingest::encode_request_head(*request) + std::string(request->bytes) == bytes,
            "a request encodes to the same bytes");
  }
  const Error error = ingest::decode_error(bytes);
  require(ingest::is_valid_utf8(error.message), "an error's message is UTF-8");
}

}  // namespace
}  // namespace docmind::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  docmind::fuzz::check_bytes(docmind::fuzz::as_text(data, size));
  return 0;
}

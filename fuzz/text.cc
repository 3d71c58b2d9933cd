// Fuzzes decoding and the plain text reader; the first line of the input is the declared encoding.
// SPDX-License-Identifier: Apache-2.0
#include "fuzz/check_document.h"

namespace docmind::fuzz {
namespace {

void check_decoded(std::string_view bytes, std::string_view declared) {
  const Result<ingest::DecodedText> decoded = ingest::decode_text(bytes, declared);
  if (!decoded.ok()) {
    require(decoded.error().code == ErrorCode::kMalformed, decoded.error().message);
    return;
  }
  require(ingest::is_valid_utf8(decoded->text), "decoded text is UTF-8");
  require(decoded->text.find('\0') == std::string::npos, "decoded text has no NUL");
  require(decoded->text.find('\r') == std::string::npos, "line ends are one line feed");
  require(!decoded->encoding.empty(), "an encoding has a name");
}

}  // namespace
}  // namespace docmind::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes = docmind::fuzz::as_text(data, size);
  docmind::fuzz::check_reader(docmind::ingest::read_text, bytes);
  const std::string_view declared = docmind::fuzz::take_part(bytes, '\n');
  docmind::fuzz::check_decoded(bytes, declared);
  docmind::fuzz::check_reader(docmind::ingest::read_text, bytes);
  return 0;
}

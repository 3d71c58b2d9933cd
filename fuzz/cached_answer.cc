// Fuzzes the encoding of cached answers: what decodes encodes to the same bytes.
// SPDX-License-Identifier: Apache-2.0
#include "cache/cached_answer.h"
#include "fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace docmind;
  const std::string_view bytes = fuzz::as_text(data, size);
  const Result<cache::CachedAnswer> answer = cache::decode_cached_answer(bytes);
  if (!answer.ok()) {
    fuzz::require(answer.error().code == ErrorCode::kMalformed, answer.error().message);
    return 0;
  }
  const Result<std::string> again = cache::encode_cached_answer(*answer);
  fuzz::require(again.ok() && *again == bytes, "an answer encodes to the same bytes");
  return 0;
}

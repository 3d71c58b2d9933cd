// Fuzzes the payload of cached answers: what decodes is kept by encoding and decoding it again.
// SPDX-License-Identifier: Apache-2.0
#include "fuzz/check.h"
#include "pipeline/answer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace docmind;
  const Result<pipeline::Answer> answer = pipeline::decode_answer(fuzz::as_text(data, size));
  if (!answer.ok()) return 0;
  const std::string once = pipeline::encode_answer(*answer);
  const Result<pipeline::Answer> decoded = pipeline::decode_answer(once);
  fuzz::require(decoded.ok(), decoded.ok() ? "" : decoded.error().message);
  fuzz::require(pipeline::encode_answer(*decoded) == once, "the encoding is stable");
  (void)to_string_pretty(pipeline::answer_to_json(*answer, true));
  return 0;
}

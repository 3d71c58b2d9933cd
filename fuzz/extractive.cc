// Fuzzes extractive answers: a question, then passages, separated by form feeds.
// SPDX-License-Identifier: Apache-2.0
#include "providers/extractive.h"

#include "base/text.h"
#include "fuzz/check.h"

namespace docmind::fuzz {
namespace {

using providers::quote_of;

void check_answer(std::string_view question, const std::vector<providers::Passage>& passages,
                  int max_tokens) {
  const providers::ExtractiveGenerator generator(
      [](std::string_view stem) { return 1.0 + static_cast<double>(stem.size() % 5); });
  const providers::GenerateRequest request{
      .question = question, .passages = passages, .max_tokens = max_tokens, .max_sentences = 4};
  std::string streamed;
  const auto answer = generator.generate(
      request,
      [&](std::string_view piece) {
        streamed += piece;
        return true;
      },
      CancelToken());
  require(answer.ok(), answer.ok() ? "" : answer.error().message);
  require(streamed == answer->text, "the pieces make the answer");
  require(answer->answered == !answer->evidence.empty(), "an answer has evidence");
  require(is_valid_utf8(answer->text), "an answer is UTF-8");
  const std::string flat = quote_of(answer->text);
  size_t at = 0;
  for (const providers::Evidence& evidence : answer->evidence) {
    require(evidence.passage < passages.size(), "evidence names a passage");
    const std::string_view text = passages[evidence.passage].text;
    require(evidence.begin < evidence.end, "evidence is not empty");
    require(evidence.end <= text.size(), "evidence lies in its text");
    const std::string quote = quote_of(text.substr(evidence.begin, evidence.end - evidence.begin));
    at = flat.find(quote, at);
    require(at != std::string::npos, "evidence is found in the answer, in order");
    at += quote.size();
  }
}

}  // namespace
}  // namespace docmind::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace docmind;
  // Passages are always UTF-8, since every document is.
  std::string text = to_valid_utf8(fuzz::as_text(data, size));
  std::erase(text, '\0');
  std::string_view rest = text;
  const std::string_view question = fuzz::take_part(rest, fuzz::kPartSeparator);
  std::vector<providers::Passage> passages;
  for (const std::string_view part : fuzz::split_parts(rest, fuzz::kPartSeparator, 6)) {
    passages.push_back({.text = part,
                        .title = "Partial tables",
                        .heading = "Index > Create",
                        .relevance = 1});
  }
  fuzz::check_answer(question, passages, 512);
  fuzz::check_answer(question, passages, 3);
  return 0;
}

// Fuzzes the readers of other servers' streams: where the bytes are cut makes no difference, and a stream that is cut
// short says nothing else than the beginning of the whole.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include "base/text.h"
#include "fuzz/check.h"
#include "providers/ollama_chat.h"
#include "providers/openai_chat.h"

namespace docmind::fuzz {
namespace {

struct Heard {
  std::string text;
  bool ok = false;
  std::string message;
  bool operator==(const Heard&) const = default;
};

providers::UpstreamOptions options_of_test() {
  providers::UpstreamOptions options;
  options.spec = {.kind = providers::UpstreamKind::kOllama, .model = "m", .url = "http://127.0.0.1:1"};
  options.api_key = "sk-1";
  return options;
}

// Pieces of one to `most` bytes, as `seed` says.
template <typename Reader>
Heard hear(std::string_view stream, size_t most, uint32_t seed) {
  const providers::UpstreamOptions options = options_of_test();
  Heard heard;
  const providers::TextSink sink = [&](std::string_view piece) { return heard.text.append(piece), true; };
  Reader reader(options, sink);
  reader.begin_try();
  Status status;
  while (!stream.empty() && status.ok()) {
    seed = seed * 1'664'525 + 1'013'904'223;
    const size_t n = most == 0 ? stream.size() : 1 + (seed >> 16) % most;
    status = reader.take(stream.substr(0, n));
    stream.remove_prefix(std::min(n, stream.size()));
  }
  if (status.ok()) status = reader.finish({.status = 200});
  heard.ok = status.ok();
  if (!status.ok()) heard.message = status.error().message;
  return heard;
}

template <typename Reader>
void check_reader(std::string_view stream, uint32_t seed) {
  const Heard whole = hear<Reader>(stream, 0, 0);
  require(hear<Reader>(stream, 1, seed) == whole, "single bytes say the same");
  require(hear<Reader>(stream, 7, seed) == whole, "pieces say the same");
  require(is_valid_utf8(whole.message) && whole.message.size() < 4'000, "errors can be shown");
  require(whole.message.find("sk-1") == std::string::npos, "the key is not repeated");
  const Heard cut = hear<Reader>(stream.substr(0, stream.size() / 2), 0, 0);
  require(!whole.ok || whole.text.starts_with(cut.text), "half of a stream says a beginning of it");
}

}  // namespace
}  // namespace docmind::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace docmind;
  if (size < 2) return 0;
  const std::string_view stream = fuzz::as_text(data + 1, size - 1);
  fuzz::check_reader<providers::OpenAiChatReader>(stream, data[0]);
  fuzz::check_reader<providers::OllamaChatReader>(stream, data[0]);
  return 0;
}

// Fuzzes bodies of requests of every dialect: each is refused with a field and a sentence, or within its limits.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "base/text.h"
#include "fuzz/check.h"
#include "server/chat_request.h"
#include "server/completion_request.h"
#include "server/ollama_request.h"
#include "server/vector_request.h"

namespace docmind::fuzz {
namespace {

constexpr int64_t kMostTokens = 4'096;

// What was read, or a decent error.
template <typename Request>
bool is_read(const std::optional<Request>& request, const server::ApiError& error) {
  if (request) return true;
  require(error.status == 400, "a body is refused with 400");
  require(!error.message.empty(), "and with a sentence");
  (void)server::error_body(error, server::Dialect::kOpenAi);  // which must be possible
  (void)server::error_body(error, server::Dialect::kTei);
  return false;
}

void check_generation(const server::GenerationFields& fields) {
  const engine::GenerateOptions& options = fields.options;
  require(options.max_tokens >= 1 && options.max_tokens <= kMostTokens, "max_tokens is in its range");
  require(engine::check(options.sampling).ok(), "the sampler takes what was read");
  require(fields.n >= 1 && fields.n <= server::kMaxTexts, "n is in its range");
  require(options.stop.size() <= server::kMaxStopStrings, "stop strings are few");
}

void check_chat(const server::ChatRequest& request) {
  check_generation(request.generation);
  for (const server::ChatTurn& turn : request.turns) {
    require(turn.role == "system" || turn.role == "user" || turn.role == "assistant" || turn.role == "tool",
            "roles are the four");
    require(is_valid_utf8(turn.content), "contents are UTF-8");
  }
  require(request.tool_choice != server::ToolChoice::kRequired || !request.tools.empty(), "a call needs a tool");
}

void check_embedding(const std::optional<server::EmbeddingRequest>& request, const server::ApiError& error) {
  if (!is_read(request, error)) return;
  require(request->texts.size() <= server::kMaxVectorTexts, "texts are not too many");
  require(request->n_dimensions.value_or(1) >= 1, "dimensions are positive");
}

void check_rerank(const std::optional<server::RerankRequest>& request, const server::ApiError& error) {
  if (!is_read(request, error)) return;
  require(!request->query.empty() && !request->documents.empty(), "there is something to rank");
  require(request->documents.size() <= server::kMaxVectorTexts, "documents are not too many");
}

}  // namespace
}  // namespace docmind::fuzz

// The first byte says whose body the rest is.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace docmind;
  if (size == 0) return 0;
  const std::string_view body = fuzz::as_text(data + 1, size - 1);
  server::ApiError error;
  switch (data[0] % 8) {
    case 0:
      if (const auto chat = server::parse_chat_request(body, fuzz::kMostTokens, error); fuzz::is_read(chat, error)) {
        fuzz::check_chat(*chat);
        fuzz::require(!chat->turns.empty(), "a chat has a turn");
      }
      break;
    case 1:
      if (const auto made = server::parse_completion_request(body, fuzz::kMostTokens, error);
          fuzz::is_read(made, error)) {
        fuzz::check_generation(made->generation);
        fuzz::require(!made->prompts.empty(), "a completion has a prompt");
      }
      break;
    case 2: fuzz::check_embedding(server::parse_embedding_request(body, error), error); break;
    case 3: fuzz::check_embedding(server::parse_tei_embed_request(body, error), error); break;
    case 4: fuzz::check_embedding(server::parse_ollama_embed_request(body, error), error); break;
    case 5: fuzz::check_rerank(server::parse_rerank_request(body, error), error); break;
    case 6:
      if (const auto chat = server::parse_ollama_chat(body, fuzz::kMostTokens, error); fuzz::is_read(chat, error)) {
        fuzz::check_chat(chat->chat);
      }
      break;
    default:
      if (const auto made = server::parse_ollama_generate(body, fuzz::kMostTokens, error); fuzz::is_read(made, error)) {
        fuzz::check_chat(made->chat);
      }
  }
  return 0;
}

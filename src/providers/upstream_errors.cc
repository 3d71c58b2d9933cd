// The sentences for what goes wrong with another server: which one, what it said, what to do.
// SPDX-License-Identifier: Apache-2.0
#include "providers/upstream_errors.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "providers/upstream_json.h"

namespace docmind::providers {
namespace {

constexpr std::string_view kMakeRoom =
    "let the server have a longer context, or shorten the text (ask.top_k, index.chunk_target_bytes)";
constexpr size_t kMaxSaidColumns = 300;
constexpr size_t kMaxJsonDepth = 32;
constexpr size_t kMaxSaidDepth = 16;
constexpr size_t kMaxSaidBytes = 64 << 10;

// Whatever a server says, made safe to show: without the key, printable, cut.
std::string shown_words(const UpstreamOptions& options, std::string said) {
  if (!options.api_key.empty()) {
    for (size_t at = said.find(options.api_key); at != std::string::npos; at = said.find(options.api_key, at)) {
      said.replace(at, options.api_key.size(), "(key)");
    }
  }
  return ellipsize(printable(trim(said)), kMaxSaidColumns);
}

// ": 'what it said'", or nothing.
std::string quoted_words(const UpstreamOptions& options, std::string_view body) {
  const std::string words = shown_words(options, said_by_server(body));
  return words.empty() ? "" : fmt::format(": '{}'", words);
}

std::string start_advice(const ModelSpec& spec) {
  switch (spec.kind) {
    case UpstreamKind::kOllama: return "start it with: ollama serve";
    case UpstreamKind::kLlamaCpp: return "start it with: llama-server -m MODEL.gguf";
    case UpstreamKind::kVllm:
      return fmt::format("start it with: vllm serve {}", spec.model.empty() ? "MODEL" : printable(spec.model));
    case UpstreamKind::kOpenAi:
    case UpstreamKind::kNative: break;
  }
  return spec.lm_studio ? "start it with: lms server start" : "check that it runs and that the address is right";
}

std::string model_advice(const ModelSpec& spec) {
  const std::string model = printable(spec.model);
  if (spec.kind == UpstreamKind::kOllama) return fmt::format("get it with: ollama pull {}", model);
  if (spec.lm_studio) return fmt::format("load it with: lms load {}", model);
  return "give the name of one that it lists under /v1/models";
}

// Servers tell in many words that a prompt is too long.
bool says_too_long(std::string_view body) {
  constexpr std::array<std::string_view, 8> kPhrases = {
      "exceed_context_size", "context length", "context size",        "context window", "maximum model length",
      "max_model_len",       "longer than the context", "too large to process"};
  return std::ranges::any_of(kPhrases, [&](std::string_view phrase) { return body.find(phrase) != body.npos; });
}

Error too_long_error(const UpstreamOptions& options, std::string_view body) {
  const Result<json::value> parsed = parse_json(body, kMaxSaidDepth, kMaxSaidBytes);
  if (parsed.ok()) {
    const auto n_prompt = json_count(*parsed, {"error", "n_prompt_tokens"});
    const auto n_context = json_count(*parsed, {"error", "n_ctx"});
    if (n_prompt && n_context) return upstream_too_long(options, *n_prompt, *n_context);
  }
  return {ErrorCode::kLimit, fmt::format("the text is too long for {}{}; {}", upstream_name(options.spec),
                                         quoted_words(options, body), kMakeRoom)};
}

Error not_found_error(const UpstreamOptions& options, std::string_view body) {
  const std::string said = said_by_server(body);
  const bool of_model = said.find("model") != said.npos || said.find("Model") != said.npos;
  if (of_model && !options.spec.model.empty()) {
    return {ErrorCode::kNotFound, fmt::format("{} has no model '{}'{}; {}", upstream_name(options.spec),
                                              printable(options.spec.model), quoted_words(options, body),
                                              model_advice(options.spec))};
  }
  return {ErrorCode::kNotFound, fmt::format("{} does not know the request (404{}); check that the address is that of "
                                            "such a server, without /v1",
                                            upstream_name(options.spec), quoted_words(options, body))};
}

Error busy_error(const UpstreamOptions& options, int status, int64_t retry_after_s, std::string_view body) {
  std::string said = said_by_server(body);
  const bool loading = said.find("oading") != said.npos;
  const std::string_view what = loading ? "is still loading its model" : status == 429 ? "has too much to do"
                                                                                       : "is full or not ready";
  const std::string when = retry_after_s > 0 ? fmt::format("try again in {} s", retry_after_s) : "try again later";
  return {ErrorCode::kBusy, fmt::format("{} {} ({}{}); {}", upstream_name(options.spec), what, status,
                                        quoted_words(options, body), when)};
}

Error key_error(const UpstreamOptions& options, int status, std::string_view body) {
  const std::string_view what = options.api_key.empty()
                                    ? "wants a key; put it into a file and name that with upstream.key_file"
                                    : "refused the key of upstream.key_file";
  return {ErrorCode::kPermission,
          fmt::format("{} {} ({}{})", upstream_name(options.spec), what, status, quoted_words(options, body))};
}

Error status_error(const UpstreamOptions& options, int status, int64_t retry_after_s, std::string_view body) {
  if (status == 401 || status == 403) return key_error(options, status, body);
  if (status == 404) return not_found_error(options, body);
  if (status == 429 || status == 503) return busy_error(options, status, retry_after_s, body);
  if (says_too_long(body) || status == 413) return too_long_error(options, body);
  const std::string name = upstream_name(options.spec);
  const std::string words = quoted_words(options, body);
  if (status == 501) {
    return {ErrorCode::kUnsupported, fmt::format("{} cannot do this as it was started ({}{})", name, status, words)};
  }
  if (status == 502 || status == 504) {
    return {ErrorCode::kIo, fmt::format("what stands before {} does not reach it ({}{}); {}", name, status, words,
                                        start_advice(options.spec))};
  }
  if (status >= 500) {
    return {ErrorCode::kIo, fmt::format("{} failed ({}{}); its log may say more", name, status, words)};
  }
  if (status >= 400) {
    return {ErrorCode::kInvalidArgument, fmt::format("{} refused the request ({}{})", name, status, words)};
  }
  return {ErrorCode::kMalformed, fmt::format("{} answered with status {}, which means nothing here", name, status)};
}

// A request that ended before there was a whole answer.
Error ended_error(const UpstreamOptions& options, const HttpAnswer& answer) {
  const std::string name = upstream_name(options.spec);
  const std::string detail = answer.detail.empty() ? "" : fmt::format(" ({})", shown_words(options, answer.detail));
  switch (answer.end) {
    case HttpEnd::kNotReached:
      return {ErrorCode::kIo, fmt::format("{} cannot be reached{}; {}", name, detail, start_advice(options.spec))};
    case HttpEnd::kNoAnswer:
      return {ErrorCode::kIo, fmt::format("{} did not begin to answer in time; it may be overloaded or still loading a "
                                          "model; else raise upstream.first_byte_timeout_ms (now {})",
                                          name, options.first_byte_timeout_ms)};
    case HttpEnd::kStalled:
      return {ErrorCode::kIo, fmt::format("{} stopped in the middle of an answer for more than {} ms "
                                          "(upstream.stall_timeout_ms)",
                                          name, options.stall_timeout_ms)};
    case HttpEnd::kBrokeOff:
      return {ErrorCode::kIo, fmt::format("{} broke off its answer{}; its log may say why", name, detail)};
    case HttpEnd::kTooLarge:
      return {ErrorCode::kMalformed, fmt::format("{} does not come to an end: more than {} were answered{}", name,
                                                 format_bytes(options.largest_answer_bytes), detail)};
    case HttpEnd::kCancelled: return {ErrorCode::kCancelled, fmt::format("the request to {} was stopped", name)};
    case HttpEnd::kStopped:
    case HttpEnd::kAnswered: break;
  }
  return answer.stopped;
}

}  // namespace

std::string upstream_name(const ModelSpec& spec) {
  const auto name = [&]() -> std::string_view {
    switch (spec.kind) {
      case UpstreamKind::kOllama: return "Ollama";
      case UpstreamKind::kLlamaCpp: return "the llama.cpp server";
      case UpstreamKind::kVllm: return "vLLM";
      case UpstreamKind::kOpenAi:
      case UpstreamKind::kNative: break;
    }
    return spec.lm_studio ? "LM Studio" : "the server";
  };
  return fmt::format("{} at {}", name(), printable(spec.url));
}

Error upstream_error(const UpstreamOptions& options, const HttpAnswer& answer) {
  if (answer.end != HttpEnd::kAnswered) return ended_error(options, answer);
  if (!answer.redirect.empty()) {
    return {ErrorCode::kMalformed,
            fmt::format("{} leads to '{}', and redirects are not followed; use that address if you trust it",
                        upstream_name(options.spec), shown_words(options, answer.redirect))};
  }
  return status_error(options, answer.status, answer.retry_after_s, answer.body);
}

Error upstream_stream_error(const UpstreamOptions& options, int status, std::string_view body) {
  if (status >= 400) return status_error(options, status, -1, body);
  if (says_too_long(body)) return too_long_error(options, body);
  return {ErrorCode::kIo, fmt::format("{} failed in the middle of an answer{}; its log may say more",
                                      upstream_name(options.spec), quoted_words(options, body))};
}

Error upstream_malformed(const UpstreamOptions& options, std::string_view what) {
  return {ErrorCode::kMalformed, fmt::format("{} {}", upstream_name(options.spec), what)};
}

Error upstream_too_long(const UpstreamOptions& options, int64_t n_tokens, int64_t n_context) {
  return {ErrorCode::kLimit,
          fmt::format("the text has {} tokens and {} has room for {} with the answer; {}", n_tokens,
                      upstream_name(options.spec), n_context, kMakeRoom)};
}

Error upstream_truncated(const UpstreamOptions& options, int64_t n_read, int64_t n_least) {
  return {ErrorCode::kLimit,
          fmt::format("{} read only {} tokens of a text that has {} at least, so its answer rests on a part of it; {}",
                      upstream_name(options.spec), n_read, n_least, kMakeRoom)};
}

Result<json::value> upstream_json(const UpstreamOptions& options, const HttpAnswer& answer, std::string_view body) {
  Result<json::value> value =
      parse_json(body, kMaxJsonDepth, static_cast<size_t>(std::max<int64_t>(options.largest_answer_bytes, 1)));
  if (value.ok()) return value;
  if (answer.content_type == "text/html") {
    return upstream_malformed(options, "answered with a web page; check that the address is that of such a server");
  }
  return upstream_malformed(options, fmt::format("answered with something else than JSON: {}", value.error().message));
}

}  // namespace docmind::providers

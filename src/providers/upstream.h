// Upstream: another server that runs models, spoken to in its own protocol.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "providers/model_spec.h"
#include "providers/provider.h"

namespace docmind::providers {

struct UpstreamOptions {
  ModelSpec spec;
  std::string api_key;                 // sent as a bearer token, only over https or to this machine; never logged
  bool allow_remote = false;           // otherwise URLs beyond this machine are refused
  int64_t connect_timeout_ms = 2'000;
  int64_t first_byte_timeout_ms = 120'000;  // prefill of a long prompt, or loading of a model
  int64_t stall_timeout_ms = 30'000;   // between two pieces
  int n_retries = 2;                   // only before the first byte of an answer, and only where it is safe
  int64_t largest_answer_bytes = 64 << 20;
  int64_t n_context = 0;               // 0: what the server says; Ollama is asked for it (num_ctx)
  // Circuit breaker: after so many failures in a row requests fail at once until the pause is over; it doubles.
  int n_failures_to_open = 3;
  int64_t open_ms = 2'000;
  int64_t most_open_ms = 60'000;
  double temperature = 0;
  double top_p = 0.95;
  int64_t top_k = 40;
  double min_p = 0.05;
  int64_t seed = 0;
  bool thinking = false;
};

struct UpstreamModel {
  std::string name;
  std::optional<int64_t> n_context;
};
struct UpstreamHealth {
  bool ready = false;
  std::string text;  // "ready", "is loading its model", "cannot be reached: ..."
};
// What was found out about a server and the model in question.
struct UpstreamCapabilities {
  std::string server{};             // "llama.cpp b10256", "Ollama 0.12.3", "vLLM 0.14.0"
  std::string model{};              // that requests are for: the spec's, or the only one there is
  std::string fingerprint{};        // what the server says of the model's content: digest, or sizes; may be empty
  std::optional<int64_t> n_context{}; // of one request; for Ollama that of the model, no more than UpstreamOptions'
  bool counts_tokens = false;       // has a tokenize route
  bool thinks = false;              // the model can think before it answers, as far as the server says
  bool embeds = false, reranks = false, generates = true;  // as far as it says
};

struct UpstreamCounts {
  int64_t n_requests = 0, n_failures = 0, n_retries = 0, n_refused_by_breaker = 0, n_truncated = 0;
  int64_t n_in_flight = 0;
  int64_t n_connections_made = 0;
  int64_t n_embedded_tokens = 0;    // where the server counts them
  bool open = false;                // the circuit breaker
};

// One server and one of its models. Connections are kept and used again. Any number of threads may call; errors name
// the server and say what to do. kBusy: it is loading, full or the breaker is open; kIo: it cannot be reached or broke
// off; kMalformed: it answered with something else than its protocol.
class Upstream : public std::enable_shared_from_this<Upstream> {
 public:
  // Checks the URL only; nothing is sent. kPermission for a remote URL without allow_remote, and for a key that would
  // go over the network in clear text.
  static Result<std::shared_ptr<Upstream>> open(const UpstreamOptions& options);
  virtual ~Upstream() = default;

  [[nodiscard]] virtual const UpstreamOptions& options() const = 0;
  [[nodiscard]] virtual Result<std::vector<UpstreamModel>> models(const CancelToken& cancel) = 0;
  [[nodiscard]] virtual UpstreamHealth health(const CancelToken& cancel) = 0;
  // Asked once and kept for some minutes; asked again after the server was away.
  [[nodiscard]] virtual Result<UpstreamCapabilities> capabilities(const CancelToken& cancel) = 0;
  [[nodiscard]] virtual UpstreamCounts counts() const = 0;
  // Whether requests would fail at once now (circuit breaker).
  [[nodiscard]] virtual bool is_open() const = 0;

  struct ChatRequest {
    std::string system, user;
    int64_t max_tokens = 512;
  };
  struct ChatResult {
    std::string finish_reason;     // "stop", "length"
    int64_t n_prompt_tokens = 0, n_completion_tokens = 0;  // as the server counts; 0 where it does not
  };
  // Streams the answer's text; false from `sink` closes the connection (kCancelled). A stream that ends without its
  // mark is kIo. A prompt that does not fit is kLimit with both numbers: servers are told not to cut it, and one that
  // does it in silence is found out by its own count of tokens, at the end of the stream.
  [[nodiscard]] virtual Result<ChatResult> chat(const ChatRequest& request, const TextSink& sink,
                                                const CancelToken& cancel) = 0;
  // The tokens of a text where the server can count, else an estimate that is rather too large.
  [[nodiscard]] virtual Result<int64_t> count_tokens(std::string_view text, const CancelToken& cancel) = 0;
  // Rows of unit length; the dimension is that of the answer, kMismatch when rows differ.
  [[nodiscard]] virtual Result<std::vector<std::vector<float>>> embed(std::span<const std::string_view> texts,
                                                                      const CancelToken& cancel) = 0;
  // One score a document, in their order; kUnsupported where the server has no such route (Ollama).
  [[nodiscard]] virtual Result<std::vector<double>> rerank(std::string_view query,
                                                           std::span<const std::string_view> documents,
                                                           const CancelToken& cancel) = 0;
};

// The providers over an upstream. Identities hold the kind, the model and what the server says of it, not the URL. The
// generator cites as the native one does. The embedder asks for one vector to learn the dimension (kIo, kBusy as
// above); the reranker gives 0 to 1.
[[nodiscard]] std::unique_ptr<Generator> make_upstream_generator(std::shared_ptr<Upstream> upstream);
[[nodiscard]] Result<std::unique_ptr<Embedder>> make_upstream_embedder(std::shared_ptr<Upstream> upstream,
                                                                       const CancelToken& cancel);
[[nodiscard]] std::unique_ptr<Reranker> make_upstream_reranker(std::shared_ptr<Upstream> upstream);

}  // namespace docmind::providers

// The interfaces that every provider implements: Generator, Embedder, Reranker.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"

namespace docmind::providers {

// Who answered. `identity` changes whenever the same input may give another output (model, file
// hash, version, settings); caches and stores are bound to it.
struct ProviderInfo {
  std::string name;      // for people: "extractive"
  std::string identity;  // for keys: "extractive/1"
};

// A retrieved passage as a generator sees it. Strings are borrowed from the caller.
struct Passage {
  std::string_view text;
  std::string_view title = {};    // of the document
  std::string_view heading = {};  // section path
  double relevance = 0;      // 0..1, how well it covers the question; see pipeline/relevance.h
};

struct GenerateRequest {
  std::string_view question;
  std::span<const Passage> passages;  // best first; cited as [1], [2], ... in this order
  int max_tokens = 512;               // of the answer; an extractive provider counts words
  int max_sentences = 4;              // for extractive providers
  std::string_view language = {};     // of the answer, "German" or "de"; empty: that of the question. Extracted
                                      // answers are in the documents' own
};

// Where a piece of the answer comes from, for citations that can be checked by code: the span
// [begin, end) in bytes of passages[passage].text.
struct Evidence {
  size_t passage = 0;
  size_t begin = 0;
  size_t end = 0;
};

struct GenerateResult {
  std::string text;                 // with citation marks "[1]"
  std::vector<Evidence> evidence;   // in order of use; empty when the provider cannot tell
  bool answered = true;             // false: the passages do not answer the question
  std::string finish_reason;        // "stop", "length", "no_answer"
  int64_t n_prompt_tokens = 0;
  int64_t n_completion_tokens = 0;
  std::string identity = {};        // of the one who made it, where it is not info().identity; else empty
  std::string provider = {};        // name of the one who made it, where it is not info().name; else empty
  std::string route = {};           // why that one, in words; empty where there was no choice
};

// Gets the answer piece by piece, in order, on the calling thread; returning false stops the
// generation (kCancelled).
using TextSink = std::function<bool(std::string_view piece)>;

// Implementations may be called from several threads at once.
class Generator {
 public:
  virtual ~Generator() = default;
  [[nodiscard]] virtual ProviderInfo info() const = 0;
  // The identity that an answer would likely have which is begun now: another than info()'s where settings were
  // changed for a time, to save memory. What an answer has in the end is in its GenerateResult.
  [[nodiscard]] virtual std::string identity_now() const { return info().identity; }
  [[nodiscard]] virtual Result<GenerateResult> generate(const GenerateRequest& request,
                                                        const TextSink& sink,
                                                        const CancelToken& cancel) const = 0;
  // Whether the text may repeat documents word by word, their own "[2]" included. Then what looks
  // like a mark is one only outside of the evidence, and nothing can be shown before the end.
  [[nodiscard]] virtual bool quotes_documents() const { return true; }
};

// Some models embed questions and documents differently.
enum class EmbedKind { kQuestion, kDocument };

struct EmbedderInfo {
  ProviderInfo provider;
  size_t dimension = 0;
  bool normalised = true;  // unit length, so that the inner product is the cosine
};

class Embedder {
 public:
  virtual ~Embedder() = default;
  [[nodiscard]] virtual EmbedderInfo info() const = 0;
  // Writes one row a text to `out` [texts.size(), dimension], row-major. A text without any known
  // feature gives a zero row.
  [[nodiscard]] virtual Status embed(std::span<const std::string_view> texts, EmbedKind kind,
                                     std::span<float> out, const CancelToken& cancel) const = 0;
  // Tokens embedded so far, for rates; 0 where there are none to count. Any thread.
  [[nodiscard]] virtual int64_t n_tokens() const { return 0; }
  // Tokens beyond the model's context that were left out so far, as far as that is known. Any thread.
  [[nodiscard]] virtual int64_t n_cut_tokens() const { return 0; }
};

class Reranker {
 public:
  virtual ~Reranker() = default;
  [[nodiscard]] virtual ProviderInfo info() const = 0;
  // One score a passage, 0 or more, higher is better, comparable within one call. The passages'
  // own `relevance` is not looked at.
  [[nodiscard]] virtual Result<std::vector<double>> rerank(std::string_view question,
                                                           std::span<const Passage> passages,
                                                           const CancelToken& cancel) const = 0;
};

}  // namespace docmind::providers

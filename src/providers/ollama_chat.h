// The body of Ollama's /api/chat, and the reader of its stream of lines.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "providers/ndjson_reader.h"
#include "providers/upstream.h"
#include "providers/upstream_call.h"

namespace docmind::providers {

// `n_context` is asked for (num_ctx), and that nothing be cut or shifted out of it. "think" is sent only to a model
// that can, since Ollama refuses it for others.
[[nodiscard]] std::string ollama_chat_body(const UpstreamOptions& options, const UpstreamCapabilities& known,
                                           int64_t n_context, const Upstream::ChatRequest& request);

// Hands the text of `message.content` to the sink; thoughts are dropped.
class OllamaChatReader final : public AnswerReader {
 public:
  // Both are borrowed.
  OllamaChatReader(const UpstreamOptions& options, const TextSink& sink);

  void begin_try() override;
  [[nodiscard]] Status take(std::string_view piece) override;
  [[nodiscard]] Status finish(const HttpAnswer& answer) override;
  [[nodiscard]] bool begun() const override { return begun_; }
  [[nodiscard]] bool complete() const override { return done_; }
  [[nodiscard]] bool gave_text() const override { return gave_text_; }
  // After finish().
  [[nodiscard]] const Upstream::ChatResult& result() const { return result_; }

 private:
  Status take_line(std::string_view line);
  Status give(std::string_view text);

  const UpstreamOptions& options_;
  const TextSink& sink_;
  NdjsonReader lines_;
  bool any_line_ = false, begun_ = false, done_ = false, gave_text_ = false;
  Upstream::ChatResult result_;
};

}  // namespace docmind::providers

// The body of an OpenAI chat completion, and the reader of its stream.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "providers/sse_reader.h"
#include "providers/upstream.h"
#include "providers/upstream_call.h"

namespace docmind::providers {

// What differs among servers that speak OpenAI's protocol. kOpenAi: nothing beyond its own fields.
[[nodiscard]] std::string openai_chat_body(const UpstreamOptions& options, UpstreamKind dialect, std::string_view model,
                                           const Upstream::ChatRequest& request);

// Hands the text of `choices[0].delta.content` to the sink. Thoughts (reasoning_content) are dropped. A server that
// answers with one JSON object instead of a stream is understood too.
class OpenAiChatReader final : public AnswerReader {
 public:
  // Both are borrowed.
  OpenAiChatReader(const UpstreamOptions& options, const TextSink& sink);

  void begin_try() override;
  [[nodiscard]] Status take(std::string_view piece) override;
  [[nodiscard]] Status finish(const HttpAnswer& answer) override;
  [[nodiscard]] bool begun() const override { return begun_; }
  [[nodiscard]] bool complete() const override { return done_; }
  [[nodiscard]] bool gave_text() const override { return gave_text_; }
  // After finish().
  [[nodiscard]] const Upstream::ChatResult& result() const { return result_; }

 private:
  enum class Form { kUnknown, kEvents, kObject, kPage };
  Status take_event(const SseEvent& event);
  Status take_chunk(const json::value& chunk, std::string_view text);
  Status take_object(const HttpAnswer& answer);
  Status give(std::string_view text);
  void read_usage(const json::value& chunk);

  const UpstreamOptions& options_;
  const TextSink& sink_;
  SseReader events_;
  Form form_ = Form::kUnknown;
  std::string body_;  // where it is no stream
  bool any_event_ = false, begun_ = false, done_ = false, gave_text_ = false;
  Upstream::ChatResult result_;
};

}  // namespace docmind::providers

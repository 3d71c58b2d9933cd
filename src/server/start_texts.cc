// start_texts: hands the prompts of one request to the engine, and their texts to a reader.
// SPDX-License-Identifier: Apache-2.0
#include "server/start_texts.h"

#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/hash.h"
#include "server/request_time.h"
#include "server/send.h"

namespace docmind::server {

std::optional<ApiError> start_texts(pipeline::Service& service, StreamPump& pump, const TextCall& call,
                                    std::vector<PreparedText> prompts, std::unique_ptr<TextReader> reader) {
  engine::TextModel& model = *service.models().text;
  const auto submit = [&](const StreamPump::OnReady& on_ready) -> Result<StreamPump::Streams> {
    StreamPump::Streams all;
    for (PreparedText& prompt : prompts) {
      engine::TextRequest request;
      request.prompt = std::move(prompt.prompt);
      request.options = std::move(prompt.options);
      request.priority = call.stream ? engine::Priority::kInteractive : engine::Priority::kNormal;
      request.deadline = deadline_in(call.time_left_ms);
      request.tenant = call.exchange->caller().tenant;
      request.cancel = call.exchange->cancel();
      request.on_ready = on_ready;
      DM_ASSIGN(StreamPump::Streams some, model.submit_many(std::move(request), call.n));
      all.insert(all.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
    }
    return all;
  };
  const Status started = pump.start(submit, std::move(reader));
  if (started.ok()) return std::nullopt;
  // A prompt that no emptied cache could hold is too long as well.
  if (started.error().code == ErrorCode::kLimit) {
    ApiError error = api_error(started.error());
    error.code = "context_length_exceeded";
    error.message = "context_length_exceeded: " + error.message;
    error.n_ctx = model.n_context();
    return error;
  }
  return engine_error(started.error(), model.retry_after_ms());
}

std::string fingerprint_of(const engine::TextModel& model) {
  const std::string text = fmt::format("{}/{}/{}", model.info().fingerprint, model.info().isa, model.kv_settings());
  return fmt::format("fp_{:016x}", hash64(text));
}

}  // namespace docmind::server

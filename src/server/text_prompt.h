// Prompts: from a checked request to what the engine is given, with everything that depends on the model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text_model.h"
#include "server/chat_request.h"
#include "server/choice_text.h"

namespace docmind::server {

struct PreparedText {
  std::vector<engine::TokenId> prompt;
  engine::GenerateOptions options;
  ChoiceForm form;
};

// Nothing, and `error`: a tool or a schema that the model cannot honour, a prompt that leaves no room.
[[nodiscard]] std::optional<PreparedText> prepare_chat(const engine::TextModel& model, const ChatRequest& request,
                                                       ApiError& error);
// The same with a prompt that is taken as it is, marks of its template included, instead of the turns.
[[nodiscard]] std::optional<PreparedText> prepare_raw(const engine::TextModel& model, const ChatRequest& request,
                                                      std::string_view prompt, ApiError& error);
// A text that is continued as it is; `field` names it in errors.
[[nodiscard]] std::optional<PreparedText> prepare_plain(const engine::TextModel& model, std::string_view text,
                                                        const engine::GenerateOptions& options, std::string_view field,
                                                        ApiError& error);

}  // namespace docmind::server

// Chats that a collection answers, in OpenAI's form.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/documents_chat.h"
#include "server/model_names.h"

namespace docmind::server {

// `target.collection` is set. The response has the extension field "docmind", a stream's last chunk likewise.
void chat_by_documents(pipeline::Service& service, const RouteOptions& options, const ExchangePtr& exchange,
                       const ChatRequest& request, const ChatTarget& target);

}  // namespace docmind::server

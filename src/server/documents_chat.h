// A chat that is answered from a collection of documents.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/service.h"
#include "server/chat_request.h"
#include "server/routes.h"

namespace docmind::server {

struct DocumentsQuestion {
  std::string collection;
  std::string question;  // the last turn of the user
  // Digest of the turns before it, so that a question that may mean something else is not answered from the cache of
  // another conversation; empty when there are none. System messages change nothing here and do not count.
  std::string session;
  int64_t max_tokens = 0;
};
// What the path from documents to an answer cannot do is refused with its field's name; temperature and the like do
// nothing, since the answer's own are those of the configuration.
[[nodiscard]] std::optional<DocumentsQuestion> documents_question(const ChatRequest& request,
                                                                  std::string_view collection, ApiError& error);

// What a dialect makes of the answer; by one thread at a time.
class AnswerReader {
 public:
  virtual ~AnswerReader() = default;
  // False: nobody reads any more.
  virtual bool on_delta(std::string_view text) = 0;
  virtual void on_answer(const pipeline::Answer& answer) = 0;
  virtual void on_error(const ApiError& error) = 0;
};

// An exact repeat is answered at once from memory, anything else on a worker. The reader hears of every failure.
void ask_documents(pipeline::Service& service, const RouteOptions& options, const ExchangePtr& exchange,
                   DocumentsQuestion question, std::shared_ptr<AnswerReader> reader);

// The extension field "docmind": citations, cache, collection, answered, provider, route, trace.
[[nodiscard]] json::object documents_extension(const pipeline::Answer& answer, std::string_view collection);
[[nodiscard]] HeaderList answer_headers(const pipeline::Answer& answer);

}  // namespace docmind::server

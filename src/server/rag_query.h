// One request of /v1/rag/query or /v1/search: its fields, and the work for it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>

#include "pipeline/service.h"
#include "server/exchange.h"
#include "server/routes.h"
#include "server/status_map.h"

namespace docmind::server {

struct RagQuery {
  std::string question;
  std::string collection = "default";
  pipeline::AskOptions ask;
  bool stream = false;
  bool explain = false;
};

// The body's fields, with types and ranges checked; `ask` is what the service answers with by default.
[[nodiscard]] std::optional<RagQuery> read_rag_query(std::string_view body, pipeline::AskOptions ask,
                                                     int64_t max_tokens, ApiError& error);

// Questions that are being answered anew in the background, so that each is only once.
class Refreshes {
 public:
  // False: it is being done already.
  bool begin(const std::string& key);
  void end(const std::string& key);

 private:
  std::mutex mutex_;
  std::unordered_set<std::string> keys_;
};

// What one request needs until its end.
struct RagCall {
  pipeline::Service* service = nullptr;
  ExchangePtr exchange;
  pipeline::CollectionPtr collection;
  RagQuery query;
  int64_t timeout_ms = 0;  // from the request's arrival
  std::shared_ptr<Refreshes> refreshes;
};

// Responds; an answer that is stale is made anew behind the response.
void respond_with_answer(const RagCall& call, const pipeline::Answer& answer);
// Waits for the answer: for worker threads. Streams it where the client asked for that.
void answer_rag_query(const RagCall& call);

}  // namespace docmind::server

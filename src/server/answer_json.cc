// Answers as clients get them: the object of /v1/rag/query and of a chat's extension field, trace headers.
// SPDX-License-Identifier: Apache-2.0
#include "server/answer_json.h"

#include <fmt/format.h>

#include "pipeline/document_id.h"

namespace docmind::server {
namespace {

void add_document(json::object& source, const std::string& path) {
  source["document_id"] = pipeline::document_id(path);
  source["name"] = pipeline::document_name(path);
}

}  // namespace

std::string_view cache_label(const pipeline::Answer& answer) {
  const bool from_tier = answer.cache == pipeline::CacheState::kMemory || answer.cache == pipeline::CacheState::kDisk;
  if (from_tier && answer.cached && answer.cached->similarity < 1) return "near";
  return pipeline::cache_state_name(answer.cache);
}

json::object passage_object(const pipeline::Passage& passage) {
  json::object object = pipeline::passage_to_json(passage).as_object();
  add_document(object, passage.path);
  return object;
}

json::object trace_object(const pipeline::Answer& answer) {
  json::array stages;
  for (const pipeline::StageTime& stage : answer.stages) {
    stages.push_back(json::object{{"stage", stage.stage}, {"ms", stage.ms}});
  }
  return {{"stages", std::move(stages)}, {"total_ms", answer.total_ms}};
}

json::object answer_object(const pipeline::Answer& answer, std::string_view collection, bool with_passages) {
  json::object object = pipeline::answer_to_json(answer, with_passages).as_object();
  object["object"] = "rag.answer";
  object["collection"] = collection;
  object["text"] = answer.text;
  object["usage"] = json::object{{"prompt_tokens", answer.n_prompt_tokens},
                                 {"completion_tokens", answer.n_completion_tokens},
                                 {"total_tokens", answer.n_prompt_tokens + answer.n_completion_tokens}};
  // The arrays are in the order of the answer's own.
  json::array& citations = object["citations"].as_array();
  for (size_t i = 0; i < citations.size(); ++i) {
    add_document(citations[i].as_object(), answer.citations[i].path);
  }
  if (with_passages) {
    json::array& passages = object["passages"].as_array();
    for (size_t i = 0; i < passages.size(); ++i) add_document(passages[i].as_object(), answer.passages[i].path);
  }
  object["trace"] = trace_object(answer);
  return object;
}

std::string trace_header(const pipeline::Answer& answer) {
  std::string header;
  for (const pipeline::StageTime& stage : answer.stages) {
    header += fmt::format("{}={:.2f};", stage.stage, stage.ms);
  }
  return header + fmt::format("total={:.2f}", answer.total_ms);
}

}  // namespace docmind::server

// Answers as clients get them: the object of /v1/rag/query and of a chat's extension field, trace headers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "pipeline/answer.h"

namespace docmind::server {

// answer_to_json() and: object, collection, text, usage, trace, and of each citation and passage "document_id" and
// "name", with which the source is opened.
[[nodiscard]] json::object answer_object(const pipeline::Answer& answer, std::string_view collection,
                                         bool with_passages);
// passage_to_json() with "document_id" and "name".
[[nodiscard]] json::object passage_object(const pipeline::Passage& passage);
// Of the header x-docmind-trace: "retrieve_lexical=1.20;rerank=0.41;total=12.30", in milliseconds.
[[nodiscard]] std::string trace_header(const pipeline::Answer& answer);
// {"stages": [{"stage", "ms"}], "total_ms"}.
[[nodiscard]] json::object trace_object(const pipeline::Answer& answer);
// Of the header x-docmind-cache: "memory", "disk", "near" (made for another wording), "shared", "miss" or "off".
[[nodiscard]] std::string_view cache_label(const pipeline::Answer& answer);

}  // namespace docmind::server

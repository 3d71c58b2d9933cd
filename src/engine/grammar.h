// Grammar: what a generated text must look like, token by token.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "tokenizer/chat_template.h"

namespace docmind::engine {

// Bounds on what a client may ask for.
struct GrammarLimits {
  size_t max_schema_bytes = 64 << 10;
  size_t max_depth = 32;        // of the schema
  size_t max_text_depth = 64;   // of objects and arrays in the texts
  size_t max_nodes = 200'000;   // of the automaton
};

// A compiled grammar over bytes, free of any vocabulary. Immutable: any number of texts and threads use one.
class Grammar {
 public:
  // Any JSON object (RFC 8259).
  //
  // White space in all JSON here: one space, or a line end and up to 16 spaces, after '{', '[' and ',' and before '}'
  // and ']', and one space after ':' and before the whole; a text can be indented, but cannot idle. Numbers have up to
  // 18 digits before the point and after it, and exponents up to 289, so that all are finite doubles.
  static Result<std::shared_ptr<const Grammar>> json_object();
  // Of JSON Schema draft 2020-12: type (also lists), properties, required, additionalProperties, items, prefixItems,
  // minItems/maxItems, enum, const, anyOf/oneOf/allOf of objects, $ref into the schema ('#/...', also to itself),
  // minLength/maxLength, pattern (simple, see pattern_rule), format date/time/date-time/uuid, minimum, maximum and
  // their exclusive forms (whole bounds for number). All texts are valid for the schema, but not all that is valid can
  // be written: properties come in the order of the schema, once each; an object with properties and no
  // additionalProperties is closed, as is an array with prefixItems and no items; keywords of one type imply it.
  // The alternatives of oneOf must differ by their type or by a required property's const or enum. kUnsupported names
  // a keyword that cannot be honoured and where it stands (a JSON pointer), kInvalidArgument one that is malformed;
  // none is ignored, but those that only annotate.
  static Result<std::shared_ptr<const Grammar>> from_json_schema(const json::value& schema,
                                                                 const GrammarLimits& limits = {});

  // Calls of the tools (as ChatOptions::tools has them) in the family's style, and nothing else: one call, or with
  // `parallel` one or more where the family can. With `only`, of the tool of this name (tool_choice). Texts of it are
  // what tokenizer::parse_tool_calls reads. kUnsupported names a family without tools, or the tool and its keyword.
  static Result<std::shared_ptr<const Grammar>> tool_call(tokenizer::ChatFamily family,
                                                          std::span<const std::string> tools, bool parallel = false,
                                                          std::string_view only = {},
                                                          const GrammarLimits& limits = {});

  virtual ~Grammar() = default;
};

}  // namespace docmind::engine

// JsonRules: the parts of JSON texts (RFC 8259), as models may write them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/grammar_program.h"

namespace docmind::engine {

struct CodePoints {
  uint32_t first = 0, last = 0;
};

// White space: after '{', '[' and ',' and before '}' and ']' nothing, one space, or one line end and up to
// kMaxIndent spaces; after ':' nothing or one space; elsewhere none. A model can indent, but not idle.
// Numbers have at most kMaxDigits digits before the point and after it, and exponents up to 289, so that none is too
// large for a double.
class JsonRules {
 public:
  static constexpr uint32_t kMaxIndent = 16;
  static constexpr uint32_t kMaxDigits = 18;

  explicit JsonRules(GrammarBuilder& builder) : builder_(builder) {}

  // --- rules, made when they are first wanted ---
  NodeId string();     // any
  NodeId character();  // one of a string, as it is or escaped
  NodeId number();
  NodeId integer();
  NodeId value();      // any
  NodeId object();
  NodeId array();

  // --- parts, before `next` ---
  NodeId space(NodeId next);
  NodeId colon(NodeId next);
  NodeId comma(NodeId next);                  // and space
  NodeId close(char bracket, NodeId next);    // space, and the bracket
  NodeId any_characters(NodeId next);         // of a string, none and more
  NodeId text_of(std::string_view text, NodeId next);  // a string's content, escaped where it must be
  // One character of a set in its shortest form: escaped only where it must be. Surrogates are left out.
  NodeId one_of(std::span<const CodePoints> set, NodeId next);
  NodeId character_before(NodeId next);
  // The key of a member, with quotes, that is none of `names`.
  NodeId other_key(std::span<const std::string_view> names, NodeId next);
  NodeId fraction(NodeId next);               // ".5"
  NodeId up_to_digits(uint32_t n, NodeId next);

 private:
  NodeId utf8(CodePoints points, NodeId next);
  NodeId hex(std::string_view pattern, NodeId next);
  NodeId escape(NodeId next);
  NodeId exponent(NodeId next);
  NodeId whole_number(NodeId next);
  NodeId key_rest(std::span<const std::string_view> names, NodeId free, NodeId next);
  void make_value();

  GrammarBuilder& builder_;
  NodeId string_ = 0, character_ = 0, number_ = 0, integer_ = 0, value_ = 0, object_ = 0, array_ = 0;  // 0: not yet
  NodeId space_character_ = 0;
};

// The text as it stands in a JSON string, without quotes.
[[nodiscard]] std::string escaped_json(std::string_view text);

}  // namespace docmind::engine

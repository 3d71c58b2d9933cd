// JsonRules: white space, numbers, values.
// SPDX-License-Identifier: Apache-2.0
#include "engine/grammar_json.h"

#include <string>

namespace docmind::engine {
namespace {

ByteSet digits() { return byte_range('0', '9'); }

ByteSet bytes_of(std::string_view text) {
  ByteSet set;
  for (const char c : text) set.set(static_cast<uint8_t>(c));
  return set;
}

}  // namespace

NodeId JsonRules::space(NodeId next) {
  if (space_character_ == 0) space_character_ = builder_.byte(' ', builder_.end());
  const NodeId indent = builder_.repeat(space_character_, 0, kMaxIndent, next);
  return builder_.split({next, builder_.byte(' ', next), builder_.byte('\n', indent)});
}

NodeId JsonRules::colon(NodeId next) { return builder_.byte(':', builder_.split({next, builder_.byte(' ', next)})); }

NodeId JsonRules::comma(NodeId next) { return builder_.byte(',', space(next)); }

NodeId JsonRules::close(char bracket, NodeId next) { return space(builder_.byte(bracket, next)); }

NodeId JsonRules::string() {
  if (string_ == 0) string_ = builder_.byte('"', any_characters(builder_.byte('"', builder_.end())));
  return string_;
}

NodeId JsonRules::character() {
  if (character_ == 0) character_ = character_before(builder_.end());
  return character_;
}

NodeId JsonRules::up_to_digits(uint32_t n, NodeId next) {
  NodeId node = next;
  for (uint32_t i = 0; i < n; ++i) node = builder_.split({next, builder_.bytes(digits(), node)});
  return node;
}

NodeId JsonRules::fraction(NodeId next) {
  return builder_.byte('.', builder_.bytes(digits(), up_to_digits(kMaxDigits - 1, next)));
}

NodeId JsonRules::whole_number(NodeId next) {
  const NodeId large = builder_.bytes(byte_range('1', '9'), up_to_digits(kMaxDigits - 1, next));
  const NodeId magnitude = builder_.split({builder_.byte('0', next), large});
  return builder_.split({magnitude, builder_.byte('-', magnitude)});
}

// Up to two digits, or 100 to 289.
NodeId JsonRules::exponent(NodeId next) {
  const NodeId one = builder_.bytes(digits(), next);
  const NodeId two = builder_.bytes(digits(), one);
  const NodeId hundreds = builder_.split({builder_.byte('1', two),
                                          builder_.byte('2', builder_.bytes(byte_range('0', '8'), one))});
  const NodeId size = builder_.split({one, two, hundreds});
  return builder_.bytes(bytes_of("eE"), builder_.split({size, builder_.bytes(bytes_of("+-"), size)}));
}

NodeId JsonRules::number() {
  if (number_ == 0) {
    const NodeId end = builder_.end();
    const NodeId tail = builder_.split({end, exponent(end)});
    number_ = whole_number(builder_.split({tail, fraction(tail)}));
  }
  return number_;
}

NodeId JsonRules::integer() {
  if (integer_ == 0) integer_ = whole_number(builder_.end());
  return integer_;
}

NodeId JsonRules::value() {
  if (value_ == 0) make_value();
  return value_;
}

NodeId JsonRules::object() {
  if (value_ == 0) make_value();
  return object_;
}

NodeId JsonRules::array() {
  if (value_ == 0) make_value();
  return array_;
}

void JsonRules::make_value() {
  const NodeId end = builder_.end();
  value_ = builder_.reserve();

  const NodeId more_members = builder_.reserve();
  const NodeId member = builder_.call(string(), colon(builder_.call(value_, more_members)));
  builder_.bind(more_members, builder_.split({comma(member), close('}', end)}));
  object_ = builder_.call(builder_.byte('{', space(builder_.split({member, builder_.byte('}', end)}))), end, true);

  const NodeId more_items = builder_.reserve();
  const NodeId item = builder_.call(value_, more_items);
  builder_.bind(more_items, builder_.split({comma(item), close(']', end)}));
  array_ = builder_.call(builder_.byte('[', space(builder_.split({item, builder_.byte(']', end)}))), end, true);

  builder_.bind(value_, builder_.split({object_, array_, builder_.call(string(), end), builder_.call(number(), end),
                                        builder_.literal("true", end), builder_.literal("false", end),
                                        builder_.literal("null", end)}));
}

}  // namespace docmind::engine

// Patterns: nodes from the parsed tree, back to front.
// SPDX-License-Identifier: Apache-2.0
#include "engine/grammar_pattern.h"

#include <string>
#include <vector>

#include "engine/grammar_pattern_parser.h"

namespace docmind::engine {
namespace {

NodeId nodes_of(const PatternPart& part, GrammarBuilder& builder, JsonRules& json, NodeId next) {
  switch (part.kind) {
    case PatternPart::Kind::kPoints: return json.one_of(part.points, next);
    case PatternPart::Kind::kSequence:
      for (size_t i = part.parts.size(); i-- > 0;) next = nodes_of(part.parts[i], builder, json, next);
      return next;
    case PatternPart::Kind::kChoice: {
      std::vector<NodeId> arms;
      for (const PatternPart& one : part.parts) arms.push_back(nodes_of(one, builder, json, next));
      return builder.split(arms);
    }
    case PatternPart::Kind::kRepeat: break;
  }
  const PatternPart& body = part.parts.front();
  if (part.max == 1 && part.min == 1) return nodes_of(body, builder, json, next);
  if (part.max == 1) return builder.split({nodes_of(body, builder, json, next), next});
  if (part.max == GrammarBuilder::kNoLimit && part.min <= 1) {
    const NodeId loop = builder.reserve();
    const NodeId once = nodes_of(body, builder, json, loop);
    builder.bind(loop, builder.split({once, next}));
    return part.min == 0 ? loop : once;
  }
  return builder.repeat(nodes_of(body, builder, json, builder.end()), part.min, part.max, next);
}

}  // namespace

Result<NodeId> pattern_rule(GrammarBuilder& builder, JsonRules& json, std::string_view pattern) {
  DM_ASSIGN(const std::vector<PatternBranch> branches, parse_pattern(pattern));
  std::vector<NodeId> arms;
  const NodeId end = builder.byte('"', builder.end());
  for (const PatternBranch& branch : branches) {
    NodeId node = branch.to_end ? end : json.any_characters(end);
    node = nodes_of(branch.part, builder, json, node);
    if (!branch.from_begin) {
      const NodeId loop = builder.reserve();
      builder.bind(loop, builder.split({json.character_before(loop), node}));
      node = loop;
    }
    arms.push_back(node);
  }
  return builder.byte('"', builder.split(arms));
}

std::string format_pattern(std::string_view format) {
  const std::string date = "[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|"
                           "02-(0[1-9]|1[0-9]|2[0-8]))";
  const std::string time = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?"
                           "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";
  if (format == "date") return "^" + date + "$";
  if (format == "time") return "^" + time + "$";
  if (format == "date-time") return "^" + date + "T" + time + "$";
  if (format == "uuid") return "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$";
  return {};
}

}  // namespace docmind::engine

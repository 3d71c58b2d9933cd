// GrammarProgram: building and checking.
// SPDX-License-Identifier: Apache-2.0
#include "engine/grammar_program.h"

#include <utility>

#include <fmt/format.h>

namespace docmind::engine {

ByteSet byte_range(uint8_t first, uint8_t last) {
  ByteSet set;
  for (size_t byte = first; byte <= last; ++byte) set.set(byte);
  return set;
}

GrammarBuilder::GrammarBuilder(size_t max_nodes) : max_nodes_(max_nodes) {
  program_.nodes.push_back({.kind = GrammarNode::Kind::kReturn});
  program_.nodes.push_back({.kind = GrammarNode::Kind::kSplit});
}

NodeId GrammarBuilder::add(const GrammarNode& node) {
  if (program_.nodes.size() >= max_nodes_) {
    full_ = true;
    return nothing();
  }
  program_.nodes.push_back(node);
  return static_cast<NodeId>(program_.nodes.size() - 1);
}

NodeId GrammarBuilder::bytes(const ByteSet& set, NodeId next) {
  const auto [at, is_new] = set_ids_.try_emplace(set, static_cast<uint32_t>(program_.sets.size()));
  if (is_new) program_.sets.push_back(set);
  return add({.kind = GrammarNode::Kind::kBytes, .body = at->second, .next = next});
}

NodeId GrammarBuilder::byte(char c, NodeId next) {
  return bytes(byte_range(static_cast<uint8_t>(c), static_cast<uint8_t>(c)), next);
}

NodeId GrammarBuilder::literal(std::string_view text, NodeId next) {
  for (size_t i = text.size(); i-- > 0;) next = byte(text[i], next);
  return next;
}

NodeId GrammarBuilder::split(const std::vector<NodeId>& arms) {
  if (arms.size() == 1) return arms.front();
  const NodeId node = add({.kind = GrammarNode::Kind::kSplit,
                           .body = static_cast<uint32_t>(program_.arms.size()),
                           .next = static_cast<uint32_t>(arms.size())});
  if (node != nothing()) program_.arms.insert(program_.arms.end(), arms.begin(), arms.end());
  return node;
}

NodeId GrammarBuilder::call(NodeId rule, NodeId next, bool nests) {
  return add({.kind = GrammarNode::Kind::kCall, .nests = nests, .body = rule, .next = next});
}

NodeId GrammarBuilder::repeat(NodeId body, uint32_t min, uint32_t max, NodeId next) {
  if (max == 0) return next;
  return add({.kind = GrammarNode::Kind::kRepeat, .body = body, .next = next, .min = min, .max = max});
}

NodeId GrammarBuilder::reserve() {
  const NodeId node = add({.kind = GrammarNode::Kind::kSplit, .body = static_cast<uint32_t>(program_.arms.size()), .next = 1});
  if (node != nothing()) program_.arms.push_back(nothing());
  return node;
}

void GrammarBuilder::bind(NodeId reserved, NodeId target) {
  if (reserved != nothing()) program_.arms[program_.nodes[reserved].body] = target;
}

bool GrammarBuilder::ends(const GrammarNode& node) const {
  const std::vector<GrammarNode>& nodes = program_.nodes;
  switch (node.kind) {
    case GrammarNode::Kind::kReturn: return true;
    case GrammarNode::Kind::kBytes: return nodes[node.next].can_end;
    case GrammarNode::Kind::kCall: return nodes[node.body].can_end && nodes[node.next].can_end;
    case GrammarNode::Kind::kRepeat:
      return (node.min == 0 || nodes[node.body].can_end) && nodes[node.next].can_end;
    case GrammarNode::Kind::kSplit: break;
  }
  for (uint32_t i = 0; i < node.next; ++i) {
    if (nodes[program_.arms[node.body + i]].can_end) return true;
  }
  return false;
}

// The least fixed point. What follows a node was made before it, so that one round is nearly always enough.
void GrammarBuilder::find_ends() {
  for (bool changed = true; changed;) {
    changed = false;
    for (GrammarNode& node : program_.nodes) {
      if (node.can_end || !ends(node)) continue;
      node.can_end = true;
      changed = true;
    }
  }
}

// Depth first over what is reached without a byte. Rules match no empty text, so nothing after a call counts.
bool GrammarBuilder::begins_with_itself() const {
  enum : uint8_t { kNew, kOpen, kDone };
  std::vector<uint8_t> marks(program_.nodes.size(), kNew);
  const auto follow = [&](NodeId id, size_t i) -> std::pair<bool, NodeId> {  // the i-th node reached from it
    const GrammarNode& node = program_.nodes[id];
    switch (node.kind) {
      case GrammarNode::Kind::kSplit:
        return i < node.next ? std::pair(true, program_.arms[node.body + i]) : std::pair(false, id);
      case GrammarNode::Kind::kCall: return {i == 0, node.body};
      case GrammarNode::Kind::kRepeat: return {i == 0 || (i == 1 && node.min == 0), i == 0 ? node.body : node.next};
      default: return {false, id};
    }
  };
  std::vector<std::pair<NodeId, size_t>> path;
  for (NodeId from = 0; from < program_.nodes.size(); ++from) {
    if (marks[from] == kNew) path.emplace_back(from, 0);
    while (!path.empty()) {
      auto& [id, i] = path.back();
      marks[id] = kOpen;
      const auto [there, next] = follow(id, i++);
      if (!there) {
        marks[id] = kDone;
        path.pop_back();
      } else if (marks[next] == kOpen) {
        return true;
      } else if (marks[next] == kNew && program_.nodes[next].can_end) {
        path.emplace_back(next, 0);
      }
    }
  }
  return false;
}

Result<GrammarProgram> GrammarBuilder::finish(NodeId root) && {
  if (full_) {
    return Error{ErrorCode::kLimit, fmt::format("the grammar needs more than the {} nodes allowed; ask for less at "
                                                "once (fewer values, shorter lists)", max_nodes_)};
  }
  find_ends();
  if (!program_.nodes[root].can_end) {
    return Error{ErrorCode::kUnsupported, "no text of finite length has the wanted form"};
  }
  if (begins_with_itself()) {
    return Error{ErrorCode::kUnsupported, "a rule refers to itself before anything is written"};
  }
  program_.root = root;
  return std::move(program_);
}

}  // namespace docmind::engine

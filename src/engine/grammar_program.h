// GrammarProgram: a grammar as a pushdown automaton over bytes, and how one is put together.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"

namespace docmind::engine {

using ByteSet = std::bitset<256>;
[[nodiscard]] ByteSet byte_range(uint8_t first, uint8_t last);

using NodeId = uint32_t;

// Thompson's construction (1968) with calls, as in recursive transition networks (Woods 1970): a text is matched by
// all ways through the nodes at once, each with a stack of its own.
struct GrammarNode {
  enum class Kind : uint8_t {
    kBytes,   // one byte of a set, then `next`
    kSplit,   // any of its arms
    kCall,    // the rule at `body`, then `next`
    kRepeat,  // the rule at `body` `min` to `max` times, then `next`
    kReturn,  // the end of a rule
  } kind = Kind::kReturn;
  bool nests = false;     // kCall: the rule's text is one level deeper (objects and arrays)
  bool can_end = false;   // some text leads from here to the end of the rule
  uint32_t body = 0;      // kBytes: index of the set; kSplit: of its first arm
  uint32_t next = 0;      // kSplit: how many arms
  uint32_t min = 0, max = 0;
};

struct GrammarProgram {
  std::vector<GrammarNode> nodes;
  std::vector<NodeId> arms;
  std::vector<ByteSet> sets;
  NodeId root = 0;
};

// Nodes are made from the end of a rule to its begin: each is given what follows it.
class GrammarBuilder {
 public:
  static constexpr uint32_t kNoLimit = UINT32_MAX;

  explicit GrammarBuilder(size_t max_nodes);

  [[nodiscard]] NodeId end() const { return 0; }      // of a rule
  [[nodiscard]] NodeId nothing() const { return 1; }  // no text leads on from here
  NodeId bytes(const ByteSet& set, NodeId next);
  NodeId byte(char c, NodeId next);
  NodeId literal(std::string_view text, NodeId next);
  NodeId split(const std::vector<NodeId>& arms);
  NodeId call(NodeId rule, NodeId next, bool nests = false);
  // The body must match no empty text.
  NodeId repeat(NodeId body, uint32_t min, uint32_t max, NodeId next);
  // A node that is bound later, for loops and rules that call themselves.
  NodeId reserve();
  void bind(NodeId reserved, NodeId target);

  // More nodes were wanted than are allowed; what is built is of no use.
  [[nodiscard]] bool full() const { return full_; }

  // kLimit when it is full; kUnsupported when no text matches, or a rule begins with itself.
  [[nodiscard]] Result<GrammarProgram> finish(NodeId root) &&;

 private:
  NodeId add(const GrammarNode& node);
  void find_ends();
  [[nodiscard]] bool ends(const GrammarNode& node) const;
  [[nodiscard]] bool begins_with_itself() const;

  size_t max_nodes_;
  bool full_ = false;
  GrammarProgram program_;
  std::unordered_map<ByteSet, uint32_t> set_ids_;
};

}  // namespace docmind::engine

// GrammarStates: steps and closures.
// SPDX-License-Identifier: Apache-2.0
#include "engine/grammar_states.h"

#include <algorithm>

namespace docmind::engine {
namespace {

constexpr size_t kMaxWays = 8'192;  // in which a text is read at once

uint64_t mix_into(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
  return hash ^ (hash >> 29);
}

}  // namespace

GrammarStates::GrammarStates(const GrammarProgram& program, uint32_t max_levels)
    : program_(program), max_levels_(max_levels), frames_(1) {
  (void)intern();  // kDead
}

GrammarStates::State GrammarStates::start() {
  open_.push_back({program_.root, kEmpty});
  close();
  return intern();
}

GrammarStates::Stack GrammarStates::push(const Frame& frame) {
  const auto [at, is_new] = stacks_.try_emplace(frame, static_cast<Stack>(frames_.size()));
  if (is_new) {
    frames_.push_back(frame);
    bytes_ += 2 * sizeof(Frame) + 64;
  }
  return at->second;
}

GrammarStates::Stack GrammarStates::unknown_stack(uint32_t levels) {
  return push({.node = kUnknownFrame, .levels = levels});
}

GrammarStates::State GrammarStates::state_of(Thread thread) {
  open_.push_back(thread);
  close();
  return intern();
}

GrammarStates::State GrammarStates::return_into(Stack stack) {
  run_return(stack);
  close();
  return intern();
}

GrammarStates::State GrammarStates::compute_step(State state, uint8_t byte) {
  for (const Thread& thread : threads(state)) {
    const GrammarNode& node = program_.nodes[thread.node];
    if (program_.sets[node.body][byte]) open_.push_back({node.next, thread.stack});
  }
  State next = kDead;
  if (!open_.empty()) {
    close();
    next = intern();
  }
  std::unique_ptr<uint32_t[]>& steps = infos_[state].steps;
  if (!steps) {
    constexpr size_t kBytes = 256;
    steps = std::make_unique<uint32_t[]>(kBytes);
    std::fill_n(steps.get(), kBytes, kUnknownState);
    bytes_ += kBytes * sizeof(uint32_t);
  }
  steps[byte] = next;
  return next;
}

// All that is reached from `open_` without a byte.
void GrammarStates::close() {
  while (!open_.empty()) {
    const Thread thread = open_.back();
    open_.pop_back();
    follow(thread.node, thread.stack);
    if (seen_.size() + made_.size() > kMaxWays) {
      overflowed_ = true;
      open_.clear();
    }
  }
}

void GrammarStates::follow(NodeId id, Stack stack) {
  const GrammarNode& node = program_.nodes[id];
  if (!node.can_end) return;
  if (node.kind == GrammarNode::Kind::kBytes) {
    made_.push_back({id, stack});
    return;
  }
  if (!seen_.insert(uint64_t{id} << 32 | stack).second) return;
  switch (node.kind) {
    case GrammarNode::Kind::kBytes: break;
    case GrammarNode::Kind::kReturn: return run_return(stack);
    case GrammarNode::Kind::kRepeat: return run_repeat(id, node.min, node.max, stack);
    case GrammarNode::Kind::kSplit:
      for (uint32_t i = 0; i < node.next; ++i) open_.push_back({program_.arms[node.body + i], stack});
      return;
    case GrammarNode::Kind::kCall: {
      const uint32_t levels = frames_[stack].levels + (node.nests ? 1 : 0);
      if (levels > max_levels_) return;
      open_.push_back({node.body, push({.node = node.next, .below = stack, .levels = levels})});
      return;
    }
  }
}

void GrammarStates::run_repeat(NodeId id, uint32_t needed, uint32_t left, Stack stack) {
  const GrammarNode& node = program_.nodes[id];
  if (needed == 0) open_.push_back({node.next, stack});
  if (left == 0) return;
  const Frame frame{.node = id,
                    .repeats = true,
                    .needed = needed == 0 ? 0 : needed - 1,
                    .left = left == GrammarBuilder::kNoLimit ? left : left - 1,
                    .below = stack,
                    .levels = frames_[stack].levels};
  open_.push_back({node.body, push(frame)});
}

void GrammarStates::run_return(Stack stack) {
  if (stack == kEmpty) {
    complete_ = true;
    return;
  }
  const Frame frame = frames_[stack];
  if (frame.node == kUnknownFrame) leaves_ = true;
  else if (frame.repeats) run_repeat(frame.node, frame.needed, frame.left, frame.below);
  else open_.push_back({frame.node, frame.below});
}

GrammarStates::State GrammarStates::intern() {
  std::sort(made_.begin(), made_.end());
  made_.erase(std::unique(made_.begin(), made_.end()), made_.end());
  uint64_t hash = (complete_ ? 1u : 0u) + (leaves_ ? 2u : 0u);
  for (const Thread& thread : made_) hash = mix_into(hash, uint64_t{thread.node} << 32 | thread.stack);
  std::vector<State>& same = states_[hash];
  State state = kUnknownState;
  for (const State known : same) {
    const Info& info = infos_[known];
    const bool same_flags = info.complete == complete_ && info.leaves == leaves_;
    if (same_flags && std::ranges::equal(threads(known), made_)) state = known;
  }
  if (state == kUnknownState) {
    state = static_cast<State>(infos_.size());
    infos_.push_back(
        {.first = threads_.size(), .n = made_.size(), .complete = complete_, .leaves = leaves_, .steps = {}});
    threads_.insert(threads_.end(), made_.begin(), made_.end());
    same.push_back(state);
    bytes_ += sizeof(Info) + made_.size() * sizeof(Thread) + 64;
  }
  seen_.clear();
  made_.clear();
  complete_ = leaves_ = false;
  return state;
}

GrammarStates::Stack GrammarStates::copy_stack(const GrammarStates& other, Stack stack) {
  std::vector<Frame> path;
  for (; stack != kEmpty; stack = other.frames_[stack].below) path.push_back(other.frames_[stack]);
  Stack copy = kEmpty;
  for (size_t i = path.size(); i-- > 0;) {
    path[i].below = copy;
    copy = push(path[i]);
  }
  return copy;
}

GrammarStates::State GrammarStates::take_over(const GrammarStates& other, State state) {
  for (const Thread& thread : other.threads(state)) made_.push_back({thread.node, copy_stack(other, thread.stack)});
  complete_ = other.complete(state);
  leaves_ = other.leaves(state);
  return intern();
}

}  // namespace docmind::engine

// GrammarStates: where in a grammar a text stands, byte by byte.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/grammar_program.h"

namespace docmind::engine {

// A state is the set of all ways in which a text so far can be read. States, stacks and the steps between them are
// kept, so that each is computed once (lazy subset construction, with stacks shared as in Tomita's GLR parser).
// One thread at a time; the program must outlive it.
class GrammarStates {
 public:
  using State = uint32_t;
  using Stack = uint32_t;
  static constexpr State kDead = 0;
  static constexpr Stack kEmpty = 0;

  struct Thread {
    NodeId node = 0;  // kBytes
    Stack stack = 0;
    auto operator<=>(const Thread&) const = default;
  };
  struct Frame {
    NodeId node = 0;      // where a call goes on, or the kRepeat node
    bool repeats = false;
    uint32_t needed = 0;  // repetitions that must still come, and may
    uint32_t left = 0;
    Stack below = 0;
    uint32_t levels = 0;  // of nesting, with it
    auto operator<=>(const Frame&) const = default;
  };

  // Texts nest no deeper than `max_levels`.
  GrammarStates(const GrammarProgram& program, uint32_t max_levels);

  [[nodiscard]] State start();
  // kDead when no text goes on like this.
  [[nodiscard]] State step(State state, uint8_t byte) {
    uint32_t* steps = infos_[state].steps.get();
    if (steps != nullptr && steps[byte] != kUnknownState) return steps[byte];
    return compute_step(state, byte);
  }
  [[nodiscard]] bool complete(State state) const { return infos_[state].complete; }  // the text may end here
  [[nodiscard]] bool leaves(State state) const { return infos_[state].leaves; }      // the unknown stack is reached
  [[nodiscard]] std::span<const Thread> threads(State state) const {
    return std::span(threads_).subspan(infos_[state].first, infos_[state].n);
  }
  [[nodiscard]] const Frame& frame(Stack stack) const { return frames_[stack]; }
  [[nodiscard]] Stack push(const Frame& frame);

  // Below it is what nobody looks at: a state that returns into it leaves().
  [[nodiscard]] Stack unknown_stack(uint32_t levels);
  [[nodiscard]] State state_of(Thread thread);         // of one way alone
  [[nodiscard]] State return_into(Stack stack);        // a rule has ended above it
  // The state of `other`, which is of the same program, in this one.
  [[nodiscard]] State take_over(const GrammarStates& other, State state);

  [[nodiscard]] uint32_t max_levels() const { return max_levels_; }
  [[nodiscard]] size_t memory_bytes() const { return bytes_; }
  // The grammar can be read in too many ways; states are incomplete.
  [[nodiscard]] bool overflowed() const { return overflowed_; }

 private:
  static constexpr uint32_t kUnknownState = UINT32_MAX;
  static constexpr NodeId kUnknownFrame = UINT32_MAX;

  struct Info {
    size_t first = 0, n = 0;  // of threads_
    bool complete = false, leaves = false;
    std::unique_ptr<uint32_t[]> steps;  // [256] once one is known
  };

  State compute_step(State state, uint8_t byte);
  void follow(NodeId node, Stack stack);
  void run_repeat(NodeId node, uint32_t needed, uint32_t left, Stack stack);
  void run_return(Stack stack);
  void close();
  State intern();
  Stack copy_stack(const GrammarStates& other, Stack stack);

  const GrammarProgram& program_;
  uint32_t max_levels_;
  std::vector<Frame> frames_;
  std::map<Frame, Stack> stacks_;
  std::vector<Thread> threads_;
  std::vector<Info> infos_;
  std::unordered_map<uint64_t, std::vector<State>> states_;  // by hash
  size_t bytes_ = 0;
  bool overflowed_ = false;

  // --- of the state that is being made ---
  std::vector<Thread> open_;
  std::unordered_set<uint64_t> seen_;  // ways through nodes without a byte
  std::vector<Thread> made_;
  bool complete_ = false, leaves_ = false;
};

}  // namespace docmind::engine

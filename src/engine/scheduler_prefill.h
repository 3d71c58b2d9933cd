// PrefillRun: reads prompts, a piece of one or several at a time, in slices between decode passes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/scheduled_text.h"
#include "model/decoder.h"

namespace docmind::engine {

// The tokens of each of `remaining` prompts, the next in turn first, that a pass of at most `n_tokens` takes. The
// first is served, but short ones behind a long one get up to half of the pass, so that they do not wait for it.
[[nodiscard]] std::vector<int64_t> share_prefill(std::span<const int64_t> remaining, int64_t n_tokens);

// Of the scheduler's thread; borrows the texts that it is given.
class PrefillRun {
 public:
  struct Row {
    ScheduledText* text = nullptr;
    int64_t n_tokens = 0;
  };
  struct Hooks {
    std::function<SteadyTime()> now;
    // Room for the next tokens of a text, as many of `n` as there is room for; 0: none.
    std::function<int64_t(ScheduledText& text, int64_t n)> reserve;
    // Where the logits of a text's last token go; n_vocab floats.
    std::function<std::span<float>(const ScheduledText& text)> logits;
  };

  PrefillRun(std::unique_ptr<model::ForwardPass> pass, Hooks hooks)
      : pass_(std::move(pass)), hooks_(std::move(hooks)) {}

  // The text's prompt is to be read, in its turn.
  void join(ScheduledText& text) const { text.prefill_turn = n_turns_; }
  [[nodiscard]] bool open() const { return pass_->n_layers_left() > 0; }
  // Opens a pass over those of `texts` whose prompts are not read yet, in turn, with at most `n_tokens`. Texts that it
  // could make no room for are left out. An error of the pass leaves nothing open.
  [[nodiscard]] Status start(std::span<ScheduledText* const> texts, int64_t n_tokens);
  // Computes layers until `budget_ms` would be passed by the next one, at least one; `max_layers` at most. True when
  // the pass is done; rows() are then those that it has read.
  bool advance(double budget_ms, int64_t max_layers);
  // Forgets an open pass if the text is in it; those beside it begin their pieces again.
  void leave(const ScheduledText& text);
  // Forgets an open pass that has computed few layers and has room for more, when one of `texts` waits beside it: what
  // comes at nearly the same time is read together.
  void make_way(std::span<ScheduledText* const> texts, int64_t n_most_tokens);

  [[nodiscard]] std::span<const Row> rows() const { return rows_; }
  [[nodiscard]] std::span<const model::BatchItem> items() const { return items_; }  // of the rows
  [[nodiscard]] model::ForwardPass& pass() { return *pass_; }
  [[nodiscard]] int64_t n_tokens() const;
  // How many tokens a pass may have so that one layer takes at most `layer_ms`, as far as is known.
  [[nodiscard]] int64_t tokens_for(double layer_ms, int64_t most) const;

 private:
  std::unique_ptr<model::ForwardPass> pass_;
  Hooks hooks_;
  std::vector<Row> rows_;
  std::vector<model::BatchItem> items_;
  double token_layer_ms_ = 0;  // one token, one layer; on average
  int64_t n_turns_ = 0;
  int64_t n_layers_done_ = 0;  // of the open pass
};

}  // namespace docmind::engine

// AnswerInterrupt: Ctrl-C that stops the answer first, and the program only then.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>
#include <deque>

#include "base/cancel.h"
#include "base/file.h"

namespace docmind::cli {

// While it lives, a Ctrl-C between begin() and end() cancels that answer; another one before the
// answer ends, or one at any other time, cancels the program and ends wait_for_input(); a third ends
// the process. One at a time; the old handler comes back with the destructor.
class AnswerInterrupt {
 public:
  // `program` is borrowed.
  explicit AnswerInterrupt(const CancelToken& program);
  ~AnswerInterrupt();
  AnswerInterrupt(const AnswerInterrupt&) = delete;
  AnswerInterrupt& operator=(const AnswerInterrupt&) = delete;

  // The token of the next answer.
  [[nodiscard]] const CancelToken& begin();
  void end();
  // Waits until something can be read from `fd` or its end was reached; false when the program was
  // cancelled before, also when that happened just before the call or on another thread.
  [[nodiscard]] bool wait_for_input(int fd) const;

 private:
  const CancelToken& program_;
  UniqueFd wake_;  // readable once the program was cancelled
  UniqueFd wake_end_;
  std::deque<CancelToken> answers_;  // a handler that still runs may look at an old one
  struct sigaction before_ {};
};

}  // namespace docmind::cli

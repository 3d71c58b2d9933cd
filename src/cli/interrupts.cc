// AnswerInterrupt: Ctrl-C that stops the answer first, and the program only then.
// SPDX-License-Identifier: Apache-2.0
#include "cli/interrupts.h"

#include <atomic>

namespace docmind::cli {
namespace {

// A signal handler gets no argument of ours.
std::atomic<const CancelToken*> current_answer{nullptr};
std::atomic<const CancelToken*> current_program{nullptr};

extern "C" void on_answer_interrupt(int signal) {
  const CancelToken* answer = current_answer.load();
  if (answer != nullptr && !answer->cancelled()) {
    answer->cancel();
    return;
  }
  if (const CancelToken* program = current_program.load()) program->cancel();
  ::signal(signal, SIG_DFL);
}

}  // namespace

AnswerInterrupt::AnswerInterrupt(const CancelToken& program) {
  current_program = &program;
  struct sigaction action {};
  action.sa_handler = on_answer_interrupt;  // no SA_RESTART: it ends a wait for input
  ::sigaction(SIGINT, &action, &before_);
}

AnswerInterrupt::~AnswerInterrupt() {
  ::sigaction(SIGINT, &before_, nullptr);
  current_answer = nullptr;
  current_program = nullptr;
}

const CancelToken& AnswerInterrupt::begin() {
  current_answer = &answers_.emplace_back();
  return answers_.back();
}

void AnswerInterrupt::end() { current_answer = nullptr; }

}  // namespace docmind::cli

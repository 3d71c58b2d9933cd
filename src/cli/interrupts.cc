// AnswerInterrupt: Ctrl-C that stops the answer first, and the program only then.
// SPDX-License-Identifier: Apache-2.0
#include "cli/interrupts.h"

#include <atomic>
#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace docmind::cli {
namespace {

// A signal handler gets no argument of ours.
std::atomic<const CancelToken*> current_answer{nullptr};
std::atomic<const CancelToken*> current_program{nullptr};
std::atomic<int> current_wake{-1};

extern "C" void on_answer_interrupt(int signal) {
  const CancelToken* answer = current_answer.load();
  if (answer != nullptr && !answer->cancelled()) {
    answer->cancel();
    return;
  }
  if (const CancelToken* program = current_program.load()) program->cancel();
  // A signal alone would be missed by a wait that begins right after it.
  const int saved_errno = errno;
  [[maybe_unused]] const ssize_t n = ::write(current_wake.load(), "", 1);
  errno = saved_errno;
  ::signal(signal, SIG_DFL);
}

}  // namespace

AnswerInterrupt::AnswerInterrupt(const CancelToken& program) : program_(program) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
    wake_.reset(ends[0]);
    wake_end_.reset(ends[1]);
  }
  current_wake = ends[1];
  current_program = &program;
  struct sigaction action {};
  action.sa_handler = on_answer_interrupt;
  ::sigaction(SIGINT, &action, &before_);
}

AnswerInterrupt::~AnswerInterrupt() {
  ::sigaction(SIGINT, &before_, nullptr);
  current_answer = nullptr;
  current_program = nullptr;
  current_wake = -1;
}

const CancelToken& AnswerInterrupt::begin() {
  current_answer = &answers_.emplace_back();
  return answers_.back();
}

bool AnswerInterrupt::wait_for_input(int fd) const {
  while (!program_.cancelled()) {
    pollfd waits[2] = {{fd, POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0 && errno != EINTR) break;
    if (waits[0].revents != 0) break;
  }
  return !program_.cancelled();
}

void AnswerInterrupt::end() { current_answer = nullptr; }

}  // namespace docmind::cli

// ServeSignals: handlers that write to a pipe.
// SPDX-License-Identifier: Apache-2.0
#include "cli/serve_signals.h"

#include <atomic>
#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace docmind::cli {
namespace {

constexpr std::array kServeSignals = {SIGINT, SIGTERM, SIGHUP};

// A signal handler gets no argument of ours.
std::atomic<int> serve_wake{-1};

extern "C" void on_serve_signal(int signal) {
  const int saved_errno = errno;
  const char event = signal == SIGHUP ? 'r' : 's';
  [[maybe_unused]] const ssize_t n = ::write(serve_wake.load(), &event, 1);
  if (event == 's') {
    for (const int stop : {SIGINT, SIGTERM}) ::signal(stop, SIG_DFL);
  }
  errno = saved_errno;
}

}  // namespace

ServeSignals::ServeSignals() {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
    wake_.reset(ends[0]);
    wake_end_.reset(ends[1]);
  }
  serve_wake = ends[1];
  struct sigaction action {};
  action.sa_handler = on_serve_signal;
  action.sa_flags = SA_RESTART;
  for (size_t i = 0; i < kServeSignals.size(); ++i) ::sigaction(kServeSignals[i], &action, &before_[i]);
}

ServeSignals::~ServeSignals() {
  for (size_t i = 0; i < kServeSignals.size(); ++i) ::sigaction(kServeSignals[i], &before_[i], nullptr);
  serve_wake = -1;
}

ServeSignals::Event ServeSignals::wait(int timeout_ms) const {
  pollfd entry{.fd = wake_.get(), .events = POLLIN, .revents = 0};
  if (::poll(&entry, 1, timeout_ms) <= 0) return Event::kNone;
  char event = 0;
  if (::read(wake_.get(), &event, 1) != 1) return Event::kNone;
  return event == 'r' ? Event::kReload : Event::kStop;
}

}  // namespace docmind::cli

// Process through fork, pipes and a pseudo-terminal.
// SPDX-License-Identifier: Apache-2.0
#include "support/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

namespace docmind::test {
namespace {

long long now_ms() {
  using std::chrono::duration_cast, std::chrono::milliseconds, std::chrono::steady_clock;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

// The program's side of the streams becomes its 0, 1 and 2.
[[noreturn]] void become(const ProcessOptions& options, const int (&ends)[3], char** argv,
                         char** env) {
  if (options.terminal) {
    ::setsid();
    ::ioctl(ends[0], TIOCSCTTY, 0);
  }
  for (int fd = 0; fd < 3; ++fd) ::dup2(ends[fd], fd);
  if (!options.folder.empty() && ::chdir(options.folder.c_str()) != 0) ::_exit(126);
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_DFL);
  if (options.before_exec) options.before_exec();
  ::execve(argv[0], argv, env);
  ::_exit(127);
}

bool make_pipe(int& read_end, int& write_end) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  read_end = ends[0];
  write_end = ends[1];
  return true;
}

// The master side; `slave` gets the program's side.
int open_terminal(unsigned short columns, int& slave) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0) return -1;
  slave = ::open(::ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  struct winsize size {};
  size.ws_col = columns;
  size.ws_row = 24;
  ::ioctl(master, TIOCSWINSZ, &size);
  struct termios modes {};
  ::tcgetattr(slave, &modes);
  modes.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  modes.c_oflag &= ~static_cast<tcflag_t>(OPOST);
  ::tcsetattr(slave, TCSANOW, &modes);
  return master;
}

}  // namespace

Process::Process(const ProcessOptions& options)
    : terminal_(options.terminal), deadline_ms_(now_ms() + options.timeout_s * 1000LL) {
  std::signal(SIGPIPE, SIG_IGN);
  int ends[3] = {-1, -1, -1};
  bool ok = true;
  if (terminal_) {
    out_ = in_ = open_terminal(options.columns, ends[0]);
    ends[1] = ends[2] = ends[0];
    ok = in_ >= 0 && ends[0] >= 0;
  } else {
    ok = make_pipe(ends[0], in_) && make_pipe(out_, ends[1]) && make_pipe(err_, ends[2]);
  }
  if (!ok) {
    ADD_FAILURE() << "cannot make the streams: " << std::strerror(errno);
    return;
  }
  start(options, ends);
  close_fd(ends[0]);
  if (!terminal_) {
    close_fd(ends[1]);
    close_fd(ends[2]);
  }
  write(options.input);
  if (!options.keep_input) close_input();
}

void Process::start(const ProcessOptions& options, int (&ends)[3]) {
  std::vector<std::string> argv = options.argv;
  std::vector<std::string> env;
  for (const auto& [name, value] : options.env) env.push_back(name + "=" + value);
  const std::vector<char*> argv_list = pointers(argv);
  const std::vector<char*> env_list = pointers(env);
  pid_ = ::fork();
  if (pid_ == 0) {
    become(options, ends, const_cast<char**>(argv_list.data()), const_cast<char**>(env_list.data()));
  }
  if (pid_ < 0) ADD_FAILURE() << "cannot fork: " << std::strerror(errno);
}

Process::~Process() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  close_input();
  close_fd(out_);
  close_fd(err_);
}

void Process::write(std::string_view text) {
  while (!text.empty() && in_ >= 0) {
    const ssize_t n = ::write(in_, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;  // it reads no more
    text.remove_prefix(static_cast<size_t>(n));
  }
}

void Process::close_input() {
  if (!terminal_) close_fd(in_);
}

void Process::kill(int signal) const {
  if (pid_ > 0) ::kill(pid_, signal);
}

int Process::ms_left() const {
  return static_cast<int>(std::clamp<long long>(deadline_ms_ - now_ms(), 0, 600'000));
}

// Reads what there is, waiting up to `timeout_ms` for something; false when both streams ended.
bool Process::pump(int timeout_ms) {
  if (out_ < 0 && err_ < 0) return false;
  struct pollfd fds[2] = {{out_, POLLIN, 0}, {err_, POLLIN, 0}};
  if (::poll(fds, 2, timeout_ms) <= 0) return true;
  for (int i = 0; i < 2; ++i) {
    if (fds[i].revents == 0) continue;
    char buffer[1 << 16];
    const ssize_t n = ::read(fds[i].fd, buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    int& fd = i == 0 ? out_ : err_;
    if (n <= 0) {  // a terminal without a program is EIO
      if (terminal_) in_ = -1;
      close_fd(fd);
      continue;
    }
    (i == 0 ? result_.out : result_.err).append(buffer, static_cast<size_t>(n));
    seen_.append(buffer, static_cast<size_t>(n));
  }
  return true;
}

bool Process::wait_for(std::string_view text) {
  while (true) {
    const size_t at = seen_.find(text, found_);
    if (at != std::string::npos) {
      found_ = at + text.size();
      return true;
    }
    const int left = ms_left();
    if (left == 0 || !pump(left)) return false;
  }
}

std::optional<std::string> Process::read_line() {
  while (true) {
    const size_t end = result_.out.find('\n', n_read_);
    if (end != std::string::npos) {
      std::string line = result_.out.substr(n_read_, end - n_read_);
      n_read_ = end + 1;
      return line;
    }
    const int left = ms_left();
    if (left == 0 || !pump(left)) return std::nullopt;
  }
}

bool Process::runs_for_ms(int ms) {
  const long long end = now_ms() + ms;
  while (now_ms() < end) {
    if (!pump(static_cast<int>(end - now_ms()))) return false;
  }
  return true;
}

bool Process::ended() const {
  siginfo_t info {};
  const int flags = WEXITED | WNOHANG | WNOWAIT;
  return pid_ <= 0 || ::waitid(P_PID, static_cast<id_t>(pid_), &info, flags) != 0 || info.si_pid != 0;
}

ProcessResult Process::wait() {
  if (pid_ <= 0) return result_;
  while (ms_left() > 0 && pump(ms_left())) {
  }
  int status = 0;
  while (::waitpid(pid_, &status, WNOHANG) == 0) {
    if (ms_left() == 0) {
      ADD_FAILURE() << "the program did not end in time; so far it said: " << seen_;
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, &status, 0);
      break;
    }
    ::usleep(500);
  }
  pid_ = -1;
  if (WIFEXITED(status)) result_.code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result_.signal = WTERMSIG(status);
  return result_;
}

}  // namespace docmind::test

// The parent's side of the parse worker: starts, feeds, times, kills and reaps the child.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/worker.h"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "ingest/sanitizer.h"
#include "ingest/wire.h"

namespace docmind::ingest {
namespace {

// Variables that a parser may need. The rest stays here: keys and passwords are none of its business.
constexpr std::array<std::string_view, 10> kPassedVariables = {
    "PATH=", "HOME=", "LANG=", "LC_ALL=", "TMPDIR=", "LD_LIBRARY_PATH=",
    "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "TSAN_OPTIONS=", "LSAN_OPTIONS=",
};

std::vector<char*> child_environment() {
  std::vector<char*> kept;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const bool passed = std::any_of(kPassedVariables.begin(), kPassedVariables.end(),
                                    [&](std::string_view name) { return text.starts_with(name); });
    if (passed) kept.push_back(*variable);
  }
  kept.push_back(nullptr);
  return kept;
}

// Owns the two structures of posix_spawn.
struct SpawnPlan {
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
};

// One socket is the child's standard input and output; standard error goes nowhere, because what a
// parser has to say about a damaged file is not for the user's terminal.
int plan_child(SpawnPlan& plan, int socket) {
  int failed = posix_spawn_file_actions_adddup2(&plan.actions, socket, STDIN_FILENO);
  failed |= posix_spawn_file_actions_adddup2(&plan.actions, socket, STDOUT_FILENO);
  if (!kBuiltWithSanitizer) {
    failed |= posix_spawn_file_actions_addopen(&plan.actions, STDERR_FILENO, "/dev/null", 1, 0);
  }
  failed |= posix_spawn_file_actions_addclosefrom_np(&plan.actions, STDERR_FILENO + 1);
  sigset_t none;
  sigemptyset(&none);
  sigset_t pipe_signal;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  failed |= posix_spawnattr_setsigmask(&plan.attributes, &none);
  failed |= posix_spawnattr_setsigdefault(&plan.attributes, &pipe_signal);
  failed |= posix_spawnattr_setflags(&plan.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                           POSIX_SPAWN_SETPGROUP);
  return failed;
}

std::string describe_end(int status) {
  if (WIFSIGNALED(status)) {
    const char* name = ::sigabbrev_np(WTERMSIG(status));
    return "SIG" + (name != nullptr ? std::string(name) : std::to_string(WTERMSIG(status)));
  }
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

// A running child and the socket to it. Destruction kills and reaps it.
struct ParseWorker::Child {
  pid_t pid = -1;
  UniqueFd socket;

  ~Child() { end(); }

  static Result<std::unique_ptr<Child>> start(const std::string& executable);

  bool alive() const {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
  }

  // Kills what is left of the child's process group and reaps the child; returns its wait status.
  int end() {
    if (pid <= 0) return 0;
    socket.reset();
    ::kill(-pid, SIGKILL);
    ::kill(pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    pid = -1;
    return status;
  }

  // The child's own end, when it closed its socket: waits a moment so that the reason is its own
  // exit status or signal and not our kill.
  int own_end() {
    constexpr int kPatienceMs = 500;
    for (int waited = 0; waited < kPatienceMs && alive(); ++waited) ::usleep(1000);
    return end();
  }
};

Result<std::unique_ptr<ParseWorker::Child>> ParseWorker::Child::start(
    const std::string& executable) {
  int pair[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return errno_error("make a socket for", executable, errno);
  }
  auto child = std::make_unique<Child>();
  child->socket.reset(pair[0]);
  const UniqueFd theirs(pair[1]);
  SpawnPlan plan;
  if (plan_child(plan, theirs.get()) != 0) {
    return Error{ErrorCode::kInternal, "cannot prepare the start of '" + executable + "'"};
  }
  std::string program = executable;
  std::string command = "parse-worker";
  std::array<char*, 3> arguments = {program.data(), command.data(), nullptr};
  std::vector<char*> environment = child_environment();
  pid_t pid = -1;
  const int failed = ::posix_spawnp(&pid, program.c_str(), &plan.actions, &plan.attributes,
                                    arguments.data(), environment.data());
  if (failed != 0) return errno_error("start the parse worker", executable, failed);
  child->pid = pid;
  return child;
}

namespace {

// One exchange: sends the request and receives the reply at the same time, so that neither side
// waits for the other for ever, and watches the clock and the cancel token.
class Exchange {
 public:
  Exchange(int fd, const ReadLimits& limits, const CancelToken& cancel)
      : fd_(fd), limits_(limits), cancel_(cancel) {}

  enum class Outcome { kReply, kClosed, kTimeout, kCancelled, kGarbage };

  Outcome run(std::string_view head, std::string_view bytes) {
    while (true) {
      if (const auto outcome = wait(!head.empty() || !bytes.empty())) return *outcome;
      if (can_write_) {
        std::string_view& part = head.empty() ? bytes : head;
        if (!send_some(part)) write_broken_ = true;
        if (write_broken_) head = bytes = {};
      }
      if (can_read_) {
        if (const auto outcome = receive_some()) return *outcome;
      }
    }
  }

  FrameKind kind() const { return frame_->kind; }
  std::string_view payload() const { return std::string_view(received_).substr(kFrameBytes); }

 private:
  std::optional<Outcome> wait(bool wants_write) {
    constexpr int kSliceMs = 20;
    can_read_ = can_write_ = false;
    if (cancel_.cancelled()) return Outcome::kCancelled;
    const double left_ms = limits_.timeout_ms - watch_.elapsed_ms();
    if (left_ms <= 0) return Outcome::kTimeout;
    pollfd poll{.fd = fd_, .events = POLLIN, .revents = 0};
    if (wants_write && !write_broken_) poll.events |= POLLOUT;
    const int n = ::poll(&poll, 1, std::min(kSliceMs, static_cast<int>(left_ms) + 1));
    if (n <= 0) return std::nullopt;
    can_write_ = (poll.revents & POLLOUT) != 0;
    can_read_ = (poll.revents & (POLLIN | POLLHUP | POLLERR)) != 0;
    return std::nullopt;
  }

  bool send_some(std::string_view& part) {
    const ssize_t n = ::send(fd_, part.data(), part.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) return errno == EINTR || errno == EAGAIN;
    part.remove_prefix(static_cast<size_t>(n));
    return true;
  }

  std::optional<Outcome> receive_some() {
    std::array<char, 64 << 10> buffer;
    const ssize_t n = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return std::nullopt;
    if (n <= 0) return received_.empty() ? Outcome::kClosed : cut_off();
    received_.append(buffer.data(), static_cast<size_t>(n));
    if (!frame_ && received_.size() >= kFrameBytes) {
      const Result<Frame> frame =
          decode_frame(std::string_view(received_).substr(0, kFrameBytes), max_reply_bytes());
      if (!frame.ok() || frame->kind == FrameKind::kRequest) return Outcome::kGarbage;
      frame_ = *frame;
    }
    if (!frame_) return std::nullopt;
    const uint64_t whole = kFrameBytes + frame_->n_bytes;
    if (received_.size() > whole) return Outcome::kGarbage;
    if (received_.size() == whole) return Outcome::kReply;
    return std::nullopt;
  }

  // The child went away in the middle of a reply: a crash if the reply began well.
  Outcome cut_off() const { return frame_ ? Outcome::kClosed : Outcome::kGarbage; }

  // Each byte of text has at most one mark of twelve bytes and a heading.
  uint64_t max_reply_bytes() const {
    constexpr uint64_t kSlack = 16 << 20;
    return static_cast<uint64_t>(std::max<int64_t>(limits_.max_text_bytes, 0)) * 16 + kSlack;
  }

  int fd_;
  const ReadLimits& limits_;
  const CancelToken& cancel_;
  Stopwatch watch_;
  bool can_read_ = false;
  bool can_write_ = false;
  bool write_broken_ = false;
  std::string received_;
  std::optional<Frame> frame_;
};

Result<Document> decode_reply(FrameKind kind, std::string_view payload) {
  if (kind == FrameKind::kError) return decode_error(payload);
  return decode_document(payload);
}

}  // namespace

ParseWorker::ParseWorker(std::string executable, ReadLimits limits)
    : executable_(std::move(executable)), limits_(limits) {}

ParseWorker::~ParseWorker() = default;

Result<Document> ParseWorker::parse(const std::string& path, std::string_view bytes,
                                    const CancelToken& cancel) {
  if (cancel.cancelled()) return Error{ErrorCode::kCancelled, "cancelled before '" + path + "'"};
  if (executable_.empty()) return read_document(path, bytes, limits_);
  if (child_ == nullptr || !child_->alive()) {
    child_.reset();
    DM_ASSIGN(child_, Child::start(executable_));
  }
  const ParseRequest request{.limits = limits_, .path = path, .bytes = bytes};
  const std::string head = encode_request_head(request);
  const std::string frame = encode_frame({FrameKind::kRequest, head.size() + bytes.size()});
  Exchange exchange(child_->socket.get(), limits_, cancel);
  const Exchange::Outcome outcome = exchange.run(frame + head, bytes);
  if (outcome == Exchange::Outcome::kReply) {
    Result<Document> document = decode_reply(exchange.kind(), exchange.payload());
    // A child whose answer makes no sense is not asked again.
    if (!document.ok() && exchange.kind() == FrameKind::kDocument) child_.reset();
    return document;
  }
  const int status = outcome == Exchange::Outcome::kClosed ? child_->own_end() : child_->end();
  child_.reset();
  switch (outcome) {
    case Exchange::Outcome::kTimeout:
      return Error{ErrorCode::kLimit, "'" + path + "': parsing took longer than the limit of " +
                                          std::to_string(limits_.timeout_ms) + " ms"};
    case Exchange::Outcome::kCancelled:
      return Error{ErrorCode::kCancelled, "cancelled while parsing '" + path + "'"};
    case Exchange::Outcome::kGarbage:
      return Error{ErrorCode::kInternal, "'" + path + "': '" + executable_ +
                                             " parse-worker' did not answer in the worker's protocol"};
    default:
      return Error{ErrorCode::kMalformed, "'" + path + "': the parser ended with " +
                                              describe_end(status) + " on this file"};
  }
}

}  // namespace docmind::ingest

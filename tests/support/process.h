// Process: another program with its streams in the test's hands; ends it when it hangs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace docmind::test {

struct ProcessOptions {
  std::vector<std::string> argv;           // argv[0] is the path of the program
  std::map<std::string, std::string> env;  // all of the environment
  std::string folder{};                    // working folder; empty: the test's own
  std::string input{};                     // standard input; of a pipe the end follows
  bool keep_input = false;                 // the pipe stays open for write(), until close_input()
  bool terminal = false;                   // all three streams are a terminal of `columns`
  unsigned short columns = 100;
  int timeout_s = 120;                     // only against hangs: a failure of the test
  // Runs in the child just before the program: limits, user ids, closed streams.
  std::function<void()> before_exec{};
};

struct ProcessResult {
  int code = -1;    // exit code, or -1 when a signal ended it
  int signal = 0;   // the signal that ended it
  std::string out;  // of a terminal: both streams as they came
  std::string err;
};

// Started by the constructor. A failure to start, and a time-out, are failures of the test. Killed
// and reaped by the destructor if nobody waited. One thread at a time.
class Process {
 public:
  explicit Process(const ProcessOptions& options);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Types into the terminal, or the pipe of `keep_input`.
  void write(std::string_view text);
  void close_input();
  // The next whole line of standard output, without its end; empty when there is no more or time ran out.
  [[nodiscard]] std::optional<std::string> read_line();
  void kill(int signal) const;
  // Reads on until standard output and error together hold `text` at or after the end of what was
  // found before; false when the program ended or time ran out before that.
  [[nodiscard]] bool wait_for(std::string_view text);
  // Sleeps `ms`, or shorter if the program ends; false if it did.
  [[nodiscard]] bool runs_for_ms(int ms);
  // Whether it ended by now; wait() still says how.
  [[nodiscard]] bool ended() const;
  // Waits for the end of its output, then for its own.
  ProcessResult wait();

 private:
  void start(const ProcessOptions& options, int (&ends)[3]);
  bool pump(int timeout_ms);
  int ms_left() const;

  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  int err_ = -1;
  bool terminal_ = false;
  long long deadline_ms_ = 0;
  ProcessResult result_;
  std::string seen_;  // both streams as they came
  size_t found_ = 0;
  size_t n_read_ = 0;  // bytes of standard output that read_line() gave away
};

inline ProcessResult run_process(const ProcessOptions& options) { return Process(options).wait(); }

}  // namespace docmind::test

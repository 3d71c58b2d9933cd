// Error codes, Error and Result<T>: how every fallible call in the project reports failure.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace docmind {

// What kind of failure it was; the CLI maps codes to exit codes, the server to HTTP statuses.
enum class ErrorCode {
  kInvalidArgument,  // the caller's value is wrong; retrying the same call cannot help
  kNotFound,         // the named thing does not exist
  kPermission,       // the operating system refused access
  kMalformed,        // bytes from outside do not have the form they claim
  kUnsupported,      // well formed, but of a kind this build does not handle
  kLimit,            // a stated size, depth, time or memory limit was reached
  kBusy,             // somebody else holds the resource; retrying later can help
  kMismatch,         // two things that must agree (embedder, schema version) do not
  kIo,               // the operating system failed to read or write (disk full included)
  kCancelled,        // the caller asked for it to stop
  kInternal,         // our own bug or a library's unexpected answer
};

// Stable lower-case name of a code ("not_found"), used in JSON output.
[[nodiscard]] std::string_view error_code_name(ErrorCode code);

// A failure: a code for programs and a sentence for people that names the values involved.
struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;

  // The same error with `context: ` put before the sentence.
  Error with_context(std::string_view context) &&;
};

// Builds a kIo / kPermission / kNotFound error from errno, e.g. "cannot open 'x': Permission denied".
Error errno_error(std::string_view doing, std::string_view path, int err);

// Either a value or an Error. Check ok() before value(); the checks are asserts, not exceptions.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(implicit)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(implicit)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    assert(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }

  const Error& error() const& {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    assert(!ok());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(implicit)

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& {
    assert(!ok());
    return *error_;
  }
  Error&& error() && {
    assert(!ok());
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

#define DOCMIND_CONCAT_INNER(a, b) a##b
#define DOCMIND_CONCAT(a, b) DOCMIND_CONCAT_INNER(a, b)

// Returns the error of `expr` from the enclosing function, if it failed.
#define DM_TRY(expr)                                         \
  do {                                                       \
    if (auto dm_status = (expr); !dm_status.ok()) {          \
      return std::move(dm_status).error();                   \
    }                                                        \
  } while (false)

// Declares `decl` from the value of `expr`, or returns its error from the enclosing function.
#define DM_ASSIGN(decl, expr) DM_ASSIGN_IMPL(DOCMIND_CONCAT(dm_result_, __LINE__), decl, expr)
#define DM_ASSIGN_IMPL(tmp, decl, expr) \
  auto tmp = (expr);                    \
  if (!tmp.ok()) {                      \
    return std::move(tmp).error();      \
  }                                     \
  decl = std::move(tmp).value()

}  // namespace docmind

// Error, Result and errno: what is returned, passed on, and said to people.
// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <set>

namespace docmind {
namespace {

Result<int> parse_digit(char c) {
  if (c < '0' || c > '9') return Error{ErrorCode::kInvalidArgument, std::string("not a digit: ") + c};
  return c - '0';
}

// Both macros in one function, twice each, so that their temporaries must not collide.
Result<int> sum_of_two(std::string_view text, int& n_checked) {
  const auto has_size = [&]() -> Status {
    if (text.size() != 2) return Error{ErrorCode::kLimit, "two characters are needed"};
    return {};
  };
  DM_TRY(has_size());
  ++n_checked;
  DM_ASSIGN(const int first, parse_digit(text[0]));
  ++n_checked;
  DM_ASSIGN(int second, parse_digit(text[1]));
  ++n_checked;
  return first + second;
}

TEST(Result, HoldsAValueOrAnError) {
  Result<int> good = parse_digit('7');
  ASSERT_TRUE(good.ok());
  EXPECT_TRUE(static_cast<bool>(good));
  EXPECT_EQ(*good, 7);
  *good += 1;
  EXPECT_EQ(good.value(), 8);

  const Result<int> bad = parse_digit('x');
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(bad.error().message, "not a digit: x");
}

TEST(Result, AStatusIsGoodUnlessAnErrorWasGiven) {
  EXPECT_TRUE(Status{}.ok());
  const Status bad = Error{ErrorCode::kBusy, "later"};
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code, ErrorCode::kBusy);
}

TEST(Result, MovesValuesThatCannotBeCopied) {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(5);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(**made, 5);
  const std::unique_ptr<int> taken = *std::move(made);
  EXPECT_EQ(*taken, 5);
}

// The same type on both sides must not be confused.
TEST(Result, AnErrorMayBeTheValueToo) {
  struct Report {
    Error error;
  };
  const Result<Report> good = Report{Error{ErrorCode::kIo, "seen"}};
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(good->error.message, "seen");
}

TEST(Result, TheMacrosReturnTheFirstErrorAndStop) {
  int n_checked = 0;
  EXPECT_EQ(*sum_of_two("34", n_checked), 7);
  EXPECT_EQ(n_checked, 3);

  n_checked = 0;
  EXPECT_EQ(sum_of_two("345", n_checked).error().code, ErrorCode::kLimit);
  EXPECT_EQ(n_checked, 0);
  EXPECT_EQ(sum_of_two("a4", n_checked).error().message, "not a digit: a");
  EXPECT_EQ(n_checked, 1);
  n_checked = 0;
  EXPECT_EQ(sum_of_two("3b", n_checked).error().message, "not a digit: b");
  EXPECT_EQ(n_checked, 2);
}

TEST(Error, ContextComesBeforeTheSentenceAndKeepsTheCode) {
  const Error error =
      Error{ErrorCode::kMalformed, "bad header"}.with_context("'a.db'").with_context("doctor");
  EXPECT_EQ(error.code, ErrorCode::kMalformed);
  EXPECT_EQ(error.message, "doctor: 'a.db': bad header");
}

TEST(Error, ErrnoBecomesTheRightCodeWithPathAndReason) {
  EXPECT_EQ(errno_error("open", "/a b", ENOENT).code, ErrorCode::kNotFound);
  EXPECT_EQ(errno_error("open", "/a b", ENOTDIR).code, ErrorCode::kNotFound);
  EXPECT_EQ(errno_error("open", "/a b", EACCES).code, ErrorCode::kPermission);
  EXPECT_EQ(errno_error("open", "/a b", EPERM).code, ErrorCode::kPermission);
  for (const int err : {EIO, ENOSPC, EROFS, EMFILE}) {
    EXPECT_EQ(errno_error("write", "/a b", err).code, ErrorCode::kIo) << err;
  }
  EXPECT_EQ(errno_error("open", "/a b", EACCES).message, "cannot open '/a b': Permission denied");
}

TEST(Error, EveryCodeHasItsOwnName) {
  std::set<std::string_view> names;
  const int n_codes = static_cast<int>(ErrorCode::kInternal) + 1;
  for (int code = 0; code < n_codes; ++code) {
    const std::string_view name = error_code_name(static_cast<ErrorCode>(code));
    EXPECT_NE(name, "unknown") << code;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos) << name;
    names.insert(name);
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(n_codes));
  EXPECT_EQ(error_code_name(ErrorCode::kNotFound), "not_found");
}

}  // namespace
}  // namespace docmind

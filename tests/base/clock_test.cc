// Clocks, the cancel flag and the environment: units, sharing, and where folders are looked for.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <thread>

#include "base/cancel.h"
#include "base/environment.h"

namespace docmind {
namespace {

TEST(Stopwatch, NeverRunsBackwardsAndStartsAgain) {
  Stopwatch watch;
  double last_ms = watch.elapsed_ms();
  EXPECT_GE(last_ms, 0);
  for (int i = 0; i < 1'000; ++i) {
    const double now_ms = watch.elapsed_ms();
    ASSERT_GE(now_ms, last_ms);
    last_ms = now_ms;
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const double before_ms = watch.elapsed_ms();
  EXPECT_GE(before_ms, 5);
  const Stopwatch before_restart;
  watch.restart();
  // Both clocks are read in this order, so the one started later shows less.
  const double after_ms = watch.elapsed_ms();
  EXPECT_LE(after_ms, before_restart.elapsed_ms());
}

TEST(UnixTime, IsMillisecondsOfTheSystemClock) {
  const int64_t before_s = std::time(nullptr);
  const int64_t now_ms = unix_time_ms();
  const int64_t after_s = std::time(nullptr);
  EXPECT_GE(now_ms, (before_s - 1) * 1'000);
  EXPECT_LE(now_ms, (after_s + 1) * 1'000);
}

TEST(CancelToken, CopiesShareOneFlagAndOthersDoNot) {
  const CancelToken token;
  const CancelToken copy = token;
  const CancelToken other;
  EXPECT_FALSE(token.cancelled());
  std::thread([&] { copy.cancel(); }).join();
  EXPECT_TRUE(token.cancelled());
  EXPECT_TRUE(copy.cancelled());
  EXPECT_FALSE(other.cancelled());
  token.cancel();
  EXPECT_TRUE(CancelToken(token).cancelled());
}

TEST(Environment, IsACopyOfTheProcess) {
  ASSERT_EQ(::setenv("DOCMIND_TEST_VALUE", "a=b=c", 1), 0);
  ASSERT_EQ(::setenv("DOCMIND_TEST_EMPTY", "", 1), 0);
  const Environment environment = process_environment();
  ::unsetenv("DOCMIND_TEST_VALUE");
  ::unsetenv("DOCMIND_TEST_EMPTY");
  EXPECT_EQ(environment.at("DOCMIND_TEST_VALUE"), "a=b=c");
  EXPECT_EQ(environment.at("DOCMIND_TEST_EMPTY"), "");
  EXPECT_FALSE(process_environment().contains("DOCMIND_TEST_VALUE"));
}

TEST(Xdg, TheVariableComesBeforeTheHomeFolder) {
  const Environment home = {{"HOME", "/home/a"}};
  EXPECT_EQ(*xdg_config_folder(home), "/home/a/.config/docmind");
  EXPECT_EQ(*xdg_data_folder(home), "/home/a/.local/share/docmind");
  Environment both = home;
  both["XDG_CONFIG_HOME"] = "/etc/mine";
  both["XDG_DATA_HOME"] = "/data";
  EXPECT_EQ(*xdg_config_folder(both), "/etc/mine/docmind");
  EXPECT_EQ(*xdg_data_folder(both), "/data/docmind");
}

TEST(Xdg, RelativePathsDoNotCount) {
  for (const char* value : {"", "relative/path", "~/x"}) {
    const Environment environment = {{"HOME", "/home/a"}, {"XDG_DATA_HOME", value}};
    EXPECT_EQ(*xdg_data_folder(environment), "/home/a/.local/share/docmind") << value;
  }
  const Environment nothing = {{"HOME", "relative"}};
  const Result<std::string> none = xdg_config_folder(nothing);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
  EXPECT_NE(none.error().message.find("XDG_CONFIG_HOME"), std::string::npos);
  EXPECT_NE(none.error().message.find("HOME"), std::string::npos);
}

}  // namespace
}  // namespace docmind

// Processor time, threads and open files of the process: from made-up files, and from this machine.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "monitor/process.h"
#include "support/temp_folder.h"

namespace docmind::monitor {
namespace {

// As in proc(5): 14 and 15 are the times, 20 the threads; the name holds what makes parsing hard.
constexpr const char* kStat =
    "42 (a ) 7 (b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 12 0 1000 2000 300 18446744073709551615\n";

TEST(ProcessUse, ReadsTimesThreadsAndFiles) {
  test::TempFolder folder;
  folder.write("proc/self/stat", kStat);
  for (const char* name : {"0", "1", "2", "17"}) folder.write(std::string("proc/self/fd/") + name, "");
  const auto use = process_use({folder.path("proc"), folder.path("cgroup")});
  ASSERT_TRUE(use.ok()) << use.error().message;
  EXPECT_DOUBLE_EQ(use->cpu_ms, 200.0 * 1'000 / static_cast<double>(::sysconf(_SC_CLK_TCK)));
  EXPECT_EQ(use->n_threads, 12);
  EXPECT_EQ(use->n_open_files, 4);
}

TEST(ProcessUse, RefusesDamagedText) {
  test::TempFolder folder;
  folder.write("proc/self/fd/0", "");
  const SystemRoots roots{folder.path("proc"), folder.path("cgroup")};
  for (const char* text : {"", "42 (x", "42 (x) S 1 2 3", "42 (x) S 1 2 3 4 5 6 7 8 9 10 -5 50 0 0 20 0 12 0\n",
                           "42 (x) S 1 2 3 4 5 6 7 8 9 10 1 y 0 0 20 0 12 0\n"}) {
    folder.write("proc/self/stat", text);
    const auto use = process_use(roots);
    ASSERT_FALSE(use.ok()) << text;
    EXPECT_EQ(use.error().code, ErrorCode::kMalformed) << text;
  }
}

TEST(ProcessUse, NamesTheFolderThatIsMissing) {
  test::TempFolder folder;
  folder.write("proc/self/stat", kStat);
  const auto use = process_use({folder.path("proc"), folder.path("cgroup")});
  ASSERT_FALSE(use.ok());
  EXPECT_NE(use.error().message.find("proc/self/fd"), std::string::npos) << use.error().message;
}

TEST(ProcessUse, ReadsThisProcess) {
  const auto use = process_use();
  ASSERT_TRUE(use.ok()) << use.error().message;
  EXPECT_GE(use->cpu_ms, 0);
  EXPECT_GE(use->n_threads, 1);
  EXPECT_GE(use->n_open_files, 3);
}

TEST(CpuMeter, GivesCoresInUse) {
  CpuMeter meter;
  EXPECT_FALSE(meter.cores_in_use(1'000, 5'000));
  EXPECT_DOUBLE_EQ(meter.cores_in_use(2'500, 6'000).value(), 1.5);
  EXPECT_FALSE(meter.cores_in_use(2'600, 6'000));  // no time has passed
  EXPECT_DOUBLE_EQ(meter.cores_in_use(2'600, 7'000).value(), 0);
  EXPECT_DOUBLE_EQ(meter.cores_in_use(2'000, 8'000).value(), 0);  // never negative
}

}  // namespace
}  // namespace docmind::monitor

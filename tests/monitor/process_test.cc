// Process, machine and control group readings: from made-up files, and from this machine.
// SPDX-License-Identifier: Apache-2.0
#include "monitor/process.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "monitor/proc_text.h"
#include "support/temp_folder.h"

namespace docmind::monitor {
namespace {

constexpr int64_t kMiB = 1 << 20;

class SystemFiles : public testing::Test {
 protected:
  SystemFiles() {
    folder_.write("proc/meminfo",
                  "MemTotal:       8192000 kB\nMemFree:  100 kB\nMemAvailable:   4096000 kB\n");
    folder_.write("proc/self/status", "Name:\tx\nVmHWM:\t  3000 kB\nVmRSS:\t  2000 kB\n");
  }
  SystemRoots roots() const { return {folder_.path("proc"), folder_.path("cgroup")}; }
  test::TempFolder folder_;
};

TEST_F(SystemFiles, ReadsProcessMemory) {
  const auto memory = process_memory(roots());
  ASSERT_TRUE(memory.ok()) << memory.error().message;
  EXPECT_EQ(memory->rss_bytes, 2000 * 1024);
  EXPECT_EQ(memory->peak_rss_bytes, 3000 * 1024);
}

TEST_F(SystemFiles, RefusesDamagedNumbers) {
  for (const char* text : {"VmHWM: 3000 kB\nVmRSS: 20x0 kB\n", "VmHWM: 3000 kB\nVmRSS: -5 kB\n",
                           "VmHWM: 3000 kB\nVmRSS: 2000\n", "VmHWM: 3000 kB\n", "",
                           "VmHWM: 3000 kB\nVmRSS: 99999999999999999999 kB\n",
                           "VmHWM: 3000 kB\nVmRSS: 9223372036854775807 kB\n"}) {
    folder_.write("proc/self/status", text);
    const auto memory = process_memory(roots());
    ASSERT_FALSE(memory.ok()) << text;
    EXPECT_EQ(memory.error().code, ErrorCode::kMalformed) << text;
  }
}

TEST_F(SystemFiles, WithoutControlGroupsTheMachineCounts) {
  const auto memory = system_memory(roots());
  ASSERT_TRUE(memory.ok()) << memory.error().message;
  EXPECT_EQ(memory->total_bytes, 8192000 * int64_t{1024});
  EXPECT_EQ(memory->available_bytes, 4096000 * int64_t{1024});
  EXPECT_FALSE(memory->limited_by_cgroup);
}

TEST_F(SystemFiles, HonoursVersion2AndItsParents) {
  folder_.write("proc/self/cgroup", "0::/user/job\n");
  folder_.write("cgroup/user/job/memory.max", "max\n");
  folder_.write("cgroup/user/memory.max", std::to_string(512 * kMiB) + "\n");
  folder_.write("cgroup/user/memory.current", std::to_string(400 * kMiB) + "\n");
  folder_.write("cgroup/user/memory.stat",
                "anon 5\ninactive_file_x 9\ninactive_file " + std::to_string(100 * kMiB) + "\n");
  const auto memory = system_memory(roots());
  ASSERT_TRUE(memory.ok()) << memory.error().message;
  EXPECT_EQ(memory->total_bytes, 512 * kMiB);
  EXPECT_EQ(memory->available_bytes, (512 - 300) * kMiB);
  EXPECT_TRUE(memory->limited_by_cgroup);
}

TEST_F(SystemFiles, HonoursVersion1AtTheRootOfAContainer) {
  // Inside a container the path of the group does not exist; its limit stands at the root.
  folder_.write("proc/self/cgroup", "5:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n0::/docker/1\n");
  folder_.write("cgroup/memory/memory.limit_in_bytes", std::to_string(256 * kMiB) + "\n");
  folder_.write("cgroup/memory/memory.usage_in_bytes", std::to_string(300 * kMiB) + "\n");
  const auto memory = system_memory(roots());
  ASSERT_TRUE(memory.ok()) << memory.error().message;
  EXPECT_EQ(memory->total_bytes, 256 * kMiB);
  EXPECT_EQ(memory->available_bytes, 0);
}

TEST_F(SystemFiles, TakesVersion1NoLimitForNone) {
  folder_.write("proc/self/cgroup", "4:memory:/\n");
  folder_.write("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  folder_.write("cgroup/memory/memory.usage_in_bytes", "1\n");
  const auto memory = system_memory(roots());
  ASSERT_TRUE(memory.ok());
  EXPECT_FALSE(memory->limited_by_cgroup);
}

TEST_F(SystemFiles, StaysInsideTheTreeOfGroups) {
  folder_.write("proc/self/cgroup", "0::/../../outside\n");
  folder_.write("outside/memory.max", "1\n");
  folder_.write("cgroup/memory.max", std::to_string(64 * kMiB) + "\n");
  const auto memory = system_memory(roots());
  ASSERT_TRUE(memory.ok());
  EXPECT_EQ(memory->total_bytes, 64 * kMiB);
}

TEST_F(SystemFiles, RefusesADamagedLimit) {
  folder_.write("proc/self/cgroup", "0::/\n");
  folder_.write("cgroup/memory.max", "lots\n");
  const auto memory = system_memory(roots());
  ASSERT_FALSE(memory.ok());
  EXPECT_EQ(memory.error().code, ErrorCode::kMalformed);
  EXPECT_NE(memory.error().message.find("lots"), std::string::npos);
}

TEST_F(SystemFiles, ReadsCpuModelAndFeatures) {
  folder_.write("proc/cpuinfo",
                "processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\n"
                "flags\t\t: fpu avx2 fma avx512f avx512_vnni amx_tile\n\n"
                "processor\t: 1\nmodel name\t: Other\nflags\t\t: f16c\n");
  const auto cpu = cpu_info(roots());
  ASSERT_TRUE(cpu.ok()) << cpu.error().message;
  EXPECT_EQ(cpu->model_name, "Some CPU @ 3 GHz");
  EXPECT_TRUE(cpu->features.avx2);
  EXPECT_TRUE(cpu->features.fma);
  EXPECT_TRUE(cpu->features.avx512f);
  EXPECT_TRUE(cpu->features.avx512_vnni);
  EXPECT_TRUE(cpu->features.amx_tile);
  EXPECT_FALSE(cpu->features.f16c);
  EXPECT_FALSE(cpu->features.avx512bw);
  EXPECT_FALSE(cpu->features.amx_int8);
}

TEST_F(SystemFiles, KnowsNoFeaturesWhereTheKernelTellsNone) {
  folder_.write("proc/cpuinfo", "processor : 0\nFeatures : fp asimd\n");
  const auto cpu = cpu_info(roots());
  ASSERT_TRUE(cpu.ok());
  EXPECT_EQ(cpu->model_name, "unknown");
  EXPECT_FALSE(cpu->features.avx2);
}

TEST(ThisMachine, HasPlausibleReadings) {
  const auto process = process_memory();
  ASSERT_TRUE(process.ok()) << process.error().message;
  EXPECT_GT(process->rss_bytes, 100'000);
  EXPECT_GE(process->peak_rss_bytes, process->rss_bytes);
  const auto memory = system_memory();
  ASSERT_TRUE(memory.ok()) << memory.error().message;
  EXPECT_GT(memory->total_bytes, process->rss_bytes);
  EXPECT_GT(memory->available_bytes, 0);
  const auto cpu = cpu_info();
  ASSERT_TRUE(cpu.ok()) << cpu.error().message;
  EXPECT_GE(cpu->n_cpus, 1);
  EXPECT_LE(static_cast<unsigned>(cpu->n_cpus), std::max(1u, std::thread::hardware_concurrency()));
}

TEST(DiskSpace, CountsTheFileSystemOfAFolder) {
  const test::TempFolder folder;
  const auto space = disk_space(folder.path());
  ASSERT_TRUE(space.ok()) << space.error().message;
  EXPECT_GT(space->total_bytes, 0);
  EXPECT_LE(space->free_bytes, space->total_bytes);
  const auto missing = disk_space(folder.path("missing"));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
}

TEST(ProcText, ReadsNoMoreThanTheLimit) {
  const test::TempFolder folder;
  const auto text = read_proc(folder.write("file", "0123456789"), 4);
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(*text, "0123");
}

}  // namespace
}  // namespace docmind::monitor

// GpuMonitor: with a made-up driver, with a damaged one, and with none.
// SPDX-License-Identifier: Apache-2.0
#include "monitor/gpu.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace docmind::monitor {
namespace {

// Chooses what the made-up driver answers.
class GpuWithDriver : public ::testing::Test {
 protected:
  static GpuState read(const char* answer) {
    ::setenv("FAKE_NVML", answer, 1);
    const GpuMonitor gpu(DOCMIND_FAKE_NVML);
    return gpu.read();
  }
  void TearDown() override { ::unsetenv("FAKE_NVML"); }
};

TEST_F(GpuWithDriver, ReadsEveryDevice) {
  const GpuState state = read("all");
  EXPECT_TRUE(state.present());
  EXPECT_EQ(state.reason, "");
  ASSERT_EQ(state.devices.size(), 2u);
  EXPECT_EQ(state.devices[0].name, "Test GPU A");
  EXPECT_EQ(state.devices[0].total_bytes, int64_t{80} << 30);
  EXPECT_EQ(state.devices[0].used_bytes, int64_t{20} << 30);
  EXPECT_DOUBLE_EQ(state.devices[0].utilisation.value(), 0.37);
  EXPECT_DOUBLE_EQ(state.devices[0].temperature_c.value(), 61);
  EXPECT_EQ(state.devices[1].name, "Test GPU B");
  EXPECT_FALSE(state.devices[1].utilisation);  // which this one does not tell
  EXPECT_FALSE(state.devices[1].temperature_c);
}

TEST_F(GpuWithDriver, KeepsTheOthersWhenOneIsLost) {
  const GpuState state = read("second is lost");
  ASSERT_EQ(state.devices.size(), 1u);
  EXPECT_EQ(state.reason, "GPU 1 cannot be read: GPU is lost (NVML code 15)");
}

TEST_F(GpuWithDriver, SaysWhyThereIsNone) {
  EXPECT_EQ(read("no device").reason, "the NVIDIA driver is there, but it has no GPU");
  EXPECT_EQ(read("no count").reason, "the number of GPUs cannot be read: GPU is lost (NVML code 15)");
  const GpuState state = read("does not start");
  EXPECT_FALSE(state.present());
  EXPECT_EQ(state.reason, "the NVIDIA driver does not start: Driver Not Loaded (NVML code 9)");
}

TEST_F(GpuWithDriver, EndsANameThatHasNoEnd) {
  const GpuState state = read("endless name");
  ASSERT_EQ(state.devices.size(), 2u);
  EXPECT_EQ(state.devices[0].name, std::string(95, 'x'));
}

TEST(Gpu, SaysThatThereIsNoDriver) {
  const GpuMonitor gpu("libno-such-driver.so.1");
  const GpuState state = gpu.read();
  EXPECT_FALSE(state.present());
  EXPECT_NE(state.reason.find("no NVIDIA driver was found: "), std::string::npos) << state.reason;
  EXPECT_NE(state.reason.find("libno-such-driver.so.1"), std::string::npos) << state.reason;
}

TEST(Gpu, SaysThatTheLibraryIsAnother) {
  const GpuMonitor gpu("libm.so.6");
  EXPECT_EQ(gpu.read().reason,
            "the NVIDIA driver's library has no function nvmlInit_v2; a driver of version 450 or newer has it");
}

TEST(Gpu, ReadsThisMachineOrSaysWhyNot) {
  GpuMonitor moved;
  moved = GpuMonitor();
  const GpuState state = moved.read();
  EXPECT_NE(state.present(), state.devices.empty());
  EXPECT_TRUE(state.present() || !state.reason.empty());
}

}  // namespace
}  // namespace docmind::monitor

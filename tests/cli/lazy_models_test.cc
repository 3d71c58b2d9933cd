// LazyModel: loads once, at the first use, and keeps an error.
// SPDX-License-Identifier: Apache-2.0
#include "cli/lazy_models.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace docmind::cli {
namespace {

struct Thing {
  int value = 0;
};

TEST(LazyModel, LoadsAtTheFirstUseOnceForAllThreads) {
  std::atomic<int> n_loads{0};
  const LazyModel<Thing> lazy([&]() -> Result<std::unique_ptr<Thing>> {
    ++n_loads;
    return std::make_unique<Thing>(Thing{7});
  });
  EXPECT_EQ(n_loads, 0);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const auto thing = lazy.get();
      ASSERT_TRUE(thing.ok());
      EXPECT_EQ((*thing)->value, 7);
    });
  }
  threads.clear();
  EXPECT_EQ(n_loads, 1);
}

TEST(LazyModel, AnErrorIsFinal) {
  int n_loads = 0;
  const LazyModel<Thing> lazy([&]() -> Result<std::unique_ptr<Thing>> {
    ++n_loads;
    return Error{ErrorCode::kMalformed, "no model"};
  });
  for (int i = 0; i < 2; ++i) {
    const auto thing = lazy.get();
    ASSERT_FALSE(thing.ok());
    EXPECT_EQ(thing.error().message, "no model");
  }
  EXPECT_EQ(n_loads, 1);
}

}  // namespace
}  // namespace docmind::cli

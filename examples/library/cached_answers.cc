// Remembers the answers of a slow function, within a size and for a time.
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "cache/cached.h"

using docmind::Error;
using docmind::ErrorCode;
using docmind::Result;

// Stands for something slow: a model, a search, a call over the network.
Result<std::string> answer(const std::string& question, int n_passages) {
  if (question.empty()) return Error{ErrorCode::kInvalidArgument, "an empty question has no answer"};
  return "answer to '" + question + "' from " + std::to_string(n_passages) + " passages";
}

int main() {
  const auto ask = docmind::cache::cached<std::string, int>(answer, {
      .limit_bytes = 16 << 20,  // of answers and their bookkeeping
      .ttl_ms = 60 * 60 * 1000,
  });

  // Eight people ask the same at once: one computation, whoever was first.
  std::vector<std::thread> people;
  for (int i = 0; i < 8; ++i) {
    people.emplace_back([&ask] { (void)ask(std::string("When is the pump greased?"), 5); });
  }
  for (std::thread& person : people) person.join();

  const Result<std::string> again = ask(std::string("When is the pump greased?"), 5);
  if (again.ok()) std::printf("%s\n", again->c_str());
  const Result<std::string> failed = ask(std::string(), 5);  // errors are given, but not kept
  if (!failed.ok()) std::printf("error: %s\n", failed.error().message.c_str());

  const docmind::cache::CachedStats stats = ask.stats();
  std::printf("%d answers were there or shared, %d calls of the function, %d entries\n",
              static_cast<int>(stats.n_hits + stats.n_shared), static_cast<int>(stats.n_computed),
              static_cast<int>(stats.tier.n_entries));
  return again.ok() && !failed.ok() ? 0 : 1;
}

// batched: makes a function of many items a function of one that any number of threads may call.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "engine/batch_processor.h"

namespace docmind::engine {

namespace batched_detail {

// What a function of many items may return, and the answer to one of them.
template <typename T>
struct Unwrap {
  using Type = T;
};
template <typename T>
struct Unwrap<Result<T>> {
  using Type = T;
};
template <typename Item, typename Fn>
using ReturnedBy = std::invoke_result_t<Fn&, std::span<const Item>>;
template <typename Item, typename Fn>
using AnswerOf = typename Unwrap<typename Unwrap<ReturnedBy<Item, Fn>>::Type::value_type>::Type;

template <typename T>
std::vector<Result<T>> each(std::vector<T> values) {
  std::vector<Result<T>> all;
  all.reserve(values.size());
  for (auto&& value : values) all.emplace_back(T(std::move(value)));
  return all;
}
template <typename T>
std::vector<Result<T>> each(std::vector<Result<T>> results) {
  return results;
}

template <typename Answer, typename T>
Result<std::vector<Result<Answer>>> whole(T values) {
  return each(std::move(values));
}
template <typename Answer, typename T>
Result<std::vector<Result<Answer>>> whole(Result<T> values) {
  if (!values.ok()) return std::move(values).error();
  return each(*std::move(values));
}

}  // namespace batched_detail

template <typename Item>
struct BatchedOptions {
  BatchOptions batches = {.limits = {.max_cost = 64, .max_items = 64}, .queue = {}};
  std::function<int64_t(const Item&)> cost = [](const Item&) { return 1; };  // of the budget max_cost
};

// Calls of several threads become one call of the function. Copies share everything; any thread.
template <typename Item, typename Answer>
class Batched {
 public:
  using Processor = BatchProcessor<Item, Answer>;

  explicit Batched(std::shared_ptr<Processor> processor) : processor_(std::move(processor)) {}

  // kBusy when too many wait (see processor().retry_after_ms()), kCancelled when cancelled; other
  // errors are those of the function.
  [[nodiscard]] Result<Answer> operator()(Item item, const CancelToken& cancel = {}, const BatchCall& call = {}) const {
    return processor_->run_one(std::move(item), cancel, call);
  }
  // Many items at once, tickets and callbacks, limits, statistics.
  [[nodiscard]] Processor& processor() const { return *processor_; }

 private:
  std::shared_ptr<Processor> processor_;
};

// `fn(std::span<const Item>)` gives one answer for each item, as std::vector<T>, std::vector<Result<T>>,
// Result<std::vector<T>> or Result<std::vector<Result<T>>>. It is called by one thread at a time.
template <typename Item, typename Fn>
[[nodiscard]] auto batched(Fn fn, BatchedOptions<Item> options = {}) {
  using Answer = batched_detail::AnswerOf<Item, Fn>;
  using Processor = BatchProcessor<Item, Answer>;
  auto call = [fn = std::move(fn)](std::span<const Item> items) mutable {
    return batched_detail::whole<Answer>(fn(items));
  };
  return Batched<Item, Answer>(
      std::make_shared<Processor>(std::move(call), std::move(options.cost), options.batches));
}

}  // namespace docmind::engine

// BatchProcessor: items of many threads, processed together in batches.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/cancel.h"
#include "base/error.h"
#include "engine/batch_dispatcher.h"

namespace docmind::engine {

template <typename Item, typename Answer>
class BatchProcessor;

// The answers to one request, some time. Dropping it drops what was not begun.
template <typename Item, typename Answer>
class BatchTicket {
 public:
  BatchTicket(BatchTicket&&) noexcept = default;
  BatchTicket& operator=(BatchTicket&& other) noexcept {
    if (this != &other) {
      give_up();
      dispatcher_ = std::move(other.dispatcher_);
      request_ = std::move(other.request_);
    }
    return *this;
  }
  ~BatchTicket() { give_up(); }

  // Whether wait() would return at once.
  [[nodiscard]] bool ready() const { return dispatcher_->is_answered(*request_); }
  // One for each item, in their order; once. This thread may process batches meanwhile, of others too.
  // A request that is cancelled is waited for no longer.
  [[nodiscard]] std::vector<Result<Answer>> wait() {
    const auto request = std::move(request_);
    return request->collect(dispatcher_->wait(*request));
  }

 private:
  friend class BatchProcessor<Item, Answer>;
  using Request = typename BatchProcessor<Item, Answer>::Request;

  BatchTicket(std::shared_ptr<BatchDispatcher> dispatcher, std::shared_ptr<Request> request)
      : dispatcher_(std::move(dispatcher)), request_(std::move(request)) {}
  void give_up() {
    if (request_ != nullptr) dispatcher_->abandon(*request_);
  }

  std::shared_ptr<BatchDispatcher> dispatcher_;
  std::shared_ptr<Request> request_;  // null once waited for
};

// Every member may be called from any thread. The order in which items are processed is that of
// BatchQueue; which thread does it, BatchDispatcher's. Answers to a request come in its order.
template <typename Item, typename Answer>
class BatchProcessor {
 public:
  using Answers = std::vector<Result<Answer>>;
  using Ticket = BatchTicket<Item, Answer>;
  // Processes a batch, dearest items first: one result for each item, or an error for all, which is
  // looked into by processing them one by one, once. Called by one thread at a time, not always the
  // same one. What it throws is taken for an error.
  using Process = std::function<Result<Answers>(std::span<const Item> items)>;
  // What an item takes of a batch's budget, at least 1.
  using Cost = std::function<int64_t(const Item& item)>;
  // Called once, on the thread that processed the last item; must not throw, and should be short.
  using Callback = std::function<void(Answers answers)>;

  BatchProcessor(Process process, Cost cost, const BatchOptions& options = {})
      : cost_(std::move(cost)),
        dispatcher_(std::make_shared<BatchDispatcher>(
            [process = std::move(process)](std::span<const QueuedItem> batch) { return run_batch(process, batch); },
            options)) {}
  // Requests that wait end with kCancelled. Tickets may outlive it.
  ~BatchProcessor() { stop(); }
  BatchProcessor(const BatchProcessor&) = delete;
  BatchProcessor& operator=(const BatchProcessor&) = delete;

  // Processes on this thread if no other does. kBusy when the queue is full, kCancelled after stop();
  // other errors are those of the items.
  [[nodiscard]] Result<Answers> run(std::vector<Item> items, const CancelToken& cancel, const BatchCall& call = {}) {
    DM_ASSIGN(const std::shared_ptr<Request> request, enqueue(std::move(items), {}, cancel, call, true));
    return request->collect(dispatcher_->wait(*request));
  }
  [[nodiscard]] Result<Answer> run_one(Item item, const CancelToken& cancel, const BatchCall& call = {}) {
    std::vector<Item> items;
    items.push_back(std::move(item));
    DM_ASSIGN(Answers answers, run(std::move(items), cancel, call));
    return std::move(answers.front());
  }

  // The same without waiting: another thread processes.
  [[nodiscard]] Result<Ticket> submit(std::vector<Item> items, const CancelToken& cancel, const BatchCall& call = {}) {
    DM_ASSIGN(std::shared_ptr<Request> request, enqueue(std::move(items), {}, cancel, call, false));
    return Ticket(dispatcher_, std::move(request));
  }
  // Without an error `done` is called, perhaps before this returns.
  [[nodiscard]] Status submit(std::vector<Item> items, Callback done, const CancelToken& cancel,
                              const BatchCall& call = {}) {
    DM_ASSIGN([[maybe_unused]] const auto request,
              enqueue(std::move(items), std::move(done), cancel, call, false));
    return {};
  }

  void set_limits(const BatchLimits& limits) { dispatcher_->set_limits(limits); }
  [[nodiscard]] BatchLimits limits() const { return dispatcher_->limits(); }
  // What to tell a caller that got kBusy.
  [[nodiscard]] int64_t retry_after_ms() const { return dispatcher_->retry_after_ms(); }
  [[nodiscard]] BatchStats stats() const { return dispatcher_->stats(); }
  // Not from within Process or a Callback.
  void stop() { dispatcher_->stop(); }

 private:
  friend class BatchTicket<Item, Answer>;

  struct Request final : BatchRequest {
    Request(std::vector<Item> own_items, Callback own_done, const CancelToken& cancel, const BatchCall& call)
        : BatchRequest(call, cancel, own_items.size()),
          items(std::move(own_items)),
          answers(items.size()),
          done(std::move(own_done)) {}

    void refuse(size_t index, const Error& error) override { answers[index].emplace(error); }
    [[nodiscard]] bool delivers() const override { return done != nullptr; }
    void deliver() override { done(collect({})); }

    // `only`: the items that are answered, if not all are.
    Answers collect(const std::optional<std::vector<bool>>& only) {
      Answers all;
      all.reserve(answers.size());
      for (size_t i = 0; i < answers.size(); ++i) {
        if (!only || (*only)[i]) {
          all.push_back(*std::move(answers[i]));
        } else {
          all.push_back(Error{ErrorCode::kCancelled, "the request was cancelled before it was processed"});
        }
      }
      return all;
    }

    std::vector<Item> items;
    std::vector<std::optional<Result<Answer>>> answers;
    Callback done;
  };

  Result<std::shared_ptr<Request>> enqueue(std::vector<Item> items, Callback done, const CancelToken& cancel,
                                           const BatchCall& call, bool waits) {
    std::vector<int64_t> costs;
    costs.reserve(items.size());
    for (const Item& item : items) costs.push_back(cost_(item));
    auto request = std::make_shared<Request>(std::move(items), std::move(done), cancel, call);
    DM_TRY(dispatcher_->enqueue(request, costs, waits));
    return request;
  }

  static Request& request_of(const QueuedItem& queued) { return static_cast<Request&>(*queued.request); }
  static size_t answer(const QueuedItem& queued, Result<Answer> result) {
    const size_t n_failed = result.ok() ? 0 : 1;
    request_of(queued).answers[queued.index].emplace(std::move(result));
    return n_failed;
  }

  // Moves the items together, processes them and gives each request its answers.
  static BatchDispatcher::Ran run_batch(const Process& process, std::span<const QueuedItem> batch) {
    BatchDispatcher::Ran ran;
    try {
      std::vector<Item> items;
      items.reserve(batch.size());
      for (const QueuedItem& queued : batch) items.push_back(std::move(request_of(queued).items[queued.index]));
      Result<Answers> answers = call(process, items);
      ran.retried = !answers.ok() && items.size() > 1;
      for (size_t i = 0; i < items.size(); ++i) {
        if (answers.ok()) {
          ran.n_failed += answer(batch[i], std::move((*answers)[i]));
        } else if (ran.retried) {
          Result<Answers> one = call(process, std::span<const Item>(items).subspan(i, 1));
          ran.n_failed += answer(batch[i], one.ok() ? std::move(one->front()) : Result<Answer>(std::move(one).error()));
        } else {
          ran.n_failed += answer(batch[i], std::move(answers).error());
        }
      }
    } catch (const std::bad_alloc&) {
      ran.n_failed = 0;
      for (const QueuedItem& queued : batch) ran.n_failed += answer(queued, Error{ErrorCode::kLimit, "no memory"});
    }
    return ran;
  }

  static Result<Answers> call(const Process& process, std::span<const Item> items) {
    try {
      Result<Answers> answers = process(items);
      if (!answers.ok() || answers->size() == items.size()) return answers;
      return Error{ErrorCode::kInternal,
                   fmt::format("a batch of {} items got {} answers", items.size(), answers->size())};
    } catch (const std::bad_alloc&) {
      return Error{ErrorCode::kLimit, fmt::format("there is no memory for a batch of {} items", items.size())};
    } catch (const std::exception& error) {
      return Error{ErrorCode::kInternal, fmt::format("a batch of {} items failed: {}", items.size(), error.what())};
    } catch (...) {
      return Error{ErrorCode::kInternal, fmt::format("a batch of {} items failed", items.size())};
    }
  }

  Cost cost_;
  std::shared_ptr<BatchDispatcher> dispatcher_;
};

}  // namespace docmind::engine

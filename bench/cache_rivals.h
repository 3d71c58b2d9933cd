// Textbook eviction policies over numbered entries of one size, for cache_policies.cc to compare with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace docmind::bench {

using Trace = std::vector<uint32_t>;

class Policy {
 public:
  virtual ~Policy() = default;
  // Whether the entry was there; it is put when it was not.
  virtual bool request(uint32_t key) = 0;
};

// A queue of keys, the last used first.
class RecencyList {
 public:
  [[nodiscard]] bool has(uint32_t key) const { return places_.contains(key); }
  [[nodiscard]] size_t size() const { return keys_.size(); }
  [[nodiscard]] uint32_t oldest() const { return keys_.back(); }
  void add(uint32_t key) {
    keys_.push_front(key);
    places_[key] = keys_.begin();
  }
  void touch(uint32_t key) { keys_.splice(keys_.begin(), keys_, places_.at(key)); }
  void remove(uint32_t key) {
    keys_.erase(places_.at(key));
    places_.erase(key);
  }

 private:
  std::list<uint32_t> keys_;
  std::unordered_map<uint32_t, std::list<uint32_t>::iterator> places_;
};

class Lru final : public Policy {
 public:
  explicit Lru(size_t n) : n_(n) {}
  bool request(uint32_t key) override {
    if (list_.has(key)) {
      list_.touch(key);
      return true;
    }
    if (list_.size() == n_) list_.remove(list_.oldest());
    list_.add(key);
    return false;
  }

 private:
  const size_t n_;
  RecencyList list_;
};

// Counts the uses of what it holds; among equals the least recently used goes.
class Lfu final : public Policy {
 public:
  explicit Lfu(size_t n) : n_(n) {}
  bool request(uint32_t key) override {
    const auto found = uses_.find(key);
    const bool hit = found != uses_.end();
    std::pair<uint64_t, uint64_t> uses{1, ++time_};
    if (hit) {
      order_.erase({found->second.first, found->second.second, key});
      uses.first = found->second.first + 1;
    } else if (uses_.size() == n_) {
      uses_.erase(std::get<2>(*order_.begin()));
      order_.erase(order_.begin());
    }
    uses_[key] = uses;
    order_.insert({uses.first, uses.second, key});
    return hit;
  }

 private:
  const size_t n_;
  uint64_t time_ = 0;
  std::unordered_map<uint32_t, std::pair<uint64_t, uint64_t>> uses_;
  std::set<std::tuple<uint64_t, uint64_t, uint32_t>> order_;
};

// Einziger, Friedman, Manes 2017: a window of 1% before a segmented LRU, 4-bit counts over ten
// requests per entry; a newcomer must be used more often than whom it would replace.
class WTinyLfu final : public Policy {
 public:
  explicit WTinyLfu(size_t n)
      : n_window_(std::max<size_t>(n / 100, 1)),
        n_main_(n - n_window_),
        n_protected_(n_main_ * 4 / 5),
        interval_(10 * n) {
    size_t width = 1;
    while (width < 4 * n) width *= 2;
    for (auto& row : rows_) row.assign(width, 0);
  }

  bool request(uint32_t key) override {
    count(key);
    if (window_.has(key)) return window_.touch(key), true;
    if (protected_.has(key)) return protected_.touch(key), true;
    if (probation_.has(key)) return promote(key), true;
    window_.add(key);
    if (window_.size() > n_window_) leave_window();
    return false;
  }

 private:
  void promote(uint32_t key) {
    probation_.remove(key);
    protected_.add(key);
    if (protected_.size() <= n_protected_) return;
    const uint32_t demoted = protected_.oldest();
    protected_.remove(demoted);
    probation_.add(demoted);
  }

  void leave_window() {
    const uint32_t candidate = window_.oldest();
    window_.remove(candidate);
    if (probation_.size() + protected_.size() == n_main_) {
      RecencyList& from = probation_.size() > 0 ? probation_ : protected_;
      const uint32_t victim = from.oldest();
      if (estimate(candidate) <= estimate(victim)) return;
      from.remove(victim);
    }
    probation_.add(candidate);
  }

  uint8_t& counter(size_t row, uint32_t key) {
    uint64_t h = (key + 1) * 0x9e37'79b9'7f4a'7c15 * (2 * row + 1);
    h = (h ^ h >> 31) * 0xbf58'476d'1ce4'e5b9;
    return rows_[row][(h ^ h >> 29) & (rows_[row].size() - 1)];
  }
  uint8_t estimate(uint32_t key) {
    uint8_t least = 15;
    for (size_t row = 0; row < rows_.size(); ++row) least = std::min(least, counter(row, key));
    return least;
  }
  void count(uint32_t key) {
    for (size_t row = 0; row < rows_.size(); ++row) {
      uint8_t& c = counter(row, key);
      if (c < 15) ++c;
    }
    if (++n_counted_ < interval_) return;
    n_counted_ = 0;
    for (auto& row : rows_) {
      for (uint8_t& c : row) c /= 2;
    }
  }

  const size_t n_window_, n_main_, n_protected_, interval_;
  size_t n_counted_ = 0;
  RecencyList window_, probation_, protected_;
  std::array<std::vector<uint8_t>, 4> rows_;
};

// Belady 1966: knows the trace, and drops what is used again last; a newcomer is held against the
// others too. Must be asked for exactly that trace.
class Clairvoyant final : public Policy {
 public:
  Clairvoyant(size_t n, const Trace& trace) : n_(n), next_(trace.size()) {
    std::unordered_map<uint32_t, size_t> later;
    for (size_t i = trace.size(); i-- > 0;) {
      const auto [place, is_last] = later.try_emplace(trace[i], i);
      next_[i] = is_last ? trace.size() + trace[i] : place->second;
      place->second = i;
    }
  }
  bool request(uint32_t key) override {
    const size_t next = next_[time_++];
    const auto found = next_use_.find(key);
    const bool hit = found != next_use_.end();
    if (hit) by_next_.erase({found->second, key});
    next_use_[key] = next;
    by_next_.insert({next, key});
    if (next_use_.size() > n_) {
      next_use_.erase(by_next_.rbegin()->second);
      by_next_.erase(std::prev(by_next_.end()));
    }
    return hit;
  }

 private:
  const size_t n_;
  size_t time_ = 0;
  std::vector<size_t> next_;  // of each request: when its key is asked for again
  std::unordered_map<uint32_t, size_t> next_use_;
  std::set<std::pair<size_t, uint32_t>> by_next_;
};

}  // namespace docmind::bench

// ConnectionTable: which connections are open, and how many each address may have.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace docmind::server {

class Connection;

// Any thread. Holds its connections until they are removed.
class ConnectionTable {
 public:
  ConnectionTable(int64_t max_connections, int64_t max_per_address)
      : max_connections_(max_connections), max_per_address_(max_per_address) {}

  // Whether one more of this address may come; it counts from then on, until remove() or release().
  [[nodiscard]] bool reserve(const std::string& address);
  void release(const std::string& address);
  void add(std::shared_ptr<Connection> connection);
  void remove(const Connection& connection, const std::string& address);

  [[nodiscard]] std::vector<std::shared_ptr<Connection>> all() const;
  // Those whose time is up.
  [[nodiscard]] std::vector<std::shared_ptr<Connection>> expired(int64_t now_ms) const;
  [[nodiscard]] int64_t size() const;
  // Waits until none is left; below 0 without a limit. Returns whether none is.
  bool wait_empty(int64_t timeout_ms);

 private:
  void forget(const std::string& address);

  const int64_t max_connections_, max_per_address_;
  mutable std::mutex mutex_;
  std::condition_variable emptied_;
  std::unordered_map<const Connection*, std::shared_ptr<Connection>> connections_;
  std::unordered_map<std::string, int64_t> per_address_;
  int64_t n_reserved_ = 0;
};

}  // namespace docmind::server

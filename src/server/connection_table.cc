// ConnectionTable: which connections are open, and how many each address may have.
// SPDX-License-Identifier: Apache-2.0
#include "server/connection_table.h"

#include <chrono>
#include <utility>

#include "server/connection.h"

namespace docmind::server {

bool ConnectionTable::reserve(const std::string& address) {
  const std::lock_guard lock(mutex_);
  if (n_reserved_ >= max_connections_) return false;
  int64_t& n_of_address = per_address_[address];
  if (n_of_address >= max_per_address_) return false;
  ++n_of_address;
  ++n_reserved_;
  return true;
}

void ConnectionTable::forget(const std::string& address) {
  --n_reserved_;
  const auto found = per_address_.find(address);
  if (found != per_address_.end() && --found->second <= 0) per_address_.erase(found);
}

void ConnectionTable::release(const std::string& address) {
  const std::lock_guard lock(mutex_);
  forget(address);
}

void ConnectionTable::add(std::shared_ptr<Connection> connection) {
  const std::lock_guard lock(mutex_);
  const Connection* key = connection.get();
  connections_.emplace(key, std::move(connection));
}

void ConnectionTable::remove(const Connection& connection, const std::string& address) {
  std::shared_ptr<Connection> last;  // destroyed after the lock
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(&connection);
  if (found == connections_.end()) return;
  last = std::move(found->second);
  connections_.erase(found);
  forget(address);
  if (connections_.empty()) emptied_.notify_all();
}

std::vector<std::shared_ptr<Connection>> ConnectionTable::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Connection>> open;
  open.reserve(connections_.size());
  for (const auto& [key, connection] : connections_) open.push_back(connection);
  return open;
}

std::vector<std::shared_ptr<Connection>> ConnectionTable::expired(int64_t now_ms) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Connection>> late;
  for (const auto& [key, connection] : connections_) {
    if (connection->is_expired(now_ms)) late.push_back(connection);
  }
  return late;
}

int64_t ConnectionTable::size() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int64_t>(connections_.size());
}

bool ConnectionTable::wait_empty(int64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  const auto empty = [&] { return connections_.empty(); };
  if (timeout_ms >= 0) return emptied_.wait_for(lock, std::chrono::milliseconds(timeout_ms), empty);
  emptied_.wait(lock, empty);
  return true;
}

}  // namespace docmind::server

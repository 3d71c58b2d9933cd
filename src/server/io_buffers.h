// InputBuffer and OutputPieces: the bytes of a connection on their way in and out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace docmind::server {

// Bytes read but not yet used; has no memory before the first of them.
class InputBuffer {
 public:
  [[nodiscard]] std::string_view view() const { return {bytes_.get() + begin_, end_ - begin_}; }
  [[nodiscard]] size_t size() const { return end_ - begin_; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  // Room for at least `n_bytes` at the returned place; commit() what was put there.
  char* prepare(size_t n_bytes) {
    if (begin_ == end_) begin_ = end_ = 0;
    if (capacity_ - end_ < n_bytes) make_room(n_bytes);
    return bytes_.get() + end_;
  }
  void commit(size_t n_bytes) { end_ += n_bytes; }
  void consume(size_t n_bytes) { begin_ += n_bytes; }
  void clear() { begin_ = end_ = 0; }
  // Gives memory above `keep_bytes` back when nothing is in it.
  void shrink(size_t keep_bytes) {
    if (!empty() || capacity_ <= keep_bytes) return;
    bytes_.reset();
    begin_ = end_ = capacity_ = 0;
  }

 private:
  void make_room(size_t n_bytes) {
    const size_t n_used = size();
    if (capacity_ < n_used + n_bytes) {
      const size_t larger = n_used + n_bytes;
      std::unique_ptr<char[]> bytes(new char[larger]);  // not set to zero
      if (n_used > 0) std::memcpy(bytes.get(), bytes_.get() + begin_, n_used);
      bytes_ = std::move(bytes);
      capacity_ = larger;
    } else {
      std::memmove(bytes_.get(), bytes_.get() + begin_, n_used);
    }
    begin_ = 0;
    end_ = n_used;
  }

  std::unique_ptr<char[]> bytes_;
  size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

// One gathered write: a head, a body that is not copied, and an end.
class OutputPieces {
 public:
  OutputPieces() = default;
  OutputPieces(const OutputPieces&) = delete;  // the views point into it
  OutputPieces& operator=(const OutputPieces&) = delete;

  void set(std::string head, std::string body, std::string_view static_body, std::string_view end) {
    head_ = std::move(head);
    body_ = std::move(body);
    views_ = {head_, static_body.empty() ? std::string_view(body_) : static_body, end};
  }
  // Gives the memory back as well.
  void clear() {
    views_ = {};
    std::string().swap(head_);
    std::string().swap(body_);
  }
  [[nodiscard]] size_t left() const { return views_[0].size() + views_[1].size() + views_[2].size(); }
  // Fills `vectors` with what is left; returns how many.
  size_t gather(std::array<iovec, 3>& vectors) const {
    size_t n = 0;
    for (const std::string_view view : views_) {
      if (!view.empty()) vectors[n++] = {const_cast<char*>(view.data()), view.size()};
    }
    return n;
  }
  void advance(size_t n_bytes) {
    for (std::string_view& view : views_) {
      const size_t n = n_bytes < view.size() ? n_bytes : view.size();
      view.remove_prefix(n);
      n_bytes -= n;
    }
  }

 private:
  std::string head_, body_;
  std::array<std::string_view, 3> views_;
};

}  // namespace docmind::server

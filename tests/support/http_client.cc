// HttpClient: a plain HTTP/1.1 client on one loopback socket, which can also misbehave.
// SPDX-License-Identifier: Apache-2.0
#include "support/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>

namespace docmind::test {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return out;
}

bool has_header(const HttpHeaders& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(), [&](const auto& header) { return lower(header.first) == name; });
}

// One event's lines; comments and unknown fields are skipped.
SseEvent parse_event(std::string_view block) {
  SseEvent event;
  bool first = true;
  while (!block.empty()) {
    const size_t end = block.find('\n');
    const std::string_view line = block.substr(0, end);
    block = end == std::string_view::npos ? std::string_view() : block.substr(end + 1);
    if (line.starts_with("event: ")) event.event = line.substr(7);
    if (!line.starts_with("data:")) continue;
    if (!first) event.data += '\n';
    first = false;
    event.data += line.substr(line.starts_with("data: ") ? 6 : 5);
  }
  return event;
}

}  // namespace

std::string HttpReply::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

bool HttpReply::has(std::string_view name) const { return has_header(headers, name); }

HttpClient::HttpClient(int port, std::string_view address) : host_(std::string(address) + ":" + std::to_string(port)) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  if (::inet_pton(AF_INET, std::string(address).c_str(), &to.sin_addr) != 1) return;
  fd_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd_.valid()) return;
  const int on = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) fd_.reset();
}

bool HttpClient::send_raw(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

bool HttpClient::send_request(std::string_view method, std::string_view target, const HttpHeaders& headers,
                              std::string_view body) {
  std::string head = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\n";
  if (!has_header(headers, "host")) head += "Host: " + host_ + "\r\n";
  const bool framed = has_header(headers, "content-length") || has_header(headers, "transfer-encoding");
  if (!framed && (!body.empty() || method == "POST")) head += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  for (const auto& [name, value] : headers) head += name + ": " + value + "\r\n";
  head += "\r\n";
  head += body;
  return send_raw(head);
}

HttpReply HttpClient::request(std::string_view method, std::string_view target, const HttpHeaders& headers,
                              std::string_view body) {
  send_request(method, target, headers, body);  // a refusal may come before the last byte is sent
  return read_reply(method == "HEAD");
}

HttpReply HttpClient::post(std::string_view target, std::string_view body, HttpHeaders headers) {
  headers.emplace_back("Content-Type", "application/json");
  return request("POST", target, headers, body);
}

bool HttpClient::fill() {
  if (!fd_.valid()) return false;
  pollfd waited{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  if (::poll(&waited, 1, timeout_ms_) <= 0) return false;
  char bytes[16 << 10];
  const ssize_t n = ::recv(fd_.get(), bytes, sizeof bytes, 0);
  if (n <= 0) return false;
  in_.append(bytes, static_cast<size_t>(n));
  return true;
}

std::optional<std::string> HttpClient::read_line() {
  size_t end = 0;
  while ((end = in_.find("\r\n")) == std::string::npos) {
    if (!fill()) return std::nullopt;
  }
  std::string line = in_.substr(0, end);
  in_.erase(0, end + 2);
  return line;
}

HttpReply HttpClient::read_head() {
  HttpReply reply;
  text_.clear();
  body_ended_ = false;
  const std::optional<std::string> first = read_line();
  if (!first || !first->starts_with("HTTP/1.") || first->size() < 12) return reply;
  reply.status = std::atoi(first->c_str() + 9);
  reply.reason = first->size() > 13 ? first->substr(13) : "";
  framing_ = Framing::kUntilClose;
  while (const std::optional<std::string> line = read_line()) {
    if (line->empty()) break;
    const size_t colon = line->find(':');
    if (colon == std::string::npos) continue;
    const size_t begin = std::min(line->find_first_not_of(' ', colon + 1), line->size());
    reply.headers.emplace_back(lower(line->substr(0, colon)), line->substr(begin));
  }
  if (reply.has("content-length")) {
    framing_ = Framing::kLength;
    left_ = std::strtoull(reply.header("content-length").c_str(), nullptr, 10);
  } else if (lower(reply.header("transfer-encoding")) == "chunked") {
    framing_ = Framing::kChunked;
    left_ = 0;
    first_chunk_ = true;
  }
  if (reply.status == 204 || reply.status == 304 || reply.status / 100 == 1) framing_ = Framing::kNone;
  return reply;
}

std::optional<std::string> HttpClient::take(size_t max_bytes) {
  if (in_.empty() && !fill()) return std::nullopt;
  std::string piece = in_.substr(0, max_bytes);
  in_.erase(0, piece.size());
  return piece;
}

std::optional<std::string> HttpClient::read_chunk_piece() {
  if (left_ == 0) {
    if (!first_chunk_ && !read_line()) return std::nullopt;  // the line end behind the last chunk
    first_chunk_ = false;
    const std::optional<std::string> size = read_line();
    if (!size) return std::nullopt;
    const auto [end, error] = std::from_chars(size->data(), size->data() + size->size(), left_, 16);
    if (error != std::errc() || end == size->data()) return std::nullopt;
    if (left_ == 0) {
      while (const std::optional<std::string> trailer = read_line()) {
        if (trailer->empty()) body_ended_ = true;
        if (trailer->empty()) break;
      }
      return std::nullopt;
    }
  }
  std::optional<std::string> piece = take(left_);
  if (piece) left_ -= piece->size();
  return piece;
}

std::optional<std::string> HttpClient::read_piece() {
  if (body_ended_) return std::nullopt;
  if (framing_ == Framing::kChunked) return read_chunk_piece();
  if (framing_ == Framing::kNone || (framing_ == Framing::kLength && left_ == 0)) {
    body_ended_ = true;
    return std::nullopt;
  }
  std::optional<std::string> piece = take(framing_ == Framing::kLength ? left_ : std::string::npos);
  if (framing_ == Framing::kLength && piece) left_ -= piece->size();
  if (framing_ == Framing::kUntilClose && !piece) body_ended_ = true;
  return piece;
}

HttpReply HttpClient::read_reply(bool to_head) {
  HttpReply reply = read_head();
  if (reply.status == 100) reply = read_head();
  if (reply.status == 0) return reply;
  if (to_head) framing_ = Framing::kNone;
  while (const std::optional<std::string> piece = read_piece()) reply.body += *piece;
  reply.complete = body_ended_;
  return reply;
}

bool HttpClient::fill_text() {
  const std::optional<std::string> piece = read_piece();
  if (piece) text_ += *piece;
  return piece.has_value();
}

std::optional<SseEvent> HttpClient::next_event() {
  while (true) {
    const size_t end = text_.find("\n\n");
    if (end == std::string::npos) {
      if (!fill_text()) return std::nullopt;
      continue;
    }
    const std::string block = text_.substr(0, end + 1);
    text_.erase(0, end + 2);
    if (!block.starts_with(':')) return parse_event(block);
  }
}

std::optional<std::string> HttpClient::next_line() {
  size_t end = 0;
  while ((end = text_.find('\n')) == std::string::npos) {
    if (!fill_text()) return std::nullopt;
  }
  std::string line = text_.substr(0, end);
  text_.erase(0, end + 1);
  return line;
}

bool HttpClient::wait_closed() {
  while (true) {
    pollfd waited{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&waited, 1, timeout_ms_) <= 0) return false;
    char bytes[16 << 10];
    if (::recv(fd_.get(), bytes, sizeof bytes, 0) <= 0) return true;
  }
}

void HttpClient::shutdown_write() { ::shutdown(fd_.get(), SHUT_WR); }

void HttpClient::reset_connection() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  fd_.reset();
}

std::vector<SseEvent> parse_sse(std::string_view stream) {
  std::vector<SseEvent> events;
  while (true) {
    const size_t end = stream.find("\n\n");
    if (end == std::string_view::npos) return events;
    if (!stream.starts_with(':')) events.push_back(parse_event(stream.substr(0, end + 1)));
    stream.remove_prefix(end + 2);
  }
}

}  // namespace docmind::test

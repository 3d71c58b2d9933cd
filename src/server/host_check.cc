// Which names a request may call this server by, and which pages may call it.
// SPDX-License-Identifier: Apache-2.0
#include "server/host_check.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "base/ascii.h"

namespace docmind::server {
namespace {

constexpr size_t kMaxHostBytes = 255;

std::string lower_host(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = is_upper(c) ? static_cast<char>(c + ('a' - 'A')) : c;
  return out;
}

bool is_port(std::string_view port) { return port.size() <= 5 && is_number(port); }

bool is_name_char(char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_'; }

struct Literal {
  bool valid = false;
  bool is_loopback = false;
};

Literal parse_literal(const std::string& name) {
  in_addr v4{};
  in6_addr v6{};
  if (::inet_pton(AF_INET, name.c_str(), &v4) == 1) return {true, (ntohl(v4.s_addr) >> 24) == 127};
  if (::inet_pton(AF_INET6, name.c_str(), &v6) != 1) return {};
  const bool mapped_loopback = IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127;
  return {true, IN6_IS_ADDR_LOOPBACK(&v6) || mapped_loopback};
}

// "name:port" without a port that the scheme implies.
std::string_view without_default_port(std::string_view authority, std::string_view port) {
  return authority.ends_with(port) ? authority.substr(0, authority.size() - port.size()) : authority;
}

}  // namespace

std::string host_name(std::string_view host) {
  if (host.empty() || host.size() > kMaxHostBytes) return {};
  if (host.front() == '[') {
    const size_t end = host.find(']');
    if (end == std::string_view::npos) return {};
    const std::string_view behind = host.substr(end + 1);
    if (!behind.empty() && (behind.front() != ':' || !is_port(behind.substr(1)))) return {};
    const std::string name = lower_host(host.substr(1, end - 1));
    return parse_literal(name).valid && name.find(':') != std::string::npos ? name : std::string();
  }
  const size_t colon = host.find(':');
  if (colon != std::string_view::npos && !is_port(host.substr(colon + 1))) return {};
  std::string_view name = host.substr(0, colon);
  if (name.ends_with('.')) name.remove_suffix(1);  // the root of all names
  if (!std::all_of(name.begin(), name.end(), is_name_char)) return {};
  return lower_host(name);
}

HostCheck::HostCheck(std::string_view address, const std::vector<std::string>& allowed) {
  names_.emplace_back("localhost");
  names_.push_back(lower_host(address));
  any_literal_ = names_.back() != "localhost" && !parse_literal(names_.back()).is_loopback;
  for (const std::string& name : allowed) {
    if (name == "*") any_name_ = true;
    names_.push_back(lower_host(name));
  }
}

bool HostCheck::allows(std::string_view host) const {
  const std::string name = host_name(host);
  if (name.empty()) return false;
  if (any_name_ || std::find(names_.begin(), names_.end(), name) != names_.end()) return true;
  if (name.ends_with(".localhost")) return true;  // always this machine (RFC 6761, 6.3)
  const Literal literal = parse_literal(name);
  return literal.valid && (any_literal_ || literal.is_loopback);
}

bool is_same_origin(std::string_view origin, std::string_view host) {
  const size_t mark = origin.find("://");
  if (mark == std::string_view::npos || host.empty()) return false;
  const std::string_view scheme = origin.substr(0, mark);
  if (scheme != "http" && scheme != "https") return false;
  const std::string_view port = scheme == "https" ? ":443" : ":80";
  return lower_host(without_default_port(origin.substr(mark + 3), port)) ==
         lower_host(without_default_port(host, port));
}

}  // namespace docmind::server

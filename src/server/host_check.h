// Which names a request may call this server by, and which pages may call it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace docmind::server {

// Against DNS rebinding: a page of another site whose name was made to point here still sends that name as Host.
// Immutable.
class HostCheck {
 public:
  // `address` is what the server listens on; `allowed` are further names without ports, "*" allows any.
  HostCheck(std::string_view address, const std::vector<std::string>& allowed);

  // `host` is the header's value, "name", "name:port", "1.2.3.4:port" or "[::1]:port".
  [[nodiscard]] bool allows(std::string_view host) const;

 private:
  std::vector<std::string> names_;  // in lower case
  bool any_name_ = false;
  bool any_literal_ = false;  // any IP address: the server listens beyond loopback
};

// The name of a Host value in lower case, without port and brackets; empty when it is not well-formed.
[[nodiscard]] std::string host_name(std::string_view host);

// Whether a page's Origin ("http://name:port") is the server that `host` names: default ports may be left out.
[[nodiscard]] bool is_same_origin(std::string_view origin, std::string_view host);

}  // namespace docmind::server

// Reading and parsing the small text files of /proc and /sys, with every number checked.
// SPDX-License-Identifier: Apache-2.0
#include "monitor/proc_text.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <limits>

#include "base/file.h"

namespace docmind::monitor {
namespace {

constexpr std::string_view kBlank = " \t\r";
constexpr int64_t kBytesPerKb = 1024;

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace

Result<std::string> read_proc(const std::string& path, size_t limit_bytes) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return errno_error("open", path, errno);
  std::string text(limit_bytes, '\0');
  size_t got = 0;
  while (got < limit_bytes) {
    const ssize_t n = ::read(fd.get(), text.data() + got, limit_bytes - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("read", path, errno);
    if (n == 0) break;
    got += static_cast<size_t>(n);
  }
  text.resize(got);
  return text;
}

std::optional<std::string_view> find_field(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || trim(line.substr(0, colon)) != key) continue;
    return trim(line.substr(colon + 1));
  }
  return std::nullopt;
}

Result<int64_t> parse_count(std::string_view digits, std::string_view what) {
  int64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc() || stop != end || value < 0) {
    return Error{ErrorCode::kMalformed, std::string(what) + " is '" +
                                            std::string(digits.substr(0, 64)) +
                                            "', expected a non-negative whole number"};
  }
  return value;
}

Result<int64_t> parse_kb_field(std::string_view text, std::string_view key) {
  const std::optional<std::string_view> field = find_field(text, key);
  if (!field) {
    return Error{ErrorCode::kMalformed, "the system's status text has no field '" +
                                            std::string(key) + "'"};
  }
  if (!field->ends_with(" kB")) {
    return Error{ErrorCode::kMalformed, std::string(key) + " is '" +
                                            std::string(field->substr(0, 64)) +
                                            "', expected a number of kB"};
  }
  DM_ASSIGN(const int64_t kb, parse_count(trim(field->substr(0, field->size() - 3)), key));
  if (kb > std::numeric_limits<int64_t>::max() / kBytesPerKb) {
    return Error{ErrorCode::kMalformed, std::string(key) + " is " + std::to_string(kb) +
                                            " kB, more than any machine has"};
  }
  return kb * kBytesPerKb;
}

}  // namespace docmind::monitor

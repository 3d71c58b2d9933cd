// ApiKeys: which key belongs to whom; only digests are kept.
// SPDX-License-Identifier: Apache-2.0
#include "server/api_keys.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "base/ascii.h"
#include "base/file.h"
#include "base/text.h"

namespace docmind::server {
namespace {

constexpr int64_t kMaxKeyFileBytes = 1 << 20;
constexpr size_t kMaxKeyBytes = 512;
constexpr size_t kMaxNameBytes = 64;
constexpr std::string_view kDigestPrefix = "sha256:";

bool is_tenant_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && std::all_of(name.begin(), name.end(), [](char c) {
    return is_alnum(c) || c == '_' || c == '-';
  });
}

// What a header can carry without being changed on the way.
bool is_key_text(std::string_view key) {
  return !key.empty() && key.size() <= kMaxKeyBytes &&
         std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

std::optional<Digest> digest_from_hex(std::string_view hex) {
  Digest digest{};
  if (hex.size() != 2 * digest.size()) return std::nullopt;
  for (size_t i = 0; i < hex.size(); ++i) {
    const char c = hex[i];
    const int value = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (value < 0) return std::nullopt;
    digest[i / 2] = static_cast<uint8_t>(digest[i / 2] * 16 + value);
  }
  return digest;
}

// The next word of `rest`, which is taken off.
std::string_view take_word(std::string_view& rest) {
  rest = trim(rest);
  const size_t end = std::min(rest.find_first_of(" \t"), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

struct KeyLine {
  Digest digest{};
  std::string tenant, label;
};

Error bad_key_line(std::string_view place, std::string_view why) {
  return {ErrorCode::kInvalidArgument, fmt::format("{}: {}", place, why)};  // never shows the key
}

Result<KeyLine> parse_key_line(std::string_view line, std::string_view place, const std::string& default_tenant) {
  KeyLine parsed;
  const std::string_view key = take_word(line);
  if (key.starts_with(kDigestPrefix)) {
    const std::optional<Digest> digest = digest_from_hex(key.substr(kDigestPrefix.size()));
    if (!digest) return bad_key_line(place, "'sha256:' must be followed by 64 hexadecimal digits");
    parsed.digest = *digest;
  } else {
    if (!is_key_text(key)) {
      return bad_key_line(place, fmt::format("a key must have 1 to {} printable ASCII characters", kMaxKeyBytes));
    }
    parsed.digest = sha256(key);
  }
  const std::string_view tenant = take_word(line);
  const std::string_view label = take_word(line);
  parsed.tenant = tenant.empty() ? default_tenant : std::string(tenant);
  parsed.label = label.empty() ? "key-" + to_hex(parsed.digest).substr(0, 8) : std::string(label);
  for (const std::string& name : {parsed.tenant, parsed.label}) {
    if (is_tenant_name(name)) continue;
    return bad_key_line(place, fmt::format("'{}' must be 1 to {} of the characters a-z, A-Z, 0-9, '_' and '-' "
                                           "to name a tenant or a key", printable(name), kMaxNameBytes));
  }
  if (!trim(line).empty()) return bad_key_line(place, "a line has at most a key, a tenant and a label");
  return parsed;
}

Status check_mode(const std::string& path) {
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0) return errno_error("read the API keys of", path, errno);
  if ((about.st_mode & (S_IRWXO | S_IWGRP)) == 0) return {};
  return Error{ErrorCode::kPermission,
               fmt::format("the API keys in '{}' can be read by others or changed by its group (mode {:04o}); "
                           "run: chmod 600 '{}'", path, about.st_mode & 07777, path)};
}

// In the environment blanks are ':', which "sha256:HEX" has as well.
std::string as_key_line(std::string_view entry) {
  std::string line(trim(entry));
  const size_t from = line.starts_with(kDigestPrefix) ? kDigestPrefix.size() : 0;
  std::replace(line.begin() + static_cast<std::ptrdiff_t>(from), line.end(), ':', ' ');
  return line;
}

struct PlacedLine {
  std::string text, place;
};

void split_key_file(const std::string& path, std::string_view bytes, std::vector<PlacedLine>& lines) {
  int number = 0;
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    std::string_view line = bytes.substr(0, end);
    bytes = end == std::string_view::npos ? std::string_view() : bytes.substr(end + 1);
    ++number;
    line = trim(line.substr(0, line.find('#')));
    if (!line.empty()) lines.push_back({std::string(line), fmt::format("line {} of '{}'", number, path)});
  }
}

void split_environment(std::string_view value, std::vector<PlacedLine>& lines) {
  int number = 0;
  while (!value.empty()) {
    const size_t end = value.find(',');
    const std::string line = as_key_line(value.substr(0, end));
    value = end == std::string_view::npos ? std::string_view() : value.substr(end + 1);
    ++number;
    if (!line.empty()) lines.push_back({line, fmt::format("key {} of the environment", number)});
  }
}

}  // namespace

Result<ApiKeys> ApiKeys::load(const std::string& path, std::string_view from_environment,
                              std::string default_tenant) {
  std::vector<PlacedLine> lines;
  if (!path.empty()) {
    DM_TRY(check_mode(path));
    DM_ASSIGN(const std::string bytes, read_file(path, kMaxKeyFileBytes));
    split_key_file(path, bytes, lines);
    if (lines.empty()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("'{}' holds no API key; with an empty file everybody would be let in", path)};
    }
  }
  split_environment(from_environment, lines);
  ApiKeys keys(std::move(default_tenant));
  for (const PlacedLine& line : lines) {
    DM_ASSIGN(KeyLine parsed, parse_key_line(line.text, line.place, keys.default_tenant_));
    for (const Entry& entry : keys.entries_) {
      if (entry.digest == parsed.digest) {
        return bad_key_line(line.place, fmt::format("the same key is already that of '{}'", entry.label));
      }
    }
    keys.entries_.push_back({parsed.digest, std::move(parsed.tenant), std::move(parsed.label)});
  }
  return keys;
}

std::optional<Caller> ApiKeys::find(std::string_view key) const {
  const Digest digest = sha256(key);
  const Entry* found = nullptr;
  for (const Entry& entry : entries_) {
    if (CRYPTO_memcmp(entry.digest.data(), digest.data(), digest.size()) == 0) found = &entry;
  }
  if (found == nullptr) return std::nullopt;
  return Caller{.tenant = found->tenant, .label = found->label, .address = {}};
}

}  // namespace docmind::server

// ModelSpec: how a user names a model, in this process or behind another server.
// SPDX-License-Identifier: Apache-2.0
#include "providers/model_spec.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/text.h"

namespace docmind::providers {
namespace {

// Longer than any name of a model or any sensible address.
constexpr size_t kMostSpecBytes = 4'096;
constexpr std::string_view kSpecForm =
    "write KIND:MODEL@URL with ollama, llamacpp, vllm, lmstudio or openai as KIND, for example "
    "'ollama:qwen3:14b@http://127.0.0.1:11434'";

struct SpecKind {
  std::string_view word;
  UpstreamKind kind;
  std::string_view default_url;  // empty: there is none
  bool lm_studio = false;
};

// The ports are the ones that the servers themselves listen on unless told otherwise.
constexpr std::array<SpecKind, 5> kSpecKinds{{
    {"ollama", UpstreamKind::kOllama, "http://127.0.0.1:11434"},
    {"llamacpp", UpstreamKind::kLlamaCpp, "http://127.0.0.1:8080"},
    {"vllm", UpstreamKind::kVllm, "http://127.0.0.1:8000"},
    {"lmstudio", UpstreamKind::kOpenAi, "http://127.0.0.1:1234", true},
    {"openai", UpstreamKind::kOpenAi, ""},
}};
constexpr std::string_view kNativeWord = "native:";

const SpecKind* spec_kind_of(std::string_view word) {
  for (const SpecKind& kind : kSpecKinds) {
    if (kind.word == word) return &kind;
  }
  return nullptr;
}

// The KIND that `text` begins with, if it does.
const SpecKind* leading_kind(std::string_view text) {
  const size_t colon = text.find(':');
  return colon == std::string_view::npos ? nullptr : spec_kind_of(text.substr(0, colon));
}

Error bad_spec(std::string_view text, std::string_view why) {
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("the model '{}' {}; {}", printable(text.substr(0, 200)), why, kSpecForm)};
}

bool is_plain(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) return false;
  }
  return is_valid_utf8(text);
}

size_t scheme_bytes(std::string_view url) {
  for (const std::string_view scheme : {std::string_view("http://"), std::string_view("https://")}) {
    if (url.starts_with(scheme)) return scheme.size();
  }
  return 0;
}

// Why it cannot be the address of a server; empty when it can.
std::string_view url_fault(std::string_view url) {
  const size_t n_scheme = scheme_bytes(url);
  if (n_scheme == 0) return "has an address that begins with neither http:// nor https://";
  if (url.find_first_of(" \\\"<>") != std::string_view::npos) return "has an address with a space or quote in it";
  if (url.find_first_of("?#") != std::string_view::npos) return "has an address with a query; it ends before the '?'";
  const std::string_view authority = url.substr(n_scheme, url.find('/', n_scheme) - n_scheme);
  if (authority.find('@') != std::string_view::npos) {
    return "has a password in its address; put keys into upstream.key_file or DOCMIND_UPSTREAM_KEY";
  }
  // "[::1]:8080" has its port after the bracket.
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const std::string_view host = authority.substr(0, colon);
  if (host.empty()) return "has an address without a host";
  if (colon == std::string_view::npos) return {};
  int64_t port = 0;
  for (const char c : authority.substr(colon + 1)) {
    if (!is_digit(c) || port > 65'535) return "has an address whose port is no number up to 65535";
    port = 10 * port + (c - '0');
  }
  return port >= 1 && port <= 65'535 ? std::string_view() : "has an address whose port is no number up to 65535";
}

// People paste the address that a client library wants, with "/v1" at its end.
std::string server_url(std::string_view url) {
  const size_t n_authority = std::min(url.find('/', scheme_bytes(url)), url.size());
  std::string_view path = url.substr(n_authority);
  while (path.ends_with('/') || path.ends_with("/v1")) path.remove_suffix(path.ends_with('/') ? 1 : 3);
  return std::string(url.substr(0, n_authority + path.size()));
}

// Where "@http://..." begins. An '@' of another kind belongs to the model's name.
size_t address_begin(std::string_view text) {
  for (size_t at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    if (scheme_bytes(text.substr(at + 1)) > 0) return at;
  }
  return std::string_view::npos;
}

bool path_exists(std::string_view text) {
  std::error_code failure;
  return std::filesystem::exists(std::filesystem::path(text), failure);
}

Result<ModelSpec> parse_native(std::string_view text) {
  std::string_view model = text;
  if (!path_exists(text) && text.starts_with(kNativeWord)) model.remove_prefix(kNativeWord.size());
  if (model.empty()) return bad_spec(text, "names none");
  return ModelSpec{.kind = UpstreamKind::kNative, .model = std::string(model), .url = {}};
}

Result<ModelSpec> parse_upstream(std::string_view text, const SpecKind& kind) {
  const std::string_view rest = text.substr(kind.word.size() + 1);
  const size_t at = address_begin(rest);
  const std::string_view model = rest.substr(0, at);
  ModelSpec spec{.kind = kind.kind, .model = std::string(model), .url = std::string(kind.default_url),
                 .lm_studio = kind.lm_studio};
  if (at != std::string_view::npos) {
    const std::string_view url = rest.substr(at + 1);
    if (const std::string_view fault = url_fault(url); !fault.empty()) return bad_spec(text, fault);
    spec.url = server_url(url);
  } else if (scheme_bytes(model) > 0) {
    return bad_spec(text, "has no '@' before the address");
  }
  if (spec.url.empty()) return bad_spec(text, "has no address, which 'openai' needs");
  return spec;
}

}  // namespace

std::string_view upstream_kind_name(UpstreamKind kind) {
  switch (kind) {
    case UpstreamKind::kNative: return "native";
    case UpstreamKind::kOllama: return "ollama";
    case UpstreamKind::kLlamaCpp: return "llamacpp";
    case UpstreamKind::kVllm: return "vllm";
    case UpstreamKind::kOpenAi: return "openai";
  }
  return "";
}

std::string ModelSpec::text() const {
  if (!native()) return fmt::format("{}:{}@{}", lm_studio ? "lmstudio" : upstream_kind_name(kind), model, url);
  // A file may be called like a spec, and may be gone by the time that this is read.
  const bool ambiguous = leading_kind(model) != nullptr || model.starts_with(kNativeWord);
  return ambiguous ? std::string(kNativeWord) + model : model;
}

Result<ModelSpec> parse_model_spec(std::string_view text) {
  if (text.empty()) return bad_spec(text, "names none");
  if (text.size() > kMostSpecBytes) {
    return bad_spec(text, fmt::format("is longer than {} bytes", kMostSpecBytes));
  }
  if (text.find('\0') != std::string_view::npos) return bad_spec(text, "has a zero byte in it");
  const SpecKind* kind = leading_kind(text);
  if (kind == nullptr && address_begin(text) != std::string_view::npos && !path_exists(text)) {
    return bad_spec(text, "has an address, but no KIND of server before it");
  }
  if (kind == nullptr && scheme_bytes(text) > 0) return bad_spec(text, "is an address without a KIND of server");
  if (kind == nullptr || path_exists(text)) return parse_native(text);
  if (!is_plain(text)) return bad_spec(text, "has control characters or is no valid UTF-8");
  return parse_upstream(text, *kind);
}

}  // namespace docmind::providers

// http_get: one HTTP request through libcurl, with limits on where redirects may lead.
// SPDX-License-Identifier: Apache-2.0
#include "providers/http_get.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "providers/http_url.h"

namespace docmind::providers {
namespace {

constexpr int kMaxRedirects = 5;
constexpr size_t kMaxHeaders = 200;
constexpr long kReceiveBufferBytes = 256 << 10;

template <auto Free>
struct FreeWith {
  template <typename T>
  void operator()(T* pointer) const { Free(pointer); }
};
using CurlHandle = std::unique_ptr<CURL, FreeWith<curl_easy_cleanup>>;
using CurlList = std::unique_ptr<curl_slist, FreeWith<curl_slist_free_all>>;

// One hop: the request to one URL.
class Hop {
 public:
  Hop(const HttpGetRequest& request, HttpHead& head) : request_(request), head_(head) {}

  // The URL of a redirect; empty when this was the last answer.
  Result<std::string> run(const std::string& url) {
    CurlHandle curl(curl_easy_init());
    CurlList headers;
    if (Status ready = set_up(curl.get(), url, headers); !ready.ok()) return std::move(ready).error();
    const CURLcode code = curl_easy_perform(curl.get());
    if (request_.cancel.cancelled())
      return Error{ErrorCode::kCancelled, "the download was stopped; the same command goes on from there"};
    if (failure_) return *failure_;
    if (code != CURLE_OK) {
      const std::string detail = error_text_[0] != '\0' ? error_text_ : curl_easy_strerror(code);
      return Error{ErrorCode::kIo, fmt::format("cannot fetch '{}': {}", printable(url), printable(detail))};
    }
    DM_TRY(finish_head(curl.get()));
    char* next = nullptr;
    curl_easy_getinfo(curl.get(), CURLINFO_REDIRECT_URL, &next);
    return next != nullptr ? std::string(next) : std::string();
  }

 private:
  Status set_up(CURL* curl, const std::string& url, CurlList& headers) {
    if (curl == nullptr) return Error{ErrorCode::kInternal, "libcurl gives no handle"};
    curl_ = curl;
    for (const std::string& header : request_.headers) {
      curl_slist* longer = curl_slist_append(headers.get(), header.c_str());
      static_cast<void>(headers.release());
      headers.reset(longer);
    }
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "docmind");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, kReceiveBufferBytes);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout_ms));
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request_.stall_timeout_s));
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_text_);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &Hop::on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Hop::on_data);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &Hop::on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, this);
    return {};
  }

  static size_t on_header(char* data, size_t, size_t n_bytes, void* self) {
    auto& headers = static_cast<Hop*>(self)->head_.headers;
    const std::string_view line(data, n_bytes);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || headers.size() >= kMaxHeaders) return n_bytes;
    std::string name(line.substr(0, colon));
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    headers[name] = trim(line.substr(colon + 1));
    return n_bytes;
  }

  static size_t on_data(char* data, size_t, size_t n_bytes, void* self) {
    return static_cast<Hop*>(self)->take({data, n_bytes}) ? n_bytes : CURL_WRITEFUNC_ERROR;
  }

  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Hop*>(self)->request_.cancel.cancelled() ? 1 : 0;
  }

  bool take(std::string_view piece) {
    Status status = finish_head(curl_);
    if (status.ok() && head_.status >= 200 && head_.status < 300) status = request_.on_body(piece);
    if (!status.ok()) failure_ = std::move(status).error();
    return !failure_;
  }

  // Hands the head out, once, unless it is that of a redirect.
  Status finish_head(CURL* curl) {
    if (has_head_) return {};
    has_head_ = true;
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    head_.status = static_cast<int>(status);
    char* next = nullptr;
    curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &next);
    return next != nullptr ? Status() : request_.on_head(head_);
  }

  const HttpGetRequest& request_;
  HttpHead& head_;
  CURL* curl_ = nullptr;
  bool has_head_ = false;
  std::optional<Error> failure_;
  char error_text_[CURL_ERROR_SIZE] = {};
};

}  // namespace

std::string_view HttpHead::header(std::string_view name) const {
  const auto found = headers.find(std::string(name));
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

Status check_url(const std::string& url) {
  DM_ASSIGN(const HttpUrl parts, parse_http_url(url));
  if (parts.scheme == "https") return {};
  if (parts.scheme == "http" && parts.this_machine) return {};
  return Error{
      ErrorCode::kInvalidArgument,
      fmt::format("'{}' is refused: only https is allowed, and http to this machine itself", printable(url))};
}

Result<HttpHead> http_get(const HttpGetRequest& request) {
  DM_TRY(start_curl());
  HttpHead head;
  std::string url = request.url;
  for (int n_redirects = 0; n_redirects <= kMaxRedirects; ++n_redirects) {
    DM_TRY(check_url(url));
    // What describes the body is the last answer's; the rest of a redirect's headers is kept.
    for (const char* name : {"content-length", "content-range", "etag"}) head.headers.erase(name);
    DM_ASSIGN(std::string next, Hop(request, head).run(url));
    if (next.empty()) return head;
    // A server out there has no business with what listens on this machine.
    if (url.starts_with("https:") && !next.starts_with("https:")) {
      return Error{ErrorCode::kInvalidArgument, fmt::format("'{}' leads to '{}', which is refused: not https",
                                                            printable(url), printable(next))};
    }
    url = std::move(next);
  }
  return Error{ErrorCode::kLimit, fmt::format("'{}' leads through more than {} redirects",
                                              printable(request.url), kMaxRedirects)};
}

}  // namespace docmind::providers

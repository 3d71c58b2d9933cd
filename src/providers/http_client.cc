// HttpClient: requests to one server over connections that are kept, with limits on time and size.
// SPDX-License-Identifier: Apache-2.0
#include "providers/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/text.h"
#include "providers/http_url.h"

namespace docmind::providers {
namespace {

constexpr int kCancelPollMs = 20;
constexpr size_t kMaxIdleWires = 32;
constexpr size_t kMaxErrorBody = 64 << 10;
constexpr size_t kMaxHeaderBytes = 64 << 10;
// Requests carry their prompt in one piece; it is on its way at once.
constexpr long kSendBufferBytes = 256 << 10;

// A transfer's handle and the multi handle that drives it, whose connection outlives the transfer.
struct Wire {
  Wire() : multi(curl_multi_init()), easy(curl_easy_init()) {}
  ~Wire() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  CURLM* multi;
  CURL* easy;
};

struct FreeHeaderList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeHeaderList>;

void append_header(HeaderList& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) return;
  static_cast<void>(list.release());
  list.reset(longer);
}

std::string media_type(const char* content_type) {
  if (content_type == nullptr) return {};
  const std::string_view text = content_type;
  std::string type(trim(text.substr(0, text.find(';'))));
  std::ranges::transform(type, type.begin(), [](char c) { return is_upper(c) ? static_cast<char>(c + 32) : c; });
  return type;
}

// One request while it is under way.
class Transfer {
 public:
  Transfer(const HttpRequest& request, const HttpUrl& url, int64_t connect_timeout_ms)
      : request_(request), url_(url), connect_timeout_ms_(connect_timeout_ms) {}

  HttpAnswer run(Wire& wire, const std::string& url, curl_slist* headers) {
    wire_ = &wire;
    set_up(url, headers);
    if (curl_multi_add_handle(wire.multi, wire.easy) != CURLM_OK) return failed(HttpEnd::kNotReached, "libcurl failed");
    drive();
    if (!ended_) read_outcome();
    // An unfinished transfer takes its connection with it.
    curl_multi_remove_handle(wire.multi, wire.easy);
    long n_connects = 0;
    curl_easy_getinfo(wire.easy, CURLINFO_NUM_CONNECTS, &n_connects);
    n_connections_ = n_connects;
    return std::move(answer_);
  }
  [[nodiscard]] int64_t n_connections() const { return n_connections_; }

 private:
  void set_up(const std::string& url, curl_slist* headers) {
    CURL* easy = wire_->easy;
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "docmind");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, kSendBufferBytes);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_timeout_ms_));
    if (url_.this_machine) curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    if (!request_.body.empty()) {
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request_.body.data());
    }
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text_);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::on_data);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  }

  void drive() {
    int n_running = 1;
    while (!ended_) {
      if (curl_multi_perform(wire_->multi, &n_running) != CURLM_OK) {
        static_cast<void>(failed(HttpEnd::kBrokeOff, "libcurl failed"));
        return;
      }
      if (n_running == 0 || ended_) return;
      if (request_.cancel.cancelled()) {
        static_cast<void>(failed(HttpEnd::kCancelled, ""));
        return;
      }
      const int64_t left_ms = time_left_ms();
      if (left_ms <= 0) return time_is_up();
      curl_multi_poll(wire_->multi, nullptr, 0, static_cast<int>(std::min<int64_t>(left_ms, kCancelPollMs)), nullptr);
    }
  }

  [[nodiscard]] bool begun() const { return request_.begun ? request_.begun() : n_bytes_ > 0; }

  [[nodiscard]] int64_t time_left_ms() const {
    if (!begun()) return request_.first_byte_timeout_ms - static_cast<int64_t>(since_start_.elapsed_ms());
    return request_.stall_timeout_ms - static_cast<int64_t>(since_piece_.elapsed_ms());
  }

  void time_is_up() { static_cast<void>(failed(begun() ? HttpEnd::kStalled : HttpEnd::kNoAnswer, "")); }

  void read_outcome() {
    CURLcode code = CURLE_GOT_NOTHING;
    int n_left = 0;
    while (const CURLMsg* message = curl_multi_info_read(wire_->multi, &n_left)) {
      if (message->msg == CURLMSG_DONE) code = message->data.result;
    }
    if (code != CURLE_OK) {
      const std::string detail = error_text_[0] != '\0' ? error_text_ : curl_easy_strerror(code);
      curl_off_t sent_at = 0;
      curl_easy_getinfo(wire_->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_at);
      static_cast<void>(failed(sent_at == 0 ? HttpEnd::kNotReached : HttpEnd::kBrokeOff, detail));
      return;
    }
    read_head();
    char* redirect = nullptr;
    curl_easy_getinfo(wire_->easy, CURLINFO_REDIRECT_URL, &redirect);
    if (redirect != nullptr) answer_.redirect = redirect;
    curl_off_t retry_after_s = 0;
    curl_easy_getinfo(wire_->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    if (retry_after_s > 0 || has_retry_after_) answer_.retry_after_s = retry_after_s;
  }

  // The status and type, known when the first byte of a body comes.
  void read_head() {
    long status = 0;
    curl_easy_getinfo(wire_->easy, CURLINFO_RESPONSE_CODE, &status);
    answer_.status = static_cast<int>(status);
    char* type = nullptr;
    curl_easy_getinfo(wire_->easy, CURLINFO_CONTENT_TYPE, &type);
    answer_.content_type = media_type(type);
  }

  static size_t on_header(char* data, size_t, size_t n_bytes, void* self) {
    return static_cast<Transfer*>(self)->take_header({data, n_bytes}) ? n_bytes : CURL_WRITEFUNC_ERROR;
  }
  static size_t on_data(char* data, size_t, size_t n_bytes, void* self) {
    return static_cast<Transfer*>(self)->take({data, n_bytes}) ? n_bytes : CURL_WRITEFUNC_ERROR;
  }

  bool take_header(std::string_view line) {
    constexpr std::string_view kRetryAfter = "retry-after:";
    n_header_bytes_ += line.size();
    if (n_header_bytes_ > kMaxHeaderBytes) {
      static_cast<void>(failed(HttpEnd::kTooLarge, "its headers have no end"));
      return false;
    }
    has_retry_after_ = has_retry_after_ ||
                       std::ranges::equal(line.substr(0, kRetryAfter.size()), kRetryAfter, [](char a, char b) {
                         return (is_upper(a) ? static_cast<char>(a + 32) : a) == b;
                       });
    return true;
  }

  bool take(std::string_view piece) {
    if (n_bytes_ == 0) read_head();
    n_bytes_ += static_cast<int64_t>(piece.size());
    since_piece_.restart();
    if (n_bytes_ > request_.largest_answer_bytes) {
      static_cast<void>(failed(HttpEnd::kTooLarge, ""));
      return false;
    }
    if (answer_.status < 200 || answer_.status >= 300) {
      answer_.body.append(piece.substr(0, kMaxErrorBody - std::min(kMaxErrorBody, answer_.body.size())));
      return true;
    }
    if (!request_.on_body) {
      answer_.body.append(piece);
      return true;
    }
    Status status = request_.on_body(piece);
    if (status.ok()) return true;
    answer_.stopped = status.error();
    static_cast<void>(failed(HttpEnd::kStopped, ""));
    return false;
  }

  HttpAnswer failed(HttpEnd end, std::string detail) {
    ended_ = true;
    answer_.end = end;
    answer_.detail = std::move(detail);
    return answer_;
  }

  const HttpRequest& request_;
  const HttpUrl& url_;
  const int64_t connect_timeout_ms_;
  Wire* wire_ = nullptr;
  HttpAnswer answer_;
  bool ended_ = false;  // before libcurl said so
  bool has_retry_after_ = false;
  int64_t n_bytes_ = 0;
  size_t n_header_bytes_ = 0;
  int64_t n_connections_ = 0;
  Stopwatch since_start_, since_piece_;
  char error_text_[CURL_ERROR_SIZE] = {};
};

}  // namespace

struct HttpClient::State {
  std::string url;
  std::string api_key;
  int64_t connect_timeout_ms = 0;
  HttpUrl parts;
  Status usable;
  std::atomic<int64_t> n_connections{0};
  std::mutex mutex;
  std::vector<std::unique_ptr<Wire>> idle;  // the last one used comes first, so that few connections stay warm

  std::unique_ptr<Wire> take_wire() {
    {
      const std::scoped_lock lock(mutex);
      if (!idle.empty()) {
        std::unique_ptr<Wire> wire = std::move(idle.back());
        idle.pop_back();
        return wire;
      }
    }
    return std::make_unique<Wire>();
  }

  void keep_wire(std::unique_ptr<Wire> wire) {
    const std::scoped_lock lock(mutex);
    if (idle.size() < kMaxIdleWires) idle.push_back(std::move(wire));
  }
};

HttpClient::HttpClient(std::string url, std::string api_key, int64_t connect_timeout_ms)
    : state_(std::make_unique<State>()) {
  state_->url = std::move(url);
  state_->api_key = std::move(api_key);
  state_->connect_timeout_ms = connect_timeout_ms;
  state_->usable = start_curl();
  Result<HttpUrl> parts = parse_http_url(state_->url);
  if (parts.ok()) {
    state_->parts = *std::move(parts);
  } else if (state_->usable.ok()) {
    state_->usable = std::move(parts).error();
  }
}

HttpClient::~HttpClient() = default;

int64_t HttpClient::n_connections_made() const { return state_->n_connections; }

HttpAnswer HttpClient::send(const HttpRequest& request) {
  if (!state_->usable.ok()) return {.end = HttpEnd::kNotReached, .detail = state_->usable.error().message};
  std::unique_ptr<Wire> wire = state_->take_wire();
  if (wire->multi == nullptr || wire->easy == nullptr) {
    return {.end = HttpEnd::kNotReached, .detail = "libcurl gives no handle"};
  }
  HeaderList headers;
  append_header(headers, "Expect:");
  append_header(headers, "Accept: application/json, text/event-stream, application/x-ndjson");
  if (!request.body.empty()) append_header(headers, "Content-Type: application/json");
  if (!state_->api_key.empty()) append_header(headers, "Authorization: Bearer " + state_->api_key);
  Transfer transfer(request, state_->parts, state_->connect_timeout_ms);
  HttpAnswer answer = transfer.run(*wire, state_->url + request.path, headers.get());
  state_->n_connections += transfer.n_connections();
  state_->keep_wire(std::move(wire));
  return answer;
}

}  // namespace docmind::providers

// RequestParser: HTTP/1.x requests out of bytes that come in any pieces; does no I/O of its own.
// SPDX-License-Identifier: Apache-2.0
#include "server/request_parser.h"

#include <algorithm>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <fmt/format.h>

#include "base/ascii.h"

namespace docmind::server {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;

constexpr size_t kMaxHeaders = 100;
constexpr size_t kMaxChunkHeadBytes = 4 << 10;  // a chunk's size line or the trailers
constexpr size_t kMinChunkedBytes = 5;

std::string lower_name(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = is_upper(c) ? static_cast<char>(c + ('a' - 'A')) : c;
  return out;
}

ApiError bad_request(int status, std::string message) { return {.status = status, .message = std::move(message)}; }

std::string_view as_view(boost::beast::string_view text) { return {text.data(), text.size()}; }

// Puts a request's parts where they belong and refuses what two readers could understand differently.
class HeadParser final : public http::basic_parser<true> {
 public:
  HeadParser() {
    body_limit(boost::none);  // checked against the route's limit, which is not known before the head
    header_limit(UINT32_MAX); // counted by RequestParser over all pieces
    eager(false);
  }

  RequestHead head;
  std::optional<ApiError> refusal;
  RequestParser::BodySink sink;
  int64_t body_bytes = 0;
  int64_t max_body_bytes = 0;

 private:
  void refuse(error_code& ec, int status, std::string message) {
    if (!refusal) refusal = bad_request(status, std::move(message));
    ec = http::error::bad_field;
  }

  void on_request_impl(http::verb, boost::beast::string_view method, boost::beast::string_view target, int version,
                       error_code&) override {
    head.method = as_view(method);
    head.target = as_view(target);
    head.is_http11 = version == 11;
  }

  void on_response_impl(int, boost::beast::string_view, int, error_code&) override {}

  void on_field_impl(http::field name, boost::beast::string_view name_text, boost::beast::string_view value_text,
                     error_code& ec) override {
    if (is_header_done()) return;  // a trailer must not change what was decided on the head
    const std::string_view value = as_view(value_text);
    if (head.headers.size() >= kMaxHeaders) {
      return refuse(ec, 431, fmt::format("the request has more than {} headers", kMaxHeaders));
    }
    if (value.find('\0') != std::string_view::npos) return refuse(ec, 400, "a header of the request holds a NUL");
    if (name == http::field::content_length) check_length(value, ec);
    if (name == http::field::transfer_encoding) check_encoding(value, ec);
    if (name == http::field::host) check_host(ec);
    if (name == http::field::expect) head.expects_continue = lower_name(value) == "100-continue";
    head.headers.emplace_back(lower_name(as_view(name_text)), value);
  }

  void check_length(std::string_view value, error_code& ec) {
    if (has_length_) return refuse(ec, 400, "the request has two Content-Length headers");
    if (has_encoding_) return refuse(ec, 400, "the request has both Content-Length and Transfer-Encoding");
    if (value.empty() || !is_number(value)) return refuse(ec, 400, "the request's Content-Length is not a number");
    has_length_ = true;
  }

  void check_encoding(std::string_view value, error_code& ec) {
    if (has_encoding_) return refuse(ec, 400, "the request has two Transfer-Encoding headers");
    if (has_length_) return refuse(ec, 400, "the request has both Content-Length and Transfer-Encoding");
    if (!head.is_http11) return refuse(ec, 400, "Transfer-Encoding is not part of HTTP/1.0");
    if (lower_name(value) != "chunked") {
      return refuse(ec, 501, "the request's Transfer-Encoding is not supported; only 'chunked' is");
    }
    has_encoding_ = true;
  }

  void check_host(error_code& ec) {
    if (has_host_) return refuse(ec, 400, "the request has two Host headers");
    has_host_ = true;
  }

  void on_header_impl(error_code& ec) override {
    head.keep_alive = keep_alive();
    head.is_chunked = chunked();
    if (const auto length = content_length()) head.content_length = *length;
    head.expects_continue = head.expects_continue && head.is_http11 && head.has_body();
    if (head.is_http11 && !has_host_) refuse(ec, 400, "the request has no Host header");
  }

  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}

  std::size_t on_body_impl(boost::beast::string_view bytes, error_code& ec) override {
    return take(as_view(bytes), ec);
  }

  void on_chunk_header_impl(std::uint64_t size, boost::beast::string_view extension, error_code& ec) override {
    if (extension.size() > kMaxChunkHeadBytes) return refuse(ec, 400, "a chunk's extension is too long");
    if (size > static_cast<uint64_t>(max_body_bytes - body_bytes)) too_large(ec);
  }

  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view bytes, error_code& ec) override {
    return take(as_view(bytes), ec);
  }

  void on_finish_impl(error_code&) override {}

  void too_large(error_code& ec) {
    refuse(ec, 413, fmt::format("the request's body has more than {} bytes, which is the limit", max_body_bytes));
  }

  std::size_t take(std::string_view bytes, error_code& ec) {
    if (static_cast<int64_t>(bytes.size()) > max_body_bytes - body_bytes) {
      too_large(ec);
      return 0;
    }
    body_bytes += static_cast<int64_t>(bytes.size());
    if (!sink) return bytes.size();
    if (Status taken = sink(bytes); !taken.ok()) {
      if (!refusal) refusal = api_error(taken.error());
      ec = http::error::bad_field;
    }
    return bytes.size();
  }

  bool has_length_ = false, has_encoding_ = false, has_host_ = false;
};

ApiError describe_failure(const error_code& ec) {
  if (ec == http::error::bad_version) return bad_request(505, "the request is not HTTP/1.1 or HTTP/1.0");
  if (ec == http::error::header_limit) return bad_request(431, "the head of the request is too large");
  if (ec == http::error::bad_content_length || ec == http::error::multiple_content_length) {
    return bad_request(400, "the request's Content-Length is wrong, double or beside a Transfer-Encoding");
  }
  if (ec == http::error::bad_transfer_encoding) {
    return bad_request(400, "the request's Transfer-Encoding is double or beside a Content-Length");
  }
  return bad_request(400, fmt::format("the request is not well-formed HTTP: {}", ec.message()));
}

}  // namespace

struct RequestParser::Impl {
  size_t max_header_bytes = 0;
  size_t head_bytes = 0;  // used so far
  bool head_given = false;
  std::optional<HeadParser> parser;
  ApiError error;

  Step fail(ApiError why) {
    error = std::move(why);
    return Step::kBad;
  }
  Step too_long() {
    return fail(bad_request(431, fmt::format("the head of the request has more than {} bytes, which is the limit",
                                             max_header_bytes)));
  }
};

RequestParser::RequestParser(int64_t max_header_bytes) : impl_(std::make_unique<Impl>()) {
  impl_->max_header_bytes = static_cast<size_t>(max_header_bytes);
  reset();
}

RequestParser::~RequestParser() = default;

void RequestParser::reset() {
  impl_->head_bytes = 0;
  impl_->head_given = false;
  impl_->parser.emplace();
}

RequestParser::Step RequestParser::feed(std::string_view bytes, size_t& n_used) {
  n_used = 0;
  HeadParser& parser = *impl_->parser;
  while (!parser.is_done()) {
    const std::string_view rest = bytes.substr(n_used);
    const bool in_head = !parser.is_header_done();
    // What follows within a chunked body has at least these bytes: "0\r\n\r\n". Beast's parser counts on them.
    if (rest.empty() || (!in_head && parser.head.is_chunked && rest.size() < kMinChunkedBytes)) return Step::kMore;
    error_code ec;
    const size_t n = parser.put(boost::asio::const_buffer(rest.data(), rest.size()), ec);
    n_used += n;
    if (in_head) impl_->head_bytes += n;
    if (in_head && impl_->head_bytes > impl_->max_header_bytes) return impl_->too_long();
    if (ec == http::error::need_more) {
      const size_t waiting = rest.size() - n;
      if (in_head && impl_->head_bytes + waiting > impl_->max_header_bytes) return impl_->too_long();
      if (!in_head && waiting > kMaxChunkHeadBytes) {
        return impl_->fail(bad_request(400, "a chunk of the request's body has too long a head"));
      }
      return Step::kMore;
    }
    if (ec) return impl_->fail(parser.refusal ? *parser.refusal : describe_failure(ec));
    if (in_head && parser.is_header_done()) break;
  }
  if (!impl_->head_given && parser.is_header_done()) {
    impl_->head_given = true;
    return Step::kHead;
  }
  return parser.is_done() ? Step::kDone : Step::kMore;
}

void RequestParser::set_body(int64_t max_bytes, BodySink sink) {
  impl_->parser->max_body_bytes = max_bytes;
  impl_->parser->sink = std::move(sink);
}

RequestHead& RequestParser::head() { return impl_->parser->head; }
const ApiError& RequestParser::error() const { return impl_->error; }
int64_t RequestParser::body_bytes() const { return impl_->parser->body_bytes; }

}  // namespace docmind::server

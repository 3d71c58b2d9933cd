// Errors as statuses and bodies, events as bytes.
// SPDX-License-Identifier: Apache-2.0
#include "server/status_map.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "base/json.h"
#include "server/sse.h"
#include "support/http_client.h"

namespace docmind::server {
namespace {

json::value parsed(const std::string& body) {
  Result<json::value> value = parse_json(body, 8, 1 << 16);
  EXPECT_TRUE(value.ok()) << body;
  return value.ok() ? *value : json::value();
}

TEST(StatusMap, GivesEachCodeItsStatus) {
  EXPECT_EQ(http_status(ErrorCode::kInvalidArgument), 400);
  EXPECT_EQ(http_status(ErrorCode::kNotFound), 404);
  EXPECT_EQ(http_status(ErrorCode::kPermission), 403);
  EXPECT_EQ(http_status(ErrorCode::kBusy), 503);
  EXPECT_EQ(http_status(ErrorCode::kMismatch), 409);
  EXPECT_EQ(http_status(ErrorCode::kCancelled), 499);
  EXPECT_EQ(api_error(errno_error("write", "x", EIO)).status, 500);
  EXPECT_EQ(api_error(errno_error("write", "x", ENOSPC)).status, 507);
  EXPECT_EQ(reason_phrase(404), "Not Found");
  EXPECT_EQ(reason_phrase(418), "Bad Request");
}

TEST(StatusMap, SpeaksOpenAi) {
  const json::value error =
      parsed(error_body({.status = 400, .message = "too long: 9 of 8", .code = "context_length_exceeded",
                         .param = "messages", .n_prompt_tokens = 9, .n_ctx = 8}, Dialect::kOpenAi)).at("error");
  EXPECT_EQ(error.at("message").as_string(), "too long: 9 of 8");
  EXPECT_EQ(error.at("type").as_string(), "invalid_request_error");
  EXPECT_EQ(error.at("code").as_string(), "context_length_exceeded");
  EXPECT_EQ(error.at("param").as_string(), "messages");
  EXPECT_EQ(error.at("n_prompt_tokens").as_int64(), 9);
  EXPECT_EQ(error.at("n_ctx").as_int64(), 8);
  const json::value bare = parsed(error_body({.status = 500, .message = "\xff"}, Dialect::kOpenAi)).at("error");
  EXPECT_TRUE(bare.at("param").is_null());
  EXPECT_TRUE(bare.at("code").is_null());
  EXPECT_EQ(bare.at("type").as_string(), "server_error");
}

TEST(StatusMap, SpeaksOllamaAndTei) {
  EXPECT_EQ(error_body({.status = 404, .message = "no \"x\""}, Dialect::kOllama), "{\"error\":\"no \\\"x\\\"\"}");
  const auto tei = [](ApiError error) {
    const HttpResponse response = error_response(error, Dialect::kTei);
    return std::to_string(response.status) + " " + std::string(parsed(response.body).at("error_type").as_string());
  };
  EXPECT_EQ(tei({.status = 400, .message = "m"}), "422 validation");
  EXPECT_EQ(tei({.status = 400, .message = "m", .code = "empty"}), "400 empty");
  EXPECT_EQ(tei({.status = 500, .message = "m"}), "424 backend");
  EXPECT_EQ(tei({.status = 503, .message = "m", .retry_after_ms = 10}), "429 overloaded");
  EXPECT_EQ(tei({.status = 503, .message = "m"}), "503 unhealthy");
  EXPECT_EQ(tei({.status = 413, .message = "m"}), "413 validation");
}

TEST(StatusMap, TellsWhenToTryAgainInWholeSeconds) {
  const auto header = [](int64_t ms) {
    const HttpResponse response =
        error_response({.status = 503, .message = "m", .retry_after_ms = ms}, Dialect::kOpenAi);
    return response.headers.at(0).first + " " + response.headers.at(0).second;
  };
  EXPECT_EQ(header(0), "retry-after 1");
  EXPECT_EQ(header(1000), "retry-after 1");
  EXPECT_EQ(header(1001), "retry-after 2");
}

TEST(Sse, CannotBeBrokenByWhatIsSaid) {
  EXPECT_EQ(sse_event("", "{\"a\":1}"), "data: {\"a\":1}\n\n");
  EXPECT_EQ(sse_event("delta", "a"), "event: delta\ndata: a\n\n");
  EXPECT_EQ(sse_event("", ""), "data: \n\n");
  EXPECT_EQ(sse_event("a\nb\r", "x\r\ny\rz\n"), "event: ab\ndata: x\ndata: y\ndata: z\ndata: \n\n");
  const auto events = docmind::test::parse_sse(sse_event("one", "a\n\nevent: evil\n\ndata: b") +
                                               std::string(sse_keep_alive()) + sse_event("", "c"));
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].event, "one");
  EXPECT_EQ(events[0].data, "a\n\nevent: evil\n\ndata: b");
  EXPECT_EQ(events[1].event, "");
}

}  // namespace
}  // namespace docmind::server

// The one place where errors become HTTP statuses and the error bodies of each dialect.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "server/exchange.h"
#include "server/router.h"

namespace docmind::server {

// A failed request. Anything but `status` and `message` may be left empty.
struct ApiError {
  int status = 500;
  std::string message;
  std::string type = {};   // OpenAI's: "invalid_request_error"; filled in by status when empty
  std::string code = {};   // machine-readable: "context_length_exceeded", "model_not_found"
  std::string param = {};  // the field that is wrong
  std::optional<int64_t> retry_after_ms = {};  // for 429 and 503
  // context_length_exceeded: both numbers, at the error object's top level.
  std::optional<int64_t> n_prompt_tokens = {}, n_ctx = {};
};

// kInvalidArgument 400, kNotFound 404, kPermission 403, kMalformed 400, kUnsupported 400, kLimit 400, kBusy 503,
// kMismatch 409, kIo 500 (507 when the disk is full), kCancelled 499, kInternal 500.
[[nodiscard]] int http_status(ErrorCode code);
[[nodiscard]] ApiError api_error(const Error& error);
[[nodiscard]] ApiError bad_field(std::string_view field, std::string_view sentence);  // 400 with `param`
[[nodiscard]] std::string_view reason_phrase(int status);

// OpenAI {"error":{message,type,param,code}}, Ollama {"error":"..."}, TEI {"error","error_type"}; TEI's codes are its
// own. With Retry-After (whole seconds, rounded up) where there is one.
[[nodiscard]] HttpResponse error_response(const ApiError& error, Dialect dialect);
// The JSON alone, for an error in the middle of a stream.
[[nodiscard]] std::string error_body(const ApiError& error, Dialect dialect);

}  // namespace docmind::server

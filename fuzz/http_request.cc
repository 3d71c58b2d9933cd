// Fuzzes requests up to the gate: parser, target, Host, Origin, key; in one piece and in two.
// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <vector>

#include "base/text.h"
#include "fuzz/check.h"
#include "server/request_gate.h"
#include "server/request_parser.h"
#include "server/response_head.h"
#include "server/url.h"

namespace docmind::fuzz {
namespace {

using server::RequestParser;

constexpr int64_t kMaxHeaderBytes = 2048, kMaxBodyBytes = 1024;

class Gate {
 public:
  Gate() {
    options_.cors_origins = {"https://app.example.com"};
    options_.allowed_hosts = {"docs.example.com"};
    router_.add({.method = "GET", .pattern = "/v1/items/{id}", .handler = {}});
    router_.add({.method = "POST", .pattern = "/api/{rest...}", .handler = {}, .dialect = server::Dialect::kOllama});
    Result<server::ApiKeys> keys = server::ApiKeys::load("", "key", "local");
    require(keys.ok(), "the key is well-formed");
    keys_ = std::make_unique<server::ApiKeys>(*std::move(keys));
    gate_ = std::make_unique<server::RequestGate>(options_, router_);
  }

  server::Admission admit(server::RequestHead head) const { return gate_->admit(std::move(head), *keys_); }

 private:
  server::HttpOptions options_;
  server::Router router_;
  std::unique_ptr<server::ApiKeys> keys_;
  std::unique_ptr<server::RequestGate> gate_;
};

// A head of a response has one empty line, at its end, and no bytes that a reader could take for a line of its own.
void check_answer(const server::Admission& admission) {
  const std::string head = server::response_head(*admission.answer, {.id = "x", .cors_origin = admission.cors_origin});
  require(head.find("\r\n\r\n") == head.size() - 4, "a head ends where it should");
  require(admission.answer->status >= 200 && admission.answer->status < 600, "a status is in range");
  require(is_valid_utf8(admission.answer->body), "an answer is UTF-8");
}

void check_admission(const Gate& gate, const server::RequestHead& head) {
  const server::Admission admission = gate.admit(head);
  require(admission.route != nullptr || admission.answer.has_value(), "a request has a route or an answer");
  if (admission.answer) check_answer(admission);
  const std::string& path = admission.request.path;
  require(is_valid_utf8(path) && path.find('\0') == std::string::npos, "a path is clean");
  require(path.find("/../") == std::string::npos, "a path stays within the root");
  for (const std::string_view name : {"a", "key", ""}) {
    const std::optional<std::string> value = admission.request.query_value(name);
    require(!value || is_valid_utf8(*value), "a value of the query is UTF-8");
  }
}

// The requests that are complete in the bytes, each as text.
std::vector<std::string> parse(const Gate& gate, const std::vector<std::string_view>& pieces) {
  RequestParser parser(kMaxHeaderBytes);
  std::vector<std::string> requests;
  std::string waiting, request;
  for (const std::string_view piece : pieces) {
    waiting += piece;
    while (true) {  // also without bytes: a request may be complete with its head
      size_t n_used = 0;
      const RequestParser::Step step = parser.feed(waiting, n_used);
      require(n_used <= waiting.size(), "no more is used than there is");
      waiting.erase(0, n_used);
      if (step == RequestParser::Step::kMore) break;
      if (step == RequestParser::Step::kBad) {
        require(parser.error().status >= 400 && !parser.error().message.empty(), "a refusal says why");
        return requests;
      }
      if (step == RequestParser::Step::kHead) {
        check_admission(gate, parser.head());
        request = parser.head().method + " " + parser.head().target + "\n";
        parser.set_body(kMaxBodyBytes, [&](std::string_view bytes) -> Status {
          request += bytes;
          return {};
        });
      }
      if (step != RequestParser::Step::kDone) continue;
      require(parser.body_bytes() <= kMaxBodyBytes, "a body stays within its limit");
      requests.push_back(request);
      parser.reset();
    }
  }
  return requests;
}

}  // namespace
}  // namespace docmind::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace docmind;
  static const fuzz::Gate gate;
  if (size == 0) return 0;
  // The first byte says where the others are cut.
  const std::string_view bytes = fuzz::as_text(data + 1, size - 1);
  const size_t cut = size > 1 ? data[0] * bytes.size() / 256 : 0;
  const auto whole = fuzz::parse(gate, {bytes});
  const auto parts = fuzz::parse(gate, {bytes.substr(0, cut), bytes.substr(cut)});
  fuzz::require(whole == parts, "pieces give the same requests");
  (void)server::parse_target(bytes);
  if (const auto decoded = server::percent_decode(bytes)) fuzz::require(is_valid_utf8(*decoded), "decoded is UTF-8");
  return 0;
}

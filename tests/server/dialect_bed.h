// DialectBed: the routes of all dialects over small random models, called without a network.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/engine_test_support.h"
#include "server/fake_exchange.h"
#include "server/fake_service.h"
#include "server/routes.h"
#include "support/model_writer.h"
#include "support/temp_folder.h"

namespace docmind::server::test {

using engine::must;

// ChatML with tools and thoughts, as Qwen 3 has them.
inline constexpr const char* kQwen3Template =
    "{% if tools %}<tools>{% endif %}{% if enable_thinking %}{% endif %}{% for m in messages %}"
    "{{'<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>'}}{% endfor %}";

// One of each, loaded once for all tests; the generator has 2,048 tokens of context.
inline const pipeline::Models& nano_models() {
  static const pipeline::Models models = [] {
    using docmind::test::Architecture;
    static const docmind::test::TempFolder folder;  // the files are asked again for what they say
    const docmind::test::ModelSpec text{.n_context = 2'048, .extra_metadata = [](gguf::Writer& writer) {
      writer.add("tokenizer.chat_template", kQwen3Template);
    }};
    docmind::test::ModelSpec encoder{.architecture = Architecture::kBert, .n_heads = 4, .n_kv_heads = 4,
                                     .n_context = 64, .pooling = 2};
    pipeline::Models made;
    const engine::EngineOptions options{.n_threads = 1};
    made.text = must(engine::TextModel::load(must(docmind::test::write_model(text, folder.path("t.gguf"))), options));
    made.embedding =
        must(engine::EmbeddingModel::load(must(docmind::test::write_model(encoder, folder.path("e.gguf"))), options));
    encoder.pooling = 4;
    encoder.classifier = true;
    made.rerank =
        must(engine::RerankModel::load(must(docmind::test::write_model(encoder, folder.path("r.gguf"))), options));
    made.text_name = "nano";
    made.embedding_name = "nano-embed";
    made.rerank_name = "nano-rerank";
    return made;
  }();
  return models;
}

struct Reply {
  int status = 0;
  std::string body;
  HeaderList headers;
  bool streamed = false;
  std::string content_type;

  [[nodiscard]] json::value json() const { return must(parse_json(body, 64, body.size() + 1)); }
  [[nodiscard]] std::string header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }
  // The lines of a stream, "data: " taken off, parsed; "[DONE]" is left out.
  [[nodiscard]] std::vector<json::object> events() const {
    std::vector<json::object> all;
    for (size_t at = 0; at < body.size();) {
      const size_t end = std::min(body.find('\n', at), body.size());
      std::string line = body.substr(at, end - at);
      at = end + 1;
      if (line.starts_with("data: ")) line = line.substr(6);
      if (!line.empty() && line != "[DONE]") all.push_back(must(parse_json(line, 64, line.size())).as_object());
    }
    return all;
  }
};

class DialectBed {
 public:
  explicit DialectBed(pipeline::Models models = nano_models(), const RouteOptions& options = {})
      : service(std::move(models)) {
    add_openai_routes(router_, service, options);
    add_vector_routes(router_, service, options);
    add_ollama_routes(router_, service, options);
    add_llamacpp_routes(router_, service, options);
  }

  // Does not wait for the answer.
  std::shared_ptr<FakeExchange> start(const std::string& method, const std::string& path, std::string body = {},
                                      HeaderList headers = {}) {
    Router::Match match = router_.match(method, path);
    if (match.route == nullptr) throw std::runtime_error("no route " + method + " " + path);
    HttpRequest request{.method = method, .path = path, .query = {}, .headers = std::move(headers),
                        .body = std::move(body), .body_path = {}, .path_values = std::move(match.path_values)};
    auto exchange = std::make_shared<FakeExchange>(std::move(request), Caller{});
    match.route->handler(exchange);
    return exchange;
  }
  Reply call(const std::string& method, const std::string& path, std::string body = {}, HeaderList headers = {}) {
    const auto exchange = start(method, path, std::move(body), std::move(headers));
    const HttpResponse response = exchange->wait();
    EXPECT_GT(response.status, 0) << method << " " << path << " was never answered";
    return {response.status, response.body, response.headers, exchange->begun(), response.content_type};
  }
  Reply post(const std::string& path, const json::value& body, HeaderList headers = {}) {
    return call("POST", path, json::serialize(body), std::move(headers));
  }

  FakeService service;

 private:
  Router router_;
};

// The error object of OpenAI's shape.
inline json::object error_of(const Reply& reply) { return reply.json().at("error").as_object(); }
inline std::string text_at(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr || !value->is_string() ? std::string() : std::string(value->get_string());
}

}  // namespace docmind::server::test

// What Ollama, llama.cpp's server, vLLM and LM Studio send, for ScriptedServer: their answers' shapes as recorded.
// SPDX-License-Identifier: Apache-2.0
#include "support/recorded_servers.h"

#include <fmt/format.h>

#include "base/json.h"

namespace docmind::test {
namespace {

std::string quoted(std::string_view text) { return json::serialize(json::string(text)); }

// As both servers of OpenAI's protocol have it; `more` is what is special to one.
std::string openai_event(const RecordedModel& model, std::string_view delta, std::string_view finish,
                         std::string_view more) {
  return fmt::format("data: {{\"id\":\"chatcmpl-8f1\",\"object\":\"chat.completion.chunk\",\"created\":1765000000,"
                     "\"model\":{},\"choices\":[{{\"index\":0,\"delta\":{},\"finish_reason\":{}{}}}]}}\n\n",
                     quoted(model.name), delta, finish, more);
}

std::string usage_event(const RecordedModel& model, size_t n_pieces, std::string_view more) {
  return fmt::format("data: {{\"id\":\"chatcmpl-8f1\",\"object\":\"chat.completion.chunk\",\"created\":1765000000,"
                     "\"model\":{},\"choices\":[],\"usage\":{{\"prompt_tokens\":{},\"completion_tokens\":{},"
                     "\"total_tokens\":{}}}{}}}\n\n",
                     quoted(model.name), model.n_prompt_tokens, n_pieces, model.n_prompt_tokens + n_pieces, more);
}

// A word a token, as JSON numbers.
std::string token_list(std::string_view body, std::string_view field) {
  const Result<json::value> request = parse_json(body, 16, 1 << 22);
  std::string list;
  int n_tokens = 0;
  if (request.ok() && request->as_object().contains(field)) {
    bool inside = false;
    for (const char c : std::string_view(request->at(field).as_string())) {
      const bool space = c == ' ' || c == '\n';
      if (!space && !inside) list += fmt::format("{}{}", n_tokens == 0 ? "" : ",", 100 + n_tokens % 900), ++n_tokens;
      inside = !space;
    }
  }
  return list;
}

}  // namespace

std::string llama_cpp_stream(const RecordedModel& model, const std::vector<std::string>& pieces) {
  std::string body = openai_event(model, R"({"role":"assistant","content":null})", "null", "");
  for (const std::string& piece : pieces) {
    body += openai_event(model, fmt::format("{{\"content\":{}}}", quoted(piece)), "null", "");
  }
  body += openai_event(model, "{}", R"("stop")", "");
  body += usage_event(model, pieces.size(), R"(,"timings":{"cache_n":0,"prompt_n":7,"predicted_n":3})");
  return body + "data: [DONE]\n\n";
}

std::string vllm_stream(const RecordedModel& model, const std::vector<std::string>& pieces) {
  std::string body = openai_event(model, R"({"role":"assistant","content":""})", "null", R"(,"logprobs":null)");
  for (const std::string& piece : pieces) {
    body += openai_event(model, fmt::format("{{\"content\":{}}}", quoted(piece)), "null",
                         R"(,"logprobs":null,"token_ids":null)");
  }
  body += openai_event(model, R"({"content":""})", R"("stop")", R"(,"logprobs":null,"stop_reason":null)");
  return body + usage_event(model, pieces.size(), "") + "data: [DONE]\n\n";
}

std::string ollama_stream(const RecordedModel& model, const std::vector<std::string>& pieces) {
  std::string body;
  for (const std::string& piece : pieces) {
    body += fmt::format("{{\"model\":{},\"created_at\":\"2026-10-26T17:15:24.097767Z\",\"message\":{{\"role\":"
                        "\"assistant\",\"content\":{}}},\"done\":false}}\n",
                        quoted(model.name), quoted(piece));
  }
  return body + fmt::format("{{\"model\":{},\"created_at\":\"2026-10-26T17:15:24.166576Z\",\"message\":{{\"role\":"
                            "\"assistant\",\"content\":\"\"}},\"done\":true,\"done_reason\":\"stop\","
                            "\"total_duration\":174560334,\"load_duration\":101397084,"
                            "\"prompt_eval_count\":{},\"prompt_eval_duration\":"
                            "13074791,\"eval_count\":{},\"eval_duration\":52479709}}\n",
                            quoted(model.name), model.n_prompt_tokens, pieces.size());
}

Script stream_with(std::string_view type, const std::string& body) {
  const std::string_view end = type == "text/event-stream" ? "\n\n" : "\n";
  std::string chunks = chunked_head(type);
  for (size_t at = 0; at < body.size();) {
    const size_t next = std::min(body.find(end, at), body.size() - end.size()) + end.size();
    chunks += chunk_of(std::string_view(body).substr(at, next - at));
    at = next;
  }
  chunks += kLastChunk;
  return [chunks](const ScriptedRequest&, ScriptedWire& wire) { wire.send(chunks); };
}

void act_as_llama_cpp(ScriptedServer& server, const RecordedModel& model, const std::vector<std::string>& pieces) {
  server.on("/health", answer_with(200, R"({"status":"ok"})"));
  server.on("/v1/models",
            answer_with(200, fmt::format(R"({{"object":"list","data":[{{"id":{},"object":"model","created":1765000000,)"
                                         R"("owned_by":"llamacpp","meta":{{"vocab_type":2,"n_vocab":151936,)"
                                         R"("n_ctx_train":40960,"n_embd":1024,"n_params":751632384,)"
                                         R"("size":805306368}}}}]}})",
                                         quoted(model.name))));
  server.on("/props", answer_with(200, fmt::format(R"({{"default_generation_settings":{{"id":0,"n_ctx":{}}},)"
                                                   R"("total_slots":4,"model_alias":{},"build_info":"b8681-f00"}})",
                                                   model.n_context, quoted(model.name))));
  server.on("/tokenize", [](const ScriptedRequest& request, ScriptedWire& wire) {
    wire.send(http_answer(200, "application/json", "{\"tokens\":[" + token_list(request.body, "content") + "]}"));
  });
  server.on("/v1/chat/completions", stream_with("text/event-stream", llama_cpp_stream(model, pieces)));
}

void act_as_vllm(ScriptedServer& server, const RecordedModel& model, const std::vector<std::string>& pieces) {
  server.on("/health", answer_with(200, ""));
  server.on("/version", answer_with(200, R"({"version":"0.14.0"})"));
  server.on("/v1/models",
            answer_with(200, fmt::format(R"({{"object":"list","data":[{{"id":{0},"object":"model",)"
                                         R"("created":1765000000,"owned_by":"vllm","root":{0},"parent":null,)"
                                         R"("max_model_len":{1},)"
                                         R"("permission":[]}}]}})",
                                         quoted(model.name), model.n_context)));
  server.on("/tokenize", [n_context = model.n_context](const ScriptedRequest& request, ScriptedWire& wire) {
    const std::string list = token_list(request.body, "prompt");
    const auto n = list.empty() ? 0 : 1 + std::count(list.begin(), list.end(), ',');
    wire.send(http_answer(200, "application/json",
                          fmt::format(R"({{"count":{},"max_model_len":{},"tokens":[{}]}})", n, n_context, list)));
  });
  server.on("/v1/chat/completions", stream_with("text/event-stream", vllm_stream(model, pieces)));
}

void act_as_lm_studio(ScriptedServer& server, const RecordedModel& model, const std::vector<std::string>& pieces) {
  server.on("/v1/models", answer_with(200, fmt::format(R"({{"data":[{{"id":{},"object":"model",)"
                                                       R"("owned_by":"organization_owner"}}],"object":"list"}})",
                                                       quoted(model.name))));
  server.on("/api/v0/models",
            answer_with(200, fmt::format(R"({{"object":"list","data":[{{"id":{},"object":"model","type":"llm",)"
                                         R"("publisher":"qwen","arch":"qwen3","compatibility_type":"gguf",)"
                                         R"("quantization":"Q4_K_M","state":"loaded","max_context_length":131072,)"
                                         R"("loaded_context_length":{}}}]}})",
                                         quoted(model.name), model.n_context)));
  server.on("/v1/chat/completions", stream_with("text/event-stream", vllm_stream(model, pieces)));
}

void act_as_ollama(ScriptedServer& server, const RecordedModel& model, const std::vector<std::string>& pieces) {
  server.on("/api/version", answer_with(200, R"({"version":"0.12.3"})"));
  server.on("/api/tags",
            answer_with(200, fmt::format(R"({{"models":[{{"name":{0},"model":{0},"modified_at":)"
                                         R"("2026-10-26T17:15:24.09Z","size":522653767,"digest":)"
                                         R"("7df6b6e09427a769808717c0a93cee6c11ec9a9bd2d5f6b5a2f3dc1f0d2ba7d0",)"
                                         R"("details":{{"format":"gguf",)"
                                         R"("family":"qwen3","parameter_size":"751.63M",)"
                                         R"("quantization_level":"Q4_K_M"}}}}]}})",
                                         quoted(model.name))));
  server.on("/api/show",
            answer_with(200, fmt::format(R"({{"modelfile":"","details":{{"family":"qwen3"}},"model_info":{{)"
                                         R"("general.architecture":"qwen3","qwen3.context_length":{},)"
                                         R"("qwen3.embedding_length":1024}},"capabilities":["completion","tools",)"
                                         R"("thinking"]}})",
                                         model.n_context)));
  server.on("/api/chat", stream_with("application/x-ndjson", ollama_stream(model, pieces)));
}

}  // namespace docmind::test

// Upstreams: a sandbox with documents, and another one whose server has models.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <unistd.h>

#include <string>
#include <vector>

#include "support/http_client.h"
#include "support/model_writer.h"
#include "support/served.h"

namespace docmind::test {

inline constexpr const char* kQuestion = "How many kilograms does the pump weigh?";
// Nobody listens there.
inline constexpr const char* kAbsent = "openai:x@http://127.0.0.1:1";

// With a chat template, so that a prompt is the same whoever makes it.
inline std::string written_with_template(const Sandbox& box, ModelSpec spec, const std::string& name) {
  spec.extra_metadata = [](gguf::Writer& writer) {
    writer.add("tokenizer.chat_template",
               "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n'}}"
               "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}");
  };
  const Result<std::string> path = write_model(spec, box.folder.path(name));
  if (!path.ok()) ADD_FAILURE() << path.error().message;
  return path.ok() ? *path : std::string();
}

// Answers for many seconds.
inline const ModelSpec kSlow{.n_layers = 4, .n_embd = 512, .n_ff = 2'048, .n_context = 60'000};

inline json::value stats_of(HttpClient& client) { return json::parse(client.get("/v1/stats").body); }

inline int64_t n_generated(HttpClient& client) { return number(stats_of(client).at("tokens"), "generated_total"); }

// Until `holds`; false after a long time.
template <typename Condition>
bool comes_true(const Condition& holds) {
  for (int i = 0; i < 1'200; ++i) {
    if (holds()) return true;
    ::usleep(50'000);
  }
  return false;
}

class Upstreams : public testing::Test {
 protected:
  Upstreams() {
    for (Sandbox* box : {&box_, &there_}) box->env["DOCMIND_MODEL_THREADS"] = "1";
    // What was asked before must not change the rounding, and with it a random model's words.
    for (Sandbox* box : {&box_, &there_}) box->env["DOCMIND_KV_EXACT_REUSE"] = "true";
    box_.env["DOCMIND_MODEL_MAX_TOKENS"] = "16";
    box_.doc("pump.md", "# Pump\n\nThe pump weighs forty kilograms.\n");
    box_.doc("leave.md", "# Leave\n\nUnused leave days expire on the last day of March.\n");
  }
  std::string generator() const { return written_with_template(there_, {.n_context = 8'192}, "nano.gguf"); }
  std::vector<std::string> slow_flags() const {
    return {"--model", written_with_template(there_, kSlow, "slow.gguf"), "--context", "60000",
            "--max-tokens", "50000"};
  }
  std::string encoder(bool reranker) const {
    ModelSpec spec{.architecture = Architecture::kBert, .n_kv_heads = 4, .pooling = reranker ? 4 : 2};
    spec.classifier = reranker;
    return written_with_template(there_, spec, reranker ? "reranker.gguf" : "embedder.gguf");
  }
  json::value ask(const std::string& model, std::vector<std::string> more = {}) const {
    std::vector<std::string> args{"ask", "--json", kQuestion, "--model", model};
    args.insert(args.end(), more.begin(), more.end());
    return box_.json_of(args);
  }

  Sandbox box_, there_;
};

}  // namespace docmind::test

// What Ollama, llama.cpp's server, vLLM and LM Studio send, for ScriptedServer: their answers' shapes as recorded.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/scripted_server.h"

namespace docmind::test {

// What a test may set; counts in answers are larger than any test's prompt.
struct RecordedModel {
  std::string name = "qwen3:0.6b";
  int n_context = 40'960;
  int n_prompt_tokens = 4'000;
};

// The body of a stream that says these pieces.
[[nodiscard]] std::string llama_cpp_stream(const RecordedModel& model, const std::vector<std::string>& pieces);
[[nodiscard]] std::string vllm_stream(const RecordedModel& model, const std::vector<std::string>& pieces);
[[nodiscard]] std::string ollama_stream(const RecordedModel& model, const std::vector<std::string>& pieces);
// A script that sends a stream in one chunk for each event or line.
[[nodiscard]] Script stream_with(std::string_view type, const std::string& body);

// All routes but the chat's, which gets a stream of `pieces`.
void act_as_llama_cpp(ScriptedServer& server, const RecordedModel& model, const std::vector<std::string>& pieces);
void act_as_vllm(ScriptedServer& server, const RecordedModel& model, const std::vector<std::string>& pieces);
void act_as_lm_studio(ScriptedServer& server, const RecordedModel& model, const std::vector<std::string>& pieces);
void act_as_ollama(ScriptedServer& server, const RecordedModel& model, const std::vector<std::string>& pieces);

}  // namespace docmind::test

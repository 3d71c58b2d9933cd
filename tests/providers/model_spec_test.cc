// The names of models: files, pulled models and models behind other servers.
// SPDX-License-Identifier: Apache-2.0
#include "providers/model_spec.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "support/temp_folder.h"

namespace docmind::providers {
namespace {

ModelSpec spec_of(std::string_view text) {
  Result<ModelSpec> spec = parse_model_spec(text);
  if (!spec.ok()) ADD_FAILURE() << text << ": " << spec.error().message;
  return spec.ok() ? *std::move(spec) : ModelSpec{};
}

std::string refusal_of(std::string_view text) {
  const Result<ModelSpec> spec = parse_model_spec(text);
  if (spec.ok()) {
    ADD_FAILURE() << text << " is " << spec->text();
    return {};
  }
  EXPECT_EQ(spec.error().code, ErrorCode::kInvalidArgument);
  return spec.error().message;
}

TEST(ModelSpec, NamesServersWithTheirUsualAddresses) {
  struct Case {
    const char* text;
    UpstreamKind kind;
    const char* model;
    const char* url;
  };
  const Case cases[] = {
      {"ollama:qwen3", UpstreamKind::kOllama, "qwen3", "http://127.0.0.1:11434"},
      {"ollama:qwen3:14b", UpstreamKind::kOllama, "qwen3:14b", "http://127.0.0.1:11434"},
      {"ollama:hf.co/a/b:Q4_K_M@http://box:1/", UpstreamKind::kOllama, "hf.co/a/b:Q4_K_M", "http://box:1"},
      {"llamacpp:", UpstreamKind::kLlamaCpp, "", "http://127.0.0.1:8080"},
      {"llamacpp:@http://127.0.0.1:9000", UpstreamKind::kLlamaCpp, "", "http://127.0.0.1:9000"},
      {"vllm:Qwen/Qwen3-8B", UpstreamKind::kVllm, "Qwen/Qwen3-8B", "http://127.0.0.1:8000"},
      {"lmstudio:phi", UpstreamKind::kOpenAi, "phi", "http://127.0.0.1:1234"},
      {"openai:gpt@https://example.org/v1", UpstreamKind::kOpenAi, "gpt", "https://example.org"},
      {"openai:gpt@https://example.org/proxy/v1//", UpstreamKind::kOpenAi, "gpt", "https://example.org/proxy"},
      {"openai:a@b@http://[::1]:8080", UpstreamKind::kOpenAi, "a@b", "http://[::1]:8080"},
      {"openai:x@http://v1", UpstreamKind::kOpenAi, "x", "http://v1"},
  };
  for (const Case& c : cases) {
    const ModelSpec spec = spec_of(c.text);
    EXPECT_EQ(spec.kind, c.kind) << c.text;
    EXPECT_EQ(spec.model, c.model) << c.text;
    EXPECT_EQ(spec.url, c.url) << c.text;
    EXPECT_FALSE(spec.native()) << c.text;
    EXPECT_EQ(spec_of(spec.text()).text(), spec.text()) << c.text;
  }
  EXPECT_TRUE(spec_of("lmstudio:phi").lm_studio);
  EXPECT_EQ(spec_of("lmstudio:phi").text(), "lmstudio:phi@http://127.0.0.1:1234");
}

TEST(ModelSpec, EverythingElseIsAModelOfThisProcess) {
  for (const char* text : {"qwen3-0.6b", "/models/x.gguf", "a:b", "OLLAMA:x", "C:\\x.gguf", "user@host.gguf"}) {
    const ModelSpec spec = spec_of(text);
    EXPECT_TRUE(spec.native()) << text;
    EXPECT_EQ(spec.model, text);
    EXPECT_EQ(spec.url, "");
    EXPECT_EQ(spec.text(), text);
  }
  EXPECT_EQ(spec_of("native:qwen3-0.6b").model, "qwen3-0.6b");
  EXPECT_EQ(spec_of("native:ollama:x").model, "ollama:x");
  EXPECT_EQ(spec_of("native:ollama:x").text(), "native:ollama:x");
}

TEST(ModelSpec, AFileThatIsThereWins) {
  const test::TempFolder folder;
  const std::string path = folder.path("ollama:x@http:");
  ASSERT_EQ(spec_of(path).model, path);
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path(""));
  folder.write("ollama:x", "GGUF");
  const ModelSpec spec = spec_of("ollama:x");
  std::filesystem::current_path(before);
  EXPECT_TRUE(spec.native());
  EXPECT_EQ(spec.model, "ollama:x");
  EXPECT_EQ(spec_of(spec.text()).model, "ollama:x") << "also when the file is gone";
}

TEST(ModelSpec, RefusalsSayWhatIsWrongAndShowTheForm) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "names none"},
      {"native:", "names none"},
      {"openai:gpt", "has no address, which 'openai' needs"},
      {"http://127.0.0.1:11434", "is an address without a KIND of server"},
      {"llama:x@http://127.0.0.1", "no KIND of server before it"},
      {"ollama:http://127.0.0.1:1", "has no '@' before the address"},
      {"ollama:x@http://", "without a host"},
      {"ollama:x@http://:80", "without a host"},
      {"ollama:x@http://h:0", "no number up to 65535"},
      {"ollama:x@http://h:", "no number up to 65535"},
      {"ollama:x@http://h:8a", "no number up to 65535"},
      {"ollama:x@http://h:99999999999999999999", "no number up to 65535"},
      {"ollama:x@http://me:secret@h", "has a password in its address"},
      {"ollama:x@http://h/?key=1", "has an address with a query"},
      {"ollama:x@http://a b", "with a space"},
      {std::string("ollama:x\0y", 10), "zero byte"},
      {"ollama:x\ny", "control characters"},
      {"ollama:" + std::string(5'000, 'x'), "is longer than 4096 bytes"},
  };
  for (const auto& [text, words] : cases) {
    const std::string message = refusal_of(text);
    EXPECT_NE(message.find(words), std::string::npos) << message;
    EXPECT_NE(message.find("KIND:MODEL@URL"), std::string::npos) << message;
    EXPECT_LT(message.size(), 600U) << "the whole of a long name helps nobody";
  }
}

}  // namespace
}  // namespace docmind::providers

// load_tokenizer: keys, defaults, and files that are wrong.
// SPDX-License-Identifier: Apache-2.0
#include "engine/load_tokenizer.h"

#include <gtest/gtest.h>

#include <functional>

#include "engine/engine_test_support.h"
#include "gguf/writer.h"
#include "support/temp_folder.h"

namespace docmind::engine {
namespace {

using tokenizer::TokenId;
using tokenizer::TokenType;
using tokenizer::VocabularyKind;
using Strings = std::vector<std::string>;
using Change = std::function<void(gguf::Writer&)>;

class LoadTokenizer : public testing::Test {
 protected:
  Result<std::unique_ptr<tokenizer::Tokenizer>> load(const Change& change) {
    path_ = folder_.path("model.gguf");
    auto writer = must(gguf::Writer::create(path_));
    writer.add("general.architecture", "llama");
    change(writer);
    const Status written = writer.finish();
    EXPECT_TRUE(written.ok()) << (written.ok() ? "" : written.error().message);
    const auto file = must(gguf::File::open(path_));
    return load_tokenizer(file);  // the tokenizer outlives the file
  }

  Error refusal(const Change& change) {
    auto result = load(change);
    EXPECT_FALSE(result.ok());
    const Error error = result.ok() ? Error{} : result.error();
    EXPECT_NE(error.message.find(path_), std::string::npos) << error.message;
    return error;
  }

  test::TempFolder folder_;
  std::string path_;
};

void expect_names(const Error& error, ErrorCode code, std::string_view sentence) {
  EXPECT_EQ(error.code, code);
  EXPECT_NE(error.message.find(sentence), std::string::npos) << error.message;
}

void add_vocabulary(gguf::Writer& writer, std::string_view model, const Strings& tokens) {
  writer.add("tokenizer.ggml.model", model);
  writer.add("tokenizer.ggml.tokens", tokens);
}

TEST_F(LoadTokenizer, ReadsAllKeys) {
  const auto tokenizer = must(load([](gguf::Writer& writer) {
    add_vocabulary(writer, "gpt2", {"a", "b", "ab", "<e>", "<u>"});
    writer.add("tokenizer.ggml.pre", "qwen2");
    writer.add("tokenizer.ggml.merges", Strings{"a b"});
    writer.add("tokenizer.ggml.token_type", std::vector<int32_t>{1, 1, 1, 3, 2});
    writer.add("tokenizer.ggml.eos_token_id", 3u);
    writer.add("tokenizer.ggml.bos_token_id", 0xFFFFFFFFu);  // none
    writer.add("tokenizer.ggml.unknown_token_id", 4u);
    writer.add("tokenizer.ggml.add_eos_token", true);
  }));
  EXPECT_EQ(tokenizer->vocabulary().kind, VocabularyKind::kByteBpe);
  EXPECT_EQ(tokenizer->vocabulary().bos, std::nullopt);
  EXPECT_EQ(tokenizer->encode("abc", {}), (std::vector<TokenId>{2, 4, 3}));
}

TEST_F(LoadTokenizer, DefaultsAreThoseOfTheKind) {
  const auto llama = must(load([](gguf::Writer& writer) { add_vocabulary(writer, "llama", {"<unk>", "<s>", "</s>", "▁a"}); }));
  EXPECT_EQ(llama->encode("a", {}), (std::vector<TokenId>{1, 3}));

  const auto llama3 = must(load([](gguf::Writer& writer) {
    add_vocabulary(writer, "gpt2", {"a", "<b>"});
    writer.add("tokenizer.ggml.pre", "llama-bpe");
    writer.add("tokenizer.ggml.merges", Strings{"a a"});
    writer.add("tokenizer.ggml.bos_token_id", 1u);
  }));
  EXPECT_EQ(llama3->encode("a", {}), (std::vector<TokenId>{1, 0}));
  EXPECT_EQ(llama3->vocabulary().eos, std::nullopt);  // 11 by default, which this vocabulary lacks

  Strings tokens(104, "x");
  for (size_t i = 0; i < tokens.size(); ++i) tokens[i] += std::to_string(i);
  const auto bert = must(load([&](gguf::Writer& writer) { add_vocabulary(writer, "bert", tokens); }));
  EXPECT_EQ(bert->encode("y", {}), (std::vector<TokenId>{101, 100, 102}));
}

TEST_F(LoadTokenizer, AnXlmRobertaFileOverridesT5) {
  const auto tokenizer = must(load([](gguf::Writer& writer) {
    add_vocabulary(writer, "t5", {"<s>", "<pad>", "</s>", "<unk>", "▁a"});
    writer.add("tokenizer.ggml.scores", std::vector<float>{0, 0, 0, 0, -1});
    writer.add("tokenizer.ggml.token_type", std::vector<int32_t>{3, 3, 3, 2, 1});
    writer.add("tokenizer.ggml.precompiled_charsmap", std::vector<uint8_t>{4, 0, 0, 0, 0, 0, 0, 0, 0});
    for (const auto& [key, id] : {std::pair{"bos", 0u}, {"eos", 2u}, {"unknown", 3u}, {"padding", 1u}}) {
      writer.add("tokenizer.ggml." + std::string(key) + "_token_id", id);
    }
    writer.add("tokenizer.ggml.add_bos_token", true);
    writer.add("tokenizer.ggml.add_space_prefix", true);
    writer.add("tokenizer.ggml.remove_extra_whitespaces", true);
  }));
  EXPECT_EQ(tokenizer->encode(" a  b", {}), (std::vector<TokenId>{0, 4, 3, 2}));
}

TEST_F(LoadTokenizer, ChatTemplateIsTheFilesOwn) {
  must(load([](gguf::Writer& writer) {
    add_vocabulary(writer, "llama", {"a"});
    writer.add("tokenizer.chat_template", "<|im_start|>");
  }));
  EXPECT_EQ(must(load_chat_template(must(gguf::File::open(path_)))), "<|im_start|>");
  must(load([](gguf::Writer& writer) { add_vocabulary(writer, "llama", {"a"}); }));
  EXPECT_EQ(load_chat_template(must(gguf::File::open(path_))).error().code, ErrorCode::kNotFound);
}

TEST_F(LoadTokenizer, SaysWhatIsMissing) {
  expect_names(refusal([](gguf::Writer&) {}), ErrorCode::kNotFound, "tokenizer.ggml.model");
  expect_names(refusal([](gguf::Writer& writer) { writer.add("tokenizer.ggml.model", "llama"); }), ErrorCode::kNotFound,
               "tokenizer.ggml.tokens");
  expect_names(refusal([](gguf::Writer& writer) { add_vocabulary(writer, "gpt2", {"a"}); }), ErrorCode::kNotFound,
               "tokenizer.ggml.merges");
}

TEST_F(LoadTokenizer, SaysWhatIsNotSupported) {
  expect_names(refusal([](gguf::Writer& writer) { add_vocabulary(writer, "rwkv", {"a"}); }), ErrorCode::kUnsupported,
               "'rwkv'");
  expect_names(refusal([](gguf::Writer& writer) {
                 add_vocabulary(writer, "gpt2", {"a"});
                 writer.add("tokenizer.ggml.pre", "tekken");
               }),
               ErrorCode::kUnsupported, "'tekken'");
}

TEST_F(LoadTokenizer, SaysWhatIsWrong) {
  const auto with = [this](const Change& change) {
    return refusal([&](gguf::Writer& writer) {
      add_vocabulary(writer, "t5", {"a", "b", "<unk>"});
      change(writer);
    });
  };
  expect_names(with([](gguf::Writer& w) { w.add("tokenizer.ggml.eos_token_id", 3u); }), ErrorCode::kMalformed,
               "tokenizer.ggml.eos_token_id is 3, but there are 3 tokens");
  expect_names(with([](gguf::Writer& w) { w.add("tokenizer.ggml.scores", std::vector<float>{1}); }),
               ErrorCode::kMalformed, "1 scores for 3 tokens");
  expect_names(with([](gguf::Writer& w) { w.add("tokenizer.ggml.token_type", std::vector<int32_t>{1, -9, 1}); }),
               ErrorCode::kMalformed, "the type of token 1");
  expect_names(with([](gguf::Writer& w) { w.add("tokenizer.ggml.scores", Strings{"x", "y", "z"}); }),
               ErrorCode::kMalformed, "tokenizer.ggml.scores");
  expect_names(with([](gguf::Writer& w) { w.add("tokenizer.ggml.precompiled_charsmap", std::vector<uint8_t>{1, 2}); }),
               ErrorCode::kMalformed, "charsmap has 2 bytes");
  expect_names(with([](gguf::Writer& w) { w.add("tokenizer.ggml.precompiled_charsmap", std::vector<float>{1}); }),
               ErrorCode::kMalformed, "precompiled_charsmap");
}

}  // namespace
}  // namespace docmind::engine

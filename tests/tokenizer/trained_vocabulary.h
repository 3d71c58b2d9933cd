// A unigram vocabulary trained by SentencePiece on this project's own documents, ordered as XLM-RoBERTa's.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "support/process.h"
#include "support/temp_folder.h"
#include "tokenizer/tokenizer.h"

namespace docmind::tokenizer::test {

// The fields of a protobuf message that SentencePiece writes: varints, bytes and floats.
class ProtobufFields {
 public:
  explicit ProtobufFields(std::string_view message) : rest_(message) {}
  bool next() {
    if (rest_.empty()) return false;
    const uint64_t key = varint();
    number = key >> 3;
    switch (key & 7) {
      case 0: value = varint(); break;
      case 2: bytes = take(varint()); break;
      default: bytes = take((key & 7) == 5 ? 4 : 8); break;
    }
    return true;
  }
  uint64_t number = 0;
  uint64_t value = 0;
  std::string_view bytes;

 private:
  uint64_t varint() {
    uint64_t result = 0;
    for (int shift = 0; !rest_.empty(); shift += 7) {
      const auto byte = static_cast<uint8_t>(take(1)[0]);
      result |= uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) break;
    }
    return result;
  }
  std::string_view take(uint64_t n) {
    const std::string_view piece = rest_.substr(0, n);
    rest_.remove_prefix(piece.size());
    return piece;
  }
  std::string_view rest_;
};

inline std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// README and everything in docs/, and some lines that NFKC changes.
inline std::string training_text() {
  std::string text = file_text(std::string(DOCMIND_SOURCE_DIR) + "/README.md");
  for (const auto& entry : std::filesystem::directory_iterator(std::string(DOCMIND_SOURCE_DIR) + "/docs")) {
    if (entry.path().extension() == ".md") text += file_text(entry.path().string());
  }
  for (int i = 0; i < 20; ++i) text += "naïve café ﬁne ½ ² Ⅷ ① 日本語 ｶﾞ 中文 한국어 русский язык हिन्दी ไทย 🙂 ™ ℃ ＡＢＣ\n";
  return text;
}

class TrainedUnigram {
 public:
  static bool possible() { return std::filesystem::exists("/usr/bin/spm_train"); }

  TrainedUnigram() {
    const auto trained = docmind::test::run_process(
        {.argv = {"/usr/bin/spm_train", "--input=" + folder_.write("text", training_text()),
                  "--model_prefix=" + folder_.path("unigram"), "--model_type=unigram", "--vocab_size=1500",
                  "--hard_vocab_limit=false", "--character_coverage=0.9999", "--normalization_rule_name=nmt_nfkc"},
         .env = {{"LC_ALL", "C.UTF-8"}}});
    EXPECT_EQ(trained.code, 0) << trained.err;
    read(folder_.read("unigram.model"));
  }

  [[nodiscard]] const Vocabulary& vocabulary() const { return vocabulary_; }

  // SentencePiece's own answer, a line each, in the ids of our vocabulary.
  [[nodiscard]] std::vector<std::vector<TokenId>> encode_lines(const std::string& lines) const {
    const auto encoded = docmind::test::run_process(
        {.argv = {"/usr/bin/spm_encode", "--model=" + folder_.path("unigram.model"), "--output_format=id",
                  "--input=" + folder_.write("lines", lines)},
         .env = {{"LC_ALL", "C.UTF-8"}}});
    EXPECT_EQ(encoded.code, 0) << encoded.err;
    std::vector<std::vector<TokenId>> answers;
    std::istringstream stream(encoded.out);
    for (std::string line; std::getline(stream, line);) {
      std::istringstream ids(line);
      answers.emplace_back();
      // SentencePiece begins <unk>, <s>, </s>; XLM-RoBERTa <s>, <pad>, </s>, <unk>.
      for (TokenId id = 0; ids >> id;) answers.back().push_back(id == 0 ? 3 : id + 1);
    }
    return answers;
  }

 private:
  void read(const std::string& model) {
    vocabulary_.kind = VocabularyKind::kUnigram;
    add("<s>", 0, TokenType::kControl);
    add("<pad>", 0, TokenType::kControl);
    add("</s>", 0, TokenType::kControl);
    add("<unk>", 0, TokenType::kUnknown);
    int n_pieces = 0;
    for (ProtobufFields fields(model); fields.next();) {
      if (fields.number == 1 && n_pieces++ >= 3) read_piece(fields.bytes);
      if (fields.number == 3) read_normaliser(fields.bytes);
    }
    add("<mask>", 0, TokenType::kControl);
    vocabulary_.bos = 0, vocabulary_.padding = 1, vocabulary_.eos = 2, vocabulary_.unknown = 3;
    vocabulary_.add_bos = vocabulary_.add_eos = true;
    vocabulary_.remove_extra_whitespaces = true;
  }
  void read_piece(std::string_view bytes) {
    std::string text;
    float score = 0;
    for (ProtobufFields fields(bytes); fields.next();) {
      if (fields.number == 1) text = fields.bytes;
      if (fields.number == 2) std::memcpy(&score, fields.bytes.data(), sizeof(score));
    }
    add(text, score, TokenType::kNormal);
  }
  void read_normaliser(std::string_view bytes) {
    for (ProtobufFields fields(bytes); fields.next();) {
      if (fields.number == 2) vocabulary_.precompiled_charsmap = fields.bytes;
    }
  }
  void add(std::string text, float score, TokenType type) {
    vocabulary_.tokens.push_back(std::move(text));
    vocabulary_.scores.push_back(score);
    vocabulary_.types.push_back(type);
  }

  docmind::test::TempFolder folder_;
  Vocabulary vocabulary_;
};

}  // namespace docmind::tokenizer::test

// Byte-level BPE (GPT-2, Qwen, Llama 3): words of bytes, merged pair by pair in the order of a list.
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <bit>
#include <unordered_map>

#include <fmt/format.h>

#include "base/text.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/fragment_tokenizer.h"
#include "tokenizer/kinds.h"
#include "tokenizer/pair_merge.h"
#include "tokenizer/pre_split.h"

namespace docmind::tokenizer {
namespace {

// The merges, by the ids of both symbols.
class MergeTable {
 public:
  explicit MergeTable(size_t n_merges)
    : slots_(std::bit_ceil(2 * n_merges + 2)), mask_(slots_.size() - 1), seed_(random_seed() | 1) {}

  [[nodiscard]] Merge find(int32_t left, int32_t right) const {
    const Slot& slot = slots_[slot_of(key_of(left, right))];
    return {slot.rank, slot.merged};
  }
  // The first of equal pairs counts.
  void insert(int32_t left, int32_t right, const Merge& merge) {
    const uint64_t key = key_of(left, right);
    Slot& slot = slots_[slot_of(key)];
    if (slot.rank == Merge::kNever) slot = {key, merge.rank, merge.id};
  }

 private:
  struct Slot {
    uint64_t key = 0;
    uint32_t rank = Merge::kNever;  // of an empty slot
    int32_t merged = -1;
  };

  static uint64_t key_of(int32_t left, int32_t right) {
    return (uint64_t{static_cast<uint32_t>(left)} << 32) | static_cast<uint32_t>(right);
  }
  [[nodiscard]] size_t slot_of(uint64_t key) const {
    uint64_t hash = (key ^ (key >> 29)) * seed_;
    hash = (hash ^ (hash >> 32)) * seed_;
    size_t slot = (hash >> 20) & mask_;
    while (slots_[slot].rank != Merge::kNever && slots_[slot].key != key) slot = (slot + 1) & mask_;
    return slot;
  }

  std::vector<Slot> slots_;
  size_t mask_;
  uint64_t seed_;
};

class ByteBpe final : public FragmentTokenizer {
 public:
  ByteBpe(Vocabulary vocabulary, const PreSplit& split);
  Status read_merges();

 private:
  struct Scratch {
    PairMerger merger;
    std::vector<Symbol> symbols;
  };

  void encode_fragment(std::string_view text, bool first, std::vector<TokenId>& tokens) const override;
  [[nodiscard]] std::string plain_piece(TokenId token) const override;

  void encode_word(std::string_view word, Scratch& scratch, std::vector<TokenId>& tokens) const;
  void merge_word(std::string_view word, Scratch& scratch, std::vector<TokenId>& tokens) const;
  // The id of a symbol; one that is no token gets an id of its own behind them.
  int32_t symbol_of(const std::string& bytes);

  PreSplit split_;
  std::vector<std::string> bytes_;  // of each token that text can become; empty for others
  TokenTable ids_by_bytes_;
  std::unordered_map<std::string, int32_t> other_symbols_;
  std::array<int32_t, 256> byte_symbols_{};
  std::unique_ptr<MergeTable> merges_;
  mutable WholeTokens whole_;
};

ByteBpe::ByteBpe(Vocabulary vocabulary, const PreSplit& split)
  : FragmentTokenizer(std::move(vocabulary)), split_(split), whole_(n_tokens()) {
  const ByteAlphabet alphabet;
  bytes_.resize(n_tokens());
  for (size_t id = 0; id < n_tokens(); ++id) {
    const auto token = static_cast<TokenId>(id);
    // User-defined tokens are found by their text as it is, before there are bytes.
    if (!is_text(token) || type_of(token) == TokenType::kUserDefined) continue;
    bytes_[id] = alphabet.bytes_of(vocabulary_.tokens[id]).value_or("");
  }
  ids_by_bytes_ = TokenTable(bytes_, [&](size_t id) { return !bytes_[id].empty(); });
  for (int byte = 0; byte < 256; ++byte) {
    byte_symbols_[static_cast<size_t>(byte)] = symbol_of(std::string(1, static_cast<char>(byte)));
  }
}

int32_t ByteBpe::symbol_of(const std::string& bytes) {
  if (const int32_t id = ids_by_bytes_.find(bytes_, bytes); id >= 0) return id;
  const auto next = static_cast<int32_t>(n_tokens() + other_symbols_.size());
  return other_symbols_.try_emplace(bytes, next).first->second;
}

Status ByteBpe::read_merges() {
  const ByteAlphabet alphabet;
  merges_ = std::make_unique<MergeTable>(vocabulary_.merges.size());
  for (size_t i = 0; i < vocabulary_.merges.size(); ++i) {
    const std::string_view merge = vocabulary_.merges[i];
    const size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos || space + 1 == merge.size()) {
      return Error{ErrorCode::kMalformed,
                   fmt::format("tokenizer: merge {} is '{}', which is not two symbols with a space between", i,
                               printable(ellipsize(merge, 60)))};
    }
    const std::optional<std::string> left = alphabet.bytes_of(merge.substr(0, space));
    const std::optional<std::string> right = alphabet.bytes_of(merge.substr(space + 1));
    if (!left || !right) continue;  // no text has these symbols
    merges_->insert(symbol_of(*left), symbol_of(*right), {static_cast<uint32_t>(i), symbol_of(*left + *right)});
  }
  // From here on tokens are known by their bytes.
  vocabulary_.merges = {};
  return {};
}

void ByteBpe::encode_fragment(std::string_view text, bool /*first*/, std::vector<TokenId>& tokens) const {
  Scratch scratch;
  for_each_word(split_.rule, text, [&](std::string_view word) {
    for (; word.size() > PairMerger::kMaxWordBytes; word.remove_prefix(PairMerger::kMaxWordBytes)) {
      encode_word(word.substr(0, PairMerger::kMaxWordBytes), scratch, tokens);
    }
    encode_word(word, scratch, tokens);
  });
}

void ByteBpe::encode_word(std::string_view word, Scratch& scratch, std::vector<TokenId>& tokens) const {
  const int32_t id = ids_by_bytes_.find(bytes_, word);
  if (id < 0) merge_word(word, scratch, tokens);
  else if (split_.ignore_merges) tokens.push_back(id);
  else whole_.encode(id, tokens, [&] { merge_word(word, scratch, tokens); });
}

void ByteBpe::merge_word(std::string_view word, Scratch& scratch, std::vector<TokenId>& tokens) const {
  scratch.symbols.clear();
  for (uint32_t i = 0; i < word.size(); ++i) {
    scratch.symbols.push_back({i, i + 1, byte_symbols_[static_cast<uint8_t>(word[i])]});
  }
  scratch.merger.merge(scratch.symbols, [&](const Symbol& left, const Symbol& right) {
    return merges_->find(left.id, right.id);
  });
  const auto n = static_cast<int32_t>(n_tokens());
  for (const Symbol& symbol : scratch.symbols) {
    if (symbol.id < n) {
      tokens.push_back(symbol.id);
      continue;
    }
    // Merges of a vocabulary that lacks their result: its bytes.
    for (uint32_t i = symbol.begin; i < symbol.end; ++i) {
      const int32_t byte = byte_symbols_[static_cast<uint8_t>(word[i])];
      if (byte < n) tokens.push_back(byte);
      else append_unknown(tokens);
    }
  }
}

std::string ByteBpe::plain_piece(TokenId token) const {
  const auto id = static_cast<size_t>(token);
  return bytes_[id].empty() ? vocabulary_.tokens[id] : bytes_[id];
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> make_byte_bpe(Vocabulary vocabulary) {
  DM_ASSIGN(const PreSplit split, find_pre_split(vocabulary.pre));
  auto tokenizer = std::make_unique<ByteBpe>(std::move(vocabulary), split);
  DM_TRY(tokenizer->read_merges());
  return std::unique_ptr<Tokenizer>(std::move(tokenizer));
}

}  // namespace docmind::tokenizer

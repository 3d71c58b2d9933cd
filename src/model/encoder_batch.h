// EncoderBatch: sequences of different lengths that go through an encoder together, without padding.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/encoder.h"

namespace docmind::model {

// Tokens lie one sequence after another; each sequence starts a new block of keys and values.
class EncoderBatch {
 public:
  struct Part {
    std::span<const TokenId> tokens;
    int64_t first_row;
    int64_t first_block;
    [[nodiscard]] int64_t n() const { return static_cast<int64_t>(tokens.size()); }
  };
  struct Token {
    TokenId id;
    int64_t position;  // in its sequence
    int64_t block;     // of keys and values; its place there is position % 16
  };
  struct QueryTile {
    int64_t part;
    int64_t begin, end;
  };

  // Room for so many tokens in so many blocks; sequences of at least one token.
  EncoderBatch(int64_t max_tokens, int64_t max_blocks, int64_t query_tile);

  // Takes as many of the sequences, from the first on, as there is room for; at least one, which must fit.
  // Returns how many. Allocates nothing.
  int64_t fill(Encoder::Sequences sequences);

  [[nodiscard]] std::span<const Part> parts() const { return parts_; }
  [[nodiscard]] std::span<const Token> tokens() const { return tokens_; }
  [[nodiscard]] std::span<const QueryTile> tiles() const { return tiles_; }
  [[nodiscard]] int64_t n_rows() const { return static_cast<int64_t>(tokens_.size()); }
  [[nodiscard]] int64_t max_tokens() const { return max_tokens_; }
  [[nodiscard]] int64_t max_blocks() const { return max_blocks_; }

 private:
  void add(std::span<const TokenId> sequence);

  int64_t max_tokens_, max_blocks_, query_tile_;
  int64_t n_blocks_ = 0;
  std::vector<Part> parts_;
  std::vector<Token> tokens_;
  std::vector<QueryTile> tiles_;
};

}  // namespace docmind::model

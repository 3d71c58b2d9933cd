// Passes over a sequence without a model: keys, values and energies follow from the tokens before them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "kv/cache.h"

namespace docmind::kv {

inline constexpr Geometry kNano = {.n_layers = 2, .n_kv_heads = 2, .head_dim = 16};
inline constexpr int64_t kQueriesOfHead = 2;

inline const kernels::KernelTable& scalar_table() { return **kernels::kernel_table(kernels::Isa::kScalar); }

// A key or a value of a text at a position: a function of the tokens up to there.
class TextContent {
 public:
  explicit TextContent(std::span<const TokenId> tokens);
  [[nodiscard]] float key(int64_t layer, int64_t head, int64_t token, int64_t channel) const;
  [[nodiscard]] float value(int64_t layer, int64_t head, int64_t token, int64_t channel) const;

 private:
  [[nodiscard]] float at(uint64_t part, int64_t layer, int64_t head, int64_t token, int64_t channel) const;
  std::vector<uint64_t> hashes_;
};

[[nodiscard]] std::unique_ptr<Cache> make_cache(const CacheOptions& options, const Geometry& geometry = kNano);
[[nodiscard]] std::vector<TokenId> some_tokens(int64_t n, uint64_t seed);

// For heads of 16 channels, which have many parameters: `mixed` gets 5 bits.
[[nodiscard]] CacheOptions options_of(Format format, size_t budget_bytes = size_t{16} << 20);
[[nodiscard]] std::unique_ptr<Sequence> new_sequence(Cache& cache, int64_t capacity);
[[nodiscard]] std::unique_ptr<Sequence> new_sequence(Cache& cache, std::span<const TokenId> prompt, int64_t capacity);
[[nodiscard]] std::span<const TokenId> first(const std::vector<TokenId>& tokens, int64_t n);
[[nodiscard]] std::vector<TokenId> joined(std::span<const TokenId> a, std::span<const TokenId> b);

// Writes and seals what a pass over `tokens` does, but does not commit; they follow the sequence's own.
void write_pass(Sequence& sequence, std::span<const TokenId> tokens);
// reserve(), write_pass(), commit().
[[nodiscard]] Status run_pass(Sequence& sequence, std::span<const TokenId> tokens);
// The rest of `text` in passes of at most `piece` tokens.
[[nodiscard]] Status run_text(Sequence& sequence, std::span<const TokenId> text, int64_t piece);

// What is wrong with what view() shows, against the content of the sequence's tokens; empty when nothing is.
[[nodiscard]] std::string content_fault(const Sequence& sequence);
// Of every token, whether it is read exactly by the next one.
[[nodiscard]] std::vector<bool> exact_tokens(const Sequence& sequence);

}  // namespace docmind::kv

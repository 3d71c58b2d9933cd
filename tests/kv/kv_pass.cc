// Passes over a sequence without a model.
// SPDX-License-Identifier: Apache-2.0
#include "kv_pass.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/hash.h"
#include "kernels/half.h"
#include "kernels/kv_page.h"
#include "kernels/ref/kv_page.h"

namespace docmind::kv {
namespace {

using kernels::kKvBlockTokens;
using kernels::kKvPageTokens;

uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t x = a * 0x9e3779b97f4a7c15U ^ (b + 0x632be59bd9b4e019U);
  x ^= x >> 29;
  x *= 0xbf58476d1ce4e5b9U;
  return x ^ x >> 32;
}

float rounded(float value) { return kernels::half_to_float(kernels::float_to_half(value)); }

// The error that codes of so many bits may have on numbers in [-2, 2].
float tolerance(int bits) { return bits == 8 ? 0.02f : bits == 4 ? 0.35f : bits == 3 ? 0.9f : 2.2f; }

std::string compare(const char* what, const float* got, const TextContent& text, bool is_key, int64_t layer,
                    int64_t head, int64_t token, int64_t d, float allowed) {
  for (int64_t c = 0; c < d; ++c) {
    const float want = is_key ? text.key(layer, head, token, c) : text.value(layer, head, token, c);
    if (std::fabs(got[c] - want) <= allowed) continue;
    return fmt::format("{} of token {}, layer {}, head {}, channel {}: {} instead of {}", what, token, layer, head, c,
                       got[c], want);
  }
  return {};
}

class Reader {
 public:
  explicit Reader(const Sequence& sequence)
    : sequence_(sequence), text_(sequence.tokens()), d_(sequence.layout().geometry().head_dim),
      row_(static_cast<size_t>(d_)) {}

  std::string token_fault(int64_t layer, int64_t head, int64_t token) {
    const kernels::KvView view = sequence_.view(layer);
    const std::byte* block = view.blocks[token / kKvBlockTokens];
    const std::byte* page = view.pages == nullptr ? nullptr : view.pages[token / kKvPageTokens];
    if (block == nullptr && page == nullptr) return fmt::format("token {} is not held", token);
    if (page != nullptr) {
      const auto entry = reinterpret_cast<const kernels::KvPageLayer*>(page)[layer];
      kernels::ref::read_sealed_key(view.shape, page, layer, head, token % kKvPageTokens, row_.data());
      std::string fault =
          compare("sealed key", row_.data(), text_, true, layer, head, token, d_, tolerance(entry.key_bits));
      if (!fault.empty()) return fault;
      kernels::ref::read_sealed_value(view.shape, page, layer, head, token % kKvPageTokens, row_.data());
      fault = compare("sealed value", row_.data(), text_, false, layer, head, token, d_, tolerance(entry.value_bits));
      if (!fault.empty()) return fault;
    }
    if (block == nullptr) return {};
    for (const bool is_key : {true, false}) {
      const std::byte* part =
          block + static_cast<size_t>(head) * view.head_stride + (is_key ? view.k_offset : view.v_offset);
      const auto* halves = reinterpret_cast<const kernels::Half*>(part) + token % kKvBlockTokens * d_;
      for (int64_t c = 0; c < d_; ++c) row_[static_cast<size_t>(c)] = kernels::half_to_float(halves[c]);
      const std::string fault =
          compare(is_key ? "key" : "value", row_.data(), text_, is_key, layer, head, token, d_, 0);
      if (!fault.empty()) return fault;
    }
    return {};
  }

 private:
  const Sequence& sequence_;
  const TextContent text_;
  const int64_t d_;
  std::vector<float> row_;
};

}  // namespace

TextContent::TextContent(std::span<const TokenId> tokens) {
  uint64_t hash = 1;
  for (const TokenId token : tokens) hashes_.push_back(hash = mix(hash, static_cast<uint64_t>(token)));
}

float TextContent::at(uint64_t part, int64_t layer, int64_t head, int64_t token, int64_t channel) const {
  const auto place = static_cast<uint64_t>((layer * 64 + head) * 2048 + channel);
  const uint64_t x = mix(hashes_[static_cast<size_t>(token)] + part, place);
  return rounded(static_cast<float>(x >> 40) * 0x1p-22f - 2);
}
float TextContent::key(int64_t layer, int64_t head, int64_t token, int64_t channel) const {
  return at(1, layer, head, token, channel);
}
float TextContent::value(int64_t layer, int64_t head, int64_t token, int64_t channel) const {
  return at(2, layer, head, token, channel);
}

std::unique_ptr<Cache> make_cache(const CacheOptions& options, const Geometry& geometry) {
  auto cache = Cache::create(geometry, options, scalar_table());
  EXPECT_TRUE(cache.ok()) << cache.error().message;
  return std::move(cache).value();
}

std::vector<TokenId> some_tokens(int64_t n, uint64_t seed) {
  std::vector<TokenId> tokens;
  for (int64_t i = 0; i < n; ++i) tokens.push_back(static_cast<TokenId>(mix(seed, static_cast<uint64_t>(i)) % 1000));
  return tokens;
}

CacheOptions options_of(Format format, size_t budget_bytes) {
  CacheOptions options;
  options.format.format = format;
  options.format.mixed_bits = 5;
  options.budget_bytes = budget_bytes;
  options.identity = "a model";
  return options;
}

std::unique_ptr<Sequence> new_sequence(Cache& cache, int64_t capacity) { return new_sequence(cache, {}, capacity); }

std::unique_ptr<Sequence> new_sequence(Cache& cache, std::span<const TokenId> prompt, int64_t capacity) {
  auto sequence = cache.new_sequence(prompt, capacity);
  EXPECT_TRUE(sequence.ok()) << sequence.error().message;
  return std::move(sequence).value();
}

std::span<const TokenId> first(const std::vector<TokenId>& tokens, int64_t n) {
  return std::span(tokens).first(static_cast<size_t>(n));
}

std::vector<TokenId> joined(std::span<const TokenId> a, std::span<const TokenId> b) {
  std::vector<TokenId> both(a.begin(), a.end());
  both.insert(both.end(), b.begin(), b.end());
  return both;
}

void write_pass(Sequence& sequence, std::span<const TokenId> tokens) {
  const Layout& layout = sequence.layout();
  const Geometry& g = layout.geometry();
  std::vector<TokenId> all(sequence.tokens().begin(), sequence.tokens().end());
  const int64_t begin = sequence.n_tokens();
  all.insert(all.end(), tokens.begin(), tokens.end());
  const TextContent text(all);
  std::vector<float> queries(static_cast<size_t>(kQueriesOfHead * g.head_dim));
  for (int64_t layer = 0; layer < g.n_layers; ++layer) {
    for (int64_t head = 0; head < g.n_kv_heads; ++head) {
      for (int64_t t = begin; t < std::ssize(all); ++t) {
        kernels::Half *keys = sequence.keys(layer, head, t), *values = sequence.values(layer, head, t);
        for (int64_t c = 0; c < g.head_dim; ++c) {
          keys[c] = kernels::float_to_half(text.key(layer, head, t, c));
          values[c] = kernels::float_to_half(text.value(layer, head, t, c));
          queries[static_cast<size_t>(c)] = text.key(layer, head, t, c) + 1;
          queries[static_cast<size_t>(c + g.head_dim)] = text.value(layer, head, t, c);
        }
        if (layout.has_query_energy()) sequence.add_query_energy(layer, head, t, queries.data(), kQueriesOfHead);
      }
    }
    sequence.prepare_seal(layer);
    for (int64_t i = 0; i < sequence.n_due_pages(); ++i) sequence.seal(layer, i, 0, g.n_kv_heads);
  }
}

Status run_pass(Sequence& sequence, std::span<const TokenId> tokens) {
  DM_TRY(sequence.reserve(std::ssize(tokens)));
  write_pass(sequence, tokens);
  sequence.commit(tokens);
  return {};
}

Status run_text(Sequence& sequence, std::span<const TokenId> text, int64_t piece) {
  while (sequence.n_tokens() < std::ssize(text)) {
    const auto rest = text.subspan(static_cast<size_t>(sequence.n_tokens()));
    DM_TRY(run_pass(sequence, rest.first(std::min<size_t>(rest.size(), static_cast<size_t>(piece)))));
  }
  return {};
}

std::string content_fault(const Sequence& sequence) {
  Reader reader(sequence);
  const Geometry& g = sequence.layout().geometry();
  for (int64_t layer = 0; layer < g.n_layers; ++layer) {
    for (int64_t head = 0; head < g.n_kv_heads; ++head) {
      for (int64_t t = 0; t < sequence.n_tokens(); ++t) {
        std::string fault = reader.token_fault(layer, head, t);
        if (!fault.empty()) return fault;
      }
    }
  }
  return {};
}

std::vector<bool> exact_tokens(const Sequence& sequence) {
  const kernels::KvView view = sequence.view(0);
  std::vector<bool> exact;
  for (int64_t t = 0; t < sequence.n_tokens(); ++t) exact.push_back(view.blocks[t / kKvBlockTokens] != nullptr);
  return exact;
}

}  // namespace docmind::kv

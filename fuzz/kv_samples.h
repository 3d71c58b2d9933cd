// The cache that fuzz_kv_file reads files into, and files of such a cache as its inputs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/kernels.h"
#include "kv/cache.h"
#include "kv/state_file.h"

namespace docmind::fuzz {

inline constexpr kv::Geometry kKvGeometry = {.n_layers = 1, .n_kv_heads = 1, .head_dim = 4};
inline constexpr std::array<kv::Format, 3> kKvFormats = {kv::Format::kF16, kv::Format::kInt4, kv::Format::kMixed};

// The first byte of an input says what follows: a file, or its records without checksums.
struct KvChoice {
  size_t format = 0;  // of kKvFormats
  bool is_sequence = false;
  bool is_file = false;
};
inline KvChoice kv_choice(uint8_t byte) {
  return {.format = byte % 3U, .is_sequence = byte / 3 % 2 == 0, .is_file = byte / 6 % 4 == 0};
}
inline char kv_choice_byte(const KvChoice& choice) {
  return static_cast<char>(choice.format + (choice.is_sequence ? 0U : 3U) + (choice.is_file ? 0U : 6U));
}

// Null when it cannot be made.
inline std::unique_ptr<kv::Cache> make_kv_cache(kv::Format format) {
  kv::CacheOptions options;
  options.format.format = format;
  options.format.residual_tokens = 64;
  options.format.mixed_bits = 8;
  options.budget_bytes = size_t{1} << 20;
  auto cache = kv::Cache::create(kKvGeometry, options, **kernels::kernel_table(kernels::Isa::kScalar));
  return cache.ok() ? std::move(cache).value() : nullptr;
}

// One pass over `n` tokens with keys and values of zero.
inline bool run_kv_pass(kv::Sequence& sequence, int64_t n) {
  if (!sequence.reserve(n).ok()) return false;
  const int64_t begin = sequence.n_tokens();
  for (int64_t t = begin; t < begin + n; ++t) {
    std::fill_n(sequence.keys(0, 0, t), kKvGeometry.head_dim, kernels::Half{});
    std::fill_n(sequence.values(0, 0, t), kKvGeometry.head_dim, kernels::Half{});
    const float query[] = {1, 1, 1, 1};
    if (sequence.layout().has_query_energy()) sequence.add_query_energy(0, 0, t, query, 1);
  }
  sequence.prepare_seal(0);
  for (int64_t i = 0; i < sequence.n_due_pages(); ++i) sequence.seal(0, i, 0, 1);
  sequence.commit(std::vector<kv::TokenId>(static_cast<size_t>(n), 0));
  return true;
}

// The records of a file as kind, length in two bytes, bytes.
inline std::string kv_records(const std::string& file) {
  std::string records;
  kv::FileStart start{};
  std::memcpy(&start, file.data(), sizeof(start));
  size_t at = sizeof(start) + start.binding_bytes + sizeof(uint64_t);
  for (;;) {
    kv::RecordStart record{};
    std::memcpy(&record, file.data() + at, sizeof(record));
    if (record.kind == 0) return records;
    records += static_cast<char>(record.kind - 1);
    records += static_cast<char>(record.n_bytes % 256);
    records += static_cast<char>(record.n_bytes / 256);
    records += file.substr(at + sizeof(record), record.n_bytes);
    at += sizeof(record) + record.n_bytes + sizeof(uint64_t);
  }
}

// Names and inputs; `scratch` is a path for a file that is left behind. Empty when something failed.
inline std::vector<std::pair<std::string, std::string>> kv_samples(const std::string& scratch) {
  std::vector<std::pair<std::string, std::string>> samples;
  for (size_t format = 0; format < kKvFormats.size(); ++format) {
    for (const bool is_sequence : {true, false}) {
      const auto cache = make_kv_cache(kKvFormats[format]);
      if (cache == nullptr) return {};
      auto sequence = cache->new_sequence(400);
      if (!sequence.ok() || !run_kv_pass(**sequence, 40) || !run_kv_pass(**sequence, 230)) return {};
      const Status written = is_sequence ? cache->spill(**sequence, scratch) : cache->save(scratch, SIZE_MAX);
      if (!written.ok()) return {};
      std::ifstream stream(scratch, std::ios::binary);
      const std::string file(std::istreambuf_iterator<char>(stream), {});
      std::string name(kv::format_name(kKvFormats[format]));
      name += is_sequence ? ".sequence" : ".prefixes";
      for (const bool is_file : {true, false}) {
        const char choice = kv_choice_byte({.format = format, .is_sequence = is_sequence, .is_file = is_file});
        samples.emplace_back(name + (is_file ? ".file" : ".records"), choice + (is_file ? file : kv_records(file)));
      }
    }
  }
  return samples;
}

}  // namespace docmind::fuzz

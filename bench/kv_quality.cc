// bench_kv_quality: what each KV format costs one model, beside the plain 8 and 4 bit block schemes on the same
// tokens. Usage: bench_kv_quality MODEL CONTEXT TEXTS [FILE]; the texts are CONTEXT tokens each of FILE, or without
// one of the model's own writing. Prints one JSON object with "tokens" (of the texts) and "variants".
// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <string_view>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json.h"
#include "engine/kv_quality.h"
#include "engine/load_tokenizer.h"
#include "engine/sampler.h"
#include "plain_kv.h"

namespace {

using namespace docmind;
using model::TokenId;
using Tokens = std::vector<TokenId>;

struct Wanted {
  std::string model;
  int64_t n_context = 0;
  int64_t n_texts = 0;
  std::string file;
};

// Texts of a model's own, sampled at temperature 1.
Result<std::vector<Tokens>> written(model::Decoder& decoder, const kernels::KernelTable& table, const Wanted& wanted,
                                    TokenId first) {
  std::vector<Tokens> texts;
  std::vector<float> logits(static_cast<size_t>(decoder.config().n_vocab));
  for (int64_t i = 0; i < wanted.n_texts; ++i) {
    DM_ASSIGN(const auto cache, kv::Cache::create(decoder.kv_geometry(), {.format = {}, .budget_bytes = size_t{4} << 30, .identity = {}}, table));
    DM_ASSIGN(const auto sequence, cache->new_sequence(wanted.n_context));
    engine::SamplingOptions options;
    options.temperature = 1;
    options.seed = static_cast<uint64_t>(i + 1);
    engine::Sampler sampler(options, logits.size());
    Tokens text = {first};
    while (static_cast<int64_t>(text.size()) < wanted.n_context) {
      DM_TRY(decoder.forward(*sequence, std::span(text).last(1), logits));
      DM_ASSIGN(const TokenId next, sampler.sample(logits));
      text.push_back(next);
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

Result<std::vector<Tokens>> read_texts(const tokenizer::Tokenizer& tokenizer, const Wanted& wanted) {
  DM_ASSIGN(const std::string text, read_file(wanted.file, 64 << 20));
  const Tokens all = tokenizer.encode(text, {.add_special = true, .parse_special = false});
  const auto n = static_cast<size_t>(wanted.n_context);
  std::vector<Tokens> texts;
  for (size_t at = 0; at + n <= all.size() && static_cast<int64_t>(texts.size()) < wanted.n_texts; at += n) {
    texts.emplace_back(all.begin() + static_cast<ptrdiff_t>(at), all.begin() + static_cast<ptrdiff_t>(at + n));
  }
  if (!texts.empty()) return texts;
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("'{}' has {} tokens, and a text of {} is wanted", wanted.file, all.size(), n)};
}

// Ours, or the plain scheme: that has no part in how we scale queries against keys.
std::vector<engine::KvVariant> variants(bool plain_ones) {
  const auto of = [](const char* name, kv::Format format) {
    return engine::KvVariant{.name = name, .format = {.format = format}};
  };
  const auto plain = [](const char* name, int bits, int64_t residual) {
    return engine::KvVariant{.name = name, .format = {}, .after_piece = bench::plain_kv(bits, residual)};
  };
  if (plain_ones) {
    return {plain("plain q8_0", 8, 128), plain("plain q4_0", 4, 128), plain("plain q8_0, all", 8, -1),
            plain("plain q4_0, all", 4, -1)};
  }
  return {of("int8", kv::Format::kInt8), of("k8v4", kv::Format::kK8V4), of("int4", kv::Format::kInt4),
          of("mixed", kv::Format::kMixed)};
}

json::object as_json(const engine::KvQuality& one) {
  return {{"name", one.name},         {"tokens", one.n_tokens},
          {"mean_kl", one.mean_kl},   {"worst_kl", one.worst_kl},
          {"same_top", one.same_top}, {"perplexity", one.perplexity},
          {"perplexity_ratio", one.perplexity_ratio()}};
}

Result<json::object> measure(const Wanted& wanted) {
  DM_ASSIGN(const gguf::File file, gguf::File::open(wanted.model));
  DM_ASSIGN(const kernels::KernelTable* table, kernels::kernel_table_named("auto"));
  ThreadTeam team(0);
  DM_ASSIGN(const auto decoder, model::Decoder::load(file, {.kernels = table, .team = &team, .progress = {}}));
  DM_ASSIGN(const auto unfolded, model::Decoder::load(file, {.kernels = table, .team = &team, .fold_key_scales = false,
                                                             .progress = {}}));
  DM_ASSIGN(const auto tokenizer, engine::load_tokenizer(file));
  const TokenId first = tokenizer->vocabulary().bos.value_or(1);
  DM_ASSIGN(const std::vector<Tokens> texts, wanted.file.empty() ? written(*decoder, *table, wanted, first)
                                                                 : read_texts(*tokenizer, wanted));
  std::vector<std::vector<engine::KvQuality>> results;
  json::array tokens;
  const auto ours = variants(false), plain = variants(true);
  for (const Tokens& text : texts) {
    DM_ASSIGN(auto result, engine::measure_kv_quality(*decoder, *table, text, ours, {}));
    DM_ASSIGN(const auto other, engine::measure_kv_quality(*unfolded, *table, text, plain, {}));
    result.insert(result.end(), other.begin(), other.end());
    results.push_back(std::move(result));
    tokens.push_back(json::array(text.begin(), text.end()));
  }
  json::array list;
  for (const engine::KvQuality& one : engine::combine(results)) list.push_back(as_json(one));
  json::object bytes;
  for (const engine::KvVariant& variant : ours) {
    DM_ASSIGN(const kv::Layout layout, kv::Layout::create(decoder->kv_geometry(), variant.format));
    DM_ASSIGN(const kv::Layout exact, kv::Layout::create(decoder->kv_geometry(), {}));
    bytes[variant.name] = 16 * layout.bytes_per_token() / exact.bytes_per_token();
  }
  return json::object{{"tokens", std::move(tokens)}, {"variants", std::move(list)}, {"bits", std::move(bytes)}};
}

bool read_number(std::string_view text, int64_t& number) {
  return std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc() && number > 0;
}

}  // namespace

int main(int argc, char** argv) {
  Wanted wanted;
  if (argc < 4 || argc > 5 || !read_number(argv[2], wanted.n_context) || !read_number(argv[3], wanted.n_texts)) {
    fmt::print(stderr, "usage: bench_kv_quality MODEL CONTEXT TEXTS [FILE]\n");
    return 2;
  }
  wanted.model = argv[1];
  if (argc == 5) wanted.file = argv[4];
  const Result<json::object> result = measure(wanted);
  if (!result.ok()) {
    fmt::print(stderr, "{}\n", result.error().message);
    return 1;
  }
  fmt::print("{}\n", json::serialize(*result));
  return 0;
}

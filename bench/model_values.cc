// bench_model_values: what a model computes for given tokens, so that model_speed.py and quantize_on_load.py can
// check it before they measure. Usage: bench_model_values FILE ISA [int8|int4] TOKEN... ; prints one JSON object with
// the last token's "logits", or the text's "vector" or "score".
// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/json.h"
#include "base/thread_team.h"
#include "kv/cache.h"
#include "model/decoder.h"
#include "model/encoder.h"

namespace {

using namespace docmind;
using model::TokenId;

json::array as_list(const std::vector<float>& values) { return json::array(values.begin(), values.end()); }

Result<json::object> decoder_values(const gguf::File& file, const model::LoadOptions& options,
                                    const std::vector<TokenId>& tokens) {
  DM_ASSIGN(const auto decoder, model::Decoder::load(file, options));
  const kv::CacheOptions cache_options{.format = {}, .budget_bytes = size_t{1} << 30, .identity = {}};
  DM_ASSIGN(const auto cache, kv::Cache::create(decoder->kv_geometry(), cache_options, *options.kernels));
  DM_ASSIGN(const auto sequence, cache->new_sequence(static_cast<int64_t>(tokens.size())));
  std::vector<float> logits(static_cast<size_t>(decoder->config().n_vocab));
  DM_TRY(decoder->forward(*sequence, tokens, logits));
  return json::object{{"logits", as_list(logits)}};
}

Result<json::object> encoder_values(const gguf::File& file, const model::LoadOptions& options,
                                    const std::vector<TokenId>& tokens) {
  DM_ASSIGN(const auto encoder, model::Encoder::load(file, options));
  const std::span<const TokenId> one[] = {tokens};
  if (encoder->config().has_classifier) {
    float score = 0;
    DM_TRY(encoder->rank(one, {&score, 1}));
    return json::object{{"score", score}};
  }
  std::vector<float> vector(static_cast<size_t>(encoder->config().n_embd));
  DM_TRY(encoder->embed(one, false, vector));
  return json::object{{"vector", as_list(vector)}};
}

Result<json::object> values(const char* path, const char* isa, model::QuantizeOnLoad quantize,
                            const std::vector<TokenId>& tokens) {
  DM_ASSIGN(const gguf::File file, gguf::File::open(path));
  DM_ASSIGN(const kernels::KernelTable* table, kernels::kernel_table_named(isa));
  ThreadTeam team(0);
  const model::LoadOptions options{
      .kernels = table, .team = &team, .max_batch_tokens = 512, .progress = {}, .quantize = quantize};
  return file.architecture() == "bert" ? encoder_values(file, options, tokens) : decoder_values(file, options, tokens);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print(stderr, "usage: bench_model_values FILE ISA [int8|int4] TOKEN...\n");
    return 2;
  }
  int first = 3;
  auto quantize = model::QuantizeOnLoad::kNone;
  if (std::string_view(argv[first]) == "int8") quantize = model::QuantizeOnLoad::kInt8;
  if (std::string_view(argv[first]) == "int4") quantize = model::QuantizeOnLoad::kInt4;
  if (quantize != model::QuantizeOnLoad::kNone) ++first;
  std::vector<TokenId> tokens;
  for (int i = first; i < argc; ++i) {
    const std::string_view text = argv[i];
    TokenId token = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), token).ec != std::errc()) {
      fmt::print(stderr, "'{}' is not a token id\n", text);
      return 2;
    }
    tokens.push_back(token);
  }
  const Result<json::object> result = values(argv[1], argv[2], quantize, tokens);
  if (!result.ok()) {
    fmt::print(stderr, "{}\n", result.error().message);
    return 1;
  }
  fmt::print("{}\n", json::serialize(*result));
  return 0;
}

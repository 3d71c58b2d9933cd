// What 'bench model' prints.
// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_report.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::cli {
namespace {

std::string rate_line(std::string_view what, const std::optional<engine::BenchRate>& rate,
                      std::string_view unit, std::string_view limit) {
  if (!rate) return {};
  return fmt::format("  {:<34} {:>10.1f} {:<9} {:>5.1f}% of {}\n", what, rate->per_second, unit,
                     rate->of_limit * 100, limit);
}

}  // namespace

json::object bench_to_json(const engine::BenchReport& report) {
  json::object object;
  const auto add = [&](std::string_view key, std::string_view share,
                       const std::optional<engine::BenchRate>& rate) {
    if (!rate) return;
    object[key] = rate->per_second;
    object[share] = rate->of_limit;
  };
  add("prefill_tps", "prefill_of_limit", report.prefill);
  add("prefill_4096_tps", "prefill_4096_of_limit", report.prefill_4096);
  add("decode_tps", "decode_of_limit", report.decode);
  add("embed_tps", "embed_of_limit", report.embed);
  add("embed_batch_tps", "embed_batch_of_limit", report.embed_batch);
  add("rerank_pairs_per_s", "rerank_of_limit", report.rerank_pairs);
  if (report.decode) object["first_token_ms"] = report.first_token_ms;
  object["load_ms"] = report.load_ms;
  object["loaded_rss_bytes"] = report.loaded_rss_bytes;
  object["peak_rss_bytes"] = report.peak_rss_bytes;
  object["file_bytes"] = report.model.file_bytes;
  object["read_gb_per_s"] = report.limits.read_gb_per_s;
  object["int8_gmac_per_s"] = report.limits.int8_gmac_per_s;
  object["isa"] = report.model.isa;
  object["quantized_on_load"] = report.model.quantized_on_load;
  object["threads"] = report.model.n_threads;
  object["model"] = report.model.name;
  object["architecture"] = to_valid_utf8(report.model.architecture);
  object["path"] = to_valid_utf8(report.model.path);
  return object;
}

namespace {

std::string memory_line(std::string_view what, int64_t n_bytes, size_t file_bytes) {
  return fmt::format("  {:<34} {:>10}, {:.2f} x the file\n", what, format_bytes(n_bytes),
                     static_cast<double>(n_bytes) / static_cast<double>(std::max<size_t>(file_bytes, 1)));
}

}  // namespace

std::string bench_table(const engine::BenchReport& report, int64_t n_prompt, int64_t n_generate) {
  constexpr const char* kMultiply = "the int8 rate";
  std::string text = fmt::format(
      "{}, {}: {}, {}\n", report.model.name, engine::model_kind_name(report.kind), report.model.isa,
      format_count(static_cast<int64_t>(report.model.n_threads), "thread"));
  text += rate_line(fmt::format("prompt of {} tokens", n_prompt), report.prefill, "tokens/s", kMultiply);
  text += rate_line("prompt of 4,096 tokens", report.prefill_4096, "tokens/s", kMultiply);
  text += rate_line(fmt::format("{} tokens after the prompt", n_generate), report.decode, "tokens/s",
                    "the reading speed");
  text += rate_line(fmt::format("embedding a text of {} tokens", n_prompt), report.embed, "tokens/s", kMultiply);
  text += rate_line("embedding 8 texts of 64 tokens", report.embed_batch, "tokens/s", kMultiply);
  text += rate_line("reranking pairs of 256 tokens", report.rerank_pairs, "pairs/s", kMultiply);
  if (report.decode) text += fmt::format("  {:<34} {:>10}\n", "first token after", format_ms(report.first_token_ms));
  text += fmt::format("  {:<34} {:>10}\n", "loaded in", format_ms(report.load_ms));
  text += memory_line("peak memory while loading", report.loaded_rss_bytes, report.model.file_bytes);
  text += memory_line("peak memory with all of this", report.peak_rss_bytes, report.model.file_bytes);
  text += fmt::format("limits of this machine: {:.1f} GB/s read, {:.1f} int8 GMAC/s\n",
                      report.limits.read_gb_per_s, report.limits.int8_gmac_per_s);
  return text;
}

}  // namespace docmind::cli

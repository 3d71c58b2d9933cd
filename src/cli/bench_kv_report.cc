// What 'bench kv' and 'bench streams' print.
// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_kv_report.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::cli {
namespace {

const engine::KvFormatReport* exact_of(const engine::KvBenchReport& report) {
  for (const engine::KvFormatReport& one : report.formats) {
    if (one.format == kv::Format::kF16) return &one;
  }
  return nullptr;
}

std::string table_row(const engine::KvFormatReport& one, const engine::KvFormatReport* exact) {
  const std::string share =
      exact == nullptr ? "" : fmt::format("{:.1f}%", 100 * one.bytes_per_token / exact->bytes_per_token);
  const std::string decode = one.decode_ms ? fmt::format("{:.1f}", *one.decode_ms) : "";
  return fmt::format("  {:<6} {:>9} {:>7} {:>10} {:>10} {:>10} {:>11} {:>8.2f} {:>7.1f} {:>8.1f} {:>8}\n",
                     kv::format_name(one.format), format_bytes(static_cast<int64_t>(one.bytes_per_token)), share,
                     format_bytes(one.sequence_bytes), format_bytes(one.counted_bytes), format_bytes(one.process_bytes),
                     one.budget_tokens, one.attend_ms, one.attend_gb_per_s, one.prefill_ms, decode);
}

}  // namespace

json::object kv_bench_to_json(const engine::KvBenchReport& report) {
  json::array formats;
  const engine::KvFormatReport* exact = exact_of(report);
  for (const engine::KvFormatReport& one : report.formats) {
    json::object object{{"format", kv::format_name(one.format)},
                        {"bytes_per_token", one.bytes_per_token},
                        {"sequence_bytes", one.sequence_bytes},
                        {"counted_bytes", one.counted_bytes},
                        {"process_bytes", one.process_bytes},
                        {"budget_tokens", one.budget_tokens},
                        {"attend_ms", one.attend_ms},
                        {"attend_gb_per_s", one.attend_gb_per_s},
                        {"prefill_ms", one.prefill_ms}};
    if (exact != nullptr) object["of_f16"] = one.bytes_per_token / exact->bytes_per_token;
    if (one.decode_ms) object["decode_ms"] = *one.decode_ms;
    formats.push_back(std::move(object));
  }
  return {{"formats", std::move(formats)},
          {"tokens", report.n_tokens},
          {"budget_bytes", report.budget_bytes},
          {"read_gb_per_s", report.read_gb_per_s},
          {"layers", report.geometry.n_layers},
          {"kv_heads", report.geometry.n_kv_heads},
          {"head_dim", report.geometry.head_dim},
          {"isa", report.isa},
          {"threads", report.n_threads},
          {"model", to_valid_utf8(report.model)}};
}

std::string kv_bench_table(const engine::KvBenchReport& report) {
  std::string text = fmt::format(
      "{}: {} layers, {} KV heads of {}; {}, {}; made-up keys and values of {} tokens\n", report.model,
      report.geometry.n_layers, report.geometry.n_kv_heads, report.geometry.head_dim, report.isa,
      format_count(static_cast<int64_t>(report.n_threads), "thread"), report.n_tokens);
  text += fmt::format("  {:<6} {:>9} {:>7} {:>10} {:>10} {:>10} {:>11} {:>8} {:>7} {:>8} {:>8}\n", "format", "a token",
                      "of f16", "planned", "counted", "process", "in budget", "attend", "GB/s", "prompt", "decode");
  text += fmt::format("  {:<6} {:>9} {:>7} {:>10} {:>10} {:>10} {:>11} {:>8} {:>7} {:>8} {:>8}\n", "", "", "", "", "", "grew by",
                      "tokens", "ms", "", "ms", "ms");
  const engine::KvFormatReport* exact = exact_of(report);
  for (const engine::KvFormatReport& one : report.formats) text += table_row(one, exact);
  text += fmt::format("in budget: the longest text that {} hold; attend: attention of one token over all layers;\n"
                      "prompt: attention of 256 tokens of a prompt at the end{}\n",
                      format_bytes(static_cast<int64_t>(report.budget_bytes)),
                      report.formats.empty() || !report.formats[0].decode_ms ? "" : "; decode: a whole token");
  text += fmt::format("limit of this machine: {:.1f} GB/s read\n", report.read_gb_per_s);
  return text;
}

json::object kv_quality_to_json(const engine::KvQualityReport& report) {
  json::array rows;
  for (const engine::KvQualityReport::Row& row : report.rows) {
    json::object object{{"format", kv::format_name(row.format)},
                        {"mean_kl", row.quality.mean_kl},
                        {"worst_kl", row.quality.worst_kl},
                        {"same_top", row.quality.same_top},
                        {"perplexity", row.quality.perplexity},
                        {"perplexity_ratio", row.quality.perplexity_ratio()}};
    if (row.gate) {
      object["most_mean_kl"] = row.gate->most_mean_kl;
      object["least_same_top"] = row.gate->least_same_top;
      object["passes"] = row.gate->passes(row.quality);
    }
    rows.push_back(std::move(object));
  }
  return {{"f16_perplexity", report.rows.empty() ? 0 : report.rows[0].quality.exact_perplexity},
          {"quality", std::move(rows)},
          {"tokens", report.n_tokens},
          {"contexts", report.n_contexts},
          {"isa", report.isa},
          {"threads", report.n_threads},
          {"model", to_valid_utf8(report.model)}};
}

std::string kv_quality_table(const engine::KvQualityReport& report) {
  std::string text = fmt::format("{}: {} tokens in {}; {}, {}\n", report.model, report.n_tokens,
                                 format_count(report.n_contexts, "context"), report.isa,
                                 format_count(static_cast<int64_t>(report.n_threads), "thread"));
  text += fmt::format("  {:<6} {:>9} {:>9} {:>9} {:>11}  {}\n", "format", "mean KLD", "worst", "same top", "perplexity",
                      "verdict");
  for (const engine::KvQualityReport::Row& row : report.rows) {
    std::string verdict = "no limit is set";
    if (row.gate) {
      verdict = fmt::format("{}: at most {}, at least {:.1f}%", row.gate->passes(row.quality) ? "passes" : "FAILS",
                            row.gate->most_mean_kl, 100 * row.gate->least_same_top);
    }
    text += fmt::format("  {:<6} {:>9.5f} {:>9.4f} {:>8.2f}% {:>10.4f}x  {}\n", kv::format_name(row.format),
                        row.quality.mean_kl, row.quality.worst_kl, 100 * row.quality.same_top,
                        row.quality.perplexity_ratio(), verdict);
  }
  text += "against f16 on the same text; KLD: divergence of the next token's distribution; same top: the likeliest\n"
          "next token is the same; perplexity: how many times that of f16\n";
  return text;
}

json::object stream_bench_to_json(const engine::StreamBenchReport& report, int64_t n_streams) {
  return {{"single_tps", report.single_tps},
          {"total_tps", report.total_tps},
          {"first_token_p95_ms", report.first_token_p95_ms},
          {"gap_p95_ms", report.gap_p95_ms},
          {"gap_p95_admitting_ms", report.gap_p95_admitting_ms},
          {"admitted_first_ms", report.admitted_first_ms},
          {"admitted_alone_ms", report.admitted_alone_ms},
          {"streams", n_streams},
          {"isa", report.model.isa},
          {"threads", report.model.n_threads},
          {"model", report.model.name},
          {"path", to_valid_utf8(report.model.path)}};
}

std::string stream_bench_table(const engine::StreamBenchReport& report, const engine::StreamBenchOptions& options) {
  std::string text = fmt::format("{}: {}, {}; prompts of {} tokens, {} generated\n", report.model.name,
                                 report.model.isa,
                                 format_count(static_cast<int64_t>(report.model.n_threads), "thread"),
                                 options.n_prompt, options.n_generate);
  const auto line = [&](const std::string& what, double value, std::string_view unit, const std::string& note = "") {
    text += fmt::format("  {:<52} {:>9.1f} {}{}\n", what, value, unit, note);
  };
  line("one stream", report.single_tps, "tokens/s");
  line(fmt::format("{} streams together", options.n_streams), report.total_tps, "tokens/s",
       fmt::format(", {:.2f} x one", report.total_tps / std::max(report.single_tps, 1e-9)));
  line("first token of these, 95th percentile", report.first_token_p95_ms, "ms");
  if (options.n_admitted == 0) return text;
  line("time between tokens, 95th percentile", report.gap_p95_ms, "ms");
  line(fmt::format("the same while a prompt of {} tokens enters", options.n_admitted), report.gap_p95_admitting_ms,
       "ms", fmt::format(", {:.2f} x", report.gap_p95_admitting_ms / std::max(report.gap_p95_ms, 1e-9)));
  line("first token of that prompt", report.admitted_first_ms, "ms");
  line("the same with nothing beside it", report.admitted_alone_ms, "ms");
  return text;
}

}  // namespace docmind::cli

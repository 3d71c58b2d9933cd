// What 'quantize' prints.
// SPDX-License-Identifier: Apache-2.0
#include "cli/quantize_report.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::cli {
namespace {

// "Q4_K 170, Q6_K 29, F32 113 (as they were)", the most bytes first.
std::string types_text(const quantize::Conversion& conversion) {
  struct Share {
    size_t n_tensors = 0, n_bytes = 0;
  };
  std::map<std::string, Share> by_type;
  for (const quantize::ConvertedTensor& tensor : conversion.tensors) {
    Share& share = by_type[tensor.to];
    ++share.n_tensors;
    share.n_bytes += tensor.bytes_after;
  }
  std::vector<std::pair<std::string, Share>> rows(by_type.begin(), by_type.end());
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.second.n_bytes > b.second.n_bytes; });
  std::string text;
  for (const auto& [type, share] : rows) {
    const std::string n = format_count(static_cast<int64_t>(share.n_tensors), "tensor");
    text += fmt::format("{}{} in {}", text.empty() ? "" : ", ", printable(type), n);
  }
  return text;
}

// Why tensors have another type than the scheme's, each reason once with an example.
std::string exceptions_text(const quantize::Conversion& conversion) {
  std::map<std::string, std::pair<size_t, std::string>> reasons;
  for (const quantize::ConvertedTensor& tensor : conversion.tensors) {
    if (tensor.why.empty()) continue;
    auto& [n, example] = reasons[tensor.why];
    if (n++ == 0) example = fmt::format("{} is {}", tensor.name, tensor.to);
  }
  std::string text;
  for (const auto& [why, found] : reasons) {
    text += fmt::format("            {}: {}{}\n", printable(found.second), printable(why),
                        found.first > 1 ? fmt::format(" ({} tensors)", found.first) : "");
  }
  return text;
}

std::string language_text(const quantize::LanguageQuality& q) {
  return fmt::format("KLD mean {:.5f}, median {:.5f}, 99.9% {:.4f}, worst {:.4f}\n"
                     "            same likeliest token {:.2f}%, perplexity {:.4g} -> {:.4g} ({:.4f} times)\n",
                     q.mean_kld, q.median_kld, q.kld_99_9, q.worst_kld, 100 * q.same_top, q.source_perplexity,
                     q.perplexity, q.perplexity_ratio());
}

std::string embedding_text(const quantize::EmbeddingQuality& q) {
  return fmt::format("cosine mean {:.5f}, 1% are below {:.5f}\n"
                     "            order of documents: Kendall's tau {:.4f}; nDCG@10 {:.4f} -> {:.4f}\n",
                     q.mean_cosine, q.cosine_1, q.kendall_tau, q.source_ndcg_10, q.ndcg_10);
}

std::string rerank_text(const quantize::RerankQuality& q) {
  return fmt::format("Spearman {:.4f}, {:.1f}% of the best {} are the same, probabilities move by {:.4f}\n"
                     "            nDCG@10 {:.4f} -> {:.4f}\n",
                     q.spearman, 100 * q.top_k_overlap, q.k, q.mean_probability_change, q.source_ndcg_10, q.ndcg_10);
}

std::string sample_text(const quantize::Quality& quality) {
  if (quality.language) {
    return fmt::format("{} in {} of {}", format_count(quality.language->n_tokens, "token"),
                       format_count(quality.language->n_contexts, "context"), printable(quality.sample));
  }
  const int64_t n = quality.embedding ? quality.embedding->n_queries : quality.rerank ? quality.rerank->n_queries : 0;
  return fmt::format("{} {} of {}", format_count(n), n == 1 ? "query" : "queries", printable(quality.sample));
}

std::string quality_text(const quantize::Quality& quality, const Terminal& terminal) {
  std::string text = fmt::format("  quality   against the source, over {}:\n            ", sample_text(quality));
  if (quality.language) text += language_text(*quality.language);
  if (quality.embedding) text += embedding_text(*quality.embedding);
  if (quality.rerank) text += rerank_text(*quality.rerank);
  const Style style = quality.passes ? Style::kGreen : Style::kRed;
  return text + fmt::format("  verdict   {}\n", terminal.styled(style, printable(quality.verdict)));
}

}  // namespace

std::string quality_report_text(const quantize::Quality& quality, const Terminal& terminal) {
  return quality_text(quality, terminal);
}

std::string quantize_report_text(const quantize::QuantizeReport& report, const Terminal& terminal) {
  const quantize::Conversion& made = report.conversion;
  std::string text = fmt::format("{} -> {}: {}{}\n", display_path(report.source), display_path(report.destination),
                                 quantize::scheme_name(report.scheme),
                                 report.level == quantize::Level::kBalanced ? std::string() :
                                     fmt::format(", {}", quantize::level_name(report.level)));
  text += fmt::format("  types     {}\n{}", types_text(made), exceptions_text(made));
  const double ratio =
      static_cast<double>(report.source_file_bytes) / static_cast<double>(std::max<size_t>(report.file_bytes, 1));
  text += fmt::format("  size      {} -> {}, {:.2f} times smaller, {:.2f} bits a weight\n",
                      format_bytes(static_cast<int64_t>(report.source_file_bytes)),
                      format_bytes(static_cast<int64_t>(report.file_bytes)), ratio, made.bits_per_weight());
  if (!report.calibration_name.empty()) {
    text += fmt::format("  weighted  by {}: {}\n", printable(report.calibration_name),
                        format_count(static_cast<int64_t>(report.n_calibrated), "tensor"));
  }
  text += fmt::format("  time      {:.1f} s, of which converting {:.1f} s ({:.0f} MB/s read)\n", report.seconds,
                      made.seconds, static_cast<double>(made.bytes_before) / 1e6 / std::max(made.seconds, 1e-9));
  if (report.quality) return text + quality_text(*report.quality, terminal);
  return text + "  quality   was not measured, as was asked\n";
}

std::string analysis_table(const quantize::Analysis& analysis, const std::string& file) {
  std::string text = fmt::format("{}: {} weights in {} matrices\n", display_path(file),
                                 format_count(analysis.n_weights), format_count(analysis.n_tensors));
  text += fmt::format("  {:<28} {:>6} {:>10} {:>10} {:>10} {:>10}  {}\n", "format", "bits", "size", "rms error",
                      "worst", "one weight", "worst in");
  for (const quantize::FormatError& one : analysis.formats) {
    text += fmt::format("  {:<28} {:>6.3f} {:>10} {:>9.4f}% {:>9.4f}% {:>9.2f}%  {}\n",
                        one.name + (one.in_gguf ? "" : " *"), one.bits_per_weight,
                        format_bytes(static_cast<int64_t>(one.n_bytes)), 100 * one.relative_rms,
                        100 * one.worst_relative_rms, 100 * one.largest_error, printable(one.worst_tensor));
  }
  text += "rms error: of all weights, relative to their size; worst: of one matrix; one weight: its largest error,\n"
          "relative to the largest weight of its block. * is no GGUF type and stands here for comparison.\n";
  return text;
}

}  // namespace docmind::cli

// What a run of the repeating workload gave, as a table and as JSON.
// SPDX-License-Identifier: Apache-2.0
#include "repeat_report.h"

#include <fmt/format.h>

namespace docmind::bench {
namespace {

// What a model of a few billion weights does on some CPU cores; an assumption, used in one line only.
constexpr double kPromptTokensPerMs = 0.2;
constexpr double kAnswerTokensPerMs = 0.02;

double at(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

json::object times_row(const char* what, const Times& times) {
  const json::object row{{"what", what},
                         {"n", times.ms.size()},
                         {"p50_ms", at(times.ms, 0.5)},
                         {"p99_ms", at(times.ms, 0.99)},
                         {"cpu_p50_ms", at(times.cpu_ms, 0.5)}};
  fmt::print("    {:<14} {:>8} {:>10.3f} {:>10.3f} {:>14.3f}\n", what, times.ms.size(), at(times.ms, 0.5),
             at(times.ms, 0.99), at(times.cpu_ms, 0.5));
  return row;
}

}  // namespace

json::object show_run(const std::string& title, const Run& run, double exact_rate) {
  const auto percent = [&](size_t n) {
    return 100 * static_cast<double>(n) / static_cast<double>(run.n_requests());
  };
  fmt::print("\n  {}\n", title);
  fmt::print("    hit rate {:.2f}% (exact {:.2f}%, other wording {:.2f}%); an exact cache would have {:.2f}%\n",
             100 * run.hit_rate(), percent(run.exact.ms.size()), percent(run.near.ms.size()),
             100 * exact_rate);
  fmt::print("    hits for another topic {}, of these wrong {} ({:.3f}% of the hits); stale {}; declining {}; "
             "rechecked {}\n",
             run.n_other_topic, run.n_wrong, 100 * run.wrong_share(), run.n_stale, run.n_declined,
             run.n_revalidated);
  fmt::print("    {:<14} {:>8} {:>10} {:>10} {:>14}\n", "", "requests", "p50 ms", "p99 ms", "p50 CPU ms");
  json::array times{times_row("exact hit", run.exact), times_row("near hit", run.near),
                    times_row("miss", run.miss), times_row("no cache", run.uncached)};
  const double saved_ms = run.uncached_ms - run.ms;
  fmt::print("    whole run {:.1f} s against {:.1f} s without a cache ({:.1f} x); CPU {:.1f} s against {:.1f} s "
             "({:.1f} x)\n",
             run.ms / 1e3, run.uncached_ms / 1e3, run.uncached_ms / run.ms, run.cpu_ms / 1e3,
             run.uncached_cpu_ms / 1e3, run.uncached_cpu_ms / run.cpu_ms);
  fmt::print("    saved {:.2f} ms a request; tokens of a model saved: {} of prompts, {} of answers\n",
             saved_ms / static_cast<double>(run.n_requests()), run.n_prompt_tokens, run.n_answer_tokens);
  const double model_s = (static_cast<double>(run.n_prompt_tokens) / kPromptTokensPerMs +
                          static_cast<double>(run.n_answer_tokens) / kAnswerTokensPerMs) / 1e3;
  fmt::print("    (assumed: at {:.0f} tokens/s of prompts and {:.0f} of answers these are {:.1f} h)\n",
             1e3 * kPromptTokensPerMs, 1e3 * kAnswerTokensPerMs, model_s / 3'600);
  return {{"hit_rate", run.hit_rate()}, {"exact_cache", exact_rate}, {"near_hits", run.near.ms.size()},
          {"other_topic", run.n_other_topic}, {"wrong", run.n_wrong}, {"stale", run.n_stale},
          {"times", std::move(times)}, {"saved_ms", saved_ms}, {"prompt_tokens", run.n_prompt_tokens},
          {"answer_tokens", run.n_answer_tokens}, {"speed_up", run.uncached_ms / run.ms},
          {"cpu_speed_up", run.uncached_cpu_ms / run.cpu_ms}};
}

}  // namespace docmind::bench

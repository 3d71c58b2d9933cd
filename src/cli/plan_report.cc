// What 'docmind plan' prints.
// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_report.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::cli {
namespace {

using control::Plan;
using control::PlanChoice;

std::string in_gib(int64_t n_bytes) { return fmt::format("{:.2f} GiB", static_cast<double>(n_bytes) / (1 << 30)); }

std::string_view shown_provider(control::PlanProvider provider) {
  switch (provider) {
    case control::PlanProvider::kNative: return "the native engine";
    case control::PlanProvider::kLlamaCpp: return "llama.cpp";
    case control::PlanProvider::kOllama: return "Ollama";
    case control::PlanProvider::kVllm: return "vLLM";
  }
  return "";
}

std::string heading(const PlanChoice& asked) {
  const std::string texts = asked.concurrent == 1 ? "a text" : fmt::format("{} texts", format_count(asked.concurrent));
  return fmt::format("{} for {} of {} tokens: {}, {}\n\n", printable(asked.model.name), texts,
                     format_count(asked.context), shown_provider(asked.provider), printable(asked.device.name));
}

std::string parts_table(const PlanChoice& asked) {
  std::string text;
  for (const control::PlanPart& part : asked.parts) {
    text += fmt::format("  {:<12} {:>11}  {}\n", part.name, in_gib(part.n_bytes), printable(part.note));
  }
  const control::PlanDevice& device = asked.device;
  text += fmt::format("  {:<12} {:>11}\n", "total", in_gib(asked.total_bytes));
  text += fmt::format("  {:<12} {:>11}  of {}, without {}\n", "usable", in_gib(device.usable_bytes),
                      in_gib(device.memory_bytes), device.gpu ? "display and driver" : "the rest of the system");
  return text;
}

std::string verdict(const PlanChoice& asked, const Terminal& terminal) {
  if (asked.fits) {
    return terminal.styled(Style::kGreen, fmt::format("It fits: {} are free.", in_gib(-asked.missing_bytes))) + "\n";
  }
  return terminal.styled(Style::kRed, fmt::format("It does not fit: {} are needed, {} can be used, {} are missing.",
                                                  in_gib(asked.total_bytes), in_gib(asked.device.usable_bytes),
                                                  in_gib(asked.missing_bytes))) + "\n";
}

// One line, or none where the bandwidth is not known.
std::string speed(const PlanChoice& choice) {
  if (!choice.decode_tokens_per_s || !choice.decode_tokens_per_s_empty) return "";
  std::string text = fmt::format("at most {:.3g} tokens a second at the end of such a text, {:.3g} at its beginning",
                                 *choice.decode_tokens_per_s, *choice.decode_tokens_per_s_empty);
  if (choice.concurrent > 1 && choice.decode_tokens_per_s_together) {
    text += fmt::format("; {} at once: {:.3g} together, {:.3g} each", format_count(choice.concurrent),
                        *choice.decode_tokens_per_s_together,
                        *choice.decode_tokens_per_s_together / static_cast<double>(choice.concurrent));
  }
  return text;
}

// GiB in all, weights down and KV formats across.
std::string options_matrix(const Plan& plan, const Terminal& terminal) {
  std::vector<std::string> formats;
  for (const PlanChoice& option : plan.options) {
    if (std::ranges::find(formats, option.kv) == formats.end()) formats.push_back(option.kv);
  }
  std::string text = fmt::format("\n  {:<12}", "GiB in all");
  for (const std::string& kv : formats) text += fmt::format(" {:>9}", printable(kv));
  std::string row;
  for (const PlanChoice& option : plan.options) {
    if (option.weights != row) {
      row = option.weights;
      text += fmt::format("\n  {:<12}", printable(row));
    }
    const std::string cell = fmt::format(" {:>7.2f}{}", static_cast<double>(option.total_bytes) / (1 << 30),
                                         option.fits ? " *" : "  ");
    text += option.fits ? terminal.styled(Style::kGreen, cell) : cell;
  }
  return text + "\n  * fits\n";
}

std::string alternative(const PlanChoice& choice, size_t number) {
  std::string changes;
  for (const std::string& change : choice.changes) changes += (changes.empty() ? "" : "; ") + printable(change);
  std::string text = fmt::format("  {}. {}\n     {} of {} usable: {} {}, {} and {}, {} tokens\n", number, changes,
                                 in_gib(choice.total_bytes), in_gib(choice.device.usable_bytes),
                                 printable(choice.model.name), choice.concurrent == 1 ? "alone" : fmt::format(
                                     "with {} texts at once", format_count(choice.concurrent)),
                                 printable(choice.weights), printable(choice.kv), format_count(choice.context));
  if (const std::string line = speed(choice); !line.empty()) text += fmt::format("     {}\n", line);
  for (const std::string& line : choice.quality) text += fmt::format("     {}\n", printable(line));
  return text;
}

std::string alternatives(const Plan& plan) {
  if (plan.asked.fits) return "";
  if (plan.alternatives.empty()) {
    return "\nNothing of this family fits, however short the context: more memory or another model is needed.\n";
  }
  std::string text = "\nNearest that fit:\n";
  for (size_t i = 0; i < plan.alternatives.size(); ++i) text += alternative(plan.alternatives[i], i + 1);
  return text;
}

// Of what was asked and of the alternatives, each once.
std::string notes(const Plan& plan) {
  std::string text;
  std::set<std::string> seen;
  const auto add = [&](const PlanChoice& choice) {
    for (const std::string& note : choice.notes) {
      if (seen.insert(note).second) text += fmt::format("  - {}\n", printable(note));
    }
  };
  add(plan.asked);
  for (const PlanChoice& choice : plan.alternatives) add(choice);
  return text.empty() ? "" : "\nNotes:\n" + text;
}

}  // namespace

std::string plan_report(const Plan& plan, const Terminal& terminal) {
  const PlanChoice& asked = plan.asked;
  std::string text = heading(asked) + parts_table(asked) + verdict(asked, terminal);
  const std::string line = speed(asked);
  text += line.empty() ? "Decoding: how fast its memory is read is not known; --bandwidth says it.\n"
                       : fmt::format("Decoding: {}.\n", line);
  for (const std::string& known : asked.quality) text += fmt::format("Quality: {}\n", printable(known));
  return text + options_matrix(plan, terminal) + alternatives(plan) + notes(plan);
}

}  // namespace docmind::cli

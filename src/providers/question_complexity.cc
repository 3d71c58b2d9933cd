// The rules by which a question counts as hard for a small language model.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

#include "base/text.h"
#include "base/words.h"
#include "providers/generator_routes.h"

namespace docmind::providers {
namespace {

// --- The rules. A question is hard where one of them holds; the first one that does is named. ---

// A question of a fact is short.
constexpr size_t kMostFactualWords = 20;
constexpr size_t kMostFactualBytes = 200;
// "A, B, C and D" or a sentence of several parts.
constexpr size_t kLeastClauseMarks = 3;
// Small models lose sight of what stands in the middle of a long prompt (Liu et al., "Lost in the Middle", 2023).
constexpr size_t kMostFactualPassages = 10;
constexpr size_t kMostFactualPassageBytes = 20 << 10;

// Words and phrases in folded case, of English, German, French and Spanish.
struct AskingRule {
  std::string_view asks_for;
  std::string_view phrases;  // separated by '|'
};
constexpr std::array<AskingRule, 5> kAskingRules{{
    {"a comparison",
     "compare|compared|compares|comparing|comparison|contrast|differ|differs|difference|differences|different from|"
     "versus|vs|better than|worse than|better|worse|advantage|advantages|disadvantage|disadvantages|pros and cons|"
     "trade off|trade offs|in common|similarities|"
     "vergleiche|vergleichen|vergleich|verglichen|unterschied|unterschiede|unterscheidet|unterscheiden|gegenüber|"
     "besser|schlechter|vorteil|vorteile|nachteil|nachteile|gemeinsamkeiten|"
     "comparez|comparer|comparaison|différence|différences|avantages|inconvénients|"
     "compara|comparar|comparación|diferencia|diferencias|ventajas|desventajas"},
    {"a reason",
     "why|how come|reason|reasons|what causes|cause of|justify|"
     "warum|wieso|weshalb|weswegen|grund|gründe|begründe|begründen|ursache|ursachen|"
     "pourquoi|raison|raisons|por qué|razón|razones"},
    {"an explanation",
     "explain|explains|explanation|describe|elaborate|clarify|how do|how does|how did|how can|how could|how should|"
     "how would|how is|how are|how was|how were|how to|how i|how we|what happens|step by step|"
     "erkläre|erklären|erklärt|erklärung|erläutere|erläutern|beschreibe|beschreiben|schildere|wie funktioniert|"
     "wie funktionieren|wie kann|wie können|wie wird|wie werden|wie wurde|wie geht|wie gehe|wie macht|wie mache|"
     "wie muss|wie soll|wie sollte|was passiert|was geschieht|schritt für schritt|"
     "expliquez|explique|expliquer|décrivez|comment fonctionne|comment faire|"
     "explica|explicar|describe|cómo funciona|cómo puedo|cómo se"},
    {"a summary",
     "summarise|summarize|summary|summaries|overview|outline|main points|key points|list all|list the|enumerate|"
     "what are all|"
     "fasse|zusammenfassen|zusammenfassung|zusammengefasst|überblick|übersicht|kernaussagen|hauptpunkte|liste alle|"
     "zähle|aufzählen|nenne alle|"
     "résumez|résumer|résumé|aperçu|resume|resumir|resumen"},
    {"a judgement",
     "analyse|analyze|analysis|evaluate|assess|discuss|recommend|recommendation|should i|should we|implication|"
     "implications|consequence|consequences|impact of|what if|"
     "analysiere|analysieren|analyse|bewerte|bewerten|beurteile|beurteilen|diskutiere|empfiehl|empfehlung|"
     "empfehlen|soll ich|sollten wir|folgen|auswirkung|auswirkungen|was wäre wenn|"
     "analysez|évaluez|recommandez|conséquences|analiza|evalúa|recomienda|consecuencias"},
}};

// A second question that begins with one of the first after one of the second.
constexpr std::string_view kConjunctions = "and|or|und|oder|sowie|et|ou|y|o";
constexpr std::string_view kQuestionWords =
    "who|whom|whose|what|when|where|which|why|how|wer|wen|wem|wessen|was|wann|wo|wohin|woher|welche|welcher|welches|"
    "welchen|welchem|warum|wieso|wie|qui|quand|où|quel|quelle|quels|quelles|combien|quién|qué|cuándo|dónde|cuál|"
    "cuánto|cuántos|cómo";

// --- Their application. ---

// The words in folded case, each between spaces: " how heavy is the pump ".
struct FoldedQuestion {
  std::string text = " ";
  size_t n_words = 0;

  explicit FoldedQuestion(std::string_view question) {
    WordAnalyzer analyzer;
    for (const Word& word : analyzer.analyze(question)) {
      text += fold_case(word.source) + " ";
      ++n_words;
    }
  }
  [[nodiscard]] bool has(std::string_view phrase) const {
    return text.find(fmt::format(" {} ", phrase)) != std::string::npos;
  }
};

// Calls `visit` with each of "a|b|c" until it is true.
template <typename Visit>
bool any_of_list(std::string_view list, const Visit& visit) {
  while (!list.empty()) {
    const size_t end = std::min(list.find('|'), list.size());
    if (visit(list.substr(0, end))) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

size_t count_of(std::string_view text, std::string_view characters) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [&](char c) { return characters.find(c) != std::string_view::npos; }));
}

std::string asking_fault(const FoldedQuestion& question) {
  for (const AskingRule& rule : kAskingRules) {
    std::string found;
    if (any_of_list(rule.phrases, [&](std::string_view phrase) {
          if (question.has(phrase)) found = phrase;
          return !found.empty();
        })) {
      return fmt::format("asks for {} ('{}')", rule.asks_for, found);
    }
  }
  return {};
}

std::string second_question(const FoldedQuestion& question) {
  std::string found;
  any_of_list(kConjunctions, [&](std::string_view conjunction) {
    return any_of_list(kQuestionWords, [&](std::string_view word) {
      std::string phrase = fmt::format("{} {}", conjunction, word);
      if (!question.has(phrase)) return false;
      found = std::move(phrase);
      return true;
    });
  });
  return found;
}

// Why it is hard; empty: it is not.
std::string hard_reason(std::string_view question, size_t n_passages, size_t passage_bytes) {
  const FoldedQuestion folded(question);
  if (std::string fault = asking_fault(folded); !fault.empty()) return fault;
  const std::string plain = fold_case(question);  // full-width marks become plain ones
  if (const size_t n = count_of(plain, "?"); n >= 2) return fmt::format("has {} question marks", n);
  if (const std::string both = second_question(folded); !both.empty()) {
    return fmt::format("asks for several things ('{}')", both);
  }
  if (folded.n_words > kMostFactualWords) {
    return fmt::format("has {} words, more than {}", folded.n_words, kMostFactualWords);
  }
  if (question.size() > kMostFactualBytes) {
    return fmt::format("has {} bytes, more than {}", question.size(), kMostFactualBytes);
  }
  if (const size_t n = count_of(plain, ",;:"); n >= kLeastClauseMarks) return fmt::format("has {} clauses", n + 1);
  if (n_passages > kMostFactualPassages) {
    return fmt::format("needs {} passages, more than {}", n_passages, kMostFactualPassages);
  }
  if (passage_bytes > kMostFactualPassageBytes) {
    return fmt::format("needs {} of passages, more than {}", format_bytes(static_cast<int64_t>(passage_bytes)),
                       format_bytes(kMostFactualPassageBytes));
  }
  return {};
}

}  // namespace

Complexity judge_complexity(std::string_view question, size_t n_passages, size_t passage_bytes) {
  std::string reason = hard_reason(question, n_passages, passage_bytes);
  if (reason.empty()) return {.hard = false, .reason = "is short and factual"};
  return {.hard = true, .reason = std::move(reason)};
}

}  // namespace docmind::providers

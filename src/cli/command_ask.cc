// docmind ask: a cited answer to a question, or to each line of standard input.
// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/library.h"
#include "cli/load_models.h"
#include "cli/metrics_table.h"
#include "monitor/snapshot.h"

namespace docmind::cli {
namespace {

std::string source_line(const Terminal& terminal, const pipeline::Citation& citation) {
  const std::string where =
      pipeline::location_of(display_path(citation.path), citation.start_line, citation.end_line,
                            citation.page, citation.end_page);
  std::string line = fmt::format("  {} {}", terminal.styled(Style::kCyan, fmt::format("[{}]", citation.number)),
                                 where);
  const std::string& about = citation.heading.empty() ? citation.title : citation.heading;
  if (!about.empty()) line += "  " + terminal.styled(Style::kDim, printable(about));
  return line + "\n";
}

// "12 s", "3 h": the coarsest unit that is not zero.
std::string format_age(int64_t ms) {
  const int64_t seconds = ms / 1000;
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3'600) return fmt::format("{} min", seconds / 60);
  if (seconds < 86'400) return fmt::format("{} h", seconds / 3'600);
  return format_count(seconds / 86'400, "day");
}

std::string cache_words(const pipeline::Answer& answer) {
  switch (answer.cache) {
    case pipeline::CacheState::kOff: return "cache off";
    case pipeline::CacheState::kMiss: return "not cached";
    case pipeline::CacheState::kShared: return "shared with a question in flight";
    case pipeline::CacheState::kMemory:
    case pipeline::CacheState::kDisk: break;
  }
  std::string words = answer.cache == pipeline::CacheState::kMemory ? "cached in memory" : "cached on disk";
  const pipeline::CachedFrom& from = *answer.cached;
  words += fmt::format(", {} old", format_age(from.age_ms));
  if (from.similarity < 1) words += fmt::format(", similarity {:.3f}", from.similarity);
  if (answer.revalidated) words += ", checked against the changed index";
  if (answer.stale) words += ", out of date";
  return words;
}

// Why a cached answer was served, a fact a line.
std::string cache_reasons(const pipeline::Answer& answer) {
  if (!answer.cached) return {};
  const pipeline::CachedFrom& from = *answer.cached;
  std::string text;
  const auto line = [&](std::string_view name, const std::string& value) {
    text += fmt::format("  {:<12} {}\n", name, value);
  };
  if (from.id != 0) line("answer", fmt::format("{} (docmind cache feedback {} good|bad)", from.id, from.id));
  line("asked as", printable(from.question));
  line("similarity", fmt::format("{:.3f}{}", from.similarity,
                                 from.verified ? ", borderline: the reranker agreed" : ""));
  if (from.similarity < 1) line("wording", "numbers, negation, names, quotes and direction agree");
  if (from.evidence_checked) line("evidence", fmt::format("agrees to {:.0f}%", 100 * from.agreement));
  else line("evidence", "the index has not changed since");
  if (from.probability) line("right", fmt::format("with probability {:.3f}, as observed so far", *from.probability));
  line("saved", fmt::format("{}, {}", format_ms(from.saved_ms), format_count(from.saved_tokens, "token")));
  return text;
}

class AskCommand final : public Command {
 public:
  CLI::App* declare(CLI::App& app, FieldFlags& fields) override {
    CLI::App* sub = app.add_subcommand(
        "ask",
        "Answer a question from the indexed documents, with numbered citations. Without QUESTION, "
        "each line of standard input is a question.");
    sub->add_option("QUESTION", words_, "The question; several words need no quotes");
    sub->add_flag("--json", json_, "Print one JSON object a question");
    sub->add_flag("--explain", explain_,
                  "Also print the stages with their times, the passages with their scores, the "
                  "provider and the state of the cache");
    fields.add(*sub, "-k,--top-k", "ask.top_k");
    fields.add(*sub, "--min-relevance", "ask.min_relevance");
    fields.add(*sub, "--max-sentences", "ask.max_sentences");
    fields.add(*sub, "--tenant", "tenant");
    add_model_flag(*sub, fields);
    add_retrieval_model_flags(*sub, fields);
    add_generation_flags(*sub, fields);
    fields.add_switch(*sub, "--no-cache", "cache.enabled", "false",
                      "Neither look for the answer in the cache nor keep it there");
    sub->add_flag("--refresh", refresh_, "Answer afresh and replace what the cache has");
    fields.add(*sub, "--cache-threshold", "cache.threshold");
    fields.add(*sub, "--max-wrong", "cache.max_wrong");
    return sub;
  }

  int run(Session& session) override {
    Result<std::unique_ptr<Library>> library = open_library(session);
    if (!library.ok()) return fail(session, library.error());
    if (!words_.empty()) {
      std::string question;
      for (const std::string& word : words_) question += (question.empty() ? "" : " ") + word;
      return answer(session, **library, question);
    }
    std::string line;
    int code = kExitOk;
    while (!session.cancel.cancelled() && session.terminal.out_error() == 0 &&
           std::getline(std::cin, line)) {
      if (trim(line).empty()) continue;
      const int one = answer(session, **library, line);
      if (one != kExitOk) code = one;
    }
    if (explain_) session.terminal.note(metrics_table(monitor::take_snapshot(session.metrics)));
    return session.cancel.cancelled() ? kExitInterrupted : code;
  }

 private:
  int answer(Session& session, Library& library, const std::string& question) {
    const Terminal& terminal = session.terminal;
    bool wrote = false;
    const providers::TextSink sink = [&](std::string_view piece) {
      if (!json_) {
        terminal.out(piece);
        terminal.flush();
        wrote = wrote || !piece.empty();
      }
      return !session.cancel.cancelled();
    };
    pipeline::AskOptions options = ask_options(session);
    options.refresh = refresh_;
    Result<pipeline::Answer> result = library.asker->ask(question, options, sink, session.cancel);
    if (!result.ok()) {
      if (wrote) terminal.out("\n");
      return fail(session, result.error());
    }
    if (json_) {
      terminal.out(json::serialize(pipeline::answer_to_json(*result, explain_)) + "\n");
    } else {
      print(terminal, *result);
    }
    terminal.flush();
    if (!result->cache_error.empty()) {
      session.logger.warn("the answer is not kept in the cache: {}", printable(result->cache_error));
    }
    if (result->stale) renew(session, library, question, options);
    return kExitOk;
  }

  // Stale while revalidate: the reader has the old answer, the next one gets the new.
  static void renew(Session& session, Library& library, const std::string& question,
                    pipeline::AskOptions options) {
    options.refresh = true;
    const Result<pipeline::Answer> renewed = library.asker->ask(
        question, options, [](std::string_view) { return true; }, session.cancel);
    if (!renewed.ok()) session.logger.warn("the answer could not be renewed: {}", renewed.error().message);
  }

  void print(const Terminal& terminal, const pipeline::Answer& answer) const {
    terminal.out("\n");
    if (!answer.citations.empty()) terminal.out("\n");
    for (const pipeline::Citation& citation : answer.citations) {
      terminal.out(source_line(terminal, citation));
    }
    for (const pipeline::Citation& citation : answer.citations) {
      if (!citation.changed_on_disk) continue;
      terminal.note(fmt::format("{} {} changed since it was indexed; run: docmind index",
                                terminal.styled_note(Style::kYellow, "note:"),
                                display_path(citation.path)));
    }
    if (explain_) print_explanation(terminal, answer);
    terminal.out(terminal.styled(Style::kDim, summary(answer)) + "\n");
  }

  // One line: where the time went.
  static std::string summary(const pipeline::Answer& answer) {
    std::string text = fmt::format("{} · {} · {}", format_ms(answer.total_ms), answer.provider,
                                   cache_words(answer));
    std::string stages;
    for (const pipeline::StageTime& stage : answer.stages) {
      if (stage.ms < 0.1) continue;
      stages += fmt::format("{}{} {}", stages.empty() ? "" : ", ", stage.stage, format_ms(stage.ms));
    }
    if (!stages.empty()) text += " · " + stages;
    return text;
  }

  static void print_explanation(const Terminal& terminal, const pipeline::Answer& answer) {
    terminal.out("\nstages\n");
    for (const pipeline::StageTime& stage : answer.stages) {
      terminal.out(fmt::format("  {:<20} {:>10}\n", stage.stage, format_ms(stage.ms)));
    }
    terminal.out("passages\n");
    for (const pipeline::Passage& passage : answer.passages) {
      terminal.out(fmt::format(
          "  score {:.4f}  relevance {:.2f}  {}\n", passage.score, passage.relevance,
          pipeline::location_of(display_path(passage.path), passage.start_line, passage.end_line,
                                passage.page, passage.end_page)));
    }
    terminal.out(fmt::format("provider\n  {}\n", printable(answer.provider)));
    if (!answer.route.empty()) terminal.out(fmt::format("  {}\n", printable(answer.route)));
    terminal.out(fmt::format("cache\n  {}\n{}\n", cache_words(answer), cache_reasons(answer)));
  }

  std::vector<std::string> words_;
  bool json_ = false;
  bool explain_ = false;
  bool refresh_ = false;
};

}  // namespace

std::unique_ptr<Command> make_ask_command() { return std::make_unique<AskCommand>(); }

}  // namespace docmind::cli

// docmind cache: look into the answer cache, correct it, teach it, warm it, take things out of it.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "cli/cache_actions.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/load_models.h"

namespace docmind::cli {
namespace {

std::string text_of(const json::value& value) { return printable(std::string(value.as_string())); }

void print_tiers(const Terminal& terminal, std::string_view prefix, const json::array& tiers) {
  for (const json::value& tier : tiers) {
    terminal.out(fmt::format("{:<18} {:>8} entries  {:>10} of {}\n",
                             std::string(prefix) + text_of(tier.at("tier")),
                             format_count(tier.at("entries").as_int64()),
                             format_bytes(tier.at("size_bytes").as_int64()),
                             format_bytes(tier.at("limit_bytes").as_int64())));
  }
}

void print_stats(const Terminal& terminal, const json::object& stats) {
  print_tiers(terminal, "", stats.at("tiers").as_array());
  if (stats.contains("computed")) {
    print_tiers(terminal, "computed, ", stats.at("computed").as_array());
  }
  if (!stats.contains("questions")) return;
  const json::object& questions = stats.at("questions").as_object();
  const auto number = [&](const char* key) { return questions.at(key).as_int64(); };
  terminal.out(fmt::format("{:<18} {:>8} remembered, {} without an answer\n", "questions",
                           format_count(number("entries")), format_count(number("negative"))));
  terminal.out(fmt::format("{:<18} {:>8} served again: {} and {} saved\n", "answers",
                           format_count(number("hits")),
                           format_ms(questions.at("saved_ms").to_number<double>()),
                           format_count(number("saved_tokens"), "token")));
  const json::object& learned = stats.at("learned").as_object();
  terminal.out(fmt::format("{:<18} {:>8} judged, {} of them wrong\n", "near questions",
                           format_count(learned.at("observations").as_int64()),
                           format_count(learned.at("wrong").as_int64())));
}

void print_list(const Terminal& terminal, const json::array& answers) {
  if (answers.empty()) terminal.out("The cache holds no answer of this tenant.\n");
  for (const json::value& answer : answers) {
    terminal.out(fmt::format("{:>6}  {:>5} served  {:<14}  {}\n", answer.at("id").as_int64(),
                             format_count(answer.at("hits").as_int64()),
                             answer.at("negative").as_bool() ? "no answer" : "",
                             ellipsize(text_of(answer.at("question")), 100)));
  }
}

void print_curve(const Terminal& terminal, const json::object& report) {
  terminal.out("served when right with  hit rate  wrong among hits  at most\n");
  for (const json::value& point : report.at("curve").as_array()) {
    const auto number = [&](const char* key) { return point.at(key).to_number<double>(); };
    terminal.out(fmt::format("{:>21.3f}  {:>7.1f}%  {:>15.2f}%  {:>6.2f}%\n", number("threshold"),
                             100 * number("hit_rate"), 100 * number("wrong_share"),
                             100 * number("upper_bound")));
  }
  const auto percent = [&](const char* key) { return 100 * report.at(key).to_number<double>(); };
  terminal.out(fmt::format("{} pairs judged; limit {:.2f}% wrong among hits with confidence {:.1f}%\n",
                           format_count(report.at("observations").as_int64()), percent("limit"),
                           percent("confidence")));
  if (report.at("threshold").is_null()) {
    terminal.out("These pairs permit no hit under that limit; more pairs or a higher limit may.\n");
  } else {
    terminal.out(fmt::format("Served from probability {:.3f}: {:.1f}% of the questions, {:.2f}% of them "
                             "wrong, at most {:.2f}%.\n",
                             report.at("threshold").to_number<double>(), percent("hit_rate"),
                             percent("wrong_share"), percent("upper_bound")));
  }
}

class CacheCommand final : public Command {
 public:
  CLI::App* declare(CLI::App& app, FieldFlags& fields) override {
    CLI::App* sub = app.add_subcommand(
        "cache", "Look into the answer cache of the store, correct it, teach it, or take answers out.");
    sub->add_subcommand("stats", "Entries, sizes, hits and what they saved (the default)");
    list_ = sub->add_subcommand("list", "Cached questions, the last used first");
    list_->add_option("-n,--limit", limit_, "How many")->check(CLI::Range(1, 1'000'000));
    show_ = sub->add_subcommand("show", "One cached answer with what it depends on");
    show_->add_option("ID", id_, "Number of the answer")->required();
    feedback_ = sub->add_subcommand(
        "feedback", "Judge a served answer: a bad one is forgotten, and both judgements teach");
    feedback_->add_option("ID", id_, "Number of the answer, as 'ask --explain' prints it")->required();
    feedback_->add_option("JUDGEMENT", judgement_, "good or bad")
        ->required()
        ->check(CLI::IsMember({"good", "bad"}));
    declare_invalidate(*sub);
    clear_ = sub->add_subcommand("clear", "Remove every cached answer");
    clear_->add_flag("--computed", computed_, "And the embeddings, rerankings and parsed files");
    calibrate_ = sub->add_subcommand(
        "calibrate", "Learn from labelled pairs of questions which may share an answer: lines of "
                     "{\"question\", \"other\", \"same\": 1 or 0}; prints precision against hit rate");
    calibrate_->add_option("PAIRS", file_, "File of pairs, JSON lines")->required();
    calibrate_->add_flag("--dry-run", dry_run_, "Only print, learn nothing");
    fields.add(*calibrate_, "--max-wrong", "cache.max_wrong");
    fields.add(*calibrate_, "--confidence", "cache.confidence");
    add_retrieval_model_flags(*calibrate_, fields);
    warm_ = sub->add_subcommand("warm", "Answer each question of a file, one a line, into the cache");
    warm_->add_option("QUESTIONS", file_, "File of questions")->required();
    warm_->add_option("-j,--jobs", n_jobs_, "Questions at the same time")->check(CLI::Range(1, 64));
    add_model_flag(*warm_, fields);
    add_retrieval_model_flags(*warm_, fields);
    add_generation_flags(*warm_, fields);
    sub->require_subcommand(0, 1);
    fields.add(*sub, "--tenant", "tenant");
    sub->add_flag("--json", json_, "Print JSON");
    return sub;
  }

  int run(Session& session) override {
    const Status done = dispatch(session);
    session.terminal.flush();
    if (!done.ok()) return fail(session, done.error());
    return session.cancel.cancelled() ? kExitInterrupted : kExitOk;
  }

 private:
  void declare_invalidate(CLI::App& sub) {
    invalidate_ = sub.add_subcommand(
        "invalidate", "Remove the answers that agree with every condition given");
    invalidate_->add_option("--document", document_, "Made from this file");
    invalidate_->add_option("--folder", folder_, "Made from a file at or below this folder");
    invalidate_->add_option("--older-than", older_s_, "Made more than this many seconds ago")
        ->check(CLI::Range(int64_t{0}, int64_t{1'000'000'000}));
    invalidate_->add_flag("--negative", negative_, "Say that the documents hold no answer");
    invalidate_->add_flag("--all-tenants", all_tenants_, "Of every tenant, not only --tenant");
  }

  Status dispatch(Session& session) {
    const Terminal& terminal = session.terminal;
    if (list_->parsed()) {
      DM_ASSIGN(const json::array answers, list_answers(session, limit_));
      if (json_) terminal.out(to_string_pretty(answers) + "\n");
      else print_list(terminal, answers);
    } else if (show_->parsed()) {
      DM_ASSIGN(const json::object answer, show_answer(session, id_));
      terminal.out(to_string_pretty(answer) + "\n");
    } else if (feedback_->parsed()) {
      DM_TRY(judge_answer(session, id_, judgement_ == "good"));
      terminal.out(judgement_ == "good" ? "noted\n" : "noted, and the answer is forgotten\n");
    } else if (invalidate_->parsed()) {
      DM_ASSIGN(const int64_t n_removed, invalidate(session));
      terminal.out(format_count(n_removed, "answer") + " removed\n");
    } else if (clear_->parsed()) {
      DM_TRY(clear_answers(session, computed_));
      terminal.out("the answer cache is empty\n");
    } else if (calibrate_->parsed()) {
      DM_ASSIGN(const json::object report, calibrate_cache(session, file_, !dry_run_));
      if (json_) terminal.out(to_string_pretty(report) + "\n");
      else print_curve(terminal, report);
    } else if (warm_->parsed()) {
      DM_ASSIGN(const json::object report, warm_cache(session, file_, n_jobs_));
      if (json_) terminal.out(to_string_pretty(report) + "\n");
      else print_warmed(terminal, report);
    } else {
      DM_ASSIGN(const json::object stats, cache_stats(session));
      if (json_) terminal.out(to_string_pretty(stats) + "\n");
      else print_stats(terminal, stats);
    }
    return {};
  }

  Result<int64_t> invalidate(Session& session) const {
    AnswerConditions conditions{.document = document_,
                                .folder = folder_,
                                .negatives_only = negative_,
                                .all_tenants = all_tenants_};
    if (invalidate_->count("--older-than") > 0) conditions.older_than_s = older_s_;
    return invalidate_answers(session, conditions);
  }

  static void print_warmed(const Terminal& terminal, const json::object& report) {
    terminal.out(fmt::format("{} answered, {} in the cache already, {} without an answer, {} failed\n",
                             format_count(report.at("answered").as_int64()),
                             format_count(report.at("cached").as_int64()),
                             format_count(report.at("negative").as_int64()),
                             format_count(report.at("failed").as_int64())));
  }

  CLI::App *list_ = nullptr, *show_ = nullptr, *feedback_ = nullptr, *invalidate_ = nullptr;
  CLI::App *clear_ = nullptr, *calibrate_ = nullptr, *warm_ = nullptr;
  int64_t limit_ = 50;
  int64_t id_ = 0;
  int64_t older_s_ = 0;
  size_t n_jobs_ = 1;
  std::string judgement_, document_, folder_, file_;
  bool negative_ = false;
  bool all_tenants_ = false;
  bool dry_run_ = false;
  bool computed_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_cache_command() { return std::make_unique<CacheCommand>(); }

}  // namespace docmind::cli

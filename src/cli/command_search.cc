// docmind search: the ranked passages behind an answer, without one.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/library.h"
#include "cli/load_models.h"
#include "cli/metrics_table.h"
#include "monitor/snapshot.h"
#include "monitor/trace.h"

namespace docmind::cli {
namespace {

constexpr int64_t kMaxQueriesBytes = 256LL << 20;
constexpr size_t kPreviewColumns = 200;

json::array results_json(const pipeline::Retrieval& retrieval) {
  json::array results;
  for (const pipeline::Passage& passage : retrieval.passages) {
    results.push_back(pipeline::passage_to_json(passage));
  }
  return results;
}

class SearchCommand final : public Command {
 public:
  CLI::App* declare(CLI::App& app, FieldFlags& fields) override {
    CLI::App* sub = app.add_subcommand(
        "search", "Show the ranked passages for a question, best first, without an answer.");
    sub->add_option("QUERY", words_, "The question; several words need no quotes");
    sub->add_flag("--json", json_,
                  "Print one JSON object with 'results': path, start_line, end_line, page, score, "
                  "text, heading and title of each passage");
    sub->add_flag("--explain", explain_,
                  "Also print on standard error where the time went, by stage, and peak memory");
    sub->add_option("--queries", queries_,
                    "Run a file of 'id<TAB>query' lines in one process; prints one JSON object a "
                    "line with 'id' and 'results'")
        ->type_name("FILE");
    fields.add(*sub, "-k,--top-k", "search.top_k");
    add_retrieval_model_flags(*sub, fields);
    return sub;
  }

  int run(Session& session) override {
    if (words_.empty() == queries_.empty()) {
      return fail(session, Error{ErrorCode::kInvalidArgument,
                                 "search needs a QUERY or --queries FILE, and not both"});
    }
    Result<std::string> folder = store_folder(session);
    if (!folder.ok()) return fail(session, folder.error());
    const std::unique_ptr<cache::ComputationCache> computed = open_computed(session, *folder);
    Result<RetrievalModels> models = load_retrieval_models(session, computed.get());
    if (!models.ok()) return fail(session, models.error());
    Result<pipeline::Corpus> corpus =
        pipeline::Corpus::open(*folder, corpus_options(session, *models, computed.get()));
    if (!corpus.ok()) return fail(session, corpus.error());
    const int code = queries_.empty() ? run_words(session, *corpus) : run_file(session, *corpus);
    if (explain_) session.terminal.note(metrics_table(monitor::take_snapshot(session.metrics)));
    return code;
  }

 private:
  int run_words(Session& session, pipeline::Corpus& corpus) {
    std::string query;
    for (const std::string& word : words_) query += (query.empty() ? "" : " ") + word;
    Result<pipeline::Retrieval> retrieval = retrieve(session, corpus, query);
    if (!retrieval.ok()) return fail(session, retrieval.error());
    print(session, query, *retrieval);
    return kExitOk;
  }

  static Result<pipeline::Retrieval> retrieve(Session& session, pipeline::Corpus& corpus,
                                              std::string_view query) {
    const pipeline::RetrieveOptions options =
        retrieve_options(session, session.config().search.top_k);
    monitor::Trace trace(session.metrics);
    monitor::StageTimer timer(session.metrics, monitor::Stage::kTotalSearch);
    return corpus.retrieve(query, options, trace, session.cancel);
  }

  int run_file(Session& session, pipeline::Corpus& corpus) {
    Result<std::string> text = read_file(queries_, kMaxQueriesBytes);
    if (!text.ok()) return fail(session, text.error());
    std::string_view rest = *text;
    const Terminal& terminal = session.terminal;
    for (size_t number = 1; !rest.empty() && terminal.out_error() == 0; ++number) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      std::string_view line = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (trim(line).empty()) continue;
      const size_t tab = line.find('\t');
      if (tab == std::string_view::npos) {
        return fail(session, Error{ErrorCode::kInvalidArgument,
                                   fmt::format("'{}' line {}: expected 'id<TAB>query', found no tab",
                                               printable(queries_), number)});
      }
      Result<pipeline::Retrieval> retrieval = retrieve(session, corpus, line.substr(tab + 1));
      if (!retrieval.ok()) return fail(session, retrieval.error());
      const json::object object{{"id", to_valid_utf8(line.substr(0, tab))},
                                {"results", results_json(*retrieval)}};
      terminal.out(json::serialize(object) + "\n");
    }
    terminal.flush();
    return kExitOk;
  }

  void print(const Session& session, const std::string& query,
             const pipeline::Retrieval& retrieval) const {
    const Terminal& terminal = session.terminal;
    if (json_) {
      const json::object object{{"query", to_valid_utf8(query)}, {"results", results_json(retrieval)}};
      terminal.out(to_string_pretty(object) + "\n");
    } else if (retrieval.passages.empty()) {
      terminal.out("No passage holds any of these words.\n");
    } else {
      for (size_t i = 0; i < retrieval.passages.size(); ++i) {
        print_passage(terminal, i + 1, retrieval.passages[i]);
      }
    }
    terminal.flush();
  }

  static void print_passage(const Terminal& terminal, size_t number,
                            const pipeline::Passage& passage) {
    const std::string where =
        pipeline::location_of(display_path(passage.path), passage.start_line, passage.end_line,
                              passage.page, passage.end_page);
    terminal.out(fmt::format("{:>2}  {}  {}\n", number, terminal.styled(Style::kBold, where),
                             terminal.styled(Style::kDim, fmt::format("{:.4f}", passage.score))));
    const std::string& about = passage.heading.empty() ? passage.title : passage.heading;
    if (!about.empty()) terminal.out("    " + terminal.styled(Style::kCyan, printable(about)) + "\n");
    std::string preview;
    for (const char c : passage.text.substr(0, 4 * kPreviewColumns)) {
      const bool space = c == ' ' || c == '\n' || c == '\t';
      if (!space) preview.push_back(c);
      if (space && !preview.empty() && preview.back() != ' ') preview.push_back(' ');
    }
    terminal.out("    " + ellipsize(printable(to_valid_utf8(preview)), kPreviewColumns) + "\n");
  }

  std::vector<std::string> words_;
  std::string queries_;
  bool json_ = false;
  bool explain_ = false;
};

}  // namespace

std::unique_ptr<Command> make_search_command() { return std::make_unique<SearchCommand>(); }

}  // namespace docmind::cli

// docmind index: brings the store in line with folders and files; --watch keeps it so.
// SPDX-License-Identifier: Apache-2.0
#include <poll.h>

#include <filesystem>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/library.h"
#include "cli/load_models.h"
#include "cli/metrics_table.h"
#include "cli/progress_bar.h"
#include "index/store_writer.h"
#include "ingest/watcher.h"
#include "monitor/snapshot.h"
#include "pipeline/caching_models.h"
#include "pipeline/embedder_stage.h"
#include "pipeline/indexer.h"
#include "pipeline/lexical_stage.h"

namespace docmind::cli {
namespace {

constexpr int kWatchQuietMs = 300;
constexpr int kBusyPauseMs = 1'000;
constexpr size_t kMaxNamed = 20;  // skipped files that are named before the rest is counted

json::object report_to_json(const pipeline::IndexReport& report) {
  json::array skipped;
  for (const auto& skip : report.skipped) {
    skipped.push_back({{"path", to_valid_utf8(skip.path)},
                       {"code", error_code_name(skip.error.code)},
                       {"reason", to_valid_utf8(skip.error.message)}});
  }
  json::array warnings;
  for (const auto& warning : report.warnings) {
    warnings.push_back({{"path", to_valid_utf8(warning.path)}, {"warning", warning.text}});
  }
  return {{"found", report.n_found},
          {"added", report.n_added},
          {"updated", report.n_updated},
          {"unchanged", report.n_unchanged},
          {"removed", report.n_removed},
          {"ignored", report.n_ignored},
          {"skipped", std::move(skipped)},
          {"warnings", std::move(warnings)},
          {"new_chunks", report.n_chunks},
          {"read_bytes", report.read_bytes},
          {"trained", report.trained},
          {"elapsed_ms", report.elapsed_ms},
          {"store",
           {{"documents", report.totals.n_documents},
            {"chunks", report.totals.n_chunks},
            {"vectors", report.totals.n_vectors},
            {"text_bytes", report.totals.text_bytes},
            {"file_bytes", report.totals.file_bytes}}}};
}

void print_skipped(const Terminal& terminal, const pipeline::IndexReport& report) {
  size_t n_named = 0;
  for (const auto& skip : report.skipped) {
    if (n_named++ == kMaxNamed) {
      terminal.note(fmt::format("  ... and {} more (all of them with --json)",
                                report.skipped.size() - kMaxNamed));
      break;
    }
    terminal.note(fmt::format("  {} {}: {}", terminal.styled_note(Style::kYellow, "skipped"),
                              display_path(skip.path), printable(skip.error.message)));
  }
}

void print_report(const Terminal& terminal, const pipeline::IndexReport& report) {
  print_skipped(terminal, report);
  for (size_t i = 0; i < report.warnings.size() && i < kMaxNamed; ++i) {
    terminal.note(fmt::format("  note {}: {}", display_path(report.warnings[i].path),
                              printable(report.warnings[i].text)));
  }
  terminal.out(fmt::format(
      "{}  {} added, {} updated, {} unchanged, {} removed, {} skipped\n",
      terminal.styled(Style::kBold, format_count(report.n_found, "file")),
      format_count(report.n_added), format_count(report.n_updated),
      format_count(report.n_unchanged), format_count(report.n_removed),
      format_count(static_cast<int64_t>(report.skipped.size()))));
  terminal.out(fmt::format("{} read, {} in {}; the store has {}, {}, {}\n",
                           format_bytes(report.read_bytes),
                           format_count(report.n_chunks, "new chunk"), format_ms(report.elapsed_ms),
                           format_count(report.totals.n_documents, "document"),
                           format_count(report.totals.n_chunks, "chunk"),
                           format_bytes(report.totals.file_bytes)));
}

class IndexCommand final : public Command {
 public:
  CLI::App* declare(CLI::App& app, FieldFlags& fields) override {
    CLI::App* sub = app.add_subcommand(
        "index",
        "Read documents into the store: text, Markdown, HTML, PDF and DOCX, folders recursively. "
        "Only files that changed since the last run are read again; files that are gone are "
        "removed. Without PATH, everything indexed before is brought up to date.");
    sub->add_option("PATH", roots_, "Folders or files to index");
    sub->add_flag("-w,--watch", watch_,
                  "Stay and index again whenever something changes; Ctrl-C ends it with exit code 0");
    sub->add_flag("--rehash", rehash_,
                  "Read every file again, also those whose size and times are unchanged");
    sub->add_flag("--reembed", reembed_,
                  "Drop all vectors and make them again, also when another embedder made them");
    sub->add_flag("--json", json_, "Print the summary as one JSON object");
    sub->add_flag("--explain", explain_, "Also print where the time went, by stage, and peak memory");
    fields.add(*sub, "--include", "index.include");
    fields.add(*sub, "--exclude", "index.exclude");
    fields.add(*sub, "--max-file-mib", "index.max_file_mib");
    fields.add(*sub, "--threads", "index.threads");
    add_embedder_flags(*sub, fields);
    return sub;
  }

  int run(Session& session) override {
    if (Status made = make_absolute(); !made.ok()) return fail(session, made.error());
    Result<std::unique_ptr<providers::Embedder>> embedder = load_embedder(session);
    if (!embedder.ok()) return fail(session, embedder.error());
    embedder_ = *std::move(embedder);
    if (!watch_) return run_once(session, roots_);
    return run_watch(session);
  }

 private:
  Status make_absolute() {
    for (std::string& root : roots_) {
      std::error_code failure;
      const auto path = std::filesystem::absolute(root, failure).lexically_normal();
      if (failure) {
        return Error{ErrorCode::kInvalidArgument,
                     "cannot make '" + root + "' absolute: " + failure.message()};
      }
      root = path.string();
      if (root.size() > 1 && root.ends_with('/')) root.pop_back();
    }
    return {};
  }

  int run_once(Session& session, const std::vector<std::string>& roots) {
    ProgressBar bar(session.terminal);
    Result<pipeline::IndexReport> report = index(session, roots, bar);
    bar.finish();
    if (!report.ok()) return fail(session, report.error());
    if (const int64_t n_cut = embedder_ != nullptr ? embedder_->n_cut_tokens() : 0; n_cut > 0) {
      session.terminal.note(fmt::format("{} beyond the embedder's context were left out of the vectors; "
                                        "a smaller index.chunk_target_bytes keeps them",
                                        format_count(n_cut, "token")));
    }
    if (json_) {
      print_skipped(session.terminal, *report);
      json::object object = report_to_json(*report);
      if (explain_) object["metrics"] = metrics_to_json(monitor::take_snapshot(session.metrics));
      session.terminal.out(to_string_pretty(object) + "\n");
    } else {
      print_report(session.terminal, *report);
      if (explain_) {
        session.terminal.out("\n" + metrics_table(monitor::take_snapshot(session.metrics)));
      }
    }
    session.terminal.flush();
    return report->skipped.empty() ? kExitOk : kExitSkipped;
  }

  Result<pipeline::IndexReport> index(Session& session, const std::vector<std::string>& roots,
                                      ProgressBar& bar) {
    index::WriterOptions options;
    options.lock_wait_ms = static_cast<int>(session.config().store.lock_wait_ms);
    options.cancel = session.cancel;
    options.on_wait = [&](int pid) {
      session.terminal.note(fmt::format("waiting for process {}, which is writing to this store",
                                        pid > 0 ? std::to_string(pid) : "unknown"));
    };
    DM_ASSIGN(const std::string folder, store_folder(session));
    DM_ASSIGN(const index::StoreWriter store, index::StoreWriter::open(folder, options));
    if (reembed_) {
      DM_ASSIGN(index::WriteBatch batch, store.begin());
      DM_TRY(batch.drop_vectors());
      DM_TRY(batch.commit());
      reembed_ = false;  // once, not at each change that --watch sees
    }
    ThreadPool pool(static_cast<size_t>(session.config().index.threads));
    std::unique_ptr<pipeline::VectorStage> vectors;
    const std::unique_ptr<cache::ComputationCache> computed = open_computed(session, folder);
    std::unique_ptr<pipeline::CachingEmbedder> caching;
    if (embedder_ != nullptr && computed != nullptr) {
      caching = std::make_unique<pipeline::CachingEmbedder>(*embedder_, *computed);
    }
    if (caching != nullptr) {
      vectors = std::make_unique<pipeline::EmbedderStage>(*caching, session.metrics);
    } else if (embedder_ != nullptr) {
      vectors = std::make_unique<pipeline::EmbedderStage>(*embedder_, session.metrics);
    } else {
      vectors = std::make_unique<pipeline::LexicalStage>(pool, session.metrics);
    }
    pipeline::Indexer indexer(store, *vectors, session.metrics);
    pipeline::IndexRequest request = index_request(session);
    request.roots = roots;
    request.rehash = rehash_;
    request.job.computed = computed.get();
    DM_ASSIGN(pipeline::IndexReport report,
              indexer.run(
                  request, [&](const pipeline::IndexProgress& progress) { bar.show(progress); },
                  session.cancel));
    drop_answers_of(session, folder, report.changed_paths);
    return report;
  }

  // Watches before the first pass, so that no change falls between the two.
  int run_watch(Session& session) {
    std::vector<std::string> roots = roots_;
    if (roots.empty()) {
      Result<std::vector<std::string>> known = known_roots(session);
      if (!known.ok()) return fail(session, known.error());
      roots = *std::move(known);
    }
    Result<ingest::Watcher> watcher = ingest::Watcher::create(roots);
    if (!watcher.ok()) return fail(session, watcher.error());
    int code = run_patiently(session, roots_);
    while (code == kExitOk || code == kExitSkipped) {
      session.terminal.note("watching for changes; stop with Ctrl-C");
      Result<std::vector<std::string>> changed = watcher->wait(kWatchQuietMs, session.cancel);
      if (!changed.ok()) {
        if (changed.error().code == ErrorCode::kCancelled) return kExitOk;
        return fail(session, changed.error());
      }
      code = run_patiently(session, roots_.empty() ? std::vector<std::string>{} : *changed);
    }
    return code == kExitInterrupted ? kExitOk : code;
  }

  // Another writer may take long; what changed must not be forgotten meanwhile.
  int run_patiently(Session& session, const std::vector<std::string>& roots) {
    int code = run_once(session, roots);
    while (code == kExitBusy && !session.cancel.cancelled()) {
      ::poll(nullptr, 0, kBusyPauseMs);  // a signal ends it
      code = run_once(session, roots);
    }
    return code;
  }

  static Result<std::vector<std::string>> known_roots(Session& session) {
    DM_ASSIGN(const std::string folder, store_folder(session));
    DM_ASSIGN(const index::StoreReader store, index::StoreReader::open(folder));
    DM_ASSIGN(const std::vector<index::RootRecord> records, store.roots());
    std::vector<std::string> roots;
    for (const index::RootRecord& record : records) roots.push_back(record.path);
    return roots;
  }

  std::vector<std::string> roots_;
  std::unique_ptr<providers::Embedder> embedder_;  // null: the built-in lexical one
  bool watch_ = false;
  bool rehash_ = false;
  bool reembed_ = false;
  bool json_ = false;
  bool explain_ = false;
};

}  // namespace

std::unique_ptr<Command> make_index_command() { return std::make_unique<IndexCommand>(); }

}  // namespace docmind::cli

// docmind status and remove: look into a store and take documents out of it.
// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/library.h"
#include "index/store_writer.h"

namespace docmind::cli {
namespace {

class StatusCommand final : public Command {
 public:
  CLI::App* declare(CLI::App& app, FieldFlags&) override {
    CLI::App* sub = app.add_subcommand(
        "status", "Show what is in the store: roots, documents, chunks, vectors, files that failed.");
    sub->add_flag("--json", json_, "Print one JSON object");
    sub->add_flag("--files", files_, "Also list every indexed document");
    return sub;
  }

  int run(Session& session) override {
    Result<json::object> status = collect(session);
    if (!status.ok()) return fail(session, status.error());
    if (json_) {
      session.terminal.out(to_string_pretty(*status) + "\n");
    } else {
      print(session.terminal, *status);
    }
    session.terminal.flush();
    return kExitOk;
  }

 private:
  Result<json::object> collect(Session& session) const {
    DM_ASSIGN(const std::string folder, store_folder(session));
    DM_ASSIGN(const index::StoreReader store, index::StoreReader::open(folder));
    DM_ASSIGN(const index::StoreCounts counts, store.counts());
    DM_ASSIGN(const std::vector<index::RootRecord> roots, store.roots());
    DM_ASSIGN(const std::vector<index::FailureRecord> failures, store.failures_below(""));
    DM_ASSIGN(const std::optional<index::EmbedderRecord> embedder, store.embedder());
    DM_ASSIGN(const int64_t generation, store.generation());
    json::array root_list;
    for (const index::RootRecord& root : roots) root_list.push_back(json::string(to_valid_utf8(root.path)));
    json::array failure_list;
    for (const index::FailureRecord& failure : failures) {
      failure_list.push_back({{"path", to_valid_utf8(failure.path)},
                              {"reason", to_valid_utf8(failure.error.message)}});
    }
    json::object status{{"store", folder},
                        {"generation", generation},
                        {"roots", std::move(root_list)},
                        {"documents", counts.n_documents},
                        {"chunks", counts.n_chunks},
                        {"vectors", counts.n_vectors},
                        {"text_bytes", counts.text_bytes},
                        {"file_bytes", counts.file_bytes},
                        {"embedder", embedder ? json::value(embedder->identity) : json::value()},
                        {"failures", std::move(failure_list)}};
    if (files_) {
      DM_ASSIGN(const std::vector<index::DocumentRecord> documents, store.documents_below(""));
      json::array files;
      for (const index::DocumentRecord& document : documents) {
        files.push_back({{"path", to_valid_utf8(document.path)},
                         {"title", document.title},
                         {"format", document.format},
                         {"chunks", document.n_chunks},
                         {"sha256", to_hex(document.content_hash)}});
      }
      status["files"] = std::move(files);
    }
    return status;
  }

  static void print(const Terminal& terminal, const json::object& status) {
    const auto number = [&](const char* key) { return status.at(key).as_int64(); };
    const auto text = [&](const json::value& value) { return printable(std::string(value.as_string())); };
    terminal.out(fmt::format("store      {}\n", text(status.at("store"))));
    terminal.out(fmt::format("documents  {}\n", format_count(number("documents"))));
    terminal.out(fmt::format("chunks     {} ({} with vectors)\n", format_count(number("chunks")),
                             format_count(number("vectors"))));
    terminal.out(fmt::format("size       {} of text, {} on disk\n", format_bytes(number("text_bytes")),
                             format_bytes(number("file_bytes"))));
    if (status.at("embedder").is_string()) {
      terminal.out(fmt::format("embedder   {}\n", text(status.at("embedder"))));
    }
    for (const json::value& root : status.at("roots").as_array()) {
      terminal.out(fmt::format("root       {}\n", text(root)));
    }
    for (const json::value& failure : status.at("failures").as_array()) {
      terminal.out(fmt::format("failed     {}: {}\n", text(failure.at("path")), text(failure.at("reason"))));
    }
    if (!status.contains("files")) return;
    for (const json::value& file : status.at("files").as_array()) {
      terminal.out(fmt::format("{:<9}  {}\n", std::string(file.at("format").as_string()), text(file.at("path"))));
    }
  }

  bool json_ = false;
  bool files_ = false;
};

class RemoveCommand final : public Command {
 public:
  CLI::App* declare(CLI::App& app, FieldFlags&) override {
    CLI::App* sub = app.add_subcommand(
        "remove", "Take documents out of the store: everything at or below each PATH. The files "
                  "themselves stay.");
    sub->add_option("PATH", paths_, "Folders or files as they were indexed")->required();
    return sub;
  }

  int run(Session& session) override {
    Result<int64_t> n_removed = remove(session);
    if (!n_removed.ok()) return fail(session, n_removed.error());
    session.terminal.out(format_count(*n_removed, "document") + " removed\n");
    session.terminal.flush();
    return kExitOk;
  }

 private:
  Result<int64_t> remove(Session& session) {
    DM_ASSIGN(const std::string folder, store_folder(session));
    DM_TRY(check_exists(folder));
    index::WriterOptions options;
    options.lock_wait_ms = static_cast<int>(session.config().store.lock_wait_ms);
    options.cancel = session.cancel;
    DM_ASSIGN(const index::StoreWriter store, index::StoreWriter::open(folder, options));
    DM_ASSIGN(index::WriteBatch batch, store.begin());
    std::vector<std::string> removed;
    for (const std::string& name : paths_) {
      std::error_code no_path;
      std::string path = std::filesystem::absolute(name, no_path).lexically_normal().string();
      if (no_path) {
        return Error{ErrorCode::kInvalidArgument,
                     "cannot make '" + name + "' absolute: " + no_path.message()};
      }
      if (path.size() > 1 && path.ends_with('/')) path.pop_back();
      DM_ASSIGN(const std::vector<index::DocumentRecord> documents,
                store.reader().documents_below(path));
      for (const index::DocumentRecord& document : documents) {
        DM_TRY(batch.remove_document(document.id));
        removed.push_back(document.path);
      }
      DM_ASSIGN(const std::vector<index::FailureRecord> failures,
                store.reader().failures_below(path));
      for (const index::FailureRecord& failure : failures) DM_TRY(batch.remove_failure(failure.path));
      DM_TRY(batch.remove_roots_below(path));
    }
    DM_TRY(batch.commit());
    DM_TRY(store.finish());
    drop_answers_of(session, folder, removed);
    return static_cast<int64_t>(removed.size());
  }

  // Opening for writing would create an empty store.
  static Status check_exists(const std::string& folder) {
    Result<index::StoreReader> store = index::StoreReader::open(folder);
    if (!store.ok() && store.error().code == ErrorCode::kNotFound) return std::move(store).error();
    return {};
  }

  std::vector<std::string> paths_;
};

}  // namespace

std::unique_ptr<Command> make_status_command() { return std::make_unique<StatusCommand>(); }
std::unique_ptr<Command> make_remove_command() { return std::make_unique<RemoveCommand>(); }

}  // namespace docmind::cli

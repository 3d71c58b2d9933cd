// docmind doctor, completion and the hidden parse worker: the machine and the program.
// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <filesystem>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/completion.h"
#include "cli/exit_codes.h"
#include "cli/finding.h"
#include "cli/library.h"
#include "cli/upstream_findings.h"
#include "ingest/worker.h"
#include "monitor/process.h"

namespace docmind::cli {
namespace {

constexpr int64_t kLowDiskBytes = 1LL << 30;
constexpr int64_t kLowMemoryBytes = 512LL << 20;

class DoctorCommand final : public Command {
 public:
  CLI::App* declare(CLI::App& app, FieldFlags&) override {
    CLI::App* sub = app.add_subcommand(
        "doctor", "Check the machine, the configuration and the store, and say what to do about "
                  "what is wrong. Exits with 1 if something is.");
    sub->add_flag("--json", json_, "Print one JSON object");
    return sub;
  }

  int run(Session& session) override {
    findings_.clear();
    check_machine();
    check_config(session);
    check_store(session);
    check_worker(session);
    for (Finding& finding : upstream_findings(session)) findings_.push_back(std::move(finding));
    const bool bad = std::any_of(findings_.begin(), findings_.end(), [](const Finding& finding) {
      return finding.level == Finding::Level::kBad;
    });
    print(session.terminal);
    return bad ? kExitFailed : kExitOk;
  }

 private:
  void add(Finding::Level level, std::string topic, std::string text) {
    findings_.push_back({level, std::move(topic), std::move(text)});
  }
  void add(std::string topic, const Error& error) {
    add(Finding::Level::kBad, std::move(topic), error.message);
  }

  void check_machine() {
    using Level = Finding::Level;
    if (auto cpu = monitor::cpu_info(); cpu.ok()) {
      const monitor::CpuFeatures& has = cpu->features;
      std::string sets;
      if (has.avx2 && has.fma) sets += ", AVX2";
      if (has.avx512f && has.avx512bw && has.avx512vl) sets += ", AVX-512";
      if (has.avx512_vnni) sets += ", VNNI";
      if (has.avx512_bf16) sets += ", BF16";
      add(Level::kGood, "cpu", fmt::format("{}, {} usable{}", cpu->model_name, cpu->n_cpus, sets));
    } else {
      add("cpu", cpu.error());
    }
    if (auto memory = monitor::system_memory(); memory.ok()) {
      const bool low = memory->available_bytes < kLowMemoryBytes;
      add(low ? Level::kBad : Level::kGood, "memory",
          fmt::format("{} available of {}{}{}", format_bytes(memory->available_bytes),
                      format_bytes(memory->total_bytes),
                      memory->limited_by_cgroup ? " (limited by a control group)" : "",
                      low ? "; indexing may need up to 300 MiB, close something" : ""));
    } else {
      add("memory", memory.error());
    }
  }

  void check_config(const Session& session) {
    const std::string& file = session.effective.file_path;
    add(Finding::Level::kGood, "config",
        file.empty() ? "no configuration file; defaults, environment and flags apply"
                     : "read from " + file);
  }

  void check_store(Session& session) {
    using Level = Finding::Level;
    Result<std::string> folder = store_folder(session);
    if (!folder.ok()) return add("store", folder.error());
    std::string existing = *folder;
    std::error_code ignored;  // a folder that may not be looked into counts as absent
    while (!std::filesystem::exists(existing, ignored) && existing.size() > 1) {
      existing = std::filesystem::path(existing).parent_path().string();
    }
    if (::access(existing.c_str(), W_OK) != 0) {
      add(Level::kBad, "store", fmt::format("'{}' is not writable; name another folder with --store", existing));
    }
    if (auto disk = monitor::disk_space(existing); disk.ok()) {
      const bool low = disk->free_bytes < kLowDiskBytes;
      add(low ? Level::kBad : Level::kGood, "disk",
          fmt::format("{} free at {}{}", format_bytes(disk->free_bytes), existing,
                      low ? "; the store needs about twice the size of your text" : ""));
    }
    Result<index::StoreReader> store = index::StoreReader::open(*folder);
    if (!store.ok()) {
      const bool absent = store.error().code == ErrorCode::kNotFound;
      return add(absent ? Level::kNote : Level::kBad, "store", store.error().message);
    }
    Result<index::StoreCounts> counts = store->counts();
    if (!counts.ok()) return add("store", counts.error());
    add(Level::kGood, "store",
        fmt::format("{}: {}, {}, {}", *folder, format_count(counts->n_documents, "document"),
                    format_count(counts->n_chunks, "chunk"), format_bytes(counts->file_bytes)));
    if (counts->n_vectors < counts->n_chunks) {
      add(Level::kNote, "store",
          fmt::format("{} of {} chunks have no vector; run: docmind index",
                      format_count(counts->n_chunks - counts->n_vectors), format_count(counts->n_chunks)));
    }
    check_integrity(*store);
  }

  void check_integrity(const index::StoreReader& store) {
    Result<Statement> check = store.db().prepare("PRAGMA quick_check(1)");
    if (!check.ok()) return add("integrity", check.error());
    Result<bool> row = check->step();
    if (!row.ok()) return add("integrity", row.error());
    const std::string verdict(*row ? check->column_text(0) : "no verdict");
    add(verdict == "ok" ? Finding::Level::kGood : Finding::Level::kBad, "integrity",
        verdict == "ok" ? "the store's file is sound"
                        : verdict + "; remove the store's folder and index again");
  }

  // The worker that parses PDF and DOCX must start: an empty PDF gets an answer, if only a refusal.
  void check_worker(Session& session) {
    ingest::ParseWorker worker(session.executable, ingest::ReadLimits{});
    Result<ingest::Document> document = worker.parse("probe.pdf", "%PDF-1.4\n", session.cancel);
    const bool works = document.ok() || document.error().code == ErrorCode::kMalformed ||
                       document.error().code == ErrorCode::kUnsupported;
    add(works ? Finding::Level::kGood : Finding::Level::kBad, "parser",
        works ? "the PDF and DOCX worker starts" : document.error().message);
  }

  void print(const Terminal& terminal) const {
    json::array list;
    for (const Finding& finding : findings_) {
      const bool good = finding.level == Finding::Level::kGood;
      const bool bad = finding.level == Finding::Level::kBad;
      list.push_back({{"level", good ? "good" : bad ? "bad" : "note"},
                      {"topic", finding.topic},
                      {"text", to_valid_utf8(finding.text)}});
      if (json_) continue;
      const std::string mark = good  ? terminal.styled(Style::kGreen, "ok  ")
                               : bad ? terminal.styled(Style::kRed, "BAD ")
                                     : terminal.styled(Style::kYellow, "note");
      terminal.out(fmt::format("{}  {:<10} {}\n", mark, finding.topic, printable(finding.text)));
    }
    if (json_) terminal.out(to_string_pretty(json::object{{"findings", std::move(list)}}) + "\n");
    terminal.flush();
  }

  bool json_ = false;
  std::vector<Finding> findings_;
};

class CompletionCommand final : public Command {
 public:
  explicit CompletionCommand(CLI::App& app) : app_(app) {}

  CLI::App* declare(CLI::App& app, FieldFlags&) override {
    CLI::App* sub = app.add_subcommand("completion",
                                       "Print the completion script of a shell: bash, zsh or fish");
    sub->add_option("SHELL", shell_, "bash, zsh or fish")->required();
    return sub;
  }

  int run(Session& session) override {
    Result<std::string> script = completion_script(app_, shell_);
    if (!script.ok()) return fail(session, script.error());
    session.terminal.out(*script);
    session.terminal.flush();
    return kExitOk;
  }

  bool needs_config() const override { return false; }

 private:
  CLI::App& app_;
  std::string shell_;
};

// Started by ParseWorker, not by people, so it is not in the help.
class ParseWorkerCommand final : public Command {
 public:
  CLI::App* declare(CLI::App& app, FieldFlags&) override {
    return app.add_subcommand("parse-worker", "")->group("");
  }
  int run(Session&) override { return ingest::worker_main(STDIN_FILENO, STDOUT_FILENO); }
  bool needs_config() const override { return false; }
};

}  // namespace

std::unique_ptr<Command> make_doctor_command() { return std::make_unique<DoctorCommand>(); }
std::unique_ptr<Command> make_completion_command(CLI::App& app) {
  return std::make_unique<CompletionCommand>(app);
}
std::unique_ptr<Command> make_parse_worker_command() {
  return std::make_unique<ParseWorkerCommand>();
}

}  // namespace docmind::cli

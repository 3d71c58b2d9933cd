// A manual, copied and indexed, and everything that answers questions about it.
// SPDX-License-Identifier: Apache-2.0
#include "repeat_bed.h"

#include <filesystem>

#include <unistd.h>

#include "base/file.h"
#include "base/thread_pool.h"
#include "index/store_writer.h"
#include "pipeline/indexer.h"
#include "pipeline/lexical_stage.h"
#include "providers/extractive.h"
#include "providers/rag_prompt.h"

namespace docmind::bench {
namespace {

constexpr size_t kTokenBytes = 4;
constexpr size_t kPromptTokens = 4'096;

}  // namespace

BenchFolder::BenchFolder()
    : path_((std::filesystem::temp_directory_path() / "docmind-bench-XXXXXX").string()) {
  if (::mkdtemp(path_.data()) == nullptr) path_.clear();
}

BenchFolder::~BenchFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

Result<providers::GenerateResult> CountingGenerator::generate(const providers::GenerateRequest& request,
                                                              const providers::TextSink& sink,
                                                              const CancelToken& cancel) const {
  DM_ASSIGN(providers::GenerateResult result, inner_->generate(request, sink, cancel));
  const auto tokens = [](std::string_view text) { return text.size() / kTokenBytes; };
  DM_ASSIGN(const providers::RagPrompt prompt,
            providers::make_rag_prompt(request.question, request.passages, kPromptTokens, tokens));
  result.n_prompt_tokens = static_cast<int64_t>(tokens(prompt.system) + tokens(prompt.user));
  result.n_completion_tokens = static_cast<int64_t>(tokens(result.text));
  return result;
}

Result<std::unique_ptr<RepeatBed>> RepeatBed::make(const std::string& manual, const std::string& folder) {
  std::unique_ptr<RepeatBed> bed(new RepeatBed(folder));
  DM_TRY(make_folders(folder + "/docs"));
  for (const auto& entry : std::filesystem::directory_iterator(manual)) {
    if (entry.path().extension() != ".html") continue;
    std::filesystem::copy_file(entry.path(), folder + "/docs/" + entry.path().filename().string());
  }
  DM_TRY(bed->index());
  DM_ASSIGN(pipeline::Corpus corpus, pipeline::Corpus::open(folder + "/store", {}));
  bed->corpus_ = std::make_unique<pipeline::Corpus>(std::move(corpus));
  bed->generator_ = std::make_unique<CountingGenerator>(std::make_unique<providers::ExtractiveGenerator>(
      [of = bed->corpus_.get()](std::string_view stem) { return of->inverse_document_frequency(stem); }));
  DM_TRY(bed->open_cache());
  return bed;
}

Result<int64_t> RepeatBed::index() {
  DM_ASSIGN(const index::StoreWriter store, index::StoreWriter::open(folder_ + "/store", {}));
  ThreadPool pool(0);
  pipeline::LexicalStage vectors(pool, *metrics_);
  pipeline::IndexRequest request;
  request.roots = {folder_ + "/docs"};
  DM_ASSIGN(const pipeline::IndexReport report,
            pipeline::Indexer(store, vectors, *metrics_).run(request, [](const auto&) {}, {}));
  return report.totals.n_documents;
}

Status RepeatBed::open_cache() {
  asker_.reset();
  cache_.reset();
  cache::AnswerCacheOptions options;
  const std::string name = folder_ + "/" + std::to_string(n_caches_++);
  options.disk_path = name + "-answers.db";
  options.directory_path = name + "-questions.db";
  DM_ASSIGN(cache_, cache::AnswerCache::open(options, nullptr));
  asker_ = std::make_unique<pipeline::Asker>(
      *corpus_, *generator_, pipeline::SharedByAskers{.cache = cache_.get()}, *metrics_);
  return {};
}

Result<pipeline::Answer> RepeatBed::ask(std::string_view question, bool use_cache) {
  pipeline::AskOptions options;
  options.use_cache = use_cache;
  return asker_->ask(question, options, [](std::string_view) { return true; }, {});
}

Status RepeatBed::edit(const std::string& path, std::string_view words) {
  constexpr std::string_view kParagraph = "<p>";
  constexpr int64_t kLimitBytes = 64 << 20;
  DM_ASSIGN(std::string text, read_file(path, kLimitBytes));
  for (size_t at = text.find(kParagraph); at != std::string::npos; at = text.find(kParagraph, at)) {
    at += kParagraph.size();
    text.insert(at, std::string(words) + " ");
  }
  return write_file_atomic(path, text);
}

}  // namespace docmind::bench

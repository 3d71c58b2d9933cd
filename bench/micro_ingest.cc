// Reading, chunking and word analysis, in bytes a second.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <string>

#include "base/words.h"
#include "ingest/chunker.h"
#include "ingest/reader.h"

namespace {

using docmind::ingest::Chunk;
using docmind::ingest::Document;

std::string sample_html() {
  std::string page = "<html><head><title>Sample</title></head><body><nav><a href='/'>Home</a></nav><main>";
  for (int section = 0; section < 200; ++section) {
    page += "<h2>Section " + std::to_string(section) + "</h2>";
    for (int i = 0; i < 4; ++i) {
      page += "<p>The <b>index</b> keeps a passage of about two thousand bytes for each part of a "
              "document, with its lines and its <code>heading</code>; an unchanged file is not read "
              "again, and a file that is gone leaves the index at the next run.</p>";
    }
  }
  return page + "</main></body></html>";
}

void rate(benchmark::State& state, size_t n_bytes) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(n_bytes));
}

void ReadHtml(benchmark::State& state) {
  const std::string page = sample_html();
  const auto document = docmind::ingest::read_html(page, {});
  if (!document.ok() || document->headings.size() != 200) return state.SkipWithError("misread");
  for (auto _ : state) benchmark::DoNotOptimize(docmind::ingest::read_html(page, {}));
  rate(state, page.size());
}
BENCHMARK(ReadHtml)->Unit(benchmark::kMicrosecond);

void ChunkText(benchmark::State& state) {
  const auto document = docmind::ingest::read_html(sample_html(), {});
  if (!document.ok()) return state.SkipWithError("misread");
  const auto chunks = docmind::ingest::chunk_document(*document, {});
  uint32_t at = 0;
  for (const Chunk& chunk : chunks) {
    if (chunk.begin != at) return state.SkipWithError("the chunks do not cover the text");
    at = chunk.end;
  }
  if (at != document->text.size()) return state.SkipWithError("the chunks end early");
  for (auto _ : state) benchmark::DoNotOptimize(docmind::ingest::chunk_document(*document, {}));
  rate(state, document->text.size());
}
BENCHMARK(ChunkText)->Unit(benchmark::kMicrosecond);

void AnalyzeWords(benchmark::State& state) {
  const auto document = docmind::ingest::read_html(sample_html(), {});
  if (!document.ok()) return state.SkipWithError("misread");
  docmind::WordAnalyzer analyzer;
  if (analyzer.analyze("keeps passages").at(0).stem != "keep") return state.SkipWithError("wrong stem");
  for (auto _ : state) benchmark::DoNotOptimize(analyzer.analyze(document->text));
  rate(state, document->text.size());
}
BENCHMARK(AnalyzeWords)->Unit(benchmark::kMicrosecond);

}  // namespace

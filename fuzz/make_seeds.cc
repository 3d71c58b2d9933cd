// Writes the seeds that are no text to FOLDER/<target>/: make_fuzz_seeds FOLDER.
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "cache/cached_answer.h"
#include "fuzz/kv_samples.h"
#include "gguf/writer.h"
#include "index/vector_matrix.h"
#include "ingest/wire.h"
#include "ingest/worker.h"
#include "pipeline/answer.h"
#include "support/docx_writer.h"

namespace docmind::fuzz {
namespace {

class SeedFolder {
 public:
  explicit SeedFolder(std::filesystem::path root) : root_(std::move(root)) {}

  void write(std::string_view target, std::string_view name, std::string_view bytes) {
    std::filesystem::create_directories(root_ / target);
    std::ofstream file(root_ / target / name, std::ios::binary | std::ios::trunc);
    file << bytes << std::flush;
    ok_ = ok_ && file.good();
  }
  // For seeds that their own writer puts there.
  std::string place(std::string_view target, std::string_view name) const {
    std::filesystem::create_directories(root_ / target);
    return (root_ / target / name).string();
  }
  void note(bool ok) { ok_ = ok_ && ok; }
  bool ok() const { return ok_; }

 private:
  std::filesystem::path root_;
  bool ok_ = true;
};

void write_docx(SeedFolder& seeds) {
  const std::string body = test::docx_paragraph("Partial Indexes", "Heading1") +
                           test::docx_paragraph("A partial index covers some rows.") +
                           test::docx_paragraph("It is small.", "ListParagraph");
  const std::string styles =
      "<w:style w:styleId=\"Heading1\"><w:name w:val=\"heading 1\"/></w:style>";
  seeds.write("docx", "small.docx", test::make_docx(body));
  seeds.write("docx", "styled.docx", test::make_docx(body, {.title = "Indexes", .styles = styles}));
  seeds.write("docx", "sheet.xlsx", test::make_zip({{"xl/workbook.xml", "<workbook/>"}}));
}

ingest::Document sample_document() {
  ingest::Document document;
  document.format = ingest::Format::kPdf;
  document.title = "Indexes";
  document.encoding = "UTF-8";
  document.text = "Partial\n\nA caf\u00e9 index.\n";
  document.marks = {{0, 1, 1}, {9, 3, 1}};
  document.headings = {{0, 1, "Partial"}};
  document.warnings = {"1 of 2 pages are damaged"};
  return document;
}

void write_wire(SeedFolder& seeds) {
  const std::string document = ingest::encode_document(sample_document());
  seeds.write("document_codec", "document", document);
  seeds.write("document_codec", "empty", ingest::encode_document({}));
  seeds.write("document_codec", "frame",
              ingest::encode_frame({ingest::FrameKind::kDocument, document.size()}));
  const ingest::ParseRequest request{.limits = {}, .path = "a.pdf", .bytes = "%PDF-1.4"};
  seeds.write("document_codec", "request",
              ingest::encode_request_head(request) + std::string(request.bytes));
  seeds.write("document_codec", "error",
              ingest::encode_error({ErrorCode::kLimit, "the file is too large"}));
}

void write_answers(SeedFolder& seeds) {
  pipeline::Answer answer;
  answer.question = "What is a partial index?";
  answer.text = "A partial index covers some rows. [1]";
  answer.provider = "extractive";
  answer.citations.push_back({.path = "/a/caf\u00e9.html", .title = "Indexes", .heading = "A > B",
                              .quotes = {"A partial index covers some rows."}});
  answer.passages.push_back({.chunk_id = 7, .path = "/a/b.pdf", .text = "Some text.", .page = 3,
                             .end_page = 4, .score = 0.03, .relevance = 0.75});
  const std::string payload = pipeline::encode_answer(answer);
  seeds.write("answer_codec", "answer.json", payload);
  cache::CachedAnswer cached;
  cached.payload = payload;
  cached.dependencies = {{"/a/b.pdf", std::string(64, 'a')}, {"/a/c.html", std::string(64, '0')}};
  cached.generation = 3;
  if (const auto bytes = cache::encode_cached_answer(cached); bytes.ok()) {
    seeds.write("cached_answer", "two_documents", *bytes);
  }
}

void write_rows(SeedFolder& seeds) {
  const float values[] = {0.5F, -0.25F, 0, 1};
  seeds.write("vector_row", "four", "\x04" + index::encode_vector(values));
  seeds.write("vector_row", "zero", std::string("\x02\0\0\0\0\0\0", 7));
}

// The first line names the declared encoding.
void write_texts(SeedFolder& seeds) {
  using namespace std::string_literals;
  seeds.write("text", "utf16", "\n\xFF\xFEh\0i\0\n\0"s);
  seeds.write("text", "utf16_without_mark", "\n\0h\0e\0l\0l\0o\0\n"s);
  seeds.write("text", "utf32", "utf-32\n\xFF\xFE\0\0h\0\0\0"s);
  seeds.write("text", "latin1", "iso-8859-1\nCaf\xE9 na\xEFve \xFC" "ber\n");
  seeds.write("text", "cyrillic",
              "\n\xEF\xF0\xE8\xE2\xE5\xF2 \xEC\xE8\xF0, \xEA\xE0\xEA \xE4\xE5\xEB\xE0\n");
  seeds.write("text", "shift_jis", "shift_jis\n\x93\xFA\x96\x7B\x8C\xEA\n");
  seeds.write("text", "half_valid", "utf-8\nok \xC3 \xE4\xB8 \xF0\x9F\x98\x80\r\n\xED\xA0\x80\r");
}

void write_model(SeedFolder& seeds) {
  auto writer = gguf::Writer::create(seeds.place("gguf", "small.gguf"));
  if (!writer.ok()) return seeds.note(false);
  writer->add("general.architecture", "llama");
  writer->add("llama.block_count", 2u);
  writer->add("llama.rope.freq_base", 10'000.0f);
  writer->add("wide", int64_t{-1});
  writer->add("flag", true);
  writer->add("tokenizer.ggml.tokens", std::vector<std::string>{"a", "", "bc"});
  writer->add("tokenizer.ggml.scores", std::vector<float>{0, -1, -2});
  writer->add("tokenizer.ggml.token_type", std::vector<int32_t>{1, 3, 6});
  writer->declare({"token_embd.weight", {32, 3}, 8});
  writer->declare({"output_norm.weight", {5}, 0});
  writer->declare({.name = "unknown", .dims = {256}, .gguf_type = 23, .n_bytes = 136});
  for (const size_t n_bytes : {102, 20, 136}) seeds.note(writer->append(std::vector<std::byte>(n_bytes)).ok());
  seeds.note(writer->finish().ok());
  auto split = gguf::Writer::create(seeds.place("gguf", "split.gguf"), {.alignment = 64});
  if (!split.ok()) return seeds.note(false);
  split->add("split.no", uint16_t{0});
  split->add("split.count", uint16_t{1});
  split->add("split.tensors.count", int32_t{0});
  seeds.note(split->finish().ok());
}

void write_kv_files(SeedFolder& seeds) {
  const auto samples = kv_samples(seeds.place("kv_file", "scratch"));
  seeds.note(!samples.empty());
  for (const auto& [name, bytes] : samples) seeds.write("kv_file", name, bytes);
}

}  // namespace
}  // namespace docmind::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: make_fuzz_seeds FOLDER\n", stderr);
    return 2;
  }
  docmind::fuzz::SeedFolder seeds(argv[1]);
  docmind::fuzz::write_docx(seeds);
  docmind::fuzz::write_wire(seeds);
  docmind::fuzz::write_answers(seeds);
  docmind::fuzz::write_rows(seeds);
  docmind::fuzz::write_texts(seeds);
  docmind::fuzz::write_model(seeds);
  docmind::fuzz::write_kv_files(seeds);
  return seeds.ok() ? 0 : 1;
}

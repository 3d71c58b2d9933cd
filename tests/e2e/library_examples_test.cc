// The programs of examples/library run, and docs/library.md shows what stands in them.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/text.h"
#include "support/docmind.h"
#include "support/model_writer.h"
#include "support/process.h"
#include "support/temp_folder.h"

namespace docmind::test {
namespace {

using Lines = std::vector<std::string>;

std::string content_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Without their indentation.
Lines trimmed_lines(const std::string& text) {
  Lines lines;
  for (const std::string& line : lines_of(text)) lines.emplace_back(trim(line));
  return lines;
}

// The lines of each ```cpp block.
std::vector<Lines> snippets_of(const std::string& markdown) {
  std::vector<Lines> snippets;
  bool inside = false;
  for (const std::string& line : trimmed_lines(markdown)) {
    if (line.starts_with("```")) {
      inside = line == "```cpp";
      if (inside) snippets.emplace_back();
    } else if (inside) {
      snippets.back().push_back(line);
    }
  }
  return snippets;
}

ProcessResult run_example(const std::string& name, std::vector<std::string> args = {}) {
  ProcessOptions options;
  options.argv = {std::string(DOCMIND_EXAMPLES) + "/example_" + name};
  options.argv.insert(options.argv.end(), args.begin(), args.end());
  return run_process(options);
}

TEST(LibraryExamples, CachedAnswers) {
  const ProcessResult result = run_example("cached_answers");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out,
            "answer to 'When is the pump greased?' from 5 passages\n"
            "error: an empty question has no answer\n"
            "8 answers were there or shared, 2 calls of the function, 1 entries\n");
}

TEST(LibraryExamples, BatchedEmbeddings) {
  const TempFolder folder;
  const ModelSpec spec{.architecture = Architecture::kBert, .n_heads = 4, .n_kv_heads = 4, .pooling = 2};
  const auto path = write_model(spec, folder.path("embedder.gguf"));
  ASSERT_TRUE(path.ok()) << path.error().message;
  const ProcessResult result = run_example("batched_embeddings", {*path});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(result.out.starts_with("160 questions, 25 texts embedded, 0 failed\n")) << result.out;
  EXPECT_EQ(run_example("batched_embeddings", {folder.path("none.gguf")}).code, 1);
  EXPECT_EQ(run_example("batched_embeddings").code, 2);
}

TEST(LibraryExamples, TheDocumentationShowsThem) {
  const std::filesystem::path source = DOCMIND_SOURCE_DIR;
  std::vector<Lines> programs;
  for (const auto& entry : std::filesystem::directory_iterator(source / "examples/library")) {
    if (entry.path().extension() == ".cc") programs.push_back(trimmed_lines(content_of(entry.path())));
  }
  const std::vector<Lines> snippets = snippets_of(content_of(source / "docs/library.md"));
  EXPECT_GE(snippets.size(), 4U);
  for (const Lines& snippet : snippets) {
    ASSERT_FALSE(snippet.empty());
    const bool found = std::any_of(programs.begin(), programs.end(), [&](const Lines& program) {
      return std::search(program.begin(), program.end(), snippet.begin(), snippet.end()) != program.end();
    });
    EXPECT_TRUE(found) << "not in examples/library: " << snippet.front();
  }
}

}  // namespace
}  // namespace docmind::test

// What index computed before is not computed again: vectors of a model, parsed files.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "index/store_reader.h"
#include "index/store_samples.h"
#include "support/docmind.h"
#include "support/model_writer.h"
#include "support/sample_docs.h"

namespace docmind::test {
namespace {

class ComputedCommands : public testing::Test {
 protected:
  ComputedCommands() {
    box_.env["DOCMIND_MODEL_THREADS"] = "1";
    embedder_ = model("embedder.gguf", 1);
    write_sample_docs(box_);
  }
  std::string model(const std::string& name, uint64_t seed) const {
    const ModelSpec spec{.architecture = Architecture::kBert, .n_kv_heads = 4, .pooling = 2, .seed = seed};
    const Result<std::string> path = write_model(spec, box_.folder.path(name));
    if (!path.ok()) ADD_FAILURE() << path.error().message;
    return path.ok() ? *path : std::string();
  }
  // Indexes docs/ and tells how many vectors it stored and how many tokens the model embedded for them.
  std::pair<int64_t, int64_t> index(std::vector<std::string> flags = {}) const {
    flags.insert(flags.end(), {"--embedder", embedder_, "--explain"});
    const json::object counters = box_.index(0, std::move(flags)).at("metrics").at("counters").as_object();
    const auto count = [&](const char* name) {
      return counters.contains(name) ? counters.at(name).to_number<int64_t>() : 0;
    };
    return {count("vectors_embedded"), count("tokens_embedded")};
  }
  // The stored bytes of each chunk's vector, by the name of its file and its text.
  std::map<std::string, std::string> vectors() const {
    const index::StoreReader store = must(index::StoreReader::open(box_.store()));
    Statement rows = must(store.db().prepare(
        "SELECT d.path, c.text, v.vector FROM vectors v JOIN chunks c ON c.id=v.chunk_id "
        "JOIN documents d ON d.id=c.document_id"));
    std::map<std::string, std::string> all;
    while (must(rows.step())) {
      const std::string path(rows.column_text(0));
      all[path.substr(path.rfind('/') + 1) + "|" + std::string(rows.column_text(1))] = rows.column_blob(2);
    }
    return all;
  }
  Sandbox box_;
  std::string embedder_;
};

TEST_F(ComputedCommands, VectorsAreMadeAgainWithoutTheModel) {
  const auto [n_vectors, n_tokens] = index();
  EXPECT_GE(n_vectors, kNSampleDocs);
  EXPECT_GT(n_tokens, n_vectors);
  const auto before = vectors();
  EXPECT_EQ(static_cast<int64_t>(before.size()), n_vectors);
  EXPECT_EQ(index({"--reembed"}), std::pair(n_vectors, int64_t{0}));
  EXPECT_EQ(vectors(), before);
}

TEST_F(ComputedCommands, AMovedFileIsNeitherEmbeddedNorParsedAgain) {
  index();
  const auto before = vectors();
  std::filesystem::create_directories(box_.docs() + "/archive");
  for (const char* name : {"leave.md", "pump.pdf", "lease.docx"}) {
    std::filesystem::rename(box_.docs() + "/" + name, box_.docs() + "/archive/" + name);
  }
  const auto [n_vectors, n_tokens] = index();
  EXPECT_GE(n_vectors, 3);
  EXPECT_EQ(n_tokens, 0);
  EXPECT_EQ(vectors(), before);
}

TEST_F(ComputedCommands, OnlyChangedPassagesAreEmbedded) {
  const auto [n_first, n_first_tokens] = index();
  box_.doc("leave.md", leave_markdown() + "\nA sabbatical is a matter for the board.\n");
  const auto [n_vectors, n_tokens] = index();
  EXPECT_GT(n_vectors, 0);
  EXPECT_GT(n_tokens, 0);
  EXPECT_LT(n_tokens, n_first_tokens / 2);
}

TEST_F(ComputedCommands, AnotherModelMakesVectorsOfItsOwn) {
  const auto first = index();
  const auto before = vectors();
  const std::string mine = embedder_;
  embedder_ = model("other.gguf", 2);
  EXPECT_EQ(index({"--reembed"}), first) << "as many tokens again";
  EXPECT_NE(vectors(), before);
  embedder_ = mine;
  EXPECT_EQ(index({"--reembed"}).second, 0);
  EXPECT_EQ(vectors(), before);
}

TEST_F(ComputedCommands, WithoutACacheEverythingIsComputed) {
  box_.env["DOCMIND_CACHE_COMPUTED_MIB"] = "0";
  const auto first = index();
  EXPECT_EQ(index({"--reembed"}), first);
  EXPECT_FALSE(std::filesystem::exists(index::computed_path(box_.store())));
}

// A cache that cannot be read costs time, not the answer.
TEST_F(ComputedCommands, ADamagedCacheIsReplaced) {
  const auto first = index();
  const auto before = vectors();
  box_.folder.write("store/" + std::filesystem::path(index::computed_path(box_.store())).filename().string(),
                    "this is no database");
  EXPECT_EQ(index({"--reembed"}), first);
  EXPECT_EQ(vectors(), before);
}

}  // namespace
}  // namespace docmind::test

// The catalogue: built-in models, the user's own, and names that become files.
// SPDX-License-Identifier: Apache-2.0
#include "providers/model_catalogue.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "providers/http_get.h"
#include "support/docmind.h"
#include "support/temp_folder.h"

namespace docmind::providers {
namespace {

using test::contains;

class Catalogue : public testing::Test {
 protected:
  Result<ModelCatalogue> load(std::string_view toml) const {
    return ModelCatalogue::load(folder_.write("models.toml", toml));
  }
  void expect_refused(std::string_view toml, std::string_view sentence) const {
    const Result<ModelCatalogue> catalogue = load(toml);
    ASSERT_FALSE(catalogue.ok()) << toml;
    EXPECT_EQ(catalogue.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(contains(catalogue.error().message, sentence)) << catalogue.error().message;
    EXPECT_TRUE(contains(catalogue.error().message, folder_.path("models.toml")))
        << catalogue.error().message;
  }
  Config config() const {
    Config config;
    config.models.path = folder_.path("models");
    config.models.catalogue = folder_.path("models.toml");
    return config;
  }
  test::TempFolder folder_;
};

TEST_F(Catalogue, KnowsModelsOfEachKindWithoutAFile) {
  const ModelCatalogue catalogue = *ModelCatalogue::load(folder_.path("not-there.toml"));
  std::map<ModelKind, int> kinds;
  for (const ModelEntry& entry : catalogue.entries()) {
    ++kinds[entry.kind];
    EXPECT_TRUE(entry.url.starts_with("https://")) << entry.name;
    EXPECT_TRUE(check_url(entry.url).ok()) << entry.url;
    EXPECT_FALSE(entry.licence.empty()) << entry.name;
    EXPECT_FALSE(entry.description.empty()) << entry.name;
    EXPECT_EQ(entry.origin, "built in");
  }
  EXPECT_EQ(kinds[ModelKind::kGenerator], 10);
  EXPECT_EQ(kinds[ModelKind::kEmbedder], 2);
  EXPECT_EQ(kinds[ModelKind::kReranker], 2);
  for (const char* size : {"0.6b", "1.7b", "4b", "8b", "14b"}) {
    for (const char* type : {"q4_k_m", "q8_0"})
      EXPECT_TRUE(catalogue.find("qwen3-" + std::string(size) + "-" + type).ok());
  }
  EXPECT_TRUE(std::ranges::is_sorted(catalogue.entries(), {}, &ModelEntry::name));
}

TEST_F(Catalogue, AUsersFileAddsAndReplaces) {
  const std::string digest(64, 'c');
  const ModelCatalogue catalogue = *load("[[model]]\nname = 'mine'\nkind = 'embedder'\nurl = 'https://a.example/m.gguf'\n"
                                         "bytes = 12\nsha256 = '" + digest + "'\n"
                                         "[[model]]\nname = 'bge-m3-q8_0'\nkind = 'embedder'\nurl = 'https://b.example/x'\n");
  const ModelEntry mine = *catalogue.find("mine");
  EXPECT_EQ(mine.n_bytes, 12);
  EXPECT_EQ(mine.sha256, digest);
  EXPECT_EQ(mine.origin, folder_.path("models.toml") + ":1");
  EXPECT_EQ(catalogue.find("bge-m3-q8_0")->url, "https://b.example/x");
  EXPECT_EQ(catalogue.entries().size(), 15U);
  const Error error = catalogue.find("bge-m3-q80").error();
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_TRUE(contains(error.message, "did you mean 'bge-m3-q8_0'?")) << error.message;
}

TEST_F(Catalogue, WrongEntriesAreNamedWithTheirLine) {
  const std::string good = "[[model]]\nname = 'm'\nkind = 'embedder'\nurl = 'https://a.example/m'\n";
  expect_refused("[[model]\n", ":1: ");
  expect_refused("[[models]]\nname = 'm'\n", "'models' is not known here");
  expect_refused("model = 3\n", "'model' is not known here");
  expect_refused("model = [3]\n", "a model is written as [[model]]");
  expect_refused(good + "sha265 = 'x'\n", ":5: a model has no key 'sha265'; did you mean 'sha256'?");
  expect_refused(good + "sha256 = 'ABC'\n", ":5: 'ABC' is no SHA-256");
  expect_refused(good + "bytes = 0\n", ":5: 'bytes' of 'm' must be a whole number from 1");
  expect_refused(good + "licence = 3\n", ":5: 'licence' must be a text");
  expect_refused("[[model]]\nname = '../m'\nkind = 'embedder'\nurl = 'x'\n", ":2: '../m' is no name");
  expect_refused("[[model]]\nname = '.m'\nkind = 'embedder'\nurl = 'x'\n", "is no name");
  expect_refused("[[model]]\nkind = 'embedder'\nurl = 'x'\n", ":1: '' is no name");
  expect_refused("[[model]]\nname = 'm'\nkind = 'llm'\nurl = 'x'\n",
                 ":3: the kind of 'm' is 'llm'; allowed: generator");
  expect_refused("[[model]]\nname = 'm'\nkind = 'embedder'\n", "'m' has no url");
  expect_refused(good + good, ":5: 'm' is there already, at " + folder_.path("models.toml") + ":1");
}

TEST_F(Catalogue, NamesAndPathsBecomeFiles) {
  const std::string file = folder_.write("else/x.gguf", "x");
  EXPECT_EQ(*resolve_model(config(), file), file);
  const std::string model = folder_.write("models/bge-m3-q8_0.gguf", "x");
  EXPECT_EQ(*resolve_model(config(), "bge-m3-q8_0"), model);
  EXPECT_EQ(*resolve_model(config(), "bge-m3-q8_0.gguf"), model);
  const std::string own = folder_.write("models/My Model.gguf", "x");
  EXPECT_EQ(*resolve_model(config(), "My Model"), own);
}

TEST_F(Catalogue, WhatIsNotThereSaysHowToGetIt) {
  const auto message = [&](const std::string& name) {
    const Result<std::string> path = resolve_model(config(), name);
    EXPECT_FALSE(path.ok());
    if (path.ok()) return std::string();
    EXPECT_EQ(path.error().code, ErrorCode::kNotFound);
    return path.error().message;
  };
  EXPECT_TRUE(contains(message("bge-m3-q8_0"), "run: docmind models pull bge-m3-q8_0"));
  EXPECT_TRUE(contains(message("bge-m3-q8_0.gguf"), "run: docmind models pull bge-m3-q8_0"));
  EXPECT_TRUE(contains(message("bge-m3-q8"), "did you mean 'bge-m3-q8_0'?"));
  EXPECT_TRUE(contains(message("./x.gguf"), "no model file './x.gguf'"));
  Config nowhere = config();
  nowhere.models.path.clear();
  EXPECT_EQ(resolve_model(nowhere, "m").error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace docmind::providers

// docmind models: what people see when they download, look at and check models.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "base/file.h"
#include "base/hash.h"
#include "gguf/writer.h"
#include "support/docmind.h"
#include "support/file_server.h"
#include "support/model_writer.h"

namespace docmind::test {
namespace {

class Models : public testing::Test {
 protected:
  void SetUp() override {
    folder_.mkdir("served");
    ASSERT_TRUE(write_model({}, folder_.path("served/nano")).ok());
    content_ = folder_.read("served/nano");
    digest_ = to_hex(sha256(content_));
    folder_.write("served/page", "<!DOCTYPE html><title>Log in</title>");
    server_ = std::make_unique<FileServer>(folder_.path("served"));
    box_.env["DOCMIND_MODELS_CATALOGUE"] = folder_.path("models.toml");
    catalogue("nano", "good", digest_);
  }
  // A catalogue of one model.
  void catalogue(const std::string& name, std::string_view mode, const std::string& sha256,
                 const std::string& file = "nano") {
    folder_.write("models.toml", "[[model]]\nname = '" + name + "'\nkind = 'generator'\nurl = '" +
                                     server_->url(mode, file) + "'\nsha256 = '" + sha256 +
                                     "'\nlicence = 'MIT'\ndescription = 'A nano model'\n");
  }
  std::string model(const std::string& ending = "") const {
    return box_.env.at("HOME") + "/.local/share/docmind/models/nano.gguf" + ending;
  }
  std::string read(const std::string& path) const { return *read_file(path, 64 << 20); }
  void expect_failure(const ProcessResult& result, std::string_view part) const {
    EXPECT_EQ(result.code, 1) << result.out;
    EXPECT_TRUE(lines_of(result.err).back().starts_with("docmind: ")) << result.err;
    EXPECT_TRUE(contains(result.err, part)) << result.err;
    EXPECT_FALSE(std::filesystem::exists(model()));
  }
  Sandbox box_;
  TempFolder folder_;
  std::string content_;
  std::string digest_;
  std::unique_ptr<FileServer> server_;
};

json::value row_of(const json::value& models, std::string_view name) {
  for (const json::value& row : list(models, "models")) {
    if (text(row, "name") == name) return row;
  }
  ADD_FAILURE() << "no model " << name;
  return json::object();
}

TEST_F(Models, AreListedPulledAndUsedByName) {
  const json::value before = box_.json_of({"models", "list", "--json"});
  EXPECT_EQ(list(before, "models").size(), 15U);
  EXPECT_FALSE(row_of(before, "nano").at("downloaded").as_bool());
  EXPECT_EQ(text(row_of(before, "nano"), "origin"), folder_.path("models.toml") + ":1");

  const ProcessResult pull = box_.run({"models", "pull", "nano"});
  EXPECT_EQ(pull.code, 0) << pull.err;
  EXPECT_TRUE(contains(pull.out, "licence MIT\nSHA-256 " + digest_ + ", as the catalogue says\n"))
      << pull.out;
  EXPECT_EQ(read(model()), content_);

  const ProcessResult words = box_.run({"models", "list"});
  EXPECT_TRUE(contains(words.out, "* nano ")) << words.out;
  EXPECT_TRUE(contains(words.out, "  qwen3-0.6b-q8_0 ")) << words.out;
  EXPECT_EQ(number(row_of(box_.json_of({"models", "list", "--json"}), "nano"), "bytes"),
            static_cast<int64_t>(content_.size()));
  EXPECT_EQ(text(box_.json_of({"models", "show", "nano", "--json"}), "path"), model());
  const ProcessResult again = box_.run({"models", "pull", "nano"});
  EXPECT_EQ(again.code, 0);
  EXPECT_TRUE(contains(again.out, "is there already")) << again.out;
  EXPECT_EQ(server_->log().size(), 1U);
}

TEST_F(Models, ShowTellsWhatIsInAFile) {
  const std::string file = folder_.path("served/nano");
  const json::value report = box_.json_of({"models", "show", file, "--json"});
  EXPECT_EQ(text(report, "architecture"), "qwen3");
  EXPECT_EQ(number(report, "context_length"), 512);
  int64_t n_elements = 0;
  for (const json::value& row : list(report, "tensor_types")) {
    n_elements += number(row, "elements");
    EXPECT_TRUE(row.at("supported").as_bool());
  }
  EXPECT_EQ(number(report, "parameters"), n_elements);
  EXPECT_GT(n_elements, 512 * 256);
  // Two layers of two key and two value heads of 64 numbers of two bytes.
  EXPECT_EQ(number(report.at("memory"), "kv_bytes_per_token"), 2 * (2 + 2) * 64 * 2);
  EXPECT_EQ(report.at("metadata").at("tokenizer.ggml.tokens").at("n"), 512);
  EXPECT_EQ(report.at("metadata").at("qwen3.block_count"), 2);
  const ProcessResult words = box_.run({"models", "show", file});
  for (const char* part : {"architecture  qwen3\n", "Q8_0", "F32", "512 of string:", "1e-06\n", "with 4,096 tokens"}) {
    EXPECT_TRUE(contains(words.out, part)) << part << " in\n" << words.out;
  }
}

TEST_F(Models, ShowNamesTypesThatCannotBeComputedAndFilesThatAreNone) {
  Result<gguf::Writer> writer = gguf::Writer::create(folder_.path("odd.gguf"));
  writer->add("general.architecture", "esc\x1b[31m");
  writer->declare({.name = "t", .dims = {256}, .gguf_type = 23, .n_bytes = 136});
  ASSERT_TRUE(writer->append(std::vector<std::byte>(136)).ok());
  ASSERT_TRUE(writer->finish().ok());
  const ProcessResult odd = box_.run({"models", "show", folder_.path("odd.gguf")});
  EXPECT_EQ(odd.code, 0) << odd.err;
  EXPECT_TRUE(contains(odd.out, "IQ4_XS")) << odd.out;
  EXPECT_TRUE(contains(odd.out, "not supported")) << odd.out;
  EXPECT_FALSE(contains(odd.out, "\x1b")) << "what a file says must not steer the terminal";
  const ProcessResult page = box_.run({"models", "show", folder_.path("served/page")});
  EXPECT_EQ(page.code, 1);
  EXPECT_TRUE(contains(page.err, "not a GGUF file: it begins with '<!DOCTYPE ht'")) << page.err;
  const ProcessResult none = box_.run({"models", "show", "nan"});
  EXPECT_EQ(none.code, 1);
  EXPECT_TRUE(contains(none.err, "did you mean 'nano'?")) << none.err;
}

TEST_F(Models, VerifyFindsDamage) {
  ASSERT_EQ(box_.run({"models", "pull", "nano"}).code, 0);
  const ProcessResult good = box_.run({"models", "verify"});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_TRUE(contains(good.out, "ok   ")) << good.out;
  EXPECT_TRUE(contains(good.out, "the one of the catalogue")) << good.out;
  std::string damaged = content_;
  damaged[damaged.size() - 100] ^= 1;  // inside a tensor: only the hash can tell
  ASSERT_TRUE(write_file_atomic(model(), damaged).ok());
  const ProcessResult bad = box_.run({"models", "verify", "nano"});
  EXPECT_EQ(bad.code, 1);
  EXPECT_TRUE(contains(bad.out, "BAD  ")) << bad.out;
  EXPECT_TRUE(contains(bad.out, digest_)) << bad.out;
  catalogue("nano", "good", "");  // without the catalogue's, the recorded one tells
  EXPECT_TRUE(
      contains(box_.run({"models", "verify"}).out, "the one recorded when it was downloaded is " + digest_));
  ASSERT_TRUE(write_file_atomic(model(), content_.substr(0, 5'000)).ok());
  const json::value rows = box_.json_of({"models", "verify", "--json"}, 1);
  EXPECT_FALSE(list(rows, "models")[0].at("sound").as_bool());
  EXPECT_EQ(box_.run({"models", "pull", "--force", "nano"}).code, 0);
  EXPECT_EQ(box_.run({"models", "verify"}).code, 0);
}

TEST_F(Models, ANewHashInTheCatalogueBringsTheNewFile) {
  ASSERT_EQ(box_.run({"models", "pull", "nano"}).code, 0);
  ModelSpec other;
  other.seed = 2;
  ASSERT_TRUE(write_model(other, folder_.path("served/nano")).ok());
  catalogue("nano", "good", to_hex(sha256(folder_.read("served/nano"))));
  ASSERT_EQ(box_.run({"models", "pull", "nano"}).code, 0);
  EXPECT_EQ(read(model()), folder_.read("served/nano"));
}

TEST_F(Models, AKilledOrInterruptedPullGoesOn) {
  for (const int signal : {SIGKILL, SIGINT}) {
    const std::string file = signal == SIGINT ? "interrupted" : "killed";  // the server hangs once a name
    folder_.write("served/" + file, content_);
    catalogue("nano", "hang", digest_, file);
    Process pull(box_.command({"models", "pull", "nano"}));
    for (int i = 0; i < 400; ++i) {
      std::error_code failure;
      const auto n_bytes = std::filesystem::file_size(model(".part"), failure);
      if (!failure && n_bytes >= content_.size() / 2) break;
      ASSERT_TRUE(pull.runs_for_ms(20)) << pull.wait().err;
    }
    const auto had = static_cast<int64_t>(std::filesystem::file_size(model(".part")));
    EXPECT_EQ(box_.run({"models", "pull", "nano"}).code, 4) << "somebody else is at it";
    pull.kill(signal);
    const ProcessResult stopped = pull.wait();
    if (signal == SIGINT) {
      EXPECT_EQ(stopped.code, 130) << stopped.err;
      EXPECT_TRUE(contains(stopped.err, "the same command goes on from there")) << stopped.err;
    }
    EXPECT_FALSE(std::filesystem::exists(model()));
    const json::value pulled = list(box_.json_of({"models", "pull", "--json", "nano"}), "models")[0];
    EXPECT_EQ(number(pulled, "resumed_bytes"), had);
    EXPECT_EQ(text(pulled, "checked_against"), "catalogue");
    EXPECT_EQ(read(model()), content_);
    std::filesystem::remove(model());
  }
}

TEST_F(Models, WhatIsWrongIsASentence) {
  catalogue("nano", "good", std::string(64, 'a'));
  expect_failure(box_.run({"models", "pull", "nano"}), "expected is aaaa");
  catalogue("nano", "status-404", digest_);
  expect_failure(box_.run({"models", "pull", "nano"}), "404: there is no such file");
  catalogue("nano", "good", "", "page");
  expect_failure(box_.run({"models", "pull", "nano"}), "is refused: ");
  expect_failure(box_.run({"models", "pull", "nanno"}), "did you mean 'nano'?");
  folder_.write("models.toml", "[[model]]\nname = 'm'\nkind = 'generator'\nurl = 'http://example.com/x'\n");
  const ProcessResult insecure = box_.run({"models", "pull", "m"});
  EXPECT_EQ(insecure.code, 2);
  EXPECT_TRUE(contains(insecure.err, "only https is allowed")) << insecure.err;
  folder_.write("models.toml", "[[model]]\nnam = 'm'\n");
  const ProcessResult wrong = box_.run({"models", "list"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_TRUE(contains(wrong.err, "did you mean 'name'?")) << wrong.err;
  box_.env["DOCMIND_MODELS_CATALOGUE"] = folder_.path("absent.toml");
  const ProcessResult absent = box_.run({"models", "list"});
  EXPECT_EQ(absent.code, 2);
  EXPECT_TRUE(contains(absent.err, "there is no file")) << absent.err;
}

TEST_F(Models, AFullDiskIsASentenceAndTheRestComesLater) {
  ProcessOptions options = box_.command({"models", "pull", "nano"});
  options.before_exec = [] {
    std::signal(SIGXFSZ, SIG_IGN);  // the write fails instead
    const struct rlimit limit {200'000, 200'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  };
  expect_failure(run_process(options), "make room on the disk");
  EXPECT_EQ(std::filesystem::file_size(model(".part")), 200'000U);
  const json::value pulled = list(box_.json_of({"models", "pull", "--json", "nano"}), "models")[0];
  EXPECT_EQ(number(pulled, "resumed_bytes"), 200'000);
}

TEST_F(Models, SayWhenNobodyVouchesForAFile) {
  catalogue("nano", "plain", "");
  EXPECT_TRUE(contains(box_.run({"models", "pull", "nano"}).out, "NOT VERIFIED"));
  std::filesystem::remove(model());
  catalogue("nano", "hop", "");
  EXPECT_TRUE(contains(box_.run({"models", "pull", "nano"}).out, "as the server says"));
}

}  // namespace
}  // namespace docmind::test

// Models in the commands: index, ask, search, run and bench model with small random models.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "support/docmind.h"
#include "support/model_writer.h"
#include "support/sample_docs.h"

namespace docmind::test {
namespace {

std::string written(const Sandbox& box, const ModelSpec& spec, const std::string& name) {
  const Result<std::string> path = write_model(spec, box.folder.path(name));
  if (!path.ok()) ADD_FAILURE() << path.error().message;
  return path.ok() ? *path : std::string();
}

class NativeModels : public testing::Test {
 protected:
  NativeModels() {
    box_.env["DOCMIND_MODEL_THREADS"] = "1";
    ModelSpec encoder{.architecture = Architecture::kBert, .n_kv_heads = 4, .pooling = 2};
    embedder_ = written(box_, encoder, "embedder.gguf");
    encoder.pooling = 4;
    encoder.classifier = true;
    reranker_ = written(box_, encoder, "reranker.gguf");
    generator_ = written(box_, {.n_context = 2'048}, "generator.gguf");
  }
  Sandbox box_;
  std::string embedder_, reranker_, generator_;
};

TEST_F(NativeModels, IndexAndAskWithAllThree) {
  write_sample_docs(box_);
  const json::value report = box_.index(0, {"--embedder", embedder_});
  EXPECT_EQ(number(report.at("store"), "vectors"), number(report.at("store"), "chunks"));
  const std::vector<std::string> flags{"ask", "--json", "--explain", "--embedder", embedder_, "--reranker", reranker_,
                                       "--model", generator_, "--max-tokens", "24", "How heavy is the pump?"};
  const json::value answer = box_.json_of(flags);
  EXPECT_EQ(text(answer, "cache"), "miss");
  EXPECT_NE(text(answer, "provider"), "extractive");
  EXPECT_TRUE(answer.at("stages_ms").as_object().contains("generate"));
  EXPECT_FALSE(list(answer, "passages").empty());
  // The model says nonsense, but the same nonsense again, from the cache.
  const json::value repeat = box_.json_of(flags);
  EXPECT_EQ(text(repeat, "cache"), "disk");
  EXPECT_EQ(text(repeat, "answer"), text(answer, "answer"));
  // Another model is another answer.
  std::vector<std::string> others = flags;
  others[8] = written(box_, {.n_context = 2'048, .seed = 7}, "other.gguf");
  EXPECT_EQ(text(box_.json_of(others), "cache"), "miss");
  // The same from the configuration, and an extracted answer without a generator.
  box_.env["DOCMIND_EMBEDDER_PATH"] = embedder_;
  const json::value extracted = box_.json_of({"ask", "--json", "When do unused leave days expire?"});
  EXPECT_EQ(text(extracted, "provider"), "extractive");
  EXPECT_TRUE(contains(text(extracted, "answer"), "March")) << text(extracted, "answer");
  EXPECT_FALSE(list(box_.json_of({"search", "--json", "pump", "--reranker", reranker_}), "results").empty());
}

TEST_F(NativeModels, AskStreamsAndEndsWithTheSummary) {
  write_sample_docs(box_);
  box_.index();
  const ProcessResult result = box_.run({"ask", "--model", generator_, "--max-tokens", "16", "How heavy is the pump?"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(lines_of(result.out).back(), "not cached")) << result.out;
  EXPECT_TRUE(contains(lines_of(result.out).back(), "generate")) << result.out;
}

TEST_F(NativeModels, AStoreSaysWhoseVectorsItHas) {
  write_sample_docs(box_);
  box_.index(0, {"--embedder", embedder_});
  for (const char* command : {"ask", "search"}) {
    const ProcessResult result = box_.run({command, "pump"});
    EXPECT_EQ(result.code, 1);
    EXPECT_TRUE(contains(result.err, "this store was indexed with the embedder 'native/bert/")) << result.err;
    EXPECT_TRUE(contains(result.err, "--embedder")) << result.err;
  }
  const ProcessResult plain = box_.run({"index", box_.docs()});
  EXPECT_EQ(plain.code, 1);
  EXPECT_TRUE(contains(plain.err, "index --reembed")) << plain.err;
  box_.index(0, {"--reembed"});
  EXPECT_EQ(box_.run({"search", "pump"}).code, 0);
  EXPECT_EQ(box_.run({"search", "pump", "--embedder", embedder_}).code, 1);
}

TEST_F(NativeModels, RefuseFilesThatAreSomethingElse) {
  write_sample_docs(box_);
  box_.index();
  box_.folder.write("notes.gguf", "These are notes.\n");
  const auto expect_refusal = [&](std::vector<std::string> args, const std::string& words) {
    const ProcessResult result = box_.run(args);
    EXPECT_NE(result.code, 0);
    EXPECT_EQ(result.signal, 0);
    EXPECT_EQ(result.out, "");
    EXPECT_TRUE(contains(result.err, words)) << result.err;
  };
  expect_refusal({"ask", "pump?", "--model", embedder_},
                 "is an embedder (bert), where a language model is needed; use it with --embedder");
  expect_refusal({"ask", "pump?", "--reranker", embedder_}, "where a reranker is needed");
  expect_refusal({"index", box_.docs(), "--embedder", generator_}, "is a language model (qwen3), where an embedder");
  expect_refusal({"run", "notes.gguf", "hello"}, "notes.gguf");
  expect_refusal({"run", box_.folder.path("absent.gguf"), "hello"}, "absent.gguf");
  expect_refusal({"run", generator_, "hello", "--context", "1000000"}, "was made for 2048");
  expect_refusal({"bench", "model", "notes.gguf"}, "notes.gguf");
  box_.env["DOCMIND_MODEL_ISA"] = "mmx";
  expect_refusal({"run", generator_, "hello"}, "auto|avx512_bf16|avx512_vnni|avx2|scalar");
}

TEST_F(NativeModels, RunAnswersFromArgumentsAndFromAPipe) {
  const std::vector<std::string> args{"run", generator_, "--seed", "5", "--max-tokens", "12", "--stats"};
  std::vector<std::string> with_prompt = args;
  with_prompt.insert(with_prompt.end(), {"tell", "me"});
  const ProcessResult one = box_.run(with_prompt);
  EXPECT_EQ(one.code, 0) << one.err;
  EXPECT_TRUE(contains(one.err, "tokens/s")) << one.err;
  ProcessOptions piped = box_.command(args);
  piped.input = "tell me\n";
  EXPECT_EQ(run_process(piped).out, one.out);
  piped.input = "";
  EXPECT_EQ(run_process(piped).code, 2) << "nothing was said";
  EXPECT_EQ(box_.run({"run"}).code, 2);
}

TEST_F(NativeModels, RunChatsOnATerminal) {
  ProcessOptions options = box_.command({"run", generator_, "--max-tokens", "8", "--temperature", "0"});
  options.terminal = true;
  Process chat(options);
  ASSERT_TRUE(chat.wait_for("> "));
  chat.write("hello\n");
  ASSERT_TRUE(chat.wait_for("> "));
  chat.write("/nonsense\n");
  ASSERT_TRUE(chat.wait_for("there is no /nonsense"));
  chat.write("/clear\n");
  ASSERT_TRUE(chat.wait_for("forgotten"));
  chat.write("/exit\n");
  EXPECT_EQ(chat.wait().code, 0);
}

// Answers for many seconds: what a random model says at temperature 0 goes round in circles.
const ModelSpec kSlow{.n_layers = 4, .n_embd = 512, .n_ff = 2'048, .n_context = 60'000};

TEST_F(NativeModels, CtrlCStopsTheAnswerAndThenTheProgram) {
  ProcessOptions options = box_.command({"run", written(box_, kSlow, "slow.gguf"), "--max-tokens", "50000",
                                         "--context", "60000", "--temperature", "0"});
  options.terminal = true;
  Process chat(options);
  ASSERT_TRUE(chat.wait_for("> "));
  chat.write("hello\n");
  ASSERT_TRUE(chat.runs_for_ms(500));
  chat.kill(SIGINT);
  ASSERT_TRUE(chat.wait_for("> ")) << "back at the prompt";
  chat.kill(SIGINT);
  EXPECT_EQ(chat.wait().code, 130);
}

TEST_F(NativeModels, CtrlCStopsAnAnswerFromDocuments) {
  write_sample_docs(box_);
  box_.index();
  Process ask(box_.command({"ask", "--model", written(box_, kSlow, "slow.gguf"), "--max-tokens", "50000",
                            "--context", "60000", "pump?"}));
  ASSERT_TRUE(ask.runs_for_ms(1'000));
  ask.kill(SIGINT);
  EXPECT_EQ(ask.wait().code, 130);
}

TEST_F(NativeModels, BenchPrintsOneObjectWithWhatTheModelCan) {
  const std::vector<std::string> common{"--json", "--threads", "1", "--runs", "1", "--prompt", "32"};
  const auto bench = [&](const std::string& path) {
    std::vector<std::string> args{"bench", "model", path};
    args.insert(args.end(), common.begin(), common.end());
    return box_.json_of(args).as_object();
  };
  const json::object text_model = bench(generator_);
  for (const char* key : {"prefill_tps", "decode_tps", "peak_rss_bytes", "read_gb_per_s", "int8_gmac_per_s", "isa",
                          "threads", "prefill_of_limit", "decode_of_limit"}) {
    EXPECT_TRUE(text_model.contains(key)) << key;
  }
  EXPECT_FALSE(text_model.contains("embed_tps"));
  EXPECT_EQ(text_model.at("threads").to_number<int>(), 1);
  EXPECT_LT(text_model.at("peak_rss_bytes").to_number<int64_t>(), 400 << 20) << "without the limits' own buffers";
  EXPECT_TRUE(bench(embedder_).contains("embed_tps"));
  EXPECT_TRUE(bench(reranker_).contains("rerank_pairs_per_s"));
  const ProcessResult table = box_.run({"bench", "model", generator_, "--isa", "scalar", "--runs", "1", "--prompt", "16"});
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_TRUE(contains(table.out, "scalar")) << table.out;
  EXPECT_TRUE(contains(table.out, "limits of this machine")) << table.out;
}

TEST(NativeStories, RunTellsTheStoryThatTheModelLearned) {
  const std::string path = std::string(DOCMIND_SOURCE_DIR) + "/../shared/data/models/stories260K.gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "stories260K.gguf is not in ../shared/data/models";
  const Sandbox box;
  const ProcessResult story =
      box.run({"run", std::filesystem::canonical(path).string(), "--temperature", "0", "--max-tokens", "20", "Once upon a time"});
  EXPECT_EQ(story.code, 0) << story.err;
  EXPECT_TRUE(story.out.starts_with(", there was a little girl named")) << story.out;
}

}  // namespace
}  // namespace docmind::test

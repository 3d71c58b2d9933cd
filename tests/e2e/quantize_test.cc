// docmind quantize as people run it: what it writes, prints, refuses and leaves behind.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "gguf/file.h"
#include "support/docmind.h"
#include "support/model_writer.h"

namespace docmind::test {
namespace {

class Quantize : public testing::Test {
 protected:
  std::string write(const ModelSpec& spec, const std::string& name) {
    const Result<std::string> path = write_model(spec, box_.folder.path(name));
    EXPECT_TRUE(path.ok()) << path.error().message;
    return path.ok() ? *path : std::string();
  }
  std::string floats() {
    return write({.type = kernels::TensorType::kF16, .n_layers = 3, .logit_gain = 0.4f}, "in.gguf");
  }
  std::string out() const { return box_.folder.path("out.gguf"); }
  // What lies beside the destination and is neither source nor home.
  std::vector<std::string> leftovers() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(box_.folder.path())) {
      const std::string name = entry.path().filename().string();
      if (entry.is_regular_file() && name != "in.gguf" && name != "out.gguf") names.push_back(name);
    }
    return names;
  }

  Sandbox box_;
};

TEST_F(Quantize, WritesASmallerFileWithItsReport) {
  const std::string in = floats();
  const ProcessResult done = box_.run({"quantize", in, out(), "--type", "q8_0"});
  ASSERT_EQ(done.code, 0) << done.err;
  for (const char* part : {"Q8_0 in", "times smaller", "KLD mean", "same likeliest token", "perplexity", "verdict"}) {
    EXPECT_TRUE(contains(done.out, part)) << part << "\n" << done.out;
  }
  EXPECT_LT(std::filesystem::file_size(out()), std::filesystem::file_size(in));
  const json::value shown = box_.json_of({"models", "show", out(), "--json"});
  EXPECT_TRUE(contains(to_string_pretty(shown), "Q8_0"));
  const Result<gguf::File> file = gguf::File::open(out());
  ASSERT_TRUE(file.ok());
  const Result<std::string_view> report = file->text("docmind.quantize.report");
  ASSERT_TRUE(report.ok());
  const Result<json::value> parsed = parse_json(*report, 16, 1 << 20);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(text(*parsed, "type"), "q8_0");
  EXPECT_TRUE(leftovers().empty());
}

TEST_F(Quantize, RefusesALossBeyondTheLimitUnlessForced) {
  const std::string in = floats();
  // Nothing is as good as this asks for.
  const std::vector<std::string> command{"quantize", in, out(), "--type", "q4_0", "--rule", "both", "--least", "1"};
  const ProcessResult refused = box_.run(command);
  EXPECT_EQ(refused.code, 1) << refused.out;
  EXPECT_TRUE(contains(refused.err, "was not written")) << refused.err;
  EXPECT_FALSE(std::filesystem::exists(out()));
  EXPECT_TRUE(leftovers().empty());
  std::vector<std::string> forced = command;
  forced.push_back("--force");
  const ProcessResult done = box_.run(forced);
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_TRUE(std::filesystem::exists(out()));
}

TEST_F(Quantize, KeepsAnExistingFileUnlessToldToOverwrite) {
  const std::string in = floats();
  std::ofstream(out()) << "mine";
  const ProcessResult refused = box_.run({"quantize", in, out(), "--type", "q8_0"});
  EXPECT_EQ(refused.code, 2) << refused.err;
  EXPECT_EQ(std::filesystem::file_size(out()), 4U);
  EXPECT_EQ(box_.run({"quantize", in, out(), "--type", "q8_0", "--overwrite"}).code, 0);
  EXPECT_GT(std::filesystem::file_size(out()), 4U);
  const ProcessResult onto_itself = box_.run({"quantize", in, in, "--type", "q8_0", "--overwrite"});
  EXPECT_EQ(onto_itself.code, 2) << onto_itself.err;
}

TEST_F(Quantize, NamesWhatIsWrong) {
  const std::string in = floats();
  const auto refused = [&](std::vector<std::string> args, const char* part) {
    args.insert(args.begin(), "quantize");
    const ProcessResult result = box_.run(args);
    EXPECT_NE(result.code, 0) << part;
    EXPECT_TRUE(contains(result.err, part)) << part << ": " << result.err;
  };
  refused({in, out(), "--type", "q4_k_x"}, "q4_k_m");
  refused({in, out(), "--type", "q4_0", "--level", "aggressive"}, "level");
  refused({in, out(), "--rule", "similar"}, "perplexity");
  refused({in}, "OUT.gguf");
  refused({box_.folder.path("none.gguf"), out()}, "none.gguf");
  refused({in, box_.folder.path("no/such/folder/out.gguf")}, "no/such/folder");
  refused({in, out(), "--calibrate", box_.folder.path("none.txt")}, "none.txt");
  EXPECT_FALSE(std::filesystem::exists(out()));
  EXPECT_TRUE(leftovers().empty());
}

TEST_F(Quantize, AnInterruptLeavesNothing) {
  const std::string in = write({.type = kernels::TensorType::kF16, .n_layers = 8, .n_embd = 1024, .n_ff = 4096,
                                .n_heads = 16, .n_vocab = 8192}, "in.gguf");
  Process process(box_.command({"quantize", in, out(), "--type", "q4_k_m"}));
  while (leftovers().empty() && process.runs_for_ms(1)) {}
  ASSERT_FALSE(leftovers().empty()) << "it writes beside the destination";
  process.kill(SIGINT);
  const ProcessResult stopped = process.wait();
  EXPECT_EQ(stopped.code, 130) << stopped.err;
  EXPECT_FALSE(std::filesystem::exists(out()));
  EXPECT_TRUE(leftovers().empty());
}

TEST_F(Quantize, ComparesFormatsWithoutWriting) {
  const std::string in = floats();
  const ProcessResult done = box_.run({"quantize", in, "--analyse"});
  ASSERT_EQ(done.code, 0) << done.err;
  for (const char* part : {"Q8_0", "Q4_K", "NF4", "double quantization", "rms error"}) {
    EXPECT_TRUE(contains(done.out, part)) << part << "\n" << done.out;
  }
  const json::value analysis = box_.json_of({"quantize", in, "--analyse", "--json"});
  EXPECT_GE(list(analysis, "formats").size(), 7U);
  EXPECT_TRUE(leftovers().empty());
}

TEST_F(Quantize, MeasuresAFileOfSomebodyElse) {
  const std::string in = floats();
  ASSERT_EQ(box_.run({"quantize", in, out(), "--type", "q4_0", "--no-quality"}).code, 0);
  const json::value quality = box_.json_of({"quantize", in, out(), "--measure", "--json", "--least", "0.01"});
  EXPECT_GT(quality.as_object().at("mean_kld").to_number<double>(), 0);
  const json::value itself = box_.json_of({"quantize", in, in, "--measure", "--json"});
  EXPECT_EQ(itself.as_object().at("same_top").to_number<double>(), 1);
}

TEST_F(Quantize, EmbeddersAndRerankersAreMeasuredByWhatRetrievalSees) {
  ModelSpec spec{.architecture = Architecture::kBert, .type = kernels::TensorType::kF32, .n_kv_heads = 4, .pooling = 2};
  const json::value embedder =
      box_.json_of({"quantize", write(spec, "in.gguf"), out(), "--type", "int8", "--json"});
  const json::object& vectors = embedder.as_object().at("quality").as_object();
  EXPECT_GT(vectors.at("mean_cosine").to_number<double>(), 0.99);
  EXPECT_TRUE(vectors.contains("kendall_tau"));
  spec.pooling = 4;
  spec.classifier = true;
  const json::value reranker =
      box_.json_of({"quantize", write(spec, "in.gguf"), out(), "--type", "int8", "--json", "--force", "--overwrite"});
  EXPECT_TRUE(reranker.as_object().at("quality").as_object().contains("spearman"));
}

TEST_F(Quantize, CalibrationIsPartOfTheReport) {
  const std::string in = floats();
  const std::string sample = box_.folder.path("home/text.txt");
  std::ofstream(sample) << filler_text(1, 800);
  const json::value report =
      box_.json_of({"quantize", in, out(), "--type", "q4_0", "--calibrate", sample, "--json", "--force"});
  EXPECT_GT(number(report.as_object().at("calibration"), "tensors"), 10);
}

TEST_F(Quantize, AModelCanBeQuantizedWhileItIsLoaded) {
  const std::string in = floats();
  for (const char* type : {"int8", "int4"}) {
    const ProcessResult done =
        box_.run({"run", in, "a b c", "--quantize-on-load", type, "--max-tokens", "4", "--temperature", "0"});
    EXPECT_EQ(done.code, 0) << done.err;
  }
  EXPECT_EQ(box_.run({"run", in, "a", "--quantize-on-load", "int2"}).code, 2);
}

}  // namespace
}  // namespace docmind::test

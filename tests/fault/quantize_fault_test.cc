// Quantizing that is killed, has no room or reads hostile files: nothing at the destination, and the next run works.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>

#include "gguf/file.h"
#include "quantize/quantize_file.h"
#include "support/model_writer.h"
#include "support/random_blocks.h"
#include "support/temp_folder.h"

namespace docmind::test {
namespace {

using quantize::QuantizeOptions;
using quantize::QuantizeReport;

// Dies, or fails, where a model is to be measured.
class FatalAccess final : public quantize::ModelAccess {
 public:
  explicit FatalAccess(bool kills) : kills_(kills) {}
  Result<quantize::ModelKind> kind(const std::string&) override { return quantize::ModelKind::kLanguage; }
  Result<std::unique_ptr<quantize::LanguageModel>> open_language(const std::string&) override { return end(); }
  Result<std::unique_ptr<quantize::EmbeddingModel>> open_embedding(const std::string&) override { return end(); }
  Result<std::unique_ptr<quantize::RerankModel>> open_rerank(const std::string&) override { return end(); }
  Result<quantize::Importance> calibrate(const std::string&, std::string_view,
                                         const std::function<bool(int64_t, int64_t)>&) override {
    return end();
  }

 private:
  [[nodiscard]] Error end() const {
    if (kills_) ::kill(::getpid(), SIGKILL);
    return {ErrorCode::kInternal, "this model cannot be measured"};
  }
  bool kills_;
};

class QuantizeFault : public testing::Test {
 protected:
  QuantizeFault() { write({}); }

  // A tiny model; the same for the same changes.
  void write(const std::function<void(ModelSpec&)>& change) {
    ModelSpec spec{.type = kernels::TensorType::kF16, .n_layers = 2, .n_vocab = 400};
    if (change) change(spec);
    source_ = write_model(spec, folder_.path("in.gguf")).value();
  }

  Result<QuantizeReport> run(QuantizeOptions options, bool kills = false) const {
    ThreadTeam team(2);
    FatalAccess access(kills);
    return quantize_file(source_, out(), **kernels::kernel_table(kernels::best_isa()), team, access, options);
  }
  Result<QuantizeReport> run_unmeasured() const {
    QuantizeOptions options;
    options.quality.reset();
    return run(options);
  }

  // What `body` returned in a process of its own, or less than 0: the signal that ended it.
  static int in_child(const std::function<int()>& body) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(body());
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }

  [[nodiscard]] std::string out() const { return folder_.path("store/out.gguf"); }
  [[nodiscard]] size_t n_files() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder_.path("store")), {}));
  }
  void expect_next_run_works() const {
    const auto report = run_unmeasured();
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_EQ(n_files(), 1U);  // and what was left is gone
    const auto file = gguf::File::open(out());
    ASSERT_TRUE(file.ok()) << file.error().message;
    EXPECT_EQ(file->tensors().size(), gguf::File::open(source_)->tensors().size());
    folder_.remove("store/out.gguf");
  }

  TempFolder folder_;
  std::string store_ = folder_.mkdir("store");
  std::string source_;
};

TEST_F(QuantizeFault, KilledWhileItConverts) {
  for (const int n_calls : {1, 2, 9, 15}) {
    EXPECT_EQ(in_child([&] {
      QuantizeOptions options;
      options.quality.reset();
      int left = n_calls;
      options.progress = [&](std::string_view, int64_t, int64_t) {
        if (--left == 0) ::kill(::getpid(), SIGKILL);
        return true;
      };
      return run(options).ok() ? 1 : 2;
    }), -SIGKILL);
    EXPECT_FALSE(folder_.exists("store/out.gguf"));
    EXPECT_EQ(n_files(), 1U);  // the temporary file of the dead
    expect_next_run_works();
  }
}

TEST_F(QuantizeFault, KilledWhileItMeasures) {
  EXPECT_EQ(in_child([&] { return run({}, true).ok() ? 1 : 2; }), -SIGKILL);
  EXPECT_FALSE(folder_.exists("store/out.gguf"));
  expect_next_run_works();
}

TEST_F(QuantizeFault, AMeasurementThatFailsLeavesNothing) {
  const auto report = run({});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().message, "this model cannot be measured");
  EXPECT_EQ(n_files(), 0U);
}

TEST_F(QuantizeFault, AFileThatMayNotGrowIsAnError) {
  write([](ModelSpec& spec) { spec.n_vocab = 20'000; });
  const int code = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);  // the write fails instead
    const struct rlimit limit {1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto report = run_unmeasured();
    return report.ok() ? 1 : report.error().code == ErrorCode::kIo ? 42 : 2;
  });
  EXPECT_EQ(code, 42);
  EXPECT_EQ(n_files(), 0U);
  expect_next_run_works();
}

TEST_F(QuantizeFault, AFullDiskIsNoticedBeforeAnyWork) {
  write([](ModelSpec& spec) { spec.n_vocab = 20'000; });
  if (::mount("tmpfs", store_.c_str(), "tmpfs", 0, "size=2m") != 0) {
    GTEST_SKIP() << "this test may not mount a file system";
  }
  QuantizeOptions options;
  options.quality.reset();
  options.progress = [](std::string_view, int64_t, int64_t) {
    ADD_FAILURE() << "work was begun";
    return false;
  };
  const auto report = run(options);
  EXPECT_EQ(n_files(), 0U);
  ::umount2(store_.c_str(), MNT_DETACH);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, ErrorCode::kIo);
  EXPECT_NE(report.error().message.find("has 2.0 MiB left"), std::string::npos) << report.error().message;
}

TEST_F(QuantizeFault, AFolderThatCannotBeWrittenIsAnError) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  std::filesystem::permissions(store_, std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  const auto report = run_unmeasured();
  std::filesystem::permissions(store_, std::filesystem::perms::owner_all);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, ErrorCode::kPermission);
}

// Whatever the file says, the run ends with a sentence and nothing, or with a file that can be read.
TEST_F(QuantizeFault, DamagedSourcesDoNoHarm) {
  write([](ModelSpec& spec) {
    spec.n_layers = 1, spec.n_embd = 64, spec.n_ff = 64, spec.n_heads = 1, spec.n_kv_heads = 1;
  });
  const std::string whole = folder_.read("in.gguf");
  Random random(7);
  int n_refused = 0;
  for (int round = 0; round < 300; ++round) {
    std::string bytes = whole;
    if (round % 3 == 0) {
      bytes.resize(random.next() % whole.size());
    } else {
      // In the metadata at its beginning, in the table of tensors behind it, or anywhere.
      const size_t n_head = std::min<size_t>(whole.size(), round % 3 == 1 ? 1'500 : whole.size());
      for (int i = random.between(1, 4); i > 0; --i) bytes[random.next() % n_head] = static_cast<char>(random.next());
    }
    folder_.write("in.gguf", bytes);
    const auto report = run_unmeasured();
    if (report.ok()) {
      EXPECT_TRUE(gguf::File::open(out()).ok()) << round;
      folder_.remove("store/out.gguf");
    } else {
      ++n_refused;
      EXPECT_FALSE(report.error().message.empty());
      EXPECT_NE(report.error().code, ErrorCode::kInternal) << report.error().message;
    }
    EXPECT_EQ(n_files(), 0U) << round;
  }
  EXPECT_GT(n_refused, 100);
}

// The model with another value for a key.
template <typename T>
std::string with_key(const TempFolder& folder, const std::string& source, std::string_view key, T value) {
  const gguf::File in = gguf::File::open(source).value();
  gguf::Writer writer = gguf::Writer::create(folder.path("edited.gguf")).value();
  for (const gguf::MetadataEntry& entry : in.metadata()) {
    if (entry.key == key) writer.add(key, value);
    else writer.add(entry);
  }
  for (const gguf::TensorInfo& tensor : in.tensors()) {
    writer.declare({std::string(tensor.name), {tensor.dims, tensor.dims + tensor.n_dims}, tensor.gguf_type});
  }
  for (const gguf::TensorInfo& tensor : in.tensors()) EXPECT_TRUE(writer.append(tensor.data).ok());
  EXPECT_TRUE(writer.finish().ok());
  return folder.path("edited.gguf");
}

TEST_F(QuantizeFault, ClaimsThatNoModelMakesAreRefused) {
  const std::string sound = source_;
  const auto expect_refused = [&](const std::string& path, std::string_view part) {
    source_ = path;
    const auto report = run_unmeasured();
    ASSERT_FALSE(report.ok());
    EXPECT_NE(report.error().message.find(part), std::string::npos) << report.error().message;
    EXPECT_EQ(n_files(), 0U);
  };
  expect_refused(with_key(folder_, sound, "qwen3.block_count", std::string_view("two")), "block_count");
  expect_refused(with_key(folder_, sound, "qwen3.block_count", uint32_t{4'000'000'000}), "4000000000");
  expect_refused(with_key(folder_, sound, "qwen3.block_count", uint32_t{0}), "1 to 1000");
  expect_refused(with_key(folder_, sound, "qwen3.attention.head_count", 1.5f), "head_count");
  expect_refused(with_key(folder_, sound, "general.architecture", std::string_view("\x1b[2J")), "\\x1b[2J");
}

}  // namespace
}  // namespace docmind::test

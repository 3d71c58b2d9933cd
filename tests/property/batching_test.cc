// Batching: whatever arrives, leaves and makes room beside it, a text is what it is alone, to the last bit.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <ostream>

#include "base/thread_team.h"
#include "gguf/file.h"
#include "kernels/kernels.h"
#include "support/fake_decoder.h"
#include "support/model_writer.h"
#include "support/random_blocks.h"
#include "support/random_schedule.h"
#include "support/temp_folder.h"

namespace docmind::test {
namespace {

using engine::TextRequest;

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

// How long the prompts and texts of a case are, and of which tokens: prompts are of [0, n_prompt_tokens), generated
// ones of the rest, so that no prompt has what another text's decode passes have stored, which rounds differently.
struct RequestSpace {
  int n_requests = 12;
  int longest_prompt = 40;
  int longest_text = 100;
  int n_prompt_tokens = FakeDecoder::kNPromptTokens;
};

std::vector<TextRequest> requests_of(const RequestSpace& space, uint64_t seed) {
  Random random(seed);
  std::vector<model::TokenId> stem;
  for (int i = 0; i < space.longest_prompt; ++i) stem.push_back(random.between(0, space.n_prompt_tokens - 1));
  std::vector<TextRequest> requests(static_cast<size_t>(space.n_requests));
  for (TextRequest& request : requests) {
    const int n_prompt = random.between(1, space.longest_prompt);
    const int n_shared = random.between(0, 2) == 0 ? 0 : random.between(0, n_prompt);
    request.prompt.assign(stem.begin(), stem.begin() + n_shared);
    while (static_cast<int>(request.prompt.size()) < n_prompt) {
      request.prompt.push_back(random.between(0, space.n_prompt_tokens - 1));
    }
    request.options.max_tokens = random.between(1, space.longest_text);
    request.options.ignore_end = random.between(0, 3) > 0;
    engine::SamplingOptions& sampling = request.options.sampling;
    sampling.temperature = random.between(0, 2) == 0 ? 0 : 1;
    sampling.repetition_penalty = random.between(0, 3) == 0 ? 1.3 : 1;
    sampling.seed = random.next();
    sampling.n_top_logprobs = 0;
    for (model::TokenId token = 0; token < space.n_prompt_tokens; ++token) sampling.biases.push_back({token, -1'000});
  }
  return requests;
}

void expect_all(const ScheduleSpace& space, uint64_t n_schedules, ScheduleCounts& counts) {
  const std::vector<engine::Generation> expected = each_alone(space);
  for (uint64_t seed = 0; seed < n_schedules; ++seed) {
    const auto difference = check_schedule(space, expected, seed, counts);
    ASSERT_FALSE(difference) << *difference;
  }
  EXPECT_GT(counts.n_finished, static_cast<int64_t>(n_schedules));
  EXPECT_GT(counts.n_cut, static_cast<int64_t>(n_schedules) / 10);
}

TEST(Batching, AFakeModelsTextsAreWhatTheyAreAlone) {
  FakeDecoder decoder;
  const auto tokenizer = fake_tokenizer();
  ScheduleSpace space{.decoder = &decoder,
                      .kernels = must(kernels::kernel_table_named("scalar")),
                      .tokenizer = tokenizer.get(),
                      .cache = {.format = {}, .identity = "fake"}};
  ScheduleCounts counts;
  for (const bool shares : {false, true}) {
    space.cache.share_prefixes = shares;
    for (uint64_t set = 0; set < 10; ++set) {
      space.requests = requests_of({}, set);
      expect_all(space, 150, counts);
    }
  }
  EXPECT_GT(counts.n_preempted, 500);
  EXPECT_GT(counts.n_replayed, 1'000);
  EXPECT_GT(counts.n_reused, 1'000);
  EXPECT_GT(counts.n_limits, 10);
}

TEST(Batching, SpilledTextsAreWhatTheyAreAloneEvenWhenFilesAreDamaged) {
  const TempFolder folder;
  FakeDecoder decoder;
  const auto tokenizer = fake_tokenizer();
  ScheduleSpace space{.decoder = &decoder,
                      .kernels = must(kernels::kernel_table_named("scalar")),
                      .tokenizer = tokenizer.get(),
                      .cache = {.format = {}, .identity = "fake"},
                      .spill_folder = folder.path()};
  ScheduleCounts counts;
  for (const double damage : {0.0, 0.5}) {
    space.damage_share = damage;
    for (uint64_t set = 0; set < 4; ++set) {
      space.requests = requests_of({}, set);
      expect_all(space, 60, counts);
    }
    EXPECT_EQ(counts.n_spill_failures > 0, damage > 0);
  }
  EXPECT_GT(counts.n_restored, 20);
}

// A model of one layer, 64 wide.
struct RealCase {
  const char* name;
  kernels::TensorType type;
  kv::Format format;
  bool shares;
  bool exact_reuse;
  RequestSpace requests;
  uint64_t n_schedules;
  std::vector<kv::Format> smaller_formats = {};
};
void PrintTo(const RealCase& real, std::ostream* out) { *out << real.name; }

class RealModel : public testing::TestWithParam<RealCase> {};

TEST_P(RealModel, TextsAreWhatTheyAreAlone) {
  const RealCase& real = GetParam();
  const TempFolder folder;
  const ModelSpec spec{.type = real.type, .n_layers = 2, .n_embd = 64, .n_ff = 96, .n_heads = 2, .n_kv_heads = 1,
                       .head_dim = 32, .n_vocab = 320};
  const gguf::File file = must(gguf::File::open(must(write_model(spec, folder.path("model.gguf")))));
  const kernels::KernelTable* table = must(kernels::kernel_table_named("auto"));
  ThreadTeam team(1);
  const model::LoadOptions options{.kernels = table, .team = &team, .max_batch_tokens = 64, .progress = {}};
  const auto decoder = must(model::Decoder::load(file, options));
  const auto tokenizer = fake_tokenizer();
  ScheduleSpace space{.decoder = decoder.get(),
                      .kernels = table,
                      .tokenizer = tokenizer.get(),
                      .cache = {.format = {.format = real.format, .residual_tokens = 64},
                                .share_prefixes = real.shares,
                                .exact_reuse = real.exact_reuse,
                                .identity = "nano"},
                      .smaller_formats = real.smaller_formats,
                      .n_context = 512,
                      .requests = requests_of(real.requests, 3),
                      .spill_folder = folder.mkdir("spill")};
  ScheduleCounts counts;
  expect_all(space, real.n_schedules, counts);
  EXPECT_GT(counts.n_preempted, static_cast<int64_t>(real.n_schedules) / 10);
  EXPECT_GT(counts.n_restored, 0);
  EXPECT_GT(counts.n_recomputed, 0);
  EXPECT_EQ(counts.n_reused > 0, real.shares);
  EXPECT_EQ(counts.n_switches > 0, !real.smaller_formats.empty());
  EXPECT_EQ(counts.n_smaller > 0, !real.smaller_formats.empty());
}

constexpr RequestSpace kShort{.n_requests = 12, .longest_prompt = 40, .longest_text = 100, .n_prompt_tokens = 160};
constexpr RequestSpace kLong{.n_requests = 8, .longest_prompt = 260, .longest_text = 160, .n_prompt_tokens = 160};
constexpr auto kInt8 = kv::Format::kInt8, kInt4 = kv::Format::kInt4;
constexpr auto kF32 = kernels::TensorType::kF32, kQ8 = kernels::TensorType::kQ8_0;

INSTANTIATE_TEST_SUITE_P(Batching, RealModel, testing::Values(
    RealCase{"f32_f16", kF32, kv::Format::kF16, true, false, kShort, 300},
    RealCase{"q8_f16", kQ8, kv::Format::kF16, true, false, kShort, 300},
    RealCase{"f32_int8_exact", kF32, kv::Format::kInt8, true, true, kLong, 80},
    RealCase{"q8_int4_exact", kQ8, kv::Format::kInt4, true, true, kLong, 80},
    RealCase{"q8_int8_unshared", kQ8, kv::Format::kInt8, false, false, kLong, 80},
    RealCase{"f32_mixed_unshared", kF32, kv::Format::kMixed, false, false, kLong, 80},
    RealCase{"f32_f16_switched", kF32, kv::Format::kF16, true, true, kLong, 120, {kInt8, kInt4, kv::Format::kK8V4}},
    RealCase{"q8_int8_switched", kQ8, kInt8, true, true, kLong, 80, {kInt4}}),
    [](const auto& p) { return std::string(p.param.name); });

}  // namespace
}  // namespace docmind::test

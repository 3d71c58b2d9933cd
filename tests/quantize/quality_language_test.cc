// The quality of language models, against distributions whose divergence is known.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/quality_language.h"

#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "quality_fakes.h"
#include "quantize/quality_scratch.h"
#include "support/temp_folder.h"

namespace docmind::quantize {
namespace {

using test::FakeAccess;
using test::FakeLanguage;
using test::LogitRule;

// The same distribution after every token.
LogitRule always(std::vector<float> logits) {
  return [logits = std::move(logits)](const std::vector<int32_t>&) { return logits; };
}

std::vector<float> logs_of(std::vector<double> probabilities) {
  std::vector<float> logits;
  for (const double one : probabilities) logits.push_back(static_cast<float>(std::log(one)) + 3.0f);
  return logits;
}

// Pseudo-random logits that depend on the whole context; `change` is added to one of them.
LogitRule mixed_logits(int64_t n_vocab, float change = 0) {
  return [n_vocab, change](const std::vector<int32_t>& context) {
    uint64_t state = 88172645463325252ull;
    for (const int32_t token : context) state = (state ^ static_cast<uint64_t>(token)) * 6364136223846793005ull + 1;
    std::vector<float> logits;
    for (int64_t i = 0; i < n_vocab; ++i) {
      state = state * 6364136223846793005ull + 1442695040888963407ull;
      logits.push_back(static_cast<float>(state >> 40) / 1e6f - 8.0f);
    }
    logits[context.size() % static_cast<size_t>(n_vocab)] += change;
    return logits;
  };
}

const std::string kText = "the quick brown fox jumps over the lazy dog, again and again and again.";

Result<Quality> measure(FakeAccess& access, QualityOptions options = {}) {
  if (options.text.empty()) options.text = kText;
  return measure_quality(access, "big", "small", options);
}

TEST(QualityOfLanguage, DivergenceOfKnownDistributions) {
  FakeAccess access;
  access.languages["big"] = {.n_vocab = 4, .logits = always(logs_of({0.5, 0.25, 0.125, 0.125}))};
  access.languages["small"] = {.n_vocab = 4, .logits = always(logs_of({0.25, 0.25, 0.25, 0.25}))};
  const Result<Quality> quality = measure(access, {.text = "\1\1\1\1\1\2\3"});
  ASSERT_TRUE(quality.ok()) << quality.error().message;
  const LanguageQuality& q = *quality->language;
  // 0.5 log 2 - 0.25 log 2 + 0 = 0.25 log 2, for every token.
  EXPECT_NEAR(q.mean_kld, 0.25 * std::log(2.0), 2e-4);  // halves of -0.7 and -1.4; the errors of many tokens cancel
  EXPECT_NEAR(q.median_kld, q.mean_kld, 1e-9);
  EXPECT_NEAR(q.worst_kld, q.mean_kld, 1e-9);
  EXPECT_EQ(q.kld_99_9, q.worst_kld);
  EXPECT_EQ(q.n_tokens, 6);
  EXPECT_EQ(q.n_contexts, 1);
  EXPECT_EQ(q.same_top, 1);  // the first of equals is token 0 too
  // Predicted: 1, 1, 1, 1 with 0.25, then 2 and 3 with 0.125.
  EXPECT_NEAR(q.source_perplexity, std::exp((4 * std::log(4.0) + 2 * std::log(8.0)) / 6), 1e-5);
  EXPECT_NEAR(q.perplexity, 4, 1e-5);
}

TEST(QualityOfLanguage, EqualModelsDifferByNothingButTheHalves) {
  for (const int64_t n_vocab : {5, 1'000, 5'003}) {
    FakeAccess access;
    access.languages["big"] = access.languages["small"] = {.n_vocab = n_vocab, .logits = mixed_logits(n_vocab)};
    const Result<Quality> quality = measure(access);
    ASSERT_TRUE(quality.ok()) << quality.error().message;
    const LanguageQuality& q = *quality->language;
    EXPECT_LT(q.mean_kld, 1.5e-6);
    EXPECT_GE(q.mean_kld, 0);
    EXPECT_LT(q.worst_kld, 5e-6);
    EXPECT_EQ(q.same_top, 1);
    EXPECT_EQ(q.perplexity_ratio(), 1);
    EXPECT_TRUE(quality->passes);
  }
}

TEST(QualityOfLanguage, AgreesWithDoubleArithmetic) {
  constexpr int64_t kVocabulary = 3'001;
  const LogitRule exact = mixed_logits(kVocabulary), changed = mixed_logits(kVocabulary, 9);
  FakeAccess access;
  access.languages["big"] = {.n_vocab = kVocabulary, .n_context = 32, .logits = exact};
  access.languages["small"] = {.n_vocab = kVocabulary, .n_context = 32, .logits = changed};
  const Result<Quality> quality = measure(access);
  ASSERT_TRUE(quality.ok()) << quality.error().message;
  // The same contexts of 32 tokens, by hand.
  double sum = 0, worst = 0, n = 0, n_same = 0;
  for (size_t begin = 0; begin < kText.size(); begin += 32) {
    std::vector<int32_t> context;
    for (size_t i = begin; i + 1 < std::min(kText.size(), begin + 32); ++i) {
      context.push_back(static_cast<unsigned char>(kText[i]));
      const std::vector<float> p = exact(context), q = changed(context);
      double zp = 0, zq = 0, kl = 0;
      for (const float logit : p) zp += std::exp(static_cast<double>(logit));
      for (const float logit : q) zq += std::exp(static_cast<double>(logit));
      for (size_t j = 0; j < p.size(); ++j) kl += std::exp(p[j]) / zp * (p[j] - std::log(zp) - q[j] + std::log(zq));
      sum += kl;
      worst = std::max(worst, kl);
      n += 1;
      const auto top = [](const std::vector<float>& row) {
        return std::max_element(row.begin(), row.end()) - row.begin();
      };
      n_same += top(p) == top(q) ? 1 : 0;
    }
  }
  EXPECT_EQ(quality->language->n_tokens, n);
  EXPECT_NEAR(quality->language->mean_kld, sum / n, 3e-6);
  EXPECT_NEAR(quality->language->worst_kld, worst, 1e-5 * (1 + worst));
  EXPECT_NEAR(quality->language->same_top, n_same / n, 1e-12);
}

TEST(QualityOfLanguage, AnUnlikelyTokenOfTheSourceDoesNotSpoilTheSum) {
  FakeAccess access;
  access.languages["big"] = {.n_vocab = 3, .logits = always({0, 0, -1e30f})};
  access.languages["small"] = {.n_vocab = 3, .logits = always({0, 0, 0})};
  const Result<Quality> quality = measure(access, {.text = "\1\1\1"});
  ASSERT_TRUE(quality.ok()) << quality.error().message;
  EXPECT_NEAR(quality->language->mean_kld, std::log(1.5), 1e-6);
}

TEST(QualityOfLanguage, EachContextBeginsWithTheFirstToken) {
  const auto contexts = cut_contexts({1, 2, 3, 4, 5}, 3, 9);
  ASSERT_TRUE(contexts.ok());
  EXPECT_EQ(*contexts, (std::vector<std::vector<int32_t>>{{9, 1, 2}, {9, 3, 4}, {9, 5}}));
  const auto plain = cut_contexts({1, 2, 3, 4, 5}, 2, std::nullopt);
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(*plain, (std::vector<std::vector<int32_t>>{{1, 2}, {3, 4}}));  // of {5} nothing is predicted
  EXPECT_EQ(cut_contexts({1}, 8, 9).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(cut_contexts({1, 2}, 1, std::nullopt).error().code, ErrorCode::kInvalidArgument);
}

TEST(QualityOfLanguage, TheTextIsReadUpToItsLimit) {
  FakeAccess access;
  access.languages["big"] = access.languages["small"] = {.first_token = 1, .logits = mixed_logits(8)};
  QualityOptions options;
  options.n_tokens = 20;
  options.n_context = 8;
  const Result<Quality> quality = measure(access, options);
  ASSERT_TRUE(quality.ok()) << quality.error().message;
  EXPECT_EQ(quality->language->n_tokens, 20);  // 7 + 7 + 6
  EXPECT_EQ(quality->language->n_contexts, 3);
}

// Whatever the number of threads, the figures are the same to the last bit.
TEST(QualityOfLanguage, ThreadsChangeNothing) {
  FakeAccess access;
  access.languages["big"] = {.n_vocab = 301, .logits = mixed_logits(301)};
  access.languages["small"] = {.n_vocab = 301, .logits = mixed_logits(301, 2)};
  QualityOptions options;
  options.n_threads = 1;
  const Result<Quality> one = measure(access, options);
  options.n_threads = 5;
  const Result<Quality> five = measure(access, options);
  ASSERT_TRUE(one.ok() && five.ok());
  EXPECT_EQ(one->language->mean_kld, five->language->mean_kld);
  EXPECT_EQ(one->language->worst_kld, five->language->worst_kld);
  EXPECT_EQ(one->language->perplexity, five->language->perplexity);
}

// --- failures are failures ---

struct Failure {
  std::string what;
  std::function<void(FakeAccess&, QualityOptions&)> spoil;
  ErrorCode code;
  std::string says;
};

TEST(QualityOfLanguage, AFailureIsNeverAScore) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const std::vector<Failure> failures = {
      {"NaN of the source", [&](auto& a, auto&) { a.languages["big"].logits = always({0, nan, 0, 0, 0, 0, 0, 0}); },
       ErrorCode::kMalformed, "'big': the logit of token 1 is nan"},
      {"NaN of the smaller", [&](auto& a, auto&) { a.languages["small"].logits = always({0, 0, 0, 0, 0, 0, 0, nan}); },
       ErrorCode::kMalformed, "'small': the logit of token 7 is nan"},
      {"infinity", [&](auto& a, auto&) { a.languages["small"].logits = always({infinity, 0, 0, 0, 0, 0, 0, 0}); },
       ErrorCode::kMalformed, "'small'"},
      {"vocabularies", [](auto& a, auto&) { a.languages["small"].n_vocab = 9; }, ErrorCode::kMismatch, "9 tokens"},
      {"tokenizers", [](auto& a, auto&) {
         a.languages["small"].encode = [](std::string_view text) { return std::vector<int32_t>(text.size(), 1); };
       }, ErrorCode::kMismatch, "other tokens"},
      {"contexts", [](auto& a, auto&) { a.languages["small"].n_context = 4; }, ErrorCode::kMismatch, "context"},
      {"tokens out of range", [](auto& a, auto&) {
         a.languages["big"].encode = [](std::string_view) { return std::vector<int32_t>{1, 8, 2}; };
       }, ErrorCode::kMalformed, "token 8"},
      {"a pass", [](auto& a, auto&) { a.languages["small"].fails = Error{ErrorCode::kLimit, "no memory"}; },
       ErrorCode::kLimit, "no memory"},
      {"a short sample", [](auto&, auto& o) { o.text = "x"; }, ErrorCode::kInvalidArgument, "1 token"},
      {"no such file", [](auto& a, auto&) { a.languages.erase("small"); }, ErrorCode::kNotFound, "small"},
      {"another kind", [](auto& a, auto&) {
         a.languages.erase("small");
         a.rerankers["small"] = [](std::string_view, std::string_view) { return 0.0f; };
       }, ErrorCode::kMismatch, "a reranker"},
      {"no folder", [](auto&, auto& o) { o.scratch_folder = "/nonexistent/folder"; }, ErrorCode::kNotFound,
       "/nonexistent"},
      {"least", [](auto&, auto& o) { o.least = 0; }, ErrorCode::kInvalidArgument, "0"},
      {"least of NaN", [&](auto&, auto& o) { o.least = static_cast<double>(nan); }, ErrorCode::kInvalidArgument, "nan"},
      {"context", [](auto&, auto& o) { o.n_context = 1; }, ErrorCode::kInvalidArgument, "1"},
      {"stopped", [](auto&, auto& o) { o.progress = [](std::string_view, int64_t, int64_t) { return false; }; },
       ErrorCode::kCancelled, "stopped"},
  };
  for (const Failure& failure : failures) {
    FakeAccess access;
    access.languages["big"] = access.languages["small"] = {.logits = mixed_logits(8)};
    QualityOptions options;
    failure.spoil(access, options);
    const Result<Quality> quality = measure(access, options);
    ASSERT_FALSE(quality.ok()) << failure.what;
    EXPECT_EQ(quality.error().code, failure.code) << failure.what << ": " << quality.error().message;
    EXPECT_NE(quality.error().message.find(failure.says), std::string::npos) << quality.error().message;
  }
}

TEST(QualityOfLanguage, ProgressCountsBothModels) {
  FakeAccess access;
  access.languages["big"] = access.languages["small"] = {.logits = mixed_logits(8)};
  std::map<std::string, int64_t> last;
  QualityOptions options;
  options.progress = [&](std::string_view what, int64_t n_done, int64_t n_total) {
    EXPECT_LE(n_done, n_total);
    EXPECT_GE(n_done, last[std::string(what)]);
    last[std::string(what)] = n_done;
    return true;
  };
  ASSERT_TRUE(measure(access, options).ok());
  ASSERT_EQ(last.size(), 2u);
  for (const auto& [what, n_done] : last) EXPECT_EQ(n_done, std::ssize(kText) - 2) << what;  // 64 and 8 tokens
}

TEST(ScratchFile, KeepsBytesAndHasNoName) {
  const docmind::test::TempFolder folder;
  Result<ScratchFile> file = ScratchFile::create(folder.path(), 100);
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  const std::string text = "0123456789";
  ASSERT_TRUE(file->write(0, std::as_bytes(std::span(text))).ok());
  ASSERT_TRUE(file->write(10, std::as_bytes(std::span(text))).ok());
  std::string out(4, ' ');
  ASSERT_TRUE(file->read(8, std::as_writable_bytes(std::span(out))).ok());
  EXPECT_EQ(out, "8901");
  const Status beyond = file->read(18, std::as_writable_bytes(std::span(out)));
  ASSERT_FALSE(beyond.ok());
  EXPECT_EQ(beyond.error().code, ErrorCode::kIo);
}

// A write that fails in the middle, as on a full disk.
TEST(QualityOfLanguage, AFullDiskIsAnError) {
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  rlimit little = old;
  little.rlim_cur = 10'000;
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &little), 0);
  FakeAccess access;
  access.languages["big"] = access.languages["small"] = {.n_vocab = 1'000, .logits = mixed_logits(1'000)};
  const Result<Quality> quality = measure(access);
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(quality.ok());
  EXPECT_EQ(quality.error().code, ErrorCode::kIo) << quality.error().message;
  EXPECT_NE(quality.error().message.find("cannot write the logits of the source"), std::string::npos)
      << quality.error().message;
}

TEST(ScratchFile, SaysWhatIsWantedAndWhatIsFree) {
  const docmind::test::TempFolder folder;
  const Result<ScratchFile> file = ScratchFile::create(folder.path(), int64_t{1} << 60);
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code, ErrorCode::kIo);
  EXPECT_NE(file.error().message.find("TiB"), std::string::npos) << file.error().message;
  EXPECT_NE(file.error().message.find("free"), std::string::npos) << file.error().message;
}

}  // namespace
}  // namespace docmind::quantize

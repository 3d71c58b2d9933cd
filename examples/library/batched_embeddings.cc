// Calls of many threads, computed together: example_batched_embeddings MODEL.gguf
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cache/cached.h"
#include "engine/batched.h"
#include "engine/embedding_model.h"

using docmind::Result;
using docmind::engine::BatchStats;
using docmind::engine::EmbeddingModel;

using Vectors = std::vector<float>;  // [texts, dimension]
constexpr std::array<std::string_view, 3> kTopics = {"maintenance of pumps", "terms of a lease", "making coffee"};

Result<Vectors> embed(EmbeddingModel& model, std::span<const std::string_view> texts) {
  Vectors vectors(texts.size() * model.dimension());
  DM_TRY(model.embed(texts, vectors, {}));
  return vectors;
}

// The topic nearest to each text: one call of the model for all of them.
Result<std::vector<std::string>> topics_of(EmbeddingModel& model, const Vectors& topics,
                                           std::span<const std::string> texts) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  DM_ASSIGN(const Vectors vectors, embed(model, views));
  const size_t n = model.dimension();
  std::vector<std::string> names;
  for (size_t text = 0; text < texts.size(); ++text) {
    size_t best = 0;
    float best_cosine = -2;
    for (size_t topic = 0; topic < kTopics.size(); ++topic) {
      float cosine = 0;
      for (size_t i = 0; i < n; ++i) cosine += vectors[text * n + i] * topics[topic * n + i];
      if (cosine > best_cosine) best = topic;
      best_cosine = std::max(best_cosine, cosine);
    }
    names.emplace_back(kTopics[best]);
  }
  return names;
}

docmind::Status show(const std::string& path) {
  DM_ASSIGN(const auto model, EmbeddingModel::load(path, {}));
  DM_ASSIGN(const Vectors topics, embed(*model, kTopics));

  // A function of many texts becomes one of one text, for any number of threads.
  docmind::engine::BatchedOptions<std::string> options;
  options.batches.limits = {.max_cost = 4'000, .max_items = 32, .max_wait_ms = 0};
  options.cost = [](const std::string& text) { return static_cast<int64_t>(text.size()); };
  const auto topic_of = docmind::engine::batched<std::string>(
      [&](std::span<const std::string> texts) { return topics_of(*model, topics, texts); }, options);

  // And one that remembers its answers.
  const auto known_topic_of = docmind::cache::cached<std::string>(
      [&](const std::string& text) { return topic_of(text); });

  std::vector<std::thread> readers;
  for (int reader = 0; reader < 8; ++reader) {
    readers.emplace_back([&known_topic_of, reader] {
      for (int page = 0; page < 20; ++page) {
        (void)known_topic_of("page " + std::to_string((reader + page) % 25) + " of the manual");
      }
    });
  }
  for (std::thread& reader : readers) reader.join();

  const BatchStats stats = topic_of.processor().stats();
  std::printf("160 questions, %d texts embedded, %d failed\n", static_cast<int>(stats.n_items),
              static_cast<int>(stats.n_failed));
  std::printf("%.1f texts in a batch, %.0f%% full, after %.2f ms\n", stats.batch_items.mean, 100 * stats.fill.mean,
              stats.wait_ms.mean);
  return {};
}

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s MODEL.gguf\n", argv[0]);
    return 2;
  }
  const docmind::Status status = show(argv[1]);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return status.ok() ? 0 : 1;
}

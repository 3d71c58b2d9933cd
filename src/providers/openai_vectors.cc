// Embeddings and reranking in OpenAI's and Jina's shape: the bodies, and what the answers say.
// SPDX-License-Identifier: Apache-2.0
#include "providers/openai_vectors.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "providers/upstream_base.h"
#include "providers/upstream_errors.h"
#include "providers/upstream_json.h"

namespace docmind::providers {
namespace {

constexpr size_t kMostDimensions = 1 << 16;
static_assert(std::endian::native == std::endian::little, "vectors come as little-endian floats");

bool all_finite(const std::vector<float>& row) {
  for (const float value : row) {
    if (!std::isfinite(value)) return false;
  }
  return !row.empty() && row.size() <= kMostDimensions;
}

std::optional<std::vector<float>> row_of_list(const json::array& list) {
  std::vector<float> row;
  row.reserve(list.size());
  for (const json::value& item : list) {
    const std::optional<double> number = json_number(item);
    if (!number) return std::nullopt;
    row.push_back(static_cast<float>(*number));
  }
  return row;
}

// Six bits of a base64 digit; -1 for anything else.
int base64_bits(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

std::optional<std::vector<float>> row_of_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  int n_bits = 0;
  for (const char c : text) {
    const int six = base64_bits(c);
    if (six < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(six);
    n_bits += 6;
    if (n_bits < 8) continue;
    n_bits -= 8;
    bytes += static_cast<char>(bits >> n_bits & 0xFF);
  }
  if (bytes.size() % sizeof(float) != 0) return std::nullopt;
  std::vector<float> row(bytes.size() / sizeof(float));
  if (!row.empty()) std::memcpy(row.data(), bytes.data(), bytes.size());
  return row;
}

std::optional<std::vector<float>> row_of(const json::value& item) {
  const json::value* embedding = json_at(item, {"embedding"});
  if (embedding == nullptr) return std::nullopt;
  std::optional<std::vector<float>> row;
  if (const json::array* list = embedding->if_array()) {
    // llama.cpp's own route has a list of lists, of one row where it pools.
    const bool nested = list->size() == 1 && list->front().is_array();
    row = row_of_list(nested ? list->front().get_array() : *list);
  }
  if (const json::string* text = embedding->if_string()) row = row_of_base64(*text);
  return row && all_finite(*row) ? row : std::nullopt;
}

json::array texts_as_json(std::span<const std::string_view> texts) {
  json::array list;
  for (const std::string_view text : texts) list.emplace_back(text);
  return list;
}

// The list of an answer, whose items have an index each.
const json::array* items_of(const json::value& answer, std::string_view name) {
  return answer.is_array() ? &answer.get_array() : json_list(answer, {name});
}

}  // namespace

std::string openai_embedding_body(std::string_view model, std::span<const std::string_view> texts, bool as_base64) {
  return json::serialize(json::object{{"model", model},
                                      {"input", texts_as_json(texts)},
                                      {"encoding_format", as_base64 ? "base64" : "float"}});
}

Result<EmbeddingAnswer> read_openai_embeddings(const UpstreamOptions& options, const json::value& answer,
                                               size_t n_texts) {
  const json::array* items = items_of(answer, "data");
  if (items == nullptr || items->size() != n_texts) {
    return upstream_malformed(options, fmt::format("gave {} vectors for {} texts",
                                                   items == nullptr ? 0 : items->size(), n_texts));
  }
  EmbeddingAnswer embedded{.rows = std::vector<std::vector<float>>(n_texts),
                           .n_tokens = json_count(answer, {"usage", "prompt_tokens"}).value_or(0)};
  for (size_t i = 0; i < n_texts; ++i) {
    const auto index = static_cast<size_t>(json_count((*items)[i], {"index"}).value_or(static_cast<int64_t>(i)));
    std::optional<std::vector<float>> row = row_of((*items)[i]);
    if (!row || index >= n_texts || !embedded.rows[index].empty()) {
      return upstream_malformed(options, fmt::format("gave no vector of numbers as item {} of its answer", i));
    }
    normalise_row(*row);
    embedded.rows[index] = *std::move(row);
  }
  return embedded;
}

std::string rerank_body(std::string_view model, std::string_view query, std::span<const std::string_view> documents) {
  return json::serialize(json::object{{"model", model},
                                      {"query", query},
                                      {"documents", texts_as_json(documents)},
                                      {"top_n", static_cast<int64_t>(documents.size())}});
}

Result<std::vector<double>> read_rerank(const UpstreamOptions& options, const json::value& answer,
                                        size_t n_documents) {
  const json::array* items = items_of(answer, "results");
  if (items == nullptr || items->size() != n_documents) {
    return upstream_malformed(options, fmt::format("judged {} of {} passages",
                                                   items == nullptr ? 0 : items->size(), n_documents));
  }
  std::vector<std::optional<double>> scores(n_documents);
  for (const json::value& item : *items) {
    const auto index = static_cast<size_t>(json_count(item, {"index"}).value_or(static_cast<int64_t>(n_documents)));
    const json::value* score = json_at(item, {"relevance_score"});
    if (score == nullptr) score = json_at(item, {"score"});
    const std::optional<double> number = score != nullptr ? json_number(*score) : std::nullopt;
    if (index >= n_documents || scores[index] || !number) {
      return upstream_malformed(options, "gave judgements without an index or a score each");
    }
    scores[index] = number;
  }
  std::vector<double> in_order;
  for (const std::optional<double>& score : scores) in_order.push_back(score.value_or(0));
  return in_order;
}

}  // namespace docmind::providers

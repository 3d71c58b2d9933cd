// LexicalReranker: judges passages by their headings and by how close together the question's words
// stand in them; needs no model.
// SPDX-License-Identifier: Apache-2.0
#include "providers/lexical_reranker.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/ascii.h"
#include "base/words.h"

namespace docmind::providers {
namespace {

constexpr size_t kWindow = 24;  // words, about a sentence

std::string_view last_part(std::string_view path) {
  constexpr std::string_view kSeparator = " > ";
  const size_t at = path.rfind(kSeparator);
  return at == std::string_view::npos ? path : path.substr(at + kSeparator.size());
}

// Scores the passages of one question.
class Judge {
 public:
  Judge(const Relevance& relevance, const LexicalRerankWeights& weights)
      : relevance_(relevance), weights_(weights) {}

  double score(const Passage& passage) {
    const std::string_view heading = last_part(passage.heading);
    const double title = names(passage.title);
    double named = 0;
    if (!heading.empty() && passage.text.starts_with(heading)) {
      named = heading == passage.title ? title : names(heading);
    }
    return weights_.heading * named + weights_.title * title +
           weights_.closeness * best_window(passage.text);
  }

 private:
  // How well a heading names the question's subject, 0..1: the question's share in it, less when it
  // says much else. "Write-Ahead Logging (WAL)" has three names, the best of which counts.
  double names(std::string_view heading) {
    double best = of_name(heading);
    const size_t open = heading.find('(');
    const size_t close = heading.find(')', open == std::string_view::npos ? 0 : open);
    if (open != std::string_view::npos && close != std::string_view::npos) {
      best = std::max(best, of_name(heading.substr(0, open)));
      best = std::max(best, of_name(heading.substr(open + 1, close - open - 1)));
    }
    return best;
  }

  double of_name(std::string_view name) {
    std::vector<double> credits(relevance_.terms().size(), 0);
    std::vector<double> one(credits.size());
    double n_known = 0;
    double n_words = 0;
    for (const Word& word : analyzer_.analyze(name)) {
      if (word.stop || is_number(word.source)) continue;
      std::fill(one.begin(), one.end(), 0);
      relevance_.credit(word, one);
      n_words += 1;
      n_known += one.empty() ? 0 : *std::max_element(one.begin(), one.end());
      for (size_t t = 0; t < one.size(); ++t) credits[t] = std::max(credits[t], one[t]);
    }
    return n_words == 0 ? 0 : relevance_.share(credits) * std::sqrt(n_known / n_words);
  }

  // The largest share of the question within kWindow words.
  double best_window(std::string_view text) {
    struct Hit {
      size_t word;
      size_t term;
      double credit;
    };
    std::vector<Hit> hits;
    std::vector<double> one(relevance_.terms().size());
    const std::vector<Word> words = analyzer_.analyze(text);
    for (size_t i = 0; i < words.size(); ++i) {
      if (words[i].stop) continue;
      std::fill(one.begin(), one.end(), 0);
      relevance_.credit(words[i], one);
      for (size_t t = 0; t < one.size(); ++t) {
        if (one[t] > 0) hits.push_back({i, t, one[t]});
      }
    }
    double best = 0;
    for (size_t first = 0; first < hits.size(); ++first) {
      std::fill(one.begin(), one.end(), 0);
      for (size_t at = first; at < hits.size() && hits[at].word < hits[first].word + kWindow; ++at) {
        one[hits[at].term] = std::max(one[hits[at].term], hits[at].credit);
      }
      best = std::max(best, relevance_.share(one));
    }
    return best;
  }

  const Relevance& relevance_;
  const LexicalRerankWeights& weights_;
  WordAnalyzer analyzer_;
};

}  // namespace

Result<std::vector<double>> LexicalReranker::rerank(std::string_view question,
                                                    std::span<const Passage> passages,
                                                    const CancelToken& cancel) const {
  const Relevance relevance(question, idf_);
  Judge judge(relevance, weights_);
  std::vector<double> scores;
  for (const Passage& passage : passages) {
    if (cancel.cancelled()) return Error{ErrorCode::kCancelled, "reranking was cancelled"};
    scores.push_back(judge.score(passage));
  }
  return scores;
}

}  // namespace docmind::providers

// WordAnalyzer: text to stemmed words, the same way as the full-text index does it.
// SPDX-License-Identifier: Apache-2.0
#include "base/words.h"

#include <libstemmer.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>

#include "base/hash.h"

namespace docmind {
namespace {

constexpr size_t kMaxEntries = 200'000;

// FTS5's Porter tokenizer leaves words of fewer than 3 or more than 64 bytes as they are.
constexpr size_t kMinStemmed = 3;
constexpr size_t kMaxStemmed = 64;

// Function words and question words, sorted.
constexpr std::array<std::string_view, 146> kStopWords = {
    "a", "about", "above", "after", "again", "against", "all", "also", "am", "an", "and", "any",
    "are", "as", "at", "be", "because", "been", "before", "being", "below", "between", "both",
    "but", "by", "can", "cannot", "could", "d", "did", "do", "does", "doing", "don", "down",
    "during", "each", "few", "for", "from", "further", "get", "give", "got", "had", "has", "have",
    "having", "he", "her", "here", "hers", "him", "his", "how", "i", "if", "in", "into", "is", "it",
    "its", "itself", "just", "ll", "m", "many", "may", "me", "might", "more", "most", "much",
    "must", "my", "no", "nor", "not", "of", "off", "often", "on", "once", "only", "or", "other",
    "our", "ours", "out", "over", "own", "please", "re", "s", "same", "shall", "she", "should",
    "so", "some", "such", "t", "tell", "than", "that", "the", "their", "theirs", "them", "then",
    "there", "these", "they", "this", "those", "through", "to", "too", "under", "until", "up",
    "upon", "us", "ve", "very", "was", "we", "were", "what", "when", "where", "whether", "which",
    "while", "who", "whom", "whose", "why", "will", "with", "within", "without", "would", "you",
    "your", "yours"};

bool is_token_character(UChar32 c) {
  if (c < 0) return false;
  const uint32_t mask = U_GET_GC_MASK(c);
  return (mask & (U_GC_L_MASK | U_GC_N_MASK | U_GC_CO_MASK)) != 0;
}

// Combining accents inside a word belong to it and are dropped from the stem: the ones between
// U+0300 and U+0331 that FTS5 takes for accents. At other marks (vowel signs of Arabic or Hindi) it
// splits, and so must we, or their words would not be found in its index.
bool is_accent(UChar32 c) {
  constexpr UChar32 kFirst = 0x300;
  constexpr uint64_t kAccents = 0x000361f8'08029fdfULL;  // bit i: kFirst + i
  return c >= kFirst && c < kFirst + 50 && (kAccents >> (c - kFirst) & 1) != 0;
}

// Lower case; a Latin letter without its accents.
UChar32 fold_character(UChar32 c) {
  c = u_foldCase(c, U_FOLD_CASE_DEFAULT);
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfd = icu::Normalizer2::getNFDInstance(status);
  icu::UnicodeString parts;
  if (U_FAILURE(status) || !nfd->getDecomposition(c, parts)) return c;
  constexpr UChar32 kLastLatin = 0x24f;
  const UChar32 base = parts.char32At(0);
  return base <= kLastLatin ? u_foldCase(base, U_FOLD_CASE_DEFAULT) : c;
}

void append_utf8(std::string& out, UChar32 c) {
  char bytes[U8_MAX_LENGTH];
  int32_t size = 0;
  U8_APPEND_UNSAFE(bytes, size, c);
  out.append(bytes, static_cast<size_t>(size));
}

std::string fold_word(std::string_view source) {
  std::string folded;
  folded.reserve(source.size());
  const auto* bytes = reinterpret_cast<const uint8_t*>(source.data());
  const auto size = static_cast<int64_t>(source.size());
  for (int64_t i = 0; i < size;) {
    UChar32 c = 0;
    U8_NEXT(bytes, i, size, c);
    if (c < 0x80) {
      folded.push_back(static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c));
    } else if (!is_accent(c)) {
      append_utf8(folded, fold_character(c));
    }
  }
  return folded;
}

// The end of the word that starts at `begin`, or `begin` when none does.
size_t word_end(std::string_view text, size_t begin) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto size = static_cast<int64_t>(text.size());
  auto i = static_cast<int64_t>(begin);
  while (i < size) {
    const uint8_t byte = bytes[i];
    if (byte < 0x80) {
      const bool inside = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                          (byte >= '0' && byte <= '9');
      if (!inside) break;
      ++i;
      continue;
    }
    int64_t next = i;
    UChar32 c = 0;
    U8_NEXT(bytes, next, size, c);
    const bool inside = is_token_character(c) || (i > static_cast<int64_t>(begin) && is_accent(c));
    if (!inside) break;
    i = next;
  }
  return static_cast<size_t>(i);
}

}  // namespace

bool is_stop_word(std::string_view folded) {
  return std::binary_search(kStopWords.begin(), kStopWords.end(), folded);
}

void WordAnalyzer::DeleteStemmer::operator()(sb_stemmer* stemmer) const {
  sb_stemmer_delete(stemmer);
}

size_t WordAnalyzer::Hash::operator()(std::string_view text) const {
  return static_cast<size_t>(hash64(text));
}

// Byte by byte, as FTS5 does it: "stra\u00dfe" has one consonant more there than in UTF-8.
WordAnalyzer::WordAnalyzer() : stemmer_(sb_stemmer_new("porter", "ISO_8859_1")) {}
WordAnalyzer::~WordAnalyzer() = default;

const WordAnalyzer::Entry& WordAnalyzer::entry_of(std::string_view source) {
  const auto known = entries_.find(source);
  if (known != entries_.end()) return known->second;
  Entry entry{.stem = fold_word(source)};
  entry.stop = is_stop_word(entry.stem);
  if (stemmer_ && entry.stem.size() >= kMinStemmed && entry.stem.size() <= kMaxStemmed) {
    const auto* folded = reinterpret_cast<const sb_symbol*>(entry.stem.data());
    const sb_symbol* stem =
        sb_stemmer_stem(stemmer_.get(), folded, static_cast<int>(entry.stem.size()));
    const int length = sb_stemmer_length(stemmer_.get());
    if (stem != nullptr && length > 0) {
      entry.stem.assign(reinterpret_cast<const char*>(stem), static_cast<size_t>(length));
    }
  }
  return entries_.emplace(std::string(source), std::move(entry)).first->second;
}

std::vector<Word> WordAnalyzer::analyze(std::string_view text) {
  if (entries_.size() > kMaxEntries) entries_.clear();
  std::vector<Word> words;
  for (size_t i = 0; i < text.size();) {
    const size_t end = word_end(text, i);
    if (end == i) {
      ++i;
      while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80) ++i;
      continue;
    }
    const std::string_view source = text.substr(i, end - i);
    const Entry& entry = entry_of(source);
    words.push_back({source, i, entry.stem, entry.stop});
    i = end;
  }
  return words;
}

}  // namespace docmind

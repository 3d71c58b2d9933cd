// The FTS5 auxiliary function behind LexicalSearcher: BM25F with a weight for each phrase, which
// FTS5's own bm25() lacks.
// SPDX-License-Identifier: Apache-2.0
#include "index/bm25_function.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <optional>

namespace docmind::index {
namespace {

constexpr int kFields = 3;  // title, heading, text

// From one matching row in this many on, reading all lengths at once is cheaper than one by one.
constexpr int64_t kBulkFraction = 4;

using FieldWeights = std::array<double, kFields>;

// The length of a chunk: the tokens of its fields, weighted like the frequencies.
struct RowLength {
  int64_t row_id = 0;
  double length = 0;
};

// Statistics that hold for a whole query; FTS5 keeps them between rows.
struct QueryStatistics {
  std::vector<double> idf;  // [phrases], times the phrase's weight
  FieldWeights field_weights{};
  double average_length = 1;       // weighted like the frequencies
  std::vector<RowLength> lengths;  // of all chunks, by id; empty: ask FTS5 for each row
};

int count_row(const Fts5ExtensionApi*, Fts5Context*, void* counter) {
  ++*static_cast<int64_t*>(counter);
  return SQLITE_OK;
}

// One row of FTS5's size table: an SQLite varint a field.
std::optional<double> weighted_length(std::string_view sizes, const FieldWeights& weights) {
  double length = 0;
  for (const double weight : weights) {
    uint64_t n_tokens = 0;
    bool more = true;
    for (int n_bytes = 0; more; ++n_bytes) {
      if (sizes.empty() || n_bytes == 4) return std::nullopt;  // no field has 2^28 tokens
      const auto byte = static_cast<uint8_t>(sizes.front());
      sizes.remove_prefix(1);
      n_tokens = n_tokens << 7 | (byte & 0x7f);
      more = (byte & 0x80) != 0;
    }
    length += weight * static_cast<double>(n_tokens);
  }
  return length;
}

// Reads the lengths of all rows in one pass. FTS5's xColumnSize runs a statement for each row, which
// takes half the time of a query that matches most rows. Where the table is not as expected, no
// lengths are kept and xColumnSize is asked after all.
void load_lengths(sqlite3* db, const FieldWeights& weights, std::vector<RowLength>& lengths) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(db, "SELECT id, sz FROM main.chunk_fts_docsize ORDER BY id", -1, &raw,
                         nullptr) != SQLITE_OK) {
    return;
  }
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> rows(raw, sqlite3_finalize);
  int code = SQLITE_OK;
  while ((code = sqlite3_step(raw)) == SQLITE_ROW) {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(raw, 1));
    const auto n_bytes = static_cast<size_t>(sqlite3_column_bytes(raw, 1));
    const std::optional<double> length = weighted_length({bytes, n_bytes}, weights);
    if (!length) break;
    lengths.push_back({sqlite3_column_int64(raw, 0), *length});
  }
  if (code != SQLITE_DONE) lengths.clear();
}

int make_statistics(const Fts5ExtensionApi* api, Fts5Context* context, sqlite3* db,
                    const Bm25Query& query, QueryStatistics& statistics) {
  sqlite3_int64 n_rows = 0;
  if (int code = api->xRowCount(context, &n_rows); code != SQLITE_OK) return code;
  statistics.field_weights = {query.options.title_weight, query.options.heading_weight,
                              query.options.text_weight};
  double total = 0;
  for (int field = 0; field < kFields; ++field) {
    sqlite3_int64 n_tokens = 0;
    if (int code = api->xColumnTotalSize(context, field, &n_tokens); code != SQLITE_OK) return code;
    total += statistics.field_weights[static_cast<size_t>(field)] * static_cast<double>(n_tokens);
  }
  const double n = static_cast<double>(std::max<sqlite3_int64>(n_rows, 1));
  statistics.average_length = std::max(1e-9, total / n);
  const int n_phrases = api->xPhraseCount(context);
  if (static_cast<size_t>(n_phrases) != query.phrase_weights.size()) return SQLITE_MISMATCH;
  int64_t n_all_hits = 0;
  for (int phrase = 0; phrase < n_phrases; ++phrase) {
    int64_t n_hits = 0;
    if (int code = api->xQueryPhrase(context, phrase, &n_hits, count_row); code != SQLITE_OK) {
      return code;
    }
    n_all_hits += n_hits;
    const double df = static_cast<double>(n_hits);
    const double weight = query.phrase_weights[static_cast<size_t>(phrase)];
    statistics.idf.push_back(weight * std::log(1.0 + (n - df + 0.5) / (df + 0.5)));
  }
  if (n_all_hits > n_rows / kBulkFraction) {
    load_lengths(db, statistics.field_weights, statistics.lengths);
  }
  return SQLITE_OK;
}

// Statistics of this query, made at its first row.
int get_statistics(const Fts5ExtensionApi* api, Fts5Context* context, sqlite3* db,
                   const Bm25Query& query, const QueryStatistics*& out) {
  auto* kept = static_cast<QueryStatistics*>(api->xGetAuxdata(context, 0));
  if (kept == nullptr) {
    auto fresh = std::make_unique<QueryStatistics>();
    if (int code = make_statistics(api, context, db, query, *fresh); code != SQLITE_OK) return code;
    kept = fresh.release();
    const int code = api->xSetAuxdata(context, kept, [](void* data) {
      delete static_cast<QueryStatistics*>(data);
    });
    if (code != SQLITE_OK) return code;  // FTS5 has called the deleter
  }
  out = kept;
  return SQLITE_OK;
}

int get_length(const Fts5ExtensionApi* api, Fts5Context* context,
               const QueryStatistics& statistics, double& length) {
  const int64_t row_id = api->xRowid(context);
  const auto found = std::lower_bound(
      statistics.lengths.begin(), statistics.lengths.end(), row_id,
      [](const RowLength& row, int64_t id) { return row.row_id < id; });
  if (found != statistics.lengths.end() && found->row_id == row_id) {
    length = found->length;
    return SQLITE_OK;
  }
  length = 0;
  for (int field = 0; field < kFields; ++field) {
    int n_tokens = 0;
    if (int code = api->xColumnSize(context, field, &n_tokens); code != SQLITE_OK) return code;
    length += statistics.field_weights[static_cast<size_t>(field)] * n_tokens;
  }
  return SQLITE_OK;
}

int score_row(const Fts5ExtensionApi* api, Fts5Context* context, sqlite3* db,
              const Bm25Query& query, double& score) {
  const QueryStatistics* statistics = nullptr;
  if (int code = get_statistics(api, context, db, query, statistics); code != SQLITE_OK) {
    return code;
  }
  double length = 0;
  if (int code = get_length(api, context, *statistics, length); code != SQLITE_OK) return code;
  const LexicalOptions& options = query.options;
  const double norm =
      options.k1 * (1 - options.b + options.b * length / statistics->average_length);
  score = 0;
  for (size_t phrase = 0; phrase < statistics->idf.size(); ++phrase) {
    double frequency = 0;
    Fts5PhraseIter iterator;
    int field = -1;
    int offset = 0;
    int code = api->xPhraseFirst(context, static_cast<int>(phrase), &iterator, &field, &offset);
    if (code != SQLITE_OK) return code;
    for (; field >= 0; api->xPhraseNext(context, &iterator, &field, &offset)) {
      frequency += statistics->field_weights[static_cast<size_t>(field)];
    }
    if (frequency > 0) {
      score += statistics->idf[phrase] * frequency * (options.k1 + 1) / (frequency + norm);
    }
  }
  return SQLITE_OK;
}

void bm25(const Fts5ExtensionApi* api, Fts5Context* context, sqlite3_context* result,
          int n_arguments, sqlite3_value** arguments) {
  const auto* query = n_arguments == 1 ? static_cast<const Bm25Query*>(sqlite3_value_pointer(
                                             arguments[0], kBm25PointerType))
                                       : nullptr;
  if (query == nullptr) {
    sqlite3_result_error(result, "docmind_bm25 needs the query's weights", -1);
    return;
  }
  double score = 0;
  const int code = score_row(api, context, sqlite3_context_db_handle(result), *query, score);
  if (code != SQLITE_OK) {
    sqlite3_result_error_code(result, code);
  } else {
    sqlite3_result_double(result, score);
  }
}

}  // namespace

Status register_bm25(const Database& db) {
  fts5_api* api = nullptr;
  DM_ASSIGN(Statement statement, db.prepare("SELECT fts5(?1)"));
  statement.bind_pointer(1, &api, "fts5_api_ptr");
  DM_ASSIGN([[maybe_unused]] const bool row, statement.step());
  if (api == nullptr || api->iVersion < 2) {
    return Error{ErrorCode::kUnsupported, "this SQLite was built without FTS5"};
  }
  const int code = api->xCreateFunction(api, kBm25Function, nullptr, bm25, nullptr);
  if (code != SQLITE_OK) return sqlite_error(db.handle(), code, "register the ranking function");
  return {};
}

}  // namespace docmind::index

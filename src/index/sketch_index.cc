// SketchIndex: vectors that can be searched the moment they are added; no graph, no training.
// SPDX-License-Identifier: Apache-2.0
#include "index/sketch_index.h"

#include <algorithm>
#include <limits>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>

#include "index/fair_mutex.h"
#include "index/near_rows.h"
#include "index/recent_moves.h"
#include "index/sketch_rows.h"
#include "index/sketcher.h"
#include "index/types.h"
#include "index/vector_matrix.h"
#include "kernels/kernels.h"

namespace docmind::index {
namespace {

constexpr size_t kLockedRows = 4'096;    // that a search passes without letting changes in
constexpr size_t kRescoredPerHit = 8;    // see SketchIndexOptions::n_rescored
constexpr size_t kRowsPerRescored = 400;
constexpr size_t kPrefetchRows = 8;      // ahead of the row that is compared

bool better_hit(const SketchHit& a, const SketchHit& b) {
  return a.similarity != b.similarity ? a.similarity > b.similarity : a.id < b.id;
}

// The best k so far.
class BestHits {
 public:
  BestHits(size_t k, float least) : k_(k), least_(least) {}
  // Whether a hit with this similarity may be among them, given its id.
  [[nodiscard]] bool may_take(float similarity) const {
    return similarity >= least_ && (heap_.size() < k_ || similarity >= heap_.front().similarity);
  }
  // One that may be taken.
  void add(const SketchHit& hit) {
    heap_.push_back(hit);
    std::push_heap(heap_.begin(), heap_.end(), better_hit);
    if (heap_.size() <= k_) return;
    std::pop_heap(heap_.begin(), heap_.end(), better_hit);
    heap_.pop_back();
  }
  std::vector<SketchHit> sorted() && {
    std::sort_heap(heap_.begin(), heap_.end(), better_hit);
    return std::move(heap_);
  }

 private:
  size_t k_;
  float least_;
  std::vector<SketchHit> heap_;  // the worst first
};

}  // namespace

struct SketchIndex::Impl {
  using Reading = std::shared_lock<FairMutex>;
  struct Query {
    QuantizedQuery vector;
    std::vector<uint64_t> sketch;
  };

  Impl(const SketchIndexOptions& options, const kernels::KernelTable& table)
      : dimension(options.dimension),
        n_rescored(options.n_rescored),
        kernels(table),
        sketcher(dimension, table),
        rows(dimension, sketcher.n_words()) {}

  // None when it is near to nothing.
  [[nodiscard]] Result<std::optional<Query>> prepare(std::span<const float> values) const;
  // The next rows from `place` into `found`; the place after them, none when they were the last.
  [[nodiscard]] std::optional<size_t> scan_some(const Query& query, size_t place, NearRows& found,
                                                std::span<kernels::NearSketch> scratch) const;
  [[nodiscard]] std::vector<uint32_t> near_places(const Query& query, size_t n_wanted,
                                                  Reading& reading) const;
  [[nodiscard]] float similarity(const QuantizedQuery& query, size_t place) const;
  [[nodiscard]] std::vector<SketchHit> compare(const Query& query, std::span<const uint32_t> places,
                                               size_t k, float least) const;

  const size_t dimension;
  const size_t n_rescored;
  const kernels::KernelTable& kernels;
  const Sketcher sketcher;
  mutable FairMutex mutex;
  SketchRows rows;    // guarded by mutex
  RecentMoves moves;  // guarded by mutex
};

Result<std::optional<SketchIndex::Impl::Query>> SketchIndex::Impl::prepare(
    std::span<const float> values) const {
  if (values.size() != dimension) {
    return Error{ErrorCode::kInvalidArgument, "the query has " + std::to_string(values.size()) +
                                                  " dimensions, the index has " +
                                                  std::to_string(dimension)};
  }
  Query query{quantize_query(values), std::vector<uint64_t>(sketcher.n_words())};
  if (query.vector.scale == 0) return std::optional<Query>();
  // Of the codes, as with rows: a query equal to a row has the same sketch.
  sketcher.sketch(query.vector.codes, query.sketch);
  return std::optional(std::move(query));
}

std::optional<size_t> SketchIndex::Impl::scan_some(const Query& query, size_t place, NearRows& found,
                                                   std::span<kernels::NearSketch> scratch) const {
  if (place >= rows.n_rows()) return std::nullopt;
  const auto [panels, n] = rows.sketches(place, scratch.size());
  const int64_t n_near = kernels.near_sketches(
      query.sketch.data(), static_cast<int64_t>(query.sketch.size()), panels,
      static_cast<int64_t>(n), found.bound(), scratch.data());
  found.add(scratch.first(static_cast<size_t>(n_near)), place);
  if (place + n == rows.n_rows()) return std::nullopt;
  return place + n;
}

// Changes may come in between the parts of the pass. A row that was there all the time is found
// nevertheless: unless it is moved it is passed, and where it was moved to is looked at in the end.
std::vector<uint32_t> SketchIndex::Impl::near_places(const Query& query, size_t n_wanted,
                                                     Reading& reading) const {
  std::vector<kernels::NearSketch> scratch(kLockedRows);
  const uint64_t n_moves = moves.count();
  std::vector<uint32_t> places;
  for (const bool let_changes_in : {true, false}) {
    NearRows found(query.sketch.size() * 64, n_wanted);
    for (std::optional<size_t> place = 0; place;) {
      place = scan_some(query, *place, found, scratch);
      if (!place || !let_changes_in) continue;
      reading.unlock();
      reading.lock();
    }
    places = found.places();
    if (!let_changes_in || moves.count() == n_moves) break;
    if (!moves.append_since(n_moves, places)) continue;  // once more, undisturbed
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    break;
  }
  // Rows may have gone.
  std::erase_if(places, [&](uint32_t place) { return place >= rows.n_rows(); });
  return places;
}

float SketchIndex::Impl::similarity(const QuantizedQuery& query, size_t place) const {
  const EncodedVector row = rows.vector(place);
  const int32_t product =
      kernels.dot_i8(query.codes.data(), row.codes.data(), static_cast<int64_t>(dimension));
  return static_cast<float>(static_cast<double>(product) * query.scale * row.scale);
}

std::vector<SketchHit> SketchIndex::Impl::compare(const Query& query,
                                                  std::span<const uint32_t> places, size_t k,
                                                  float least) const {
  BestHits best(k, least);
  for (size_t i = 0; i < places.size(); ++i) {
    if (i + kPrefetchRows < places.size()) rows.prefetch(places[i + kPrefetchRows]);
    const float score = similarity(query.vector, places[i]);
    // The id lies elsewhere: it is looked at only where it matters.
    if (best.may_take(score)) best.add({rows.id(places[i]), score});
  }
  return std::move(best).sorted();
}

Result<std::unique_ptr<SketchIndex>> SketchIndex::create(const SketchIndexOptions& options) {
  if (options.dimension < 1 || options.dimension > static_cast<size_t>(kMaxDimension)) {
    return Error{ErrorCode::kInvalidArgument, "vectors of " + std::to_string(options.dimension) +
                                                  " dimensions cannot be indexed, allowed are 1 to " +
                                                  std::to_string(kMaxDimension)};
  }
  DM_ASSIGN(const kernels::KernelTable* kernels,
            kernels::kernel_table_named(options.isa.empty() ? "auto" : options.isa));
  return std::unique_ptr<SketchIndex>(new SketchIndex(std::make_unique<Impl>(options, *kernels)));
}

SketchIndex::SketchIndex(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SketchIndex::~SketchIndex() = default;

Status SketchIndex::add(int64_t id, std::string_view encoded) {
  DM_ASSIGN(const EncodedVector vector, view_vector(encoded, impl_->dimension));
  std::vector<uint64_t> sketch(impl_->sketcher.n_words());
  impl_->sketcher.sketch(vector.codes, sketch);
  const std::lock_guard changing(impl_->mutex);
  return impl_->rows.set({id, vector, sketch});
}

bool SketchIndex::remove(int64_t id) {
  const std::lock_guard changing(impl_->mutex);
  const SketchRows::Removed removed = impl_->rows.remove(id);
  if (removed.refilled) impl_->moves.add(*removed.refilled);
  return removed.found;
}

void SketchIndex::clear() {
  SketchRows old(impl_->dimension, impl_->sketcher.n_words());  // freed after the lock
  const std::lock_guard changing(impl_->mutex);
  std::swap(impl_->rows, old);
}

Result<std::vector<SketchHit>> SketchIndex::search(std::span<const float> query, size_t k,
                                                   float least) const {
  DM_ASSIGN(const std::optional<Impl::Query> prepared, impl_->prepare(query));
  if (!prepared || k == 0) return std::vector<SketchHit>();
  Impl::Reading reading(impl_->mutex);
  const size_t n_rows = impl_->rows.n_rows();
  const size_t n_wanted = std::max(
      {impl_->n_rescored, kRescoredPerHit * std::min(k, n_rows), n_rows / kRowsPerRescored});
  return impl_->compare(*prepared, impl_->near_places(*prepared, n_wanted, reading), k, least);
}

Result<std::vector<SketchHit>> SketchIndex::search_exact(std::span<const float> query, size_t k,
                                                         float least) const {
  DM_ASSIGN(const std::optional<Impl::Query> prepared, impl_->prepare(query));
  if (!prepared || k == 0) return std::vector<SketchHit>();
  const Impl::Reading reading(impl_->mutex);
  BestHits best(k, least);
  for (size_t place = 0; place < impl_->rows.n_rows(); ++place) {
    const float score = impl_->similarity(prepared->vector, place);
    if (best.may_take(score)) best.add({impl_->rows.id(place), score});
  }
  return std::move(best).sorted();
}

size_t SketchIndex::n_rows() const {
  const Impl::Reading reading(impl_->mutex);
  return impl_->rows.n_rows();
}

size_t SketchIndex::dimension() const { return impl_->dimension; }

size_t SketchIndex::size_bytes() const {
  const Impl::Reading reading(impl_->mutex);
  return sizeof(Impl) + impl_->rows.size_bytes();
}

}  // namespace docmind::index

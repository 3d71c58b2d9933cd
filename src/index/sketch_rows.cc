// SketchRows: the rows of a SketchIndex in segments: sketches, int8 codes, scales and ids.
// SPDX-License-Identifier: Apache-2.0
#include "index/sketch_rows.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <string>

#include "kernels/kernels.h"

namespace docmind::index {
namespace {

constexpr size_t kFirstSegmentRows = 64;
constexpr size_t kMaxSegmentRows = 16'384;
// The segments that come before the first of the largest size that follows one of its own size.
constexpr size_t kGrowingSegments = std::bit_width(kMaxSegmentRows / kFirstSegmentRows) - 1;
constexpr size_t kCacheLineBytes = 64;
constexpr size_t kPanelRows = kernels::kSketchPanel;
static_assert(kFirstSegmentRows % kPanelRows == 0);

size_t segment_of(size_t place) {
  if (place >= kMaxSegmentRows) return kGrowingSegments + place / kMaxSegmentRows;
  return std::bit_width(place / kFirstSegmentRows);
}

size_t first_of(size_t segment) {
  if (segment > kGrowingSegments) return (segment - kGrowingSegments) * kMaxSegmentRows;
  return segment == 0 ? 0 : kFirstSegmentRows << (segment - 1);
}

}  // namespace

SketchRows::At SketchRows::at(size_t place) const {
  const size_t segment = segment_of(place);
  return {&segments_[segment], place - first_of(segment)};
}

size_t SketchRows::size_bytes() const {
  size_t n_bytes = places_.size_bytes() + segments_.capacity() * sizeof(Segment);
  for (const Segment& segment : segments_) n_bytes += segment.memory.size();
  return n_bytes;
}

EncodedVector SketchRows::vector(size_t place) const {
  const auto [segment, row] = at(place);
  const std::byte* bytes = segment->vectors + row * vector_bytes();
  EncodedVector vector;
  std::memcpy(&vector.scale, bytes, sizeof(float));
  vector.codes = {reinterpret_cast<const int8_t*>(bytes + sizeof(float)), dimension_};
  return vector;
}

void SketchRows::prefetch(size_t place) const {
  const auto [segment, row] = at(place);
  const std::byte* bytes = segment->vectors + row * vector_bytes();
  for (size_t i = 0; i < vector_bytes(); i += kCacheLineBytes) __builtin_prefetch(bytes + i);
}

SketchRows::Sketches SketchRows::sketches(size_t place, size_t most) const {
  const auto [segment, row] = at(place);
  return {segment->panels + row * n_words_, std::min({most, segment->n_rows - row, n_rows_ - place})};
}

Status SketchRows::grow() {
  Segment segment;
  segment.n_rows = first_of(segments_.size() + 1) - first_of(segments_.size());
  const size_t sketch_bytes = segment.n_rows * n_words_ * sizeof(uint64_t);
  const size_t row_bytes = sizeof(int64_t) + vector_bytes();
  DM_ASSIGN(segment.memory, AlignedBuffer::allocate(sketch_bytes + segment.n_rows * row_bytes));
  std::byte* bytes = segment.memory.data();
  segment.panels = reinterpret_cast<uint64_t*>(bytes);
  segment.ids = reinterpret_cast<int64_t*>(bytes + sketch_bytes);
  segment.vectors = bytes + sketch_bytes + segment.n_rows * sizeof(int64_t);
  segments_.push_back(std::move(segment));
  return {};
}

Status SketchRows::set(const SketchRow& row) {
  if (const auto place = places_.find(row.id)) {
    write(*place, row);
    return {};
  }
  if (n_rows_ >= std::numeric_limits<uint32_t>::max()) {
    return Error{ErrorCode::kLimit, "the index has " + std::to_string(n_rows_) +
                                        " rows, which is the most it can have"};
  }
  if (segment_of(n_rows_) == segments_.size()) DM_TRY(grow());
  write(n_rows_, row);
  places_.set(row.id, static_cast<uint32_t>(n_rows_));
  ++n_rows_;
  return {};
}

void SketchRows::write(size_t place, const SketchRow& row) {
  const auto [segment, r] = at(place);
  segment->ids[r] = row.id;
  std::byte* vector = segment->vectors + r * vector_bytes();
  std::memcpy(vector, &row.vector.scale, sizeof(float));
  std::memcpy(vector + sizeof(float), row.vector.codes.data(), dimension_);
  uint64_t* panel = segment->panels + r / kPanelRows * kPanelRows * n_words_ + r % kPanelRows;
  for (size_t w = 0; w < n_words_; ++w) panel[w * kPanelRows] = row.sketch[w];
}

void SketchRows::move_row(size_t from, size_t to) {
  const auto [segment, r] = at(from);
  const uint64_t* panel = segment->panels + r / kPanelRows * kPanelRows * n_words_ + r % kPanelRows;
  std::vector<uint64_t> sketch(n_words_);
  for (size_t w = 0; w < n_words_; ++w) sketch[w] = panel[w * kPanelRows];
  write(to, {segment->ids[r], vector(from), sketch});
  places_.set(segment->ids[r], static_cast<uint32_t>(to));
}

SketchRows::Removed SketchRows::remove(int64_t id) {
  const auto place = places_.find(id);
  if (!place) return {};
  Removed removed;
  removed.found = true;
  const size_t last = n_rows_ - 1;
  if (*place != last) {
    move_row(last, *place);
    removed.refilled = *place;
  }
  places_.erase(id);
  --n_rows_;
  // One segment stays free, lest a row that comes and goes at a border costs one each time.
  const size_t n_used = n_rows_ == 0 ? 0 : segment_of(n_rows_ - 1) + 1;
  while (segments_.size() > n_used + 1) segments_.pop_back();
  return removed;
}

}  // namespace docmind::index

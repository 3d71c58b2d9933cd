// SketchRows: the rows of a SketchIndex in segments: sketches, int8 codes, scales and ids.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/error.h"
#include "index/place_table.h"
#include "index/vector_matrix.h"

namespace docmind::index {

// A row to be stored; nothing in it is owned.
struct SketchRow {
  int64_t id = 0;
  EncodedVector vector;
  std::span<const uint64_t> sketch;  // [n_words]
};

// Rows lie at the places 0 to n_rows - 1 without a hole. A row stays where it is until another is
// removed: then the last may take its place. Adding moves nothing, since memory grows by segments,
// the first of 64 rows, each as large as all before it, up to 16,384. Unlike SketchIndex, not for
// several threads at once unless all only read.
class SketchRows {
 public:
  SketchRows(size_t dimension, size_t n_words) : dimension_(dimension), n_words_(n_words) {}

  [[nodiscard]] size_t n_rows() const { return n_rows_; }
  [[nodiscard]] size_t size_bytes() const;

  // Stores the row, in the place of the one with its id where there is one. kLimit without memory or
  // beyond 2^32 - 1 rows; then nothing changes.
  [[nodiscard]] Status set(const SketchRow& row);
  struct Removed {
    bool found = false;
    std::optional<size_t> refilled;  // the place that the last row has now
  };
  Removed remove(int64_t id);

  // place < n_rows() in all of these.
  [[nodiscard]] int64_t id(size_t place) const { return at(place).segment->ids[at(place).row]; }
  // The row as EncodedVector has it; both parts lie together in memory.
  [[nodiscard]] EncodedVector vector(size_t place) const;
  // Asks the processor for what vector() will need.
  void prefetch(size_t place) const;
  // The sketches from a place that is a multiple of 8, at most `most` and no further than a segment
  // goes, in the panels of KernelTable::near_sketches.
  struct Sketches {
    const uint64_t* panels = nullptr;
    size_t n_rows = 0;
  };
  [[nodiscard]] Sketches sketches(size_t place, size_t most) const;

 private:
  struct Segment {
    AlignedBuffer memory;
    uint64_t* panels = nullptr;    // [n_rows / 8, n_words, 8]
    int64_t* ids = nullptr;        // [n_rows]
    std::byte* vectors = nullptr;  // [n_rows, vector_bytes()]: scale and codes
    size_t n_rows = 0;             // room
  };
  struct At {
    const Segment* segment;
    size_t row;
  };
  [[nodiscard]] At at(size_t place) const;
  [[nodiscard]] size_t vector_bytes() const { return sizeof(float) + dimension_; }
  Status grow();
  void write(size_t place, const SketchRow& row);
  void move_row(size_t from, size_t to);

  size_t dimension_;
  size_t n_words_;
  size_t n_rows_ = 0;
  std::vector<Segment> segments_;
  PlaceTable places_;
};

}  // namespace docmind::index

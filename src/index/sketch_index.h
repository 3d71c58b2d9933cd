// SketchIndex: vectors that can be searched the moment they are added; no graph, no training.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace docmind::index {

struct SketchHit {
  int64_t id = 0;
  float similarity = 0;  // inner product with the row as stored (int8); the cosine of unit vectors
};

struct SketchIndexOptions {
  size_t dimension = 0;       // 1 to kMaxDimension
  // Rows that the sketches pass on to exact comparison: at least these, 8 for each hit asked for,
  // and one in 400 of all, since among more rows more are about as near.
  size_t n_rescored = 512;
  std::string_view isa = {};  // forced instructions, as in kernels; empty: the best of this CPU
};

// Each row is kept as its int8 codes (see encode_vector) and as a sketch: one sign bit per dimension
// of the vector rotated at random, at least 256 (Charikar, "Similarity estimation techniques from
// rounding algorithms", 2002). A search counts differing bits over all sketches, which is a pass over
// an eighth of the codes' bytes, and compares the nearest rows exactly. Rows may come and go at any
// time: any number of threads may call any member.
class SketchIndex {
 public:
  // kInvalidArgument for a dimension or instructions that do not exist.
  static Result<std::unique_ptr<SketchIndex>> create(const SketchIndexOptions& options);
  ~SketchIndex();

  // A row in the form of encode_vector(); replaces the one with this id. kMalformed when its size
  // is not that of the dimension; then nothing changes.
  [[nodiscard]] Status add(int64_t id, std::string_view encoded);
  // Whether it was there.
  bool remove(int64_t id);
  void clear();

  // At most `k` rows with a similarity of at least `least`, best first, ties by id. A query of
  // another dimension is kInvalidArgument; one of zeros finds nothing.
  [[nodiscard]] Result<std::vector<SketchHit>> search(std::span<const float> query, size_t k,
                                                      float least) const;
  // The same by comparing every row exactly: the twin for tests and benchmarks.
  [[nodiscard]] Result<std::vector<SketchHit>> search_exact(std::span<const float> query, size_t k,
                                                            float least) const;

  [[nodiscard]] size_t n_rows() const;
  [[nodiscard]] size_t dimension() const;
  // Everything it holds, free room included.
  [[nodiscard]] size_t size_bytes() const;

 private:
  struct Impl;
  explicit SketchIndex(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace docmind::index

// The approximate vector index: an HNSW graph from hnswlib over the stored int8 rows.
// SPDX-License-Identifier: Apache-2.0
#include <hnswlib/hnswlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <mutex>

#include "base/file.h"
#include "base/hash.h"
#include "index/vector_index.h"

namespace docmind::index {
namespace {

// A graph node's data is a row in its disk form: f32 scale, then the codes.
float row_distance(const void* a, const void* b, const void* dimension_ptr) {
  const size_t dimension = *static_cast<const size_t*>(dimension_ptr);
  float scale_a = 0;
  float scale_b = 0;
  std::memcpy(&scale_a, a, sizeof(float));
  std::memcpy(&scale_b, b, sizeof(float));
  const auto* codes_a = static_cast<const int8_t*>(a) + sizeof(float);
  const auto* codes_b = static_cast<const int8_t*>(b) + sizeof(float);
  // hnswlib only compares distances, so no constant is needed to make them positive.
  return static_cast<float>(
      -inner_product(scale_a, {codes_a, dimension}, scale_b, {codes_b, dimension}));
}

class RowSpace final : public hnswlib::SpaceInterface<float> {
 public:
  explicit RowSpace(size_t dimension) : dimension_(dimension) {}
  size_t get_data_size() override { return sizeof(float) + dimension_; }
  hnswlib::DISTFUNC<float> get_dist_func() override { return row_distance; }
  void* get_dist_func_param() override { return &dimension_; }

 private:
  size_t dimension_;
};

using Graph = hnswlib::HierarchicalNSW<float>;

class HnswIndex final : public VectorIndex {
 public:
  HnswIndex(size_t dimension, std::unique_ptr<RowSpace> space)
      : dimension_(dimension), space_(std::move(space)) {}

  std::string_view kind() const override { return "hnsw"; }
  size_t n_rows() const override { return graph->cur_element_count; }

  Result<std::vector<ScoredChunk>> search(std::span<const float> query, size_t k) const override {
    if (n_rows() > 0 && query.size() != dimension_) {
      return Error{ErrorCode::kInvalidArgument,
                   "the query has " + std::to_string(query.size()) + " dimensions, the index has " +
                       std::to_string(dimension_)};
    }
    std::vector<ScoredChunk> hits;
    k = std::min(k, n_rows());
    if (k == 0) return hits;
    const std::string row = encode_vector(query);
    auto found = graph->searchKnn(row.data(), std::max(k, graph->ef_));
    while (found.size() > k) found.pop();
    for (; !found.empty(); found.pop()) {
      hits.push_back({static_cast<int64_t>(found.top().second), -static_cast<double>(found.top().first)});
    }
    std::sort(hits.begin(), hits.end(), [](const ScoredChunk& a, const ScoredChunk& b) {
      return a.score != b.score ? a.score > b.score : a.chunk_id < b.chunk_id;
    });
    return hits;
  }

  std::unique_ptr<Graph> graph;  // set once, by the functions below
  RowSpace* space() { return space_.get(); }
  size_t dimension() const { return dimension_; }

 private:
  size_t dimension_;
  std::unique_ptr<RowSpace> space_;
};

std::string row_bytes(const VectorMatrix& matrix, size_t row) {
  std::string bytes(sizeof(float) + matrix.dimension(), '\0');
  const float scale = matrix.scale(row);
  std::memcpy(bytes.data(), &scale, sizeof(scale));
  std::memcpy(bytes.data() + sizeof(scale), matrix.codes(row).data(), matrix.dimension());
  return bytes;
}

// hnswlib trusts its file, so a seal beside it says what the bytes must be before it reads them.
struct Seal {
  char magic[8] = {'D', 'M', 'H', 'N', 'S', 'W', '0', '1'};
  int64_t generation = 0;
  uint64_t dimension = 0;
  uint64_t size_bytes = 0;
  uint64_t hash = 0;
  bool operator==(const Seal&) const = default;
};
static_assert(sizeof(Seal) == 40);

constexpr int64_t kMaxGraphBytes = 64LL << 30;

std::string seal_path(const std::string& path) { return path + ".seal"; }

Result<Seal> read_seal(const std::string& path) {
  constexpr int64_t kLimit = 4096;  // a file of another size is damaged, not too large
  DM_ASSIGN(const std::string bytes, read_file(seal_path(path), kLimit));
  Seal seal;
  if (bytes.size() != sizeof(Seal) || std::memcmp(bytes.data(), seal.magic, 8) != 0) {
    return Error{ErrorCode::kMalformed, "'" + seal_path(path) + "' is not a graph seal"};
  }
  std::memcpy(&seal, bytes.data(), sizeof(Seal));
  return seal;
}

// The bytes of all nodes in a saved graph; the file has a header besides.
size_t node_bytes(const Graph& graph) {
  size_t n_bytes = graph.cur_element_count * (graph.size_data_per_element_ + sizeof(uint32_t));
  for (size_t node = 0; node < graph.cur_element_count; ++node) {
    n_bytes += static_cast<size_t>(graph.element_levels_[node]) * graph.size_links_per_element_;
  }
  return n_bytes;
}

// Writes the graph and returns the seal of what lies in the file then.
Result<Seal> write_graph(const HnswIndex& index, const std::string& path, int64_t generation) {
  try {
    index.graph->saveIndex(path);
  } catch (const std::exception& failure) {
    return Error{ErrorCode::kIo, "cannot write '" + path + "': " + failure.what()};
  }
  DM_ASSIGN(const std::string bytes, read_file(path, kMaxGraphBytes));
  if (bytes.size() <= node_bytes(*index.graph)) {  // hnswlib does not look whether a write failed
    return Error{ErrorCode::kIo, "cannot write '" + path + "': only " +
                                     std::to_string(bytes.size()) +
                                     " bytes arrived; is the disk full?"};
  }
  Seal seal;
  seal.generation = generation;
  seal.dimension = index.dimension();
  seal.size_bytes = bytes.size();
  seal.hash = hash64(bytes);
  return seal;
}

}  // namespace

Result<std::unique_ptr<VectorIndex>> build_hnsw_index(const VectorMatrix& matrix,
                                                      const HnswOptions& options) {
  auto index = std::make_unique<HnswIndex>(matrix.dimension(),
                                           std::make_unique<RowSpace>(matrix.dimension()));
  try {
    index->graph = std::make_unique<Graph>(index->space(), std::max<size_t>(matrix.n_rows(), 1),
                                           options.m, options.ef_construction);
    for (size_t row = 0; row < matrix.n_rows(); ++row) {
      index->graph->addPoint(row_bytes(matrix, row).data(), static_cast<size_t>(matrix.id(row)));
    }
    index->graph->setEf(options.ef_search);
  } catch (const std::exception& failure) {
    return Error{ErrorCode::kInternal,
                 std::string("cannot build the vector graph: ") + failure.what()};
  }
  return std::unique_ptr<VectorIndex>(std::move(index));
}

Status save_hnsw_index(const VectorIndex& index, const std::string& path, int64_t generation) {
  const auto* hnsw = dynamic_cast<const HnswIndex*>(&index);
  if (hnsw == nullptr) {
    return Error{ErrorCode::kInvalidArgument, "only a graph index can be saved, this one is '" +
                                                  std::string(index.kind()) + "'"};
  }
  const std::string tmp = path + ".tmp";
  Result<Seal> sealed = write_graph(*hnsw, tmp, generation);
  if (!sealed.ok()) {
    ::unlink(tmp.c_str());
    return std::move(sealed).error();
  }
  // Without a seal the graph counts as absent, so at no time does a seal stand beside another graph.
  if (::unlink(seal_path(path).c_str()) != 0 && errno != ENOENT) {
    return errno_error("remove", seal_path(path), errno);
  }
  if (std::rename(tmp.c_str(), path.c_str()) != 0) return errno_error("replace", path, errno);
  const Seal seal = *sealed;
  return write_file_atomic(seal_path(path),
                           std::string_view(reinterpret_cast<const char*>(&seal), sizeof(seal)));
}

Result<std::unique_ptr<VectorIndex>> load_hnsw_index(const std::string& path, int64_t generation,
                                                     size_t dimension, const HnswOptions& options) {
  DM_ASSIGN(const Seal seal, read_seal(path));
  if (seal.generation != generation || seal.dimension != dimension) {
    return Error{ErrorCode::kMismatch,
                 "the vector graph belongs to generation " + std::to_string(seal.generation) +
                     " and dimension " + std::to_string(seal.dimension) + ", the store has " +
                     std::to_string(generation) + " and " + std::to_string(dimension)};
  }
  {
    DM_ASSIGN(const std::string bytes, read_file(path, kMaxGraphBytes));
    if (bytes.size() != seal.size_bytes || hash64(bytes) != seal.hash) {
      return Error{ErrorCode::kMalformed, "'" + path + "' is damaged; run 'docmind index' again"};
    }
  }
  auto index = std::make_unique<HnswIndex>(dimension, std::make_unique<RowSpace>(dimension));
  try {
    index->graph = std::make_unique<Graph>(index->space(), path);
    index->graph->setEf(options.ef_search);
  } catch (const std::exception& failure) {
    return Error{ErrorCode::kMalformed, "cannot load '" + path + "': " + failure.what()};
  }
  // hnswlib has read the file a second time: a writer may have put another in its place meanwhile.
  DM_ASSIGN(const Seal seal_now, read_seal(path));
  if (seal_now != seal) {
    return Error{ErrorCode::kMismatch, "'" + path + "' was replaced while it was read"};
  }
  return std::unique_ptr<VectorIndex>(std::move(index));
}

}  // namespace docmind::index

// bench_semantic_lookup: SketchIndex over many rows, its recall first. One case a process, so that the
// memory measured is that of the case: ROWS DIMENSION clustered|gaussian [FOLDER [hnswlib]]. With a folder
// the vectors are written there for a peer, and recall is that against floats, too; with hnswlib, its
// graph is built in this process. Prints a line of JSON.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "base/aligned_buffer.h"
#include "index/sketch_index.h"
#include "index/vector_index.h"
#include "index/vector_matrix.h"
#include "kernels/kernels.h"
#include "sentence_vectors.h"

namespace {

using namespace docmind;
using index::SketchHit;
using index::SketchIndex;
using Row = std::vector<float>;

constexpr size_t kTop = 10;
constexpr size_t kQueries = 400;
constexpr float kNear = 0.8f;  // of this cosine and more every row must be found
constexpr size_t kLiveRows = 5'000;

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) {
    fmt::print(stderr, "{}\n", result.error().message);
    std::exit(2);
  }
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

double seconds_of(const auto& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double percentile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  return values[std::min(values.size() - 1, static_cast<size_t>(share * static_cast<double>(values.size())))];
}

size_t peak_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;
  }
  return 0;
}

struct Case {
  size_t n_rows = 0, dimension = 0;
  bool gaussian = false;
  std::string folder;
  bench::SentenceVectors vectors;
  std::vector<Row> queries;    // a quarter of them strangers, the others paraphrases of rows
  std::vector<bool> stranger;  // [queries]

  Case(size_t rows, size_t dim, bool plain, std::string out)
      : n_rows(rows), dimension(dim), gaussian(plain), folder(std::move(out)), vectors(dim, plain, 7) {
    std::mt19937_64 random(11);
    std::uniform_real_distribution<double> cosine(0.75, 0.98);
    for (size_t i = 0; i < kQueries; ++i) {
      stranger.push_back(i % 4 == 3);
      queries.push_back(stranger.back() ? vectors.stranger(random)
                                        : vectors.paraphrase(vectors.row(random() % n_rows), cosine(random), random));
    }
  }
};

std::string rows_in(SketchIndex& sketches, const Case& set) {
  double seconds = 0;
  for (size_t i = 0; i < set.n_rows; ++i) {
    const Row row = set.vectors.row(i);
    seconds += seconds_of([&] { must(sketches.add(static_cast<int64_t>(i), index::encode_vector(row))); });
  }
  return fmt::format("\"build_s\": {}, ", seconds);
}

size_t n_common(const std::vector<SketchHit>& hits, const std::set<int64_t>& wanted) {
  const auto is_wanted = [&](const SketchHit& hit) { return wanted.contains(hit.id); };
  return static_cast<size_t>(std::ranges::count_if(hits, is_wanted));
}

std::set<int64_t> ids_of(const std::vector<SketchHit>& hits) {
  std::set<int64_t> ids;
  for (const SketchHit& hit : hits) ids.insert(hit.id);
  return ids;
}

double share(size_t part, size_t whole) {
  return whole == 0 ? 1 : static_cast<double>(part) / static_cast<double>(whole);
}

// Against the exact twin. Strangers apart: what is nearest to them is not near.
std::string recall(const SketchIndex& sketches, const Case& set) {
  size_t first[2] = {}, top[2] = {}, n[2] = {}, above = 0, n_above = 0, itself = 0;
  std::vector<double> exact_ms;
  for (size_t q = 0; q < set.queries.size(); ++q) {
    std::vector<SketchHit> exact;
    exact_ms.push_back(1e3 * seconds_of([&] { exact = must(sketches.search_exact(set.queries[q], kTop, -1)); }));
    const auto hits = must(sketches.search(set.queries[q], kTop, -1));
    ++n[set.stranger[q]];
    first[set.stranger[q]] += hits[0].id == exact[0].id ? 1 : 0;
    top[set.stranger[q]] += n_common(hits, ids_of(exact));
    const auto near = ids_of(must(sketches.search_exact(set.queries[q], set.n_rows, kNear)));
    above += n_common(must(sketches.search(set.queries[q], 1'000, kNear)), near);
    n_above += near.size();
    const size_t row = q * 7'919 % set.n_rows;
    itself += must(sketches.search(set.vectors.row(row), 1, 0.99f))[0].id == static_cast<int64_t>(row) ? 1 : 0;
  }
  return fmt::format("\"recall_1\": {}, \"recall_10\": {}, \"recall_near\": {}, \"n_near\": {}, \"found_itself\": {}, "
                     "\"stranger_recall_1\": {}, \"stranger_recall_10\": {}, \"exact_p50_ms\": {}, ",
                     share(first[0], n[0]), share(top[0], kTop * n[0]), share(above, n_above), n_above,
                     share(itself, kQueries), share(first[1], n[1]), share(top[1], kTop * n[1]),
                     percentile(exact_ms, 0.5));
}

std::string lookups(const SketchIndex& sketches, const Case& set) {
  std::vector<double> wall_ms, cpu_ms;
  for (int pass = 0; pass < 4; ++pass) {
    for (const Row& query : set.queries) {
      const double cpu = thread_seconds();
      const double wall = seconds_of([&] { must(sketches.search(query, kTop, -1)); });
      if (pass == 0) continue;
      cpu_ms.push_back(1e3 * (thread_seconds() - cpu));
      wall_ms.push_back(1e3 * wall);
    }
  }
  return fmt::format("\"p50_ms\": {}, \"p99_ms\": {}, \"cpu_p50_ms\": {}, ", percentile(wall_ms, 0.5),
                     percentile(wall_ms, 0.99), percentile(cpu_ms, 0.5));
}

// What one thread needs to read the sketches: no search that passes them all is faster.
std::string limit(const Case& set) {
  const kernels::KernelTable& kernels = *must(kernels::kernel_table(kernels::best_isa()));
  const size_t n_words = (std::max<size_t>(set.dimension, 256) + 63) / 64;
  const AlignedBuffer memory = must(AlignedBuffer::allocate(set.n_rows * n_words * sizeof(uint64_t)));
  std::fill(memory.as<uint64_t>().begin(), memory.as<uint64_t>().end(), 1);
  std::vector<double> read_ms;
  uint64_t sum = 0;
  for (int i = 0; i < 51; ++i) {
    read_ms.push_back(1e3 * seconds_of([&] { sum += kernels.read_probe(memory.data(), memory.size()); }));
  }
  return fmt::format("\"read_p50_ms\": {}, \"read_sum\": {}, ", percentile(read_ms, 0.5), sum);
}

// Rows come in while another thread searches; of every hundredth it is checked that it is found at once.
std::string live(SketchIndex& sketches, const Case& set) {
  std::vector<Row> rows;
  for (size_t i = 0; i < kLiveRows; ++i) rows.push_back(set.vectors.row(set.n_rows + i));
  std::atomic<bool> done = false;
  std::vector<double> search_ms;
  std::thread searching([&] {
    for (size_t q = 0; !done || search_ms.empty(); ++q) {
      const Row& query = set.queries[q % kQueries];
      search_ms.push_back(1e3 * seconds_of([&] { must(sketches.search(query, kTop, -1)); }));
    }
  });
  double seconds = 0;
  size_t n_missed = 0;
  for (size_t i = 0; i < kLiveRows; ++i) {
    const auto id = static_cast<int64_t>(set.n_rows + i);
    seconds += seconds_of([&] { must(sketches.add(id, index::encode_vector(rows[i]))); });
    if (i % 100 == 0) n_missed += must(sketches.search(rows[i], 1, 0.99f))[0].id != id ? 1 : 0;
  }
  done = true;
  searching.join();
  return fmt::format("\"live_insert_per_s\": {}, \"live_missed\": {}, \"live_search_p50_ms\": {}, ",
                     static_cast<double>(kLiveRows) / seconds, n_missed, percentile(search_ms, 0.5));
}

// --- for a peer ---

using Truth = std::vector<std::vector<SketchHit>>;

void write_file(const std::string& path, const void* data, size_t n_bytes) {
  std::ofstream(path, std::ios::binary).write(static_cast<const char*>(data), static_cast<std::streamsize>(n_bytes));
}

// The best rows for each query by floats, on the way of writing all rows.
Truth write_set(const Case& set) {
  const kernels::KernelTable& kernels = *must(kernels::kernel_table(kernels::best_isa()));
  std::ofstream vectors(set.folder + "/vectors.f32", std::ios::binary);
  Truth truth(kQueries);
  const auto better = [](const SketchHit& a, const SketchHit& b) { return a.similarity > b.similarity; };
  for (size_t i = 0; i < set.n_rows; ++i) {
    const Row row = set.vectors.row(i);
    vectors.write(reinterpret_cast<const char*>(row.data()), static_cast<std::streamsize>(row.size() * sizeof(float)));
    for (size_t q = 0; q < kQueries; ++q) {
      const SketchHit hit{static_cast<int64_t>(i),
                          kernels.dot(row.data(), set.queries[q].data(), static_cast<int64_t>(set.dimension))};
      if (truth[q].size() == kTop && !better(hit, truth[q].back())) continue;
      truth[q].insert(std::ranges::upper_bound(truth[q], hit, better), hit);
      if (truth[q].size() > kTop) truth[q].pop_back();
    }
  }
  Row asked;
  std::vector<int32_t> ids;
  for (size_t q = 0; q < kQueries; ++q) {
    asked.insert(asked.end(), set.queries[q].begin(), set.queries[q].end());
    for (const SketchHit& hit : truth[q]) ids.push_back(static_cast<int32_t>(hit.id));
  }
  write_file(set.folder + "/queries.f32", asked.data(), asked.size() * sizeof(float));
  write_file(set.folder + "/truth.i32", ids.data(), ids.size() * sizeof(int32_t));
  const std::string about = fmt::format("{{\"rows\": {}, \"dimension\": {}, \"queries\": {}, \"k\": {}}}", set.n_rows,
                                        set.dimension, kQueries, kTop);
  write_file(set.folder + "/set.json", about.data(), about.size());
  return truth;
}

std::string float_recall(const SketchIndex& sketches, const Case& set, const Truth& truth) {
  size_t n_found = 0;
  for (size_t q = 0; q < kQueries; ++q) {
    n_found += n_common(must(sketches.search(set.queries[q], kTop, -1)), ids_of(truth[q]));
  }
  return fmt::format("\"float_recall_10\": {}, ", share(n_found, kTop * kQueries));
}

// hnswlib in this process, over the same int8 rows.
std::string graph(const Case& set, const Truth& truth) {
  index::VectorMatrix matrix(set.dimension);
  matrix.reserve(set.n_rows);
  for (size_t i = 0; i < set.n_rows; ++i) {
    must(matrix.append(static_cast<int64_t>(i), index::encode_vector(set.vectors.row(i))));
  }
  std::unique_ptr<index::VectorIndex> built;
  const double build_s = seconds_of([&] { built = must(index::build_hnsw_index(matrix, {})); });
  std::vector<double> wall_ms;
  size_t n_found = 0;
  for (size_t q = 0; q < kQueries; ++q) {
    std::vector<index::ScoredChunk> hits;
    wall_ms.push_back(1e3 * seconds_of([&] { hits = must(built->search(set.queries[q], kTop)); }));
    const std::set<int64_t> wanted = ids_of(truth[q]);
    for (const index::ScoredChunk& hit : hits) n_found += wanted.count(hit.chunk_id);
  }
  return fmt::format("\"graph_build_s\": {}, \"graph_p50_ms\": {}, \"graph_recall_10\": {}, ", build_s,
                     percentile(wall_ms, 0.5), share(n_found, kTop * kQueries));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print(stderr, "usage: bench_semantic_lookup ROWS DIMENSION clustered|gaussian [FOLDER [hnswlib]]\n");
    return 2;
  }
  const Case set(std::strtoull(argv[1], nullptr, 10), std::strtoull(argv[2], nullptr, 10),
                 std::string_view(argv[3]) == "gaussian", argc > 4 ? argv[4] : "");
  index::SketchIndexOptions options;
  options.dimension = set.dimension;
  const auto sketches = must(SketchIndex::create(options));
  std::string json = rows_in(*sketches, set);
  json += fmt::format("\"size_bytes\": {}, \"rss_bytes\": {}, ", sketches->size_bytes(), peak_bytes());
  json += recall(*sketches, set) + lookups(*sketches, set) + limit(set);
  if (!set.folder.empty()) {
    const Truth truth = write_set(set);
    json += float_recall(*sketches, set, truth);
    if (argc > 5) json += graph(set, truth);
  }
  json += live(*sketches, set);
  fmt::print("{{{}\"rows\": {}, \"dimension\": {}, \"data\": \"{}\"}}\n", json, set.n_rows, set.dimension, argv[3]);
  return 0;
}

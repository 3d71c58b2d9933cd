// quantize_rows: error and speed of each block type beside llama.cpp's quantizer, in one process.
// SPDX-License-Identifier: Apache-2.0
//
// bench_quantize_rows [MODEL.gguf]: prints a table and a line of JSON; exit code 1 when a squared error is larger
// than the peer's or a type is slower, 2 when the peer is not installed. Speed is CPU time of one thread, the better
// of turns that alternate. With importance both errors are weighted by it.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/aligned_buffer.h"
#include "kernels/kernels.h"
#include "parity/ggml_quantizer.h"
#include "parity/weight_matrices.h"

namespace docmind::bench {
namespace {

using kernels::TensorType;
using test::WeightMatrix;

constexpr TensorType kTypes[] = {TensorType::kQ8_0, TensorType::kQ4_0, TensorType::kQ4_K, TensorType::kQ5_K,
                                 TensorType::kQ6_K};
constexpr int kTurns = 5;
constexpr double kNoise = 1e-3;  // of an error ratio

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Result {
  std::string type, matrix;
  bool weighted = false;
  double error_ratio = 0;           // ours / llama.cpp's
  double rate = 0, peer_rate = 0;  // million weights a second
};

class Comparison {
 public:
  Comparison() {
    table_ = kernels::kernel_table(kernels::best_isa()).value();
    scratch_ = std::move(AlignedBuffer::allocate(kernels::quantize_scratch_bytes(0))).value();
  }
  [[nodiscard]] const test::GgmlQuantizer& peer() const { return peer_; }

  Result run(TensorType type, const WeightMatrix& matrix, bool weighted) {
    std::vector<std::byte> peers;
    const float* importance = weighted ? matrix.importance.data() : nullptr;
    std::vector<std::byte> ours(row_bytes(kernels::tensor_type_info(type), matrix.cols) *
                                static_cast<size_t>(matrix.n_rows));
    double seconds = 1e30, peer_seconds = 1e30;
    for (int turn = 0; turn < kTurns; ++turn) {
      const double start = thread_seconds();
      table_->quantize_rows({.type = type, .x = matrix.x.data(), .n_rows = matrix.n_rows, .cols = matrix.cols,
                             .importance = importance, .out = ours.data()},
                            scratch_.as<std::byte>().data());
      const double middle = thread_seconds();
      peer_.quantize(type, matrix.x.data(), matrix.n_rows, matrix.cols, importance, peers);
      seconds = std::min(seconds, middle - start);
      peer_seconds = std::min(peer_seconds, thread_seconds() - middle);
    }
    const double n = 1e-6 * static_cast<double>(matrix.x.size());
    return {std::string(kernels::tensor_type_info(type).name), matrix.name, weighted,
            test::squared_error(matrix, type, ours, weighted) / test::squared_error(matrix, type, peers, weighted),
            n / seconds, n / peer_seconds};
  }

 private:
  const kernels::KernelTable* table_ = nullptr;
  AlignedBuffer scratch_;
  test::GgmlQuantizer peer_;
};

bool report(const std::vector<Result>& results) {
  fmt::print("{:<6}{:<17}{:<12}{:>12}{:>12}{:>12}{:>8}\n", "type", "matrix", "importance", "error ratio", "Mweights/s",
             "llama.cpp", "ratio");
  bool met = true;
  std::string rows;
  for (const Result& r : results) {
    const bool good = r.error_ratio <= 1 + kNoise && r.rate > r.peer_rate;
    met = met && good;
    fmt::print("{:<6}{:<17}{:<12}{:>12.4f}{:>12.1f}{:>12.1f}{:>8.1f}{}\n", r.type, r.matrix, r.weighted ? "yes" : "no",
               r.error_ratio, r.rate, r.peer_rate, r.rate / r.peer_rate, good ? "" : "  MISSED");
    rows += fmt::format(R"({}{{"type": "{}", "matrix": "{}", "importance": {}, "error_ratio": {:.4f}, )"
                        R"("mweights_per_s": {:.1f}, "peer_mweights_per_s": {:.1f}}})",
                        rows.empty() ? "" : ", ", r.type, r.matrix, r.weighted, r.error_ratio, r.rate, r.peer_rate);
  }
  fmt::print(R"({{"bench": "quantize_rows", "isa": "{}", "met": {}, "rows": [{}]}})" "\n",
             kernels::isa_name(kernels::best_isa()), met, rows);
  return met;
}

int run(const char* model) {
  Comparison comparison;
  if (!comparison.peer().usable()) {
    fmt::print(stderr, "not measured: llama.cpp's quantizer: {}\n", comparison.peer().error());
    return 2;
  }
  std::vector<WeightMatrix> matrices = test::random_weight_matrices(512, 1024);
  if (model != nullptr) matrices.push_back(test::weights_of_file(model));
  std::vector<Result> results;
  for (const TensorType type : kTypes) {
    for (const WeightMatrix& matrix : matrices) {
      for (const bool weighted : {false, true}) {
        if (matrix.n_rows > 0) results.push_back(comparison.run(type, matrix, weighted));
      }
    }
  }
  return report(results) ? 0 : 1;
}

}  // namespace
}  // namespace docmind::bench

int main(int argc, char** argv) { return docmind::bench::run(argc > 1 ? argv[1] : nullptr); }

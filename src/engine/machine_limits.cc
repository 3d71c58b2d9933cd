// MachineLimits: how fast this machine reads memory and multiplies bytes, measured.
// SPDX-License-Identifier: Apache-2.0
#include "engine/machine_limits.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "base/aligned_buffer.h"
#include "base/clock.h"
#include "base/thread_team.h"

namespace docmind::engine {
namespace {

constexpr size_t kBufferBytes = 512u << 20;  // beyond every cache
constexpr int64_t kPieceBytes = 1 << 20;
constexpr int kRuns = 5;
constexpr double kMultiplyMs = 40;  // of one run

// Whatever is stored here cannot be left out by the compiler.
void keep(uint64_t value) {
  static std::atomic<uint64_t> sink;
  sink.store(value, std::memory_order_relaxed);
}

Result<double> measure_reading(const kernels::KernelTable& kernels, ThreadTeam& team) {
  DM_ASSIGN(const AlignedBuffer buffer, AlignedBuffer::allocate(kBufferBytes));
  const auto n_pieces = static_cast<int64_t>(kBufferBytes) / kPieceBytes;
  const auto piece_at = [&](int64_t piece) { return buffer.data() + piece * kPieceBytes; };
  // Pages that were never written are all the same page of zeros.
  team.parallel_for(n_pieces, 1, [&](int64_t begin, int64_t end, size_t) {
    std::memset(piece_at(begin), 1, static_cast<size_t>((end - begin) * kPieceBytes));
  });
  double best = 0;
  for (int run = 0; run < kRuns; ++run) {
    const Stopwatch clock;
    team.parallel_for(n_pieces, 4, [&](int64_t begin, int64_t end, size_t) {
      keep(kernels.read_probe(piece_at(begin), static_cast<size_t>((end - begin) * kPieceBytes)));
    });
    best = std::max(best, static_cast<double>(kBufferBytes) / (clock.elapsed_ms() * 1e6));
  }
  return best;
}

// Every thread multiplies for the same number of rounds; the slowest ends the run.
double measure_multiplying(const kernels::KernelTable& kernels, ThreadTeam& team) {
  const auto n_threads = static_cast<int64_t>(team.n_threads());
  const auto run = [&](int64_t n_rounds) {
    std::atomic<int64_t> n_macs{0};
    const Stopwatch clock;
    team.parallel_for(n_threads, 1, [&](int64_t begin, int64_t end, size_t) {
      for (int64_t i = begin; i < end; ++i) {
        int32_t value = 0;
        n_macs += kernels.int8_probe(n_rounds, &value);
        keep(static_cast<uint64_t>(value));
      }
    });
    return static_cast<double>(n_macs.load()) / (clock.elapsed_ms() * 1e6);
  };
  int64_t n_rounds = 1'000;
  for (Stopwatch clock; n_rounds < (int64_t{1} << 40); n_rounds *= 2) {
    clock.restart();
    run(n_rounds);
    if (clock.elapsed_ms() >= kMultiplyMs) break;
  }
  double best = 0;
  for (int i = 0; i < kRuns; ++i) best = std::max(best, run(n_rounds));
  return best;
}

}  // namespace

Result<MachineLimits> measure_machine_limits(const kernels::KernelTable& kernels,
                                                  size_t n_threads) {
  ThreadTeam team(n_threads);
  MachineLimits limits;
  DM_ASSIGN(limits.read_gb_per_s, measure_reading(kernels, team));
  limits.int8_gmac_per_s = measure_multiplying(kernels, team);
  return limits;
}

}  // namespace docmind::engine

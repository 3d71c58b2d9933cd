// How fast the CPU reads memory, measured in a moment: for plans, which should not make anyone wait.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <cstring>

#include "base/aligned_buffer.h"
#include "base/clock.h"
#include "base/thread_team.h"
#include "kernels/kernels.h"
#include "providers/plan_inputs.h"

namespace docmind::providers {
namespace {

// More than the last-level cache that a few cores of today's machines have to themselves.
constexpr int64_t kProbeBytes = int64_t{64} << 20;
constexpr int64_t kProbePiece = int64_t{1} << 20;
constexpr double kFillMs = 8, kReadMs = 5;

// Writes pieces until the time is over, so that they have memory; the number of them.
int64_t fill_pieces(const AlignedBuffer& buffer, ThreadTeam& team) {
  std::atomic<int64_t> n_filled{0};
  const Stopwatch clock;
  team.parallel_for(kProbeBytes / kProbePiece, 1, [&](int64_t begin, int64_t, size_t) {
    if (clock.elapsed_ms() > kFillMs) return;
    std::memset(buffer.data() + begin * kProbePiece, 1, static_cast<size_t>(kProbePiece));
    n_filled.fetch_add(1, std::memory_order_relaxed);
  });
  return n_filled.load();
}

}  // namespace

double probe_bandwidth(size_t n_threads) {
  ThreadTeam team(n_threads);
  const Result<const kernels::KernelTable*> kernels = kernels::kernel_table_named("auto");
  const Result<AlignedBuffer> buffer = AlignedBuffer::allocate(static_cast<size_t>(kProbeBytes));
  if (!kernels.ok() || !buffer.ok()) return 0;
  const int64_t n_pieces = kProbeBytes / kProbePiece;
  if (fill_pieces(*buffer, team) < n_pieces) return 0;  // less would be read from the cache
  std::atomic<uint64_t> sink{0};
  double best = 0;
  const Stopwatch all;
  while (all.elapsed_ms() < kReadMs) {
    const Stopwatch clock;
    team.parallel_for(n_pieces, 4, [&](int64_t begin, int64_t end, size_t) {
      const auto n_bytes = static_cast<size_t>((end - begin) * kProbePiece);
      sink.fetch_xor((*kernels)->read_probe(buffer->data() + begin * kProbePiece, n_bytes), std::memory_order_relaxed);
    });
    best = std::max(best, static_cast<double>(kProbeBytes) / (clock.elapsed_ms() * 1e6));
  }
  return best;
}

}  // namespace docmind::providers

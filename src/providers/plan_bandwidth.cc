// How fast the CPU reads memory, measured in a moment: for plans, which should not make anyone wait.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <cstring>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#include "base/aligned_buffer.h"
#include "base/clock.h"
#include "base/thread_team.h"
#include "kernels/kernels.h"
#include "providers/plan_inputs.h"

namespace docmind::providers {
namespace {

// Little, since giving a process its memory takes longer than reading it; so the caches are emptied of it.
constexpr int64_t kProbeBytes = int64_t{16} << 20;
constexpr int64_t kProbePiece = int64_t{1} << 18;
constexpr int64_t kCacheLine = 64;
constexpr double kFillMs = 12, kReadMs = 6;

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

// The next reading comes from the memory itself. False where this is not known how.
bool leave_caches(const AlignedBuffer& buffer, ThreadTeam& team) {
#if defined(__x86_64__)
  team.parallel_for(kProbeBytes / kProbePiece, 1, [&](int64_t begin, int64_t end, size_t) {
    for (int64_t at = begin * kProbePiece; at < end * kProbePiece; at += kCacheLine) _mm_clflush(buffer.data() + at);
    _mm_mfence();
  });
  return true;
#else
  static_cast<void>(buffer), static_cast<void>(team);
  return false;
#endif
}

}  // namespace

double probe_bandwidth(size_t n_threads) {
  ThreadTeam team(n_threads);
  const Result<const kernels::KernelTable*> kernels = kernels::kernel_table_named("auto");
  const Result<AlignedBuffer> buffer = AlignedBuffer::allocate(static_cast<size_t>(kProbeBytes));
  if (!kernels.ok() || !buffer.ok()) return 0;
  const int64_t n_pieces = kProbeBytes / kProbePiece;
  if (fill_pieces(*buffer, team) < n_pieces) return 0;  // pages that were never written are all the same one
  std::atomic<uint64_t> sink{0};
  double best = 0;
  const Stopwatch all;
  while (all.elapsed_ms() < kReadMs) {
    if (!leave_caches(*buffer, team)) return 0;
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

// TensorConverter: one tensor after another from its file into a writer, on all threads, in bounded memory.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/tensor_converter.h"

#include <atomic>
#include <cstring>

#include <fmt/format.h>

#include "base/text.h"
#include "kernels/quantize.h"

namespace docmind::quantize {
namespace {

// Enough that threads seldom wait for one another at the end of a window.
constexpr int64_t kChunksPerThread = 16;

size_t round_up(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

}  // namespace

// A tensor, and the window that is at work.
struct TensorConverter::Job {
  const PlannedTensor& tensor;
  std::span<const float> importance;
  ChunkGrid grid;
  int64_t first = 0;                // chunk of the window
  std::byte* out = nullptr;
  std::span<const std::byte> done = {};  // the window before, not written yet
  [[nodiscard]] bool is_float() const { return tensor.from.block_len == 1; }
  [[nodiscard]] const std::byte* source(const TensorChunk& chunk) const {
    return tensor.tensor->data.data() + kernels::row_bytes(tensor.from, chunk.begin);
  }
  [[nodiscard]] size_t out_offset(int64_t chunk) const {
    const int64_t end = chunk < grid.n_chunks() ? grid.at(chunk).begin : tensor.tensor->n_elements();
    return kernels::row_bytes(tensor.to, end - grid.at(first).begin);
  }
};

Result<TensorConverter> TensorConverter::create(const gguf::File& file, gguf::Writer& writer,
                                                const kernels::KernelTable& table, ThreadTeam& team) {
  TensorConverter converter(file, writer, table, team);
  const size_t n_threads = team.n_threads();
  converter.scratch_bytes_ = round_up(kernels::quantize_scratch_bytes(kChunkElements), 64);
  DM_ASSIGN(converter.floats_, AlignedBuffer::allocate(n_threads * kChunkElements * sizeof(float)));
  DM_ASSIGN(converter.scratch_, AlignedBuffer::allocate(n_threads * converter.scratch_bytes_));
  for (AlignedBuffer& window : converter.windows_) {
    const auto n_chunks = static_cast<size_t>(converter.window());
    DM_ASSIGN(window, AlignedBuffer::allocate(n_chunks * kChunkElements * sizeof(float)));
  }
  return converter;
}

int64_t TensorConverter::window() const { return kChunksPerThread * static_cast<int64_t>(team_->n_threads()); }

bool TensorConverter::convert_chunk(const Job& job, int64_t index, size_t thread) {
  const TensorChunk chunk = job.grid.at(index);
  std::byte* const out = job.out + job.out_offset(index);
  float* const floats = floats_.as<float>().data() + thread * kChunkElements;
  if (job.tensor.copied) {
    std::memcpy(out, job.source(chunk), kernels::row_bytes(job.tensor.from, chunk.n()));
    if (!job.is_float()) return true;
  }
  read_floats(*table_, job.tensor.from.type, job.source(chunk), chunk.n(), floats);
  if (job.tensor.copied) return first_not_finite(floats, chunk.n()) == chunk.n();
  const kernels::QuantizeJob work{
      .type = job.tensor.to.type,
      .x = floats,
      .n_rows = chunk.n_rows,
      .cols = chunk.cols,
      .importance = job.importance.empty() ? nullptr : job.importance.data() + chunk.column,
      .out = out};
  return table_->quantize_rows(work, scratch_.data() + thread * scratch_bytes_);
}

// Why a chunk could not be converted; its values are read again.
Error TensorConverter::explain(const Job& job, int64_t index) const {
  const TensorChunk chunk = job.grid.at(index);
  float* const floats = floats_.as<float>().data();
  read_floats(*table_, job.tensor.from.type, job.source(chunk), chunk.n(), floats);
  const std::string place =
      fmt::format("'{}': the tensor '{}'", printable(file_->path()), printable(job.tensor.tensor->name));
  const int64_t bad = first_not_finite(floats, chunk.n());
  if (bad < chunk.n()) {
    return Error{ErrorCode::kMalformed, fmt::format("{} holds {} at element {}, which is not a finite number", place,
                                                    floats[bad], chunk.begin + bad)};
  }
  float largest = 0;
  for (int64_t i = 0; i < chunk.n(); ++i) largest = std::max(largest, std::abs(floats[i]));
  return Error{ErrorCode::kLimit, fmt::format("{} holds values up to {}, more than {} can hold", place, largest,
                                              job.tensor.to.name)};
}

// Asks for the window that begins at `first_chunk`, or gives back the memory of it.
void TensorConverter::read_ahead(const Job& job, int64_t first_chunk, bool drop) const {
  if (first_chunk >= job.grid.n_chunks()) return;
  const int64_t last = std::min(first_chunk + window(), job.grid.n_chunks()) - 1;
  const TensorChunk end = job.grid.at(last);
  const size_t from = kernels::row_bytes(job.tensor.from, job.grid.at(first_chunk).begin);
  gguf::TensorInfo part = *job.tensor.tensor;
  part.data = part.data.subspan(from, kernels::row_bytes(job.tensor.from, end.begin + end.n()) - from);
  if (drop) file_->drop(part);
  else file_->prefetch(part);
}

Status TensorConverter::convert(const PlannedTensor& tensor, std::span<const float> importance, const Step& step) {
  const gguf::TensorInfo& info = *tensor.tensor;
  const int64_t n_rows = info.n_elements() / info.dims[0];
  Job job{.tensor = tensor, .importance = importance, .grid = ChunkGrid(n_rows, info.dims[0])};
  const int64_t n_chunks = job.grid.n_chunks();
  read_ahead(job, 0, false);
  for (int turn = 0; job.first < n_chunks; turn = 1 - turn) {
    const int64_t end = std::min(job.first + window(), n_chunks);
    read_ahead(job, end, false);
    job.out = windows_[turn].data();
    Status written;
    std::atomic<int64_t> bad = n_chunks;
    team_->parallel_for(end - job.first + 1, 1, [&](int64_t begin, int64_t stop, size_t thread) {
      for (int64_t i = begin; i < stop; ++i) {
        if (i == 0) written = job.done.empty() ? Status() : writer_->append(job.done);
        else if (!convert_chunk(job, job.first + i - 1, thread)) bad = job.first + i - 1;
      }
    });
    DM_TRY(std::move(written));
    if (bad < n_chunks) return explain(job, bad);
    job.done = {job.out, job.out_offset(end)};
    read_ahead(job, job.first, true);
    const int64_t last_element = end < n_chunks ? job.grid.at(end).begin : info.n_elements();
    const size_t n_bytes = kernels::row_bytes(tensor.from, last_element - job.grid.at(job.first).begin);
    if (!step(n_bytes)) return Error{ErrorCode::kCancelled, "quantizing was stopped"};
    job.first = end;
  }
  return writer_->append(job.done);
}

}  // namespace docmind::quantize

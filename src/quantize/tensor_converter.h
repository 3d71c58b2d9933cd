// TensorConverter: one tensor after another from its file into a writer, on all threads, in bounded memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <string>

#include "base/aligned_buffer.h"
#include "base/error.h"
#include "base/thread_team.h"
#include "gguf/file.h"
#include "gguf/writer.h"
#include "kernels/kernels.h"
#include "quantize/conversion_plan.h"
#include "quantize/tensor_chunks.h"

namespace docmind::quantize {

// A window of chunks is computed while the one before it is written, so disk and processors work at once. Holds about
// 5 MiB a thread. Borrows all it is given; for one thread.
class TensorConverter {
 public:
  // Called with the bytes of the source that a window took; false stops (kCancelled).
  using Step = std::function<bool(size_t n_bytes)>;

  static Result<TensorConverter> create(const gguf::File& file, gguf::Writer& writer,
                                        const kernels::KernelTable& table, ThreadTeam& team);

  // The whole tensor. `importance` has a value a column, or is empty. kMalformed for a value that is not finite,
  // kLimit for one that the type cannot hold: both name the tensor and the value.
  [[nodiscard]] Status convert(const PlannedTensor& tensor, std::span<const float> importance, const Step& step);

 private:
  TensorConverter(const gguf::File& file, gguf::Writer& writer, const kernels::KernelTable& table, ThreadTeam& team)
    : file_(&file), writer_(&writer), table_(&table), team_(&team) {}

  struct Job;
  [[nodiscard]] int64_t window() const;
  [[nodiscard]] bool convert_chunk(const Job& job, int64_t index, size_t thread);
  [[nodiscard]] Error explain(const Job& job, int64_t index) const;
  void read_ahead(const Job& job, int64_t first_chunk, bool drop) const;

  const gguf::File* file_;
  gguf::Writer* writer_;
  const kernels::KernelTable* table_;
  ThreadTeam* team_;
  AlignedBuffer floats_;   // kChunkElements a thread
  AlignedBuffer scratch_;  // of the kernels, scratch_bytes_ a thread
  size_t scratch_bytes_ = 0;
  AlignedBuffer windows_[2];  // what is computed, and what is written meanwhile
};

}  // namespace docmind::quantize

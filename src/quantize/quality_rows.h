// RowComparison: the logits of two models over the same tokens, the source's kept in a scratch file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "quantize/quality.h"
#include "quantize/quality_scratch.h"

namespace docmind::quantize {

// One caller at a time; the rows of a call are shared among threads. Memory: about 6 bytes of a vocabulary and thread.
class RowComparison {
 public:
  struct Size {
    int64_t n_rows = 0;
    int64_t n_vocab = 0;
  };
  // Errors as ScratchFile::create; the table must outlive it.
  static Result<std::unique_ptr<RowComparison>> create(const kernels::KernelTable& table, Size size,
                                                       const std::string& scratch_folder, size_t n_threads);

  // Rows [first, first + next.size()) of the source, logits [next.size(), n_vocab], and the tokens that followed.
  // kMalformed for logits that are not finite, kIo when the disk is full.
  [[nodiscard]] Status keep(int64_t first, std::span<const float> logits, std::span<const int32_t> next);
  // The same rows of the other model, after all were kept.
  [[nodiscard]] Status compare(int64_t first, std::span<const float> logits, std::span<const int32_t> next);
  // After all rows were compared; n_contexts is not set.
  [[nodiscard]] LanguageQuality quality() const;

 private:
  struct Row {  // exact
    int64_t source_top = 0;
    double source_loss = 0, loss = 0;  // negative log-probability of what followed
    double divergence = 0;
    bool same_top = false;
  };
  struct Buffers {  // of a thread
    std::vector<float> logits;
    std::vector<kernels::Half> halves;
  };
  using RowBody = std::function<Status(size_t row, Buffers& buffers)>;

  RowComparison(const kernels::KernelTable& table, Size size, ScratchFile file, size_t n_threads);
  Status for_rows(size_t n_rows, const RowBody& body);
  Status keep_row(std::span<const float> logits, int32_t next, int64_t row, Buffers& buffers);
  Status compare_row(std::span<const float> logits, int32_t next, int64_t row, Buffers& buffers);

  const kernels::KernelTable& table_;
  size_t n_vocab_;
  ScratchFile file_;  // halves [n_rows, n_vocab]: logits below the largest of their row
  ThreadPool pool_;
  std::vector<Buffers> buffers_;
  std::vector<Row> rows_;
};

}  // namespace docmind::quantize

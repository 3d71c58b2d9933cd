// ActivationMeans: mean squares of what each matrix of a model is multiplied with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/decoder.h"
#include "quantize/importance.h"

namespace docmind::providers {

// For one thread.
class ActivationMeans final : public model::ActivationObserver {
 public:
  void see(std::string_view tensor, const float* rows, int64_t stride, int64_t n_rows, int64_t cols) override;

  // kMalformed names a matrix that was multiplied with something that is no number, kInvalidArgument says that nothing
  // was seen.
  [[nodiscard]] Result<quantize::Importance> means() const;

 private:
  struct Sums {
    std::vector<double> squares;  // [cols]
    int64_t n_rows = 0;
  };
  std::map<std::string, Sums, std::less<>> tensors_;
};

}  // namespace docmind::providers

// UpstreamBase: what all kinds of servers have in common: the caller, and what was found out, kept for a while.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "providers/upstream.h"
#include "providers/upstream_call.h"

namespace docmind::providers {

class UpstreamBase : public Upstream {
 public:
  explicit UpstreamBase(const UpstreamOptions& options) : caller_(options) {}

  [[nodiscard]] const UpstreamOptions& options() const override { return caller_.options(); }
  [[nodiscard]] Result<UpstreamCapabilities> capabilities(const CancelToken& cancel) override;
  [[nodiscard]] UpstreamCounts counts() const override;
  [[nodiscard]] bool is_open() const override { return caller_.is_open(); }

 protected:
  [[nodiscard]] virtual Result<UpstreamCapabilities> discover(const CancelToken& cancel) = 0;
  // An answer's body as JSON where it is there and whole; for routes that a server may lack.
  [[nodiscard]] std::optional<json::value> look(const UpstreamCall& call, const CancelToken& cancel);
  // kLimit, counted, when the server read fewer tokens than these texts have at least. A count of 0 says nothing.
  [[nodiscard]] Status check_all_read(int64_t n_read, std::span<const std::string_view> texts);
  void count_embedded(int64_t n_tokens) { n_embedded_tokens_ += n_tokens; }

  UpstreamCaller caller_;

 private:
  struct Known {
    UpstreamCapabilities capabilities;
    int64_t n_absences = 0;  // when it was asked
    Stopwatch age;
  };
  std::mutex mutex_;
  std::optional<Known> known_;
  std::atomic<int64_t> n_embedded_tokens_{0};
};

// Scales to unit length; a row of zeros stays one.
void normalise_row(std::vector<float>& row);
// kMismatch when they are not all as long as the first.
[[nodiscard]] Status check_same_length(const UpstreamOptions& options, const std::vector<std::vector<float>>& rows);

[[nodiscard]] std::shared_ptr<Upstream> make_openai_upstream(const UpstreamOptions& options);
[[nodiscard]] std::shared_ptr<Upstream> make_ollama_upstream(const UpstreamOptions& options);

}  // namespace docmind::providers

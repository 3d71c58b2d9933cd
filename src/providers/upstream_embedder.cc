// The embedder over another server's embedding model.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "providers/upstream.h"
#include "providers/upstream_errors.h"
#include "providers/upstream_identity.h"

namespace docmind::providers {
namespace {

class UpstreamEmbedder final : public Embedder {
 public:
  UpstreamEmbedder(std::shared_ptr<Upstream> upstream, EmbedderInfo info)
      : upstream_(std::move(upstream)), info_(std::move(info)) {}

  EmbedderInfo info() const override { return info_; }
  Status embed(std::span<const std::string_view> texts, EmbedKind kind, std::span<float> out,
               const CancelToken& cancel) const override;
  int64_t n_tokens() const override { return upstream_->counts().n_embedded_tokens; }

 private:
  std::shared_ptr<Upstream> upstream_;
  const EmbedderInfo info_;
};

// Servers refuse blank texts; they get a zero row here.
Status UpstreamEmbedder::embed(std::span<const std::string_view> texts, EmbedKind, std::span<float> out,
                               const CancelToken& cancel) const {
  std::vector<std::string_view> told;
  std::vector<size_t> places;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (trim(texts[i]).empty()) continue;
    told.push_back(texts[i]);
    places.push_back(i);
  }
  std::fill(out.begin(), out.end(), 0.0F);
  if (told.empty()) return {};
  DM_ASSIGN(const std::vector<std::vector<float>> rows, upstream_->embed(told, cancel));
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].size() != info_.dimension) {
      return Error{ErrorCode::kMismatch,
                   fmt::format("{} gives vectors of {} dimensions now and gave {} before; its model was changed, so "
                               "start again",
                               upstream_name(upstream_->options().spec), rows[i].size(), info_.dimension)};
    }
    std::ranges::copy(rows[i], out.begin() + static_cast<std::ptrdiff_t>(places[i] * info_.dimension));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Embedder>> make_upstream_embedder(std::shared_ptr<Upstream> upstream,
                                                         const CancelToken& cancel) {
  DM_ASSIGN(const UpstreamCapabilities known, upstream->capabilities(cancel));
  const std::string_view probe[] = {"dimension"};
  DM_ASSIGN(const std::vector<std::vector<float>> rows, upstream->embed(probe, cancel));
  EmbedderInfo info{.provider = {upstream_label(*upstream), upstream_identity(*upstream, known)},
                    .dimension = rows.front().size(),
                    .normalised = true};
  return std::unique_ptr<Embedder>(std::make_unique<UpstreamEmbedder>(std::move(upstream), std::move(info)));
}

}  // namespace docmind::providers

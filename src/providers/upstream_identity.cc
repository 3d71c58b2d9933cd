// What names a model behind another server, for people and for keys of caches and stores.
// SPDX-License-Identifier: Apache-2.0
#include "providers/upstream_identity.h"

#include <fmt/format.h>

namespace docmind::providers {
namespace {

std::string_view kind_text(const ModelSpec& spec) {
  return spec.lm_studio ? "lmstudio" : upstream_kind_name(spec.kind);
}

}  // namespace

std::string upstream_label(const Upstream& upstream) {
  const ModelSpec& spec = upstream.options().spec;
  return fmt::format("{}:{}", kind_text(spec), spec.model);
}

std::string upstream_identity(const Upstream& upstream, const UpstreamCapabilities& known) {
  const ModelSpec& spec = upstream.options().spec;
  return fmt::format("{}/{}/{}", kind_text(spec), known.model.empty() ? spec.model : known.model, known.fingerprint);
}

}  // namespace docmind::providers

// A question's findings as they are remembered: their key and their bytes.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/found_codec.h"

#include <algorithm>

#include "base/hash.h"
#include "cache/cache_codec.h"

namespace docmind::pipeline {

Result<Digest> retrieval_key(const index::StoreReader& store, int64_t generation,
                             const std::string& space, std::string_view question,
                             const RetrieveOptions& options) {
  DM_ASSIGN(const std::string store_id, store.store_id());
  return FieldHasher()
      .add("retrieval 1")
      .add(store_id)
      .add(generation)
      .add(space)
      .add(static_cast<int64_t>(options.top_k))
      .add(static_cast<int64_t>(options.lexical_depth))
      .add(static_cast<int64_t>(options.vector_depth))
      .add(static_cast<int64_t>(options.rerank_depth))
      .add(question)
      .finish();
}

std::string encode_found(const Found& found) {
  return cache::CacheCodec<std::vector<std::string>>::encode(
      {std::string(reinterpret_cast<const char*>(found.hits.data()),
                   found.hits.size() * sizeof(HybridHit)),
       cache::CacheCodec<std::vector<float>>::encode(found.vector)});
}

bool decode_found(std::string_view bytes, Found& found) {
  const auto parts = cache::CacheCodec<std::vector<std::string>>::decode(bytes);
  if (!parts || parts->size() != 2 || (*parts)[0].size() % sizeof(HybridHit) != 0) return false;
  auto vector = cache::CacheCodec<std::vector<float>>::decode((*parts)[1]);
  if (!vector) return false;
  found.hits.resize((*parts)[0].size() / sizeof(HybridHit));
  std::copy((*parts)[0].begin(), (*parts)[0].end(), reinterpret_cast<char*>(found.hits.data()));
  found.vector = *std::move(vector);
  return true;
}

}  // namespace docmind::pipeline

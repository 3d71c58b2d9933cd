// Sequence: the face of SequenceState.
// SPDX-License-Identifier: Apache-2.0
#include "kv/sequence.h"

#include "kv/sequence_impl.h"

namespace docmind::kv {

using kernels::kKvBlockTokens;

Sequence::Sequence(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Sequence::~Sequence() = default;

const Layout& Sequence::layout() const { return impl_->layout; }
std::span<const TokenId> Sequence::tokens() const { return impl_->tokens; }
int64_t Sequence::capacity() const { return impl_->capacity; }
int64_t Sequence::n_shared_tokens() const { return impl_->n_shared; }
size_t Sequence::memory_bytes() const { return impl_->memory_bytes(); }

Status Sequence::reserve(int64_t n) { return impl_->reserve(n); }

kernels::Half* Sequence::keys(int64_t layer, int64_t head, int64_t token) {
  return impl_->layout.keys(impl_->block_of(token), layer, head, token % kKvBlockTokens);
}

kernels::Half* Sequence::values(int64_t layer, int64_t head, int64_t token) {
  return impl_->layout.values(impl_->block_of(token), layer, head, token % kKvBlockTokens);
}

void Sequence::add_query_energy(int64_t layer, int64_t head, int64_t token, const float* queries, int64_t n_queries) {
  impl_->add_query_energy(layer, head, token, queries, n_queries);
}

int64_t Sequence::n_due_pages() const { return static_cast<int64_t>(impl_->due.size()); }
void Sequence::prepare_seal(int64_t layer) { impl_->prepare_seal(layer); }

void Sequence::seal(int64_t layer, int64_t due_page, int64_t head_begin, int64_t head_end) {
  impl_->seal(layer, due_page, head_begin, head_end);
}

kernels::KvView Sequence::view(int64_t layer) const {
  return impl_->layout.view(impl_->block_data.data(), impl_->page_data.data(), layer);
}

void Sequence::commit(std::span<const TokenId> tokens) { impl_->commit(tokens); }
int64_t Sequence::truncate(int64_t n_tokens) { return impl_->truncate(n_tokens); }

}  // namespace docmind::kv

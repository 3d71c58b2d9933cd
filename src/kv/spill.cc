// Cache: sequences leave memory for a file, and come back.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kv/cache_state.h"
#include "kv/page_check.h"
#include "kv/sequence_impl.h"
#include "kv/state_bytes.h"
#include "kv/state_file.h"

namespace docmind::kv {
namespace {

using kernels::kKvBlockTokens;
using kernels::kKvPageBlocks;
using kernels::kKvPageTokens;

Status add_slot(StateWriter& writer, RecordKind kind, size_t index, std::span<const std::byte> bytes) {
  const auto place = static_cast<int64_t>(index);
  const std::span<const std::byte> parts[] = {as_part(place), bytes};
  return writer.add(kind, parts);
}

Status write_sequence(const SequenceState& sequence, StateWriter& writer) {
  const Layout& layout = sequence.layout;
  const int64_t n_tokens = std::ssize(sequence.tokens);
  const SequenceSummary summary = {.n_tokens = n_tokens,
                                   .n_blocks = sequence.n_blocks(),
                                   .n_pages = sequence.n_pages(),
                                   .n_shared = sequence.n_shared,
                                   .n_queries = sequence.n_queries()};
  const std::span<const std::byte> summary_part = as_part(summary);
  const std::span<const std::byte> tokens_part = std::as_bytes(std::span(sequence.tokens));
  DM_TRY(writer.add(RecordKind::kSummary, std::span(&summary_part, 1)));
  DM_TRY(writer.add(RecordKind::kTokens, std::span(&tokens_part, 1)));
  std::vector<std::byte> copy;
  for (size_t i = 0; i < sequence.blocks.size(); ++i) {
    if (!sequence.blocks[i]) continue;
    const int64_t n = n_tokens - static_cast<int64_t>(i) * kKvBlockTokens;
    DM_TRY(add_slot(writer, RecordKind::kBlock, i, block_part(layout, sequence.blocks[i].data(), n, copy)));
  }
  for (size_t i = 0; i < sequence.pages.size(); ++i) {
    if (!sequence.pages[i]) continue;
    const std::byte* page = sequence.pages[i].data();
    DM_TRY(add_slot(writer, RecordKind::kPage, i, {page, used_page_bytes(layout, page)}));
  }
  return writer.finish();
}

// Fills an empty sequence from a file whose beginning was read.
class SequenceReader {
 public:
  SequenceReader(SequenceState& sequence, StateReader& reader, const std::string& path)
    : sequence_(sequence), layout_(sequence.layout), reader_(reader), path_(path) {}

  // kLimit: nothing has changed.
  Status read() {
    DM_TRY(read_summary());
    Status filled = fill();
    if (!filled.ok()) sequence_.clear();
    return filled;
  }

 private:
  [[nodiscard]] Error damaged(std::string_view what) const { return damaged_file(path_, what); }
  [[nodiscard]] int64_t n_blocks() const { return (summary_.n_tokens + kKvBlockTokens - 1) / kKvBlockTokens; }

  Result<std::span<const std::byte>> record(RecordKind kind, size_t limit) {
    DM_ASSIGN(const StateReader::Record record, reader_.next(limit));
    if (record.kind != kind) return damaged("a record has the wrong place");
    return record.bytes;
  }

  Status read_summary() {
    DM_ASSIGN(const auto bytes, record(RecordKind::kSummary, sizeof(summary_)));
    if (!ByteTaker(bytes).take(summary_)) return damaged("its summary is too short");
    const SequenceSummary& s = summary_;
    const auto within = [](int64_t n, int64_t most) { return n >= 0 && n <= most; };
    if (s.n_tokens < 0 || s.n_queries < 1) return damaged("its summary counts less than nothing");
    if (s.n_tokens > sequence_.capacity) {
      return Error{ErrorCode::kLimit, fmt::format("'{}' holds {} tokens, more than the sequence's capacity of {}",
                                                  printable(path_), s.n_tokens, sequence_.capacity)};
    }
    if (!within(s.n_blocks, n_blocks()) || !within(s.n_pages, s.n_tokens / kKvPageTokens) ||
        !within(s.n_shared, s.n_tokens)) {
      return damaged("its summary contradicts itself");
    }
    CacheState& cache = sequence_.cache;
    if (cache.make_room(s.n_blocks, s.n_pages)) return {};
    return Error{ErrorCode::kLimit, fmt::format("'{}' needs {} bytes of KV cache, but of its {} bytes sequences use {}",
                                                printable(path_), cache.bytes_of(s.n_blocks, s.n_pages),
                                                cache.budget->n_bytes(), cache.budget->used_bytes())};
  }

  Status fill() {
    DM_TRY(read_tokens());
    for (int64_t i = 0, next = 0; i < summary_.n_blocks; ++i) {
      DM_TRY(read_slot(RecordKind::kBlock, next, n_blocks()));
    }
    for (int64_t i = 0, next = 1; i < summary_.n_pages; ++i) {
      DM_TRY(read_slot(RecordKind::kPage, next, summary_.n_tokens / kKvPageTokens));
    }
    DM_ASSIGN(const auto end, record(RecordKind::kEnd, 64));
    static_cast<void>(end);
    if (!is_complete()) return damaged("it lacks some of its tokens");
    sequence_.resume(summary_.n_shared, summary_.n_queries);
    return {};
  }

  Status read_tokens() {
    const size_t n_bytes = static_cast<size_t>(summary_.n_tokens) * sizeof(TokenId);
    DM_ASSIGN(const auto bytes, record(RecordKind::kTokens, n_bytes));
    if (bytes.size() != n_bytes) return damaged("it lacks some of its tokens");
    std::vector<TokenId>& tokens = sequence_.tokens;
    tokens.resize(static_cast<size_t>(summary_.n_tokens));
    if (n_bytes > 0) std::memcpy(tokens.data(), bytes.data(), n_bytes);
    if (std::ranges::any_of(tokens, [](TokenId token) { return token < 0; })) return damaged("a token is negative");
    return {};
  }

  // A block or a page whose index is in [next, end); `next` is then behind it.
  Status read_slot(RecordKind kind, int64_t& next, int64_t end) {
    const bool is_block = kind == RecordKind::kBlock;
    const size_t most = is_block ? layout_.block_bytes() : layout_.page_bytes();
    DM_ASSIGN(const auto bytes, record(kind, sizeof(int64_t) + most));
    ByteTaker from(bytes);
    int64_t index = 0;
    if (!from.take(index) || index < next || index >= end) return damaged("a block or a page has the wrong place");
    const auto content = from.left();
    const bool has_form = is_block ? content.size() == most : is_page(layout_, content);
    if (!has_form) return damaged("a block or a page is not of its form");
    SlotRef slot = sequence_.cache.pool->acquire(is_block ? SlotKind::kBlock : SlotKind::kPage);
    std::memcpy(slot.data(), content.data(), content.size());
    is_block ? sequence_.set_block(index, std::move(slot)) : sequence_.set_page(index, std::move(slot));
    next = index + 1;
    return {};
  }

  // Each token is held in one form or the other.
  [[nodiscard]] bool is_complete() const {
    for (int64_t i = 0; i < n_blocks(); ++i) {
      const auto page = static_cast<size_t>(i / kKvPageBlocks);
      const bool is_sealed = page < sequence_.pages.size() && sequence_.pages[page];
      if (!sequence_.blocks[static_cast<size_t>(i)] && !is_sealed) return false;
    }
    return true;
  }

  SequenceState& sequence_;
  const Layout& layout_;
  StateReader& reader_;
  const std::string& path_;
  SequenceSummary summary_;
};

}  // namespace

Status Cache::spill(Sequence& sequence, const std::string& path) {
  SequenceState& state = *sequence.impl_;
  state.roll_back();
  const std::string binding = state_binding(state_->layout, state_->options.identity);
  DM_ASSIGN(StateWriter writer, StateWriter::create(path, StateKind::kSequence, binding));
  DM_TRY(write_sequence(state, writer));
  state.finish();
  state.clear();
  return {};
}

Status Cache::unspill(Sequence& sequence, const std::string& path) {
  SequenceState& state = *sequence.impl_;
  if (!state.tokens.empty()) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("a sequence that holds {} tokens cannot be filled from '{}'",
                                                          state.tokens.size(), printable(path))};
  }
  state.roll_back();
  const std::string binding = state_binding(state_->layout, state_->options.identity);
  DM_ASSIGN(StateReader reader, StateReader::open(path, StateKind::kSequence, binding));
  return SequenceReader(state, reader, path).read();
}

}  // namespace docmind::kv

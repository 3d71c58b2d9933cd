// Cuts a document in one pass: headings first, then the best boundary inside long sections.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/chunker.h"

#include <algorithm>
#include <string_view>

#include "base/ascii.h"
#include "ingest/boundary.h"

namespace docmind::ingest {
namespace {

constexpr size_t kMaxPathBytes = 1'000;
constexpr std::string_view kPathSeparator = " > ";
constexpr uint32_t kSmallestMaxBytes = 16;  // room for any code point and its separator
constexpr uint32_t kLongestCodePoint = 4;
constexpr uint32_t kLargestMaxBytes = 1U << 30;

bool is_continuation(char c) { return (static_cast<uint8_t>(c) & 0xC0U) == 0x80U; }

// Headings with only white space between them: they are never parted from each other or from the
// text that follows.
struct Block {
  uint32_t begin = 0;
  uint32_t body = 0;  // where the text after the last heading begins
  uint8_t level = 1;  // of the outermost heading
};

ChunkOptions in_order(ChunkOptions options) {
  options.max_bytes = std::clamp(options.max_bytes, kSmallestMaxBytes, kLargestMaxBytes);
  options.target_bytes = std::clamp(options.target_bytes, 1U, options.max_bytes);
  options.min_bytes = std::min(options.min_bytes, options.target_bytes);
  return options;
}

class Chunker {
 public:
  Chunker(const Document& document, const ChunkOptions& options)
      : document_(document),
        text_(document.text),
        size_(static_cast<uint32_t>(document.text.size())),
        options_(in_order(options)) {}

  std::vector<Chunk> run() {
    find_blocks();
    for (uint32_t begin = 0; begin < size_;) {
      const uint32_t end = end_of_chunk(begin);
      add_piece(begin, end);
      begin = end;
    }
    std::vector<Chunk> chunks;
    chunks.reserve(pieces_.size());
    for (const Piece& piece : pieces_) chunks.push_back(make_chunk(piece));
    return chunks;
  }

 private:
  struct Piece {
    uint32_t begin = 0;
    uint32_t end = 0;
    uint8_t level = 0;  // of the section that the piece begins in, 0 outside of all
    bool starts_section = false;
  };

  void find_blocks() {
    // Readers keep these promises; a document from the worker process may not.
    for (const Heading& heading : document_.headings) {
      const bool in_order = headings_.empty() || headings_.back()->offset <= heading.offset;
      if (in_order && heading.offset < size_ && !is_continuation(text_[heading.offset])) {
        headings_.push_back(&heading);
      }
    }
    for (size_t i = 0; i < headings_.size(); ++i) {
      const uint32_t begin = headings_[i]->offset;
      const uint32_t limit = i + 1 < headings_.size() ? headings_[i + 1]->offset : size_;
      uint32_t body = begin;
      while (body < limit && text_[body] != '\n') ++body;
      while (body < limit && is_space(text_[body])) ++body;
      if (!blocks_.empty() && blocks_.back().body == begin) {
        blocks_.back().body = body;
        blocks_.back().level = std::min(blocks_.back().level, headings_[i]->level);
      } else {
        blocks_.push_back(Block{.begin = begin, .body = body, .level = headings_[i]->level});
      }
    }
  }

  // Where the chunk that begins at `begin` ends. Moves the section state to `begin`.
  uint32_t end_of_chunk(uint32_t begin) {
    enter_sections(begin);
    const uint64_t longest = uint64_t{begin} + options_.max_bytes;
    const uint64_t held_enough = uint64_t{begin} + options_.min_bytes;
    uint32_t floor = begin;  // a cut at or before this would part a heading from its text
    uint32_t section_end = size_;
    const Block* inner = nullptr;
    if (starts_section_) floor = blocks_[block_ - 1].body;
    for (size_t i = block_; i < blocks_.size(); ++i) {
      const Block& block = blocks_[i];
      section_end = block.begin;
      if (block.begin > longest) break;
      if (block.begin >= held_enough || block.level < level_) break;
      inner = &block;
      floor = block.body;
      section_end = size_;
    }
    if (section_end <= longest) return section_end;
    if (uint64_t{floor} + kLongestCodePoint > longest) {
      if (inner != nullptr) return inner->begin;
      floor = begin;  // more headings than fit: cut them like text
    }
    return cut(begin, floor, section_end);
  }

  // The best cut inside a section that is too long for one chunk.
  uint32_t cut(uint32_t begin, uint32_t floor, uint32_t section_end) const {
    // What remains should not be tiny either.
    const uint32_t left = section_end - begin;
    uint32_t best = options_.target_bytes;
    if (left - best < options_.min_bytes) best = std::max(left - options_.min_bytes, left / 2);
    const uint32_t least = std::min(options_.min_bytes, best);
    return best_cut(text_, CutWindow{.begin = begin,
                                     .floor = floor,
                                     .least = begin + least,
                                     .low = begin + std::max(least, best / 2),
                                     .target = begin + best,
                                     .end = begin + options_.max_bytes});
  }

  // Follows the blocks up to `begin`, to know the section that a chunk there is in.
  void enter_sections(uint32_t begin) {
    starts_section_ = false;
    for (; block_ < blocks_.size() && blocks_[block_].begin <= begin; ++block_) {
      starts_section_ = blocks_[block_].begin == begin;
      level_ = blocks_[block_].level;
      while (heading_ < headings_.size() && headings_[heading_]->offset < blocks_[block_].body) {
        inner_level_ = headings_[heading_++]->level;
      }
    }
    // A chunk that begins inside a section belongs to its innermost heading.
    if (!starts_section_) level_ = inner_level_;
  }

  void add_piece(uint32_t begin, uint32_t end) {
    const Piece piece{
        .begin = begin, .end = end, .level = level_, .starts_section = starts_section_};
    if (!pieces_.empty() && end - begin < options_.min_bytes) {
      Piece& last = pieces_.back();
      const bool below_last = !piece.starts_section || piece.level > last.level;
      if (below_last && end - last.begin <= options_.max_bytes) {
        last.end = end;
        return;
      }
    }
    pieces_.push_back(piece);
  }

  Chunk make_chunk(const Piece& piece) {
    uint32_t last = piece.end;
    while (last > piece.begin && is_space(text_[last - 1])) --last;
    last = last > piece.begin ? last - 1 : piece.begin;
    const SourceMark start = mark_at(piece.begin);
    const SourceMark end = mark_at(last);
    return Chunk{.begin = piece.begin,
                 .end = piece.end,
                 .start_line = start.line,
                 .end_line = end.line,
                 .page = start.page,
                 .end_page = end.page,
                 .page_starts = page_starts(piece.begin, last),
                 .heading = heading_path(piece)};
  }

  std::vector<SourceMark>::const_iterator first_mark_after(uint32_t offset) const {
    return std::upper_bound(
        document_.marks.begin(), document_.marks.end(), offset,
        [](uint32_t value, const SourceMark& mark) { return value < mark.offset; });
  }

  std::vector<PageStart> page_starts(uint32_t begin, uint32_t last) const {
    std::vector<PageStart> starts;
    uint32_t page = mark_at(begin).page;
    for (auto mark = first_mark_after(begin); mark != document_.marks.end(); ++mark) {
      if (mark->offset > last) break;
      if (mark->page != page) starts.push_back({mark->offset - begin, mark->page});
      page = mark->page;
    }
    return starts;
  }

  SourceMark mark_at(uint32_t offset) const {
    const auto after = first_mark_after(offset);
    return after == document_.marks.begin() ? SourceMark{} : *(after - 1);
  }

  // The titles active at the piece's start. Where it starts with a heading and a deeper one follows
  // at once, the deeper one counts as well: the first text is in both.
  std::string heading_path(const Piece& piece) {
    for (; path_heading_ < headings_.size(); ++path_heading_) {
      const Heading& heading = *headings_[path_heading_];
      if (heading.offset > piece.begin) {
        const bool only_titles_before =
            piece.starts_section && path_heading_ > 0 && heading.offset < body_of(piece.begin);
        if (!only_titles_before || heading.level <= active_.back()->level) break;
      }
      while (!active_.empty() && active_.back()->level >= heading.level) active_.pop_back();
      active_.push_back(&heading);
    }
    return join_titles();
  }

  // Where the text after the headings at `begin` starts.
  uint32_t body_of(uint32_t begin) const {
    const auto block =
        std::lower_bound(blocks_.begin(), blocks_.end(), begin,
                         [](const Block& b, uint32_t offset) { return b.begin < offset; });
    return block == blocks_.end() ? begin : block->body;
  }

  std::string join_titles() const {
    std::string path;
    for (auto title = active_.rbegin(); title != active_.rend(); ++title) {
      const std::string& text = (*title)->title;
      if (path.empty()) {
        size_t keep = std::min(text.size(), kMaxPathBytes);
        while (keep < text.size() && keep > 0 && is_continuation(text[keep])) --keep;
        path = text.substr(0, keep);
      } else if (path.size() + kPathSeparator.size() + text.size() <= kMaxPathBytes) {
        path.insert(0, text + std::string(kPathSeparator));
      } else {
        break;
      }
    }
    return path;
  }

  const Document& document_;
  const std::string_view text_;
  const uint32_t size_;
  const ChunkOptions options_;
  std::vector<const Heading*> headings_;
  std::vector<Block> blocks_;
  std::vector<Piece> pieces_;

  size_t block_ = 0;    // first block after the current chunk's start
  size_t heading_ = 0;  // first heading after those blocks
  uint8_t level_ = 0;
  uint8_t inner_level_ = 0;
  bool starts_section_ = false;

  size_t path_heading_ = 0;  // first heading not looked at for heading paths
  std::vector<const Heading*> active_;
};

}  // namespace

std::vector<Chunk> chunk_document(const Document& document, const ChunkOptions& options) {
  return Chunker(document, options).run();
}

}  // namespace docmind::ingest

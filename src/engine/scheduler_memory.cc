// SchedulerMemory: which texts may have a sequence, and where those are that must make room.
// SPDX-License-Identifier: Apache-2.0
#include "engine/scheduler_memory.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>

#include <fmt/format.h>

#include "base/file.h"
#include "kernels/attention.h"

namespace docmind::engine {
namespace {

constexpr std::string_view kSpillPrefix = "docmind-kv-";  // then the process and a number
constexpr std::string_view kSpillSuffix = ".spill";
// Blocks that each running text should still get before anybody has to make room: few for a new text, more for one
// that comes back, since making room again would waste what its return has cost.
constexpr int64_t kGrowthOfNew = 1, kGrowthOfReturning = 4;

double mib(size_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

int64_t n_blocks(int64_t n_tokens) { return (n_tokens + kernels::kKvBlockTokens - 1) / kernels::kKvBlockTokens; }

bool process_is_gone(int pid) { return ::kill(pid, 0) != 0 && errno == ESRCH; }

// What a process that was killed left behind.
void remove_stale_files(const std::string& folder) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kSpillPrefix) || !name.ends_with(kSpillSuffix)) continue;
    int pid = 0;
    const char* digits = name.data() + kSpillPrefix.size();
    const auto parsed = std::from_chars(digits, name.data() + name.size(), pid);
    if (parsed.ec != std::errc{} || pid <= 0 || !process_is_gone(pid)) continue;
    std::filesystem::remove(entry.path(), error);
  }
}

}  // namespace

Result<SchedulerMemory> SchedulerMemory::create(kv::FormatCaches& caches, const std::string& spill_folder,
                                                SchedulerStats& counts) {
  if (!spill_folder.empty()) {
    DM_TRY(make_folders(spill_folder));
    remove_stale_files(spill_folder);
  }
  return SchedulerMemory(caches, spill_folder, counts);
}

// A piece of a prompt is exact until the pages that it fills are sealed.
size_t SchedulerMemory::bytes_for(const kv::Layout& layout, int64_t n_tokens) const {
  const size_t kept = layout.sequence_bytes(n_tokens);
  if (!layout.seals()) return kept;
  return kept + static_cast<size_t>(n_blocks(std::min(n_tokens, prefill_tokens_))) * layout.block_bytes();
}

void SchedulerMemory::set_format(kv::Format format) {
  if (format == new_format_) return;
  new_format_ = format;
  refused_id_ = -1;  // it may need less now
}

// Texts of one prompt have one format, so that they share it.
kv::Format SchedulerMemory::format_of(const ScheduledText& text) const {
  if (text.kv_format) return *text.kv_format;
  if (text.request.kv_format) return *text.request.kv_format;
  if (text.shared_prompt && text.shared_prompt->kv_format) return *text.shared_prompt->kv_format;
  return new_format_;
}

Status SchedulerMemory::check_fits(int64_t n_prompt, kv::Format format) const {
  DM_ASSIGN(const kv::Layout* layout, caches_->layout(format));
  const size_t needed = layout->sequence_bytes(n_prompt + 1);
  if (needed <= caches_->budget_bytes()) return {};
  return Error{ErrorCode::kLimit,
               fmt::format("keys and values of the prompt's {} tokens need {:.1f} MiB and the budget is {:.1f} MiB; "
                           "shorten the prompt, raise kv.budget_mib or choose a smaller kv.format",
                           n_prompt, mib(needed), mib(caches_->budget_bytes()))};
}

int64_t SchedulerMemory::room_beside(Running running, int64_t growth_blocks) const {
  auto room = static_cast<int64_t>(caches_->available_bytes());
  for (const auto& text : running) {
    const kv::Layout& layout = text->sequence->layout();
    const int64_t n_wanted = text->n_wanted();
    const int64_t n_left = std::max<int64_t>(0, text->sequence->capacity() - n_wanted);
    const int64_t growth = std::min(growth_blocks, n_blocks(n_left));
    const size_t promised = (text->needs_prefill() ? bytes_for(layout, n_wanted) : layout.sequence_bytes(n_wanted)) +
                            static_cast<size_t>(growth) * layout.block_bytes();
    room -= std::max<int64_t>(0, static_cast<int64_t>(promised) - static_cast<int64_t>(text->sequence->memory_bytes()));
  }
  return room;
}

Result<bool> SchedulerMemory::open(ScheduledText& text, Running running, int64_t capacity) {
  const kv::Format format = format_of(text);
  DM_ASSIGN(kv::Cache* cache, caches_->cache(format));
  const bool returns = text.admission >= 0;
  const bool alone = running.empty();
  const int64_t growth = returns ? kGrowthOfReturning : kGrowthOfNew;
  const auto own_growth = static_cast<int64_t>(static_cast<size_t>(growth) * cache->layout().block_bytes());
  const int64_t room = room_beside(running, growth) - own_growth;
  if (!alone && text.id == refused_id_ && room <= refused_room_) return false;
  DM_ASSIGN(const bool opened, text.spill_path.empty() ? make_sequence(*cache, text, room, alone, capacity)
                                                       : restore(*cache, text, room, alone));
  refused_id_ = opened ? -1 : text.id;
  refused_room_ = room;
  if (!opened) return false;
  text.kv_format = format;
  if (text.shared_prompt && !text.shared_prompt->kv_format) text.shared_prompt->kv_format = format;
  return true;
}

// What is shared counts only as far as no other text holds it, which is known when it is taken.
Result<bool> SchedulerMemory::make_sequence(kv::Cache& cache, ScheduledText& text, int64_t room, bool alone,
                                            int64_t capacity) {
  std::vector<TokenId> known = text.request.prompt;
  known.insert(known.end(), text.generated.begin(), text.generated.end());
  const auto needed = static_cast<int64_t>(bytes_for(cache.layout(), text.n_wanted()));
  const auto shared = static_cast<int64_t>(cache.layout().sequence_bytes(cache.held_prefix(known)));
  if (!alone && needed - shared > room) return false;
  const size_t before = cache.available_bytes();
  DM_ASSIGN(std::unique_ptr<kv::Sequence> sequence, cache.new_sequence(known, capacity));
  const auto taken = static_cast<int64_t>(before) - static_cast<int64_t>(cache.available_bytes());
  const auto held = static_cast<int64_t>(sequence->memory_bytes());
  if (!alone && taken + std::max<int64_t>(0, needed - held) > room) return false;
  text.sequence = std::move(sequence);
  if (text.admission >= 0) ++counts_->n_recomputed;
  return true;
}

// After a damaged file the sequence is empty, and the text is computed anew.
Result<bool> SchedulerMemory::restore(kv::Cache& cache, ScheduledText& text, int64_t room, bool alone) {
  if (!alone && static_cast<int64_t>(bytes_for(cache.layout(), text.n_wanted())) > room) return false;
  const Status restored = cache.unspill(*text.sequence, text.spill_path);
  if (restored.ok()) {
    ++counts_->n_restored;
    remove_file(text);
    return true;
  }
  if (restored.error().code == ErrorCode::kLimit && !alone) return false;
  ++counts_->n_spill_failures;
  const int64_t capacity = text.sequence->capacity();
  text.sequence.reset();
  remove_file(text);
  return make_sequence(cache, text, room, alone, capacity);
}

void SchedulerMemory::suspend(ScheduledText& text) {
  ++counts_->n_preempted;
  refused_id_ = -1;
  if (!spill_folder_.empty() && text.n_held() > 0) {
    std::string path = join_path(spill_folder_, fmt::format("{}{}-{}-{}{}", kSpillPrefix, ::getpid(),
                                                            reinterpret_cast<uintptr_t>(caches_), text.id,
                                                            kSpillSuffix));
    const Result<kv::Cache*> cache = caches_->cache(format_of(text));
    if (cache.ok() && (*cache)->spill(*text.sequence, path).ok()) {
      ++counts_->n_spilled;
      text.spill_path = std::move(path);
      return;
    }
    ++counts_->n_spill_failures;
  }
  text.sequence.reset();
}

void SchedulerMemory::close(ScheduledText& text) {
  text.sequence.reset();
  remove_file(text);
}

void SchedulerMemory::remove_file(ScheduledText& text) {
  if (text.spill_path.empty()) return;
  ::unlink(text.spill_path.c_str());
  text.spill_path.clear();
}

}  // namespace docmind::engine

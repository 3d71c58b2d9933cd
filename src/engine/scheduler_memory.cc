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

Result<SchedulerMemory> SchedulerMemory::create(kv::Cache& cache, const std::string& spill_folder,
                                                SchedulerStats& counts) {
  if (!spill_folder.empty()) {
    DM_TRY(make_folders(spill_folder));
    remove_stale_files(spill_folder);
  }
  return SchedulerMemory(cache, spill_folder, counts);
}

// A piece of a prompt is exact until the pages that it fills are sealed.
size_t SchedulerMemory::bytes_for(int64_t n_tokens) const {
  const kv::Layout& layout = cache_->layout();
  const size_t kept = layout.sequence_bytes(n_tokens);
  if (!layout.seals()) return kept;
  return kept + static_cast<size_t>(n_blocks(std::min(n_tokens, prefill_tokens_))) * layout.block_bytes();
}

Status SchedulerMemory::check_fits(int64_t n_prompt) const {
  const size_t needed = cache_->layout().sequence_bytes(n_prompt + 1);
  if (needed <= budget_bytes_) return {};
  return Error{ErrorCode::kLimit,
               fmt::format("keys and values of the prompt's {} tokens need {:.1f} MiB and the budget is {:.1f} MiB; "
                           "shorten the prompt, raise kv.budget_mib or choose a smaller kv.format",
                           n_prompt, mib(needed), mib(budget_bytes_))};
}

int64_t SchedulerMemory::room_beside(Running running, int64_t growth_blocks) const {
  const kv::Layout& layout = cache_->layout();
  auto room = static_cast<int64_t>(cache_->available_bytes());
  for (const auto& text : running) {
    const int64_t n_wanted = text->n_wanted();
    const int64_t n_left = std::max<int64_t>(0, text->sequence->capacity() - n_wanted);
    const int64_t growth = std::min(growth_blocks, n_blocks(n_left));
    const size_t promised = (text->needs_prefill() ? bytes_for(n_wanted) : layout.sequence_bytes(n_wanted)) +
                            static_cast<size_t>(growth) * layout.block_bytes();
    room -= std::max<int64_t>(0, static_cast<int64_t>(promised) - static_cast<int64_t>(text->sequence->memory_bytes()));
  }
  return room;
}

Result<bool> SchedulerMemory::open(ScheduledText& text, Running running, int64_t capacity) {
  const bool returns = text.admission >= 0;
  const bool alone = running.empty();
  const int64_t growth = returns ? kGrowthOfReturning : kGrowthOfNew;
  const auto own_growth = static_cast<int64_t>(static_cast<size_t>(growth) * cache_->layout().block_bytes());
  const int64_t room = room_beside(running, growth) - own_growth;
  if (!alone && text.id == refused_id_ && room <= refused_room_) return false;
  DM_ASSIGN(const bool opened, text.spill_path.empty() ? make_sequence(text, room, alone, capacity)
                                                       : restore(text, room, alone));
  refused_id_ = opened ? -1 : text.id;
  refused_room_ = room;
  return opened;
}

// What is shared counts only as far as no other text holds it, which is known when it is taken.
Result<bool> SchedulerMemory::make_sequence(ScheduledText& text, int64_t room, bool alone, int64_t capacity) {
  std::vector<TokenId> known = text.request.prompt;
  known.insert(known.end(), text.generated.begin(), text.generated.end());
  const auto needed = static_cast<int64_t>(bytes_for(text.n_wanted()));
  const auto shared = static_cast<int64_t>(cache_->layout().sequence_bytes(cache_->held_prefix(known)));
  if (!alone && needed - shared > room) return false;
  const size_t before = cache_->available_bytes();
  DM_ASSIGN(std::unique_ptr<kv::Sequence> sequence, cache_->new_sequence(known, capacity));
  const auto taken = static_cast<int64_t>(before) - static_cast<int64_t>(cache_->available_bytes());
  const auto held = static_cast<int64_t>(sequence->memory_bytes());
  if (!alone && taken + std::max<int64_t>(0, needed - held) > room) return false;
  text.sequence = std::move(sequence);
  if (text.admission >= 0) ++counts_->n_recomputed;
  return true;
}

// After a damaged file the sequence is empty, and the text is computed anew.
Result<bool> SchedulerMemory::restore(ScheduledText& text, int64_t room, bool alone) {
  if (!alone && static_cast<int64_t>(bytes_for(text.n_wanted())) > room) return false;
  const Status restored = cache_->unspill(*text.sequence, text.spill_path);
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
  return make_sequence(text, room, alone, capacity);
}

void SchedulerMemory::suspend(ScheduledText& text) {
  ++counts_->n_preempted;
  refused_id_ = -1;
  if (!spill_folder_.empty() && text.n_held() > 0) {
    std::string path = join_path(spill_folder_, fmt::format("{}{}-{}-{}{}", kSpillPrefix, ::getpid(),
                                                            reinterpret_cast<uintptr_t>(cache_), text.id,
                                                            kSpillSuffix));
    if (cache_->spill(*text.sequence, path).ok()) {
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

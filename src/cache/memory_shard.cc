// MemoryShard: one part of the memory tier, a W-TinyLFU cache with a lock of its own.
// SPDX-License-Identifier: Apache-2.0
#include "cache/memory_shard.h"

#include <algorithm>
#include <utility>

#include "cache/memory_tier.h"

namespace docmind::cache {
namespace {

constexpr int64_t kFifths = 4;               // of the main part that may be protected
constexpr uint64_t kRequestsPerReport = 64;  // to the climber, whose lock is shared
constexpr uint64_t kSamplePerEntry = 5;      // long enough for a new window to make a difference
constexpr uint64_t kLeastSample = 16'384;    // fewer tell of chance more than of the window
// A newcomer must be ahead by a quarter. In a loop larger than the cache all are used alike, but the
// newcomer was counted a moment ago and the victim will be in a moment: without the edge they would
// change places for nothing.
constexpr int kEdge = 4;
// An entry so warm that lost is let in by chance, once in kLuckOneIn. Else keys made to collide with
// those of residents could keep everybody out.
constexpr int kWarmCount = 6;
constexpr uint64_t kLuckOneIn = 128;

// The tier picks the shard by word 1, the table its slot by word 0.
uint64_t sketch_hash(const CacheKey& key) { return word_of(key, 2); }

// SplitMix64 (Steele, Lea, Flood 2014).
uint64_t next_random(uint64_t& state) {
  uint64_t z = state += 0x9e37'79b9'7f4a'7c15;
  z = (z ^ z >> 30) * 0xbf58'476d'1ce4'e5b9;
  z = (z ^ z >> 27) * 0x94d0'49bb'1331'11eb;
  return z ^ z >> 31;
}

}  // namespace

MemoryShard::MemoryShard(const Options& options, const WallClock& now, WindowClimber& climber)
    : now_(now),
      climber_(climber),
      n_shards_(options.n_shards),
      limit_bytes_(options.limit_bytes),
      random_(options.seed) {}

MemoryShard::~MemoryShard() {
  for (Queue& queue : queues_) queue.nodes.clear();
}

std::optional<CacheEntry> MemoryShard::get(const CacheKey& key) {
  Garbage garbage;  // freed after the lock
  std::lock_guard lock(mutex_);
  const auto found = table_.find(key);
  const bool gone = found != table_.end() && expired(found->second);
  if (gone) {
    remove(found->second, garbage);
    ++counts_.expired;
  }
  const bool hit = found != table_.end() && !gone;
  note_request(hit);
  if (!hit) return std::nullopt;
  Node& node = found->second;
  sketch_.add(sketch_hash(key));
  note_use(node);
  counts_.hit_bytes += node.entry.value->size();
  counts_.saved_ms += node.entry.cost_ms;
  return node.entry;
}

// The climber only hears of requests made once something had to leave: while a cache fills, its hit
// ratio rises whatever the window does.
void MemoryShard::note_request(bool hit) {
  ++(hit ? counts_.hits : counts_.misses);
  if (counts_.evictions == 0) return;
  n_hits_unreported_ += hit ? 1 : 0;
  if (++n_requests_unreported_ < kRequestsPerReport) return;
  const uint64_t sample = kSamplePerEntry * table_.size() * n_shards_;
  climber_.report(n_hits_unreported_, n_requests_unreported_, std::max(sample, kLeastSample));
  n_hits_unreported_ = 0;
  n_requests_unreported_ = 0;
}

void MemoryShard::put(const CacheKey& key, CacheEntry entry) {
  const int64_t charge_bytes = MemoryTier::charge_of(entry);
  Garbage garbage;
  std::lock_guard lock(mutex_);
  sketch_.add(sketch_hash(key));
  const auto old = table_.find(key);
  if (charge_bytes > limit_bytes_) {
    if (old != table_.end()) remove(old->second, garbage);
    ++counts_.rejected;
    return;
  }
  if (old == table_.end()) {
    insert(key, std::move(entry), charge_bytes);
  } else {
    Node& node = old->second;
    queue(node.segment).size_bytes += charge_bytes - node.charge_bytes;
    node.charge_bytes = charge_bytes;
    std::swap(node.entry, entry);
    garbage.push_back(std::move(entry.value));
    note_use(node);
  }
  ++counts_.puts;
  keep_limit(garbage);
}

void MemoryShard::insert(const CacheKey& key, CacheEntry entry, int64_t charge_bytes) {
  // One larger than the window leaves it at once, and alone.
  const bool fits_window = table_.empty() || charge_bytes <= window_bytes();
  const auto [slot, added] = table_.try_emplace(key);
  Node& node = slot->second;
  node.key = &slot->first;
  node.entry = std::move(entry);
  node.charge_bytes = charge_bytes;
  link(node, Segment::kWindow, fits_window);
  sketch_.fit(table_.size());
}

void MemoryShard::erase(const CacheKey& key) {
  Garbage garbage;
  std::lock_guard lock(mutex_);
  if (const auto found = table_.find(key); found != table_.end()) remove(found->second, garbage);
}

void MemoryShard::clear() {
  Table old;  // freed after the lock
  std::lock_guard lock(mutex_);
  for (Queue& queue : queues_) {
    queue.nodes.clear();
    queue.size_bytes = 0;
  }
  table_.swap(old);
  sketch_.clear();
}

void MemoryShard::set_limit(int64_t limit_bytes) {
  Garbage garbage;
  std::lock_guard lock(mutex_);
  limit_bytes_ = limit_bytes;
  keep_limit(garbage);
  sketch_.fit(table_.size());
}

void MemoryShard::add_to(TierStats& stats) const {
  std::lock_guard lock(mutex_);
  stats.hits += counts_.hits;
  stats.misses += counts_.misses;
  stats.puts += counts_.puts;
  stats.rejected += counts_.rejected;
  stats.evictions += counts_.evictions;
  stats.expired += counts_.expired;
  stats.hit_bytes += counts_.hit_bytes;
  stats.saved_ms += counts_.saved_ms;
  stats.n_entries += static_cast<int64_t>(table_.size());
  stats.size_bytes += size_bytes();
}

int64_t MemoryShard::size_bytes() const {
  int64_t bytes = 0;
  for (const Queue& queue : queues_) bytes += queue.size_bytes;
  return bytes;
}

// At least one entry of average size: without a window nothing new would ever have a second chance.
int64_t MemoryShard::window_bytes() const {
  const auto share = static_cast<int64_t>(climber_.share() * static_cast<double>(limit_bytes_));
  if (table_.empty()) return share;
  return std::max(share, size_bytes() / static_cast<int64_t>(table_.size()));
}

int64_t MemoryShard::protected_bytes() const {
  return std::max<int64_t>(limit_bytes_ - window_bytes(), 0) * kFifths / (kFifths + 1);
}

bool MemoryShard::expired(const Node& node) const {
  return node.entry.expires_unix_ms != 0 && node.entry.expires_unix_ms <= now_();
}

int MemoryShard::count_of(const Node& node) const { return sketch_.count_of(sketch_hash(*node.key)); }

void MemoryShard::link(Node& node, Segment segment, bool first) {
  Queue& to = queue(segment);
  to.nodes.insert(first ? to.nodes.begin() : to.nodes.end(), node);
  to.size_bytes += node.charge_bytes;
  node.segment = segment;
}

void MemoryShard::unlink(Node& node) {
  Queue& from = queue(node.segment);
  from.nodes.erase(from.nodes.iterator_to(node));
  from.size_bytes -= node.charge_bytes;
}

void MemoryShard::remove(Node& node, Garbage& garbage) {
  unlink(node);
  garbage.push_back(std::move(node.entry.value));
  table_.erase(table_.find(*node.key));
}

void MemoryShard::evict(Node& node, Garbage& garbage) {
  ++(expired(node) ? counts_.expired : counts_.evictions);
  remove(node, garbage);
}

void MemoryShard::note_use(Node& node) {
  const bool promoted = node.segment == Segment::kProbation;
  unlink(node);
  link(node, promoted ? Segment::kProtected : node.segment, true);
  if (!promoted) return;
  Queue& kept = queue(Segment::kProtected);
  for (const int64_t most = protected_bytes(); kept.size_bytes > most;) {
    Node& demoted = kept.nodes.back();
    unlink(demoted);
    link(demoted, Segment::kProbation, true);
  }
}

// Moves what the window has too much into the main part, and makes the shard small enough.
void MemoryShard::keep_limit(Garbage& garbage) {
  Queue& window = queue(Segment::kWindow);
  const int64_t most = window_bytes();
  if (size_bytes() > limit_bytes_) evict_expired(garbage);
  while (window.size_bytes > most) {
    settle(window.nodes.back(), size_bytes() - limit_bytes_, garbage);
  }
  while (size_bytes() > limit_bytes_) evict(*next_victim(), garbage);
}

// Those that are next to leave some segment, as far as needed; others wait until they are met.
void MemoryShard::evict_expired(Garbage& garbage) {
  for (Queue& queue : queues_) {
    while (size_bytes() > limit_bytes_ && !queue.nodes.empty() && expired(queue.nodes.back())) {
      evict(queue.nodes.back(), garbage);
    }
  }
}

// There is one: this is called while the charges make up more than the limit.
MemoryShard::Node* MemoryShard::next_victim() {
  for (const Segment segment : {Segment::kProbation, Segment::kProtected, Segment::kWindow}) {
    if (!queue(segment).nodes.empty()) return &queue(segment).nodes.back();
  }
  return nullptr;
}

// Lets the candidate into the main part or evicts it. `excess_bytes`: above the limit.
void MemoryShard::settle(Node& candidate, int64_t excess_bytes, Garbage& garbage) {
  if (expired(candidate)) return evict(candidate, garbage);
  if (excess_bytes > 0) {
    const Victims victims = victims_for(std::min(excess_bytes, candidate.charge_bytes));
    int victims_count = 0;
    for (const Node* victim : victims) victims_count += expired(*victim) ? 0 : count_of(*victim);
    if (victims.empty() || !admits(count_of(candidate), victims_count)) {
      return evict(candidate, garbage);
    }
    for (Node* victim : victims) evict(*victim, garbage);
  }
  unlink(candidate);
  link(candidate, Segment::kProbation, true);
}

// Those next to leave the main part, until they make up so much; empty when they do not.
MemoryShard::Victims MemoryShard::victims_for(int64_t needed_bytes) {
  Victims victims;
  for (const Segment segment : {Segment::kProbation, Segment::kProtected}) {
    auto& nodes = queue(segment).nodes;
    for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
      if (needed_bytes <= 0) return victims;
      victims.push_back(&*node);
      needed_bytes -= node->charge_bytes;
    }
  }
  if (needed_bytes > 0) victims.clear();
  return victims;
}

bool MemoryShard::admits(int candidate_count, int victims_count) {
  if (candidate_count > victims_count + victims_count / kEdge) return true;
  return candidate_count >= kWarmCount && next_random(random_) % kLuckOneIn == 0;
}

}  // namespace docmind::cache

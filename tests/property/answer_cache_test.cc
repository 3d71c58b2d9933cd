// Properties of the answer cache against a simple model: what is served was stored, holds, and was not
// erased, whatever two users of its files do, documents change and clocks show.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "cache/answer_cache.h"
#include "support/temp_folder.h"

namespace docmind::cache {
namespace {

constexpr int64_t kTtlMs = 1'000;
constexpr size_t kNQuestions = 7;
constexpr size_t kTopK = 8;
const std::vector<std::string> kPaths = {"/d/a", "/d/b", "/d/sub/a", "/d/sub/\xff", "/dx"};

struct Step {
  enum class Kind {
    kStore, kAsk, kHold, kRecheckHeld, kChange, kRemove, kErase, kBad, kStranger, kInvalidate, kClear, kReopen, kClock
  };
  Kind kind = Kind::kAsk;
  size_t user = 0;  // which of the two caches
  size_t scope = 0;
  size_t question = 0;
  size_t document = 0;
  int64_t bits = 0;
  int64_t ms = 0;
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
  return out << "{" << static_cast<int>(step.kind) << " user " << step.user << " scope " << step.scope << " question "
             << step.question << " document " << step.document << " bits " << step.bits << " ms " << step.ms << "}";
}

std::vector<Step> any_steps() {
  using rc::gen::inRange;
  using Kind = Step::Kind;
  const auto kind = rc::gen::weightedElement<Kind>({{12, Kind::kStore},
                                                    {14, Kind::kAsk},
                                                    {3, Kind::kHold},
                                                    {3, Kind::kRecheckHeld},
                                                    {3, Kind::kChange},
                                                    {2, Kind::kRemove},
                                                    {2, Kind::kErase},
                                                    {2, Kind::kBad},
                                                    {1, Kind::kStranger},
                                                    {2, Kind::kInvalidate},
                                                    {1, Kind::kClear},
                                                    {2, Kind::kReopen},
                                                    {3, Kind::kClock}});
  const auto step = rc::gen::build<Step>(
      rc::gen::set(&Step::kind, kind), rc::gen::set(&Step::user, inRange<size_t>(0, 2)),
      rc::gen::set(&Step::scope, inRange<size_t>(0, 3)),
      rc::gen::set(&Step::question, inRange<size_t>(0, kNQuestions)),
      rc::gen::set(&Step::document, inRange<size_t>(0, kPaths.size())),
      rc::gen::set(&Step::bits, inRange<int64_t>(0, 256)),
      rc::gen::set(&Step::ms, inRange<int64_t>(-600, 700)));
  return *rc::gen::container<std::vector<Step>>(step);
}

// Two of one tenant, so that a session is a border too.
AnswerScope scope_of(size_t n) {
  AnswerScope scope;
  scope.tenant = n < 2 ? "a" : "b";
  scope.session = n == 1 ? "s" : "";
  return scope;
}

// `other_form` has the same normal form.
std::string question_text(size_t n, bool other_form) {
  const std::string number = std::to_string(n);
  return other_form ? "  which   way is number " + number : "Which way is number " + number + "?";
}

// Questions lie 0.2 apart on a circle: the nearest five to each side have a cosine above one half.
std::vector<float> direction_of(size_t n) {
  std::vector<float> vector(16, 0.0F);
  const double angle = 0.2 * static_cast<double>(n);
  vector[3] = static_cast<float>(std::cos(angle));
  vector[7] = static_cast<float>(std::sin(angle));
  return vector;
}
bool are_near(size_t a, size_t b) { return a != b && (a > b ? a - b : b - a) <= 5; }

// The indexed documents: each has one chunk, a new one with every change.
struct Documents {
  struct Document {
    std::string hash;
    int64_t chunk = 0;
  };
  std::map<std::string, Document> now;
  int64_t generation = 1;
  int64_t newest_chunk = 0;

  void change(const std::string& path) {
    ++generation;
    now[path] = {"hash " + std::to_string(++newest_chunk), newest_chunk};
  }
  void remove(const std::string& path) { generation += now.erase(path) > 0 ? 1 : 0; }
  std::vector<int64_t> chunks() const {
    std::vector<int64_t> all;
    for (const auto& [path, document] : now) all.push_back(document.chunk);
    return all;
  }
  ContentHashOf hash_of() const {
    return [this](const std::string& path) -> std::optional<std::string> {
      const auto found = now.find(path);
      return found == now.end() ? std::nullopt : std::optional(found->second.hash);
    };
  }
};

// What was stored and neither erased nor replaced.
struct Entry {
  CachedAnswer answer;
  std::string tenant;
  bool may_be_gone = false;  // it expired at some moment, or lost a race

  // Every document is as it was, and nothing came that the question would find.
  bool holds(const Documents& documents) const {
    if (answer.generation == documents.generation) return true;
    if (answer.negative || answer.sources.empty()) return false;
    for (const Dependency& dependency : answer.dependencies) {
      const auto found = documents.now.find(dependency.path);
      if (found == documents.now.end() || found->second.hash != dependency.content_hash) return false;
    }
    return std::all_of(documents.now.begin(), documents.now.end(),
                       [&](const auto& document) { return document.second.chunk <= answer.newest_chunk; });
  }
};
using Place = std::pair<size_t, size_t>;  // scope and question

bool matches(const AnswerFilter& filter, const Entry& entry) {
  const auto depends = [&](auto&& on) {
    return std::any_of(entry.answer.dependencies.begin(), entry.answer.dependencies.end(),
                       [&](const Dependency& dependency) { return on(dependency.path); });
  };
  if (filter.document && !depends([&](const auto& path) { return path == *filter.document; })) return false;
  if (filter.folder && !depends([&](const auto& path) { return path.starts_with(*filter.folder + "/"); })) return false;
  if (filter.tenant && entry.tenant != *filter.tenant) return false;
  const auto before = filter.created_before_unix_ms;
  if (before && entry.answer.created_unix_ms >= *before) return false;
  return !filter.negatives_only || entry.answer.negative;
}

class Trial {
 public:
  // `limited`: so little room that anything may be evicted at any time.
  Trial(bool limited, bool expires) : limited_(limited), ttl_ms_(expires ? kTtlMs : 0) {
    for (size_t user = 0; user < 2; ++user) reopen(user);
    for (size_t i = 0; i < 3; ++i) documents_.change(kPaths[i]);
  }
  void step(const Step& step);
  void ask_everything(size_t user) {
    for (size_t scope = 0; scope < 3; ++scope) {
      for (size_t question = 0; question < kNQuestions; ++question) ask(user, {scope, question}, false);
    }
  }
  void reopen(size_t user);

 private:
  struct Held {
    size_t user;
    Place place;
    CachedAnswer answer;
  };
  AnswerCache& cache(size_t user) { return *caches_[user]; }
  RetrievedNow retrieved(const std::vector<int64_t>& chunks) const { return {.chunk_ids = chunks, .top_k = kTopK}; }
  bool expired(const Entry& entry) const { return ttl_ms_ > 0 && entry.answer.created_unix_ms + ttl_ms_ <= now_; }
  Entry* entry_at(const Place& place) {
    const auto found = entries_.find(place);
    return found == entries_.end() ? nullptr : &found->second;
  }
  // Whether a miss needs a reason that the model does not have.
  bool must_be_there(const Entry* entry) const {
    return entry != nullptr && !limited_ && !entry->may_be_gone && !expired(*entry);
  }
  void expect_stored(const CachedAnswer& got, const Entry* entry) const;
  void expect_near(size_t user, const Place& place, const std::vector<float>& vector);
  void store(const Step& step);
  void ask(size_t user, const Place& place, bool other_form);
  EvidenceVerdict recheck(size_t user, const Place& place, const CachedAnswer& answer);
  void recheck_held();
  void bad(const Step& step);
  void invalidate(const Step& step);

  test::TempFolder folder_;
  const bool limited_;
  const int64_t ttl_ms_;
  int64_t now_ = 1'700'000'000'000;
  int64_t n_stored_ = 0;
  bool counts_agree_ = true;  // a record may be left that the model does not have, or the other way round
  Documents documents_;
  std::map<Place, Entry> entries_;
  std::array<std::unique_ptr<AnswerCache>, 2> caches_;
  std::optional<Held> held_;
};

void Trial::reopen(size_t user) {
  if (held_ && held_->user == user) held_.reset();
  caches_[user].reset();
  AnswerCacheOptions options;
  options.disk_path = folder_.path("cache.db");
  options.directory_path = folder_.path("questions.db");
  options.ttl_ms = ttl_ms_;
  options.now = [this] { return now_; };
  if (limited_) {
    options.memory_bytes = 3'000;
    options.disk_bytes = 6'000;
    options.max_questions = 4;
  }
  std::string repaired;
  auto opened = AnswerCache::open(options, &repaired);
  RC_ASSERT(opened.ok());
  RC_ASSERT(repaired.empty());
  caches_[user] = *std::move(opened);
}

// The generation and newest chunk are those of its last check, which another user may have made.
void Trial::expect_stored(const CachedAnswer& got, const Entry* entry) const {
  RC_ASSERT((entry != nullptr));
  RC_ASSERT(!expired(*entry));
  CachedAnswer expected = entry->answer;
  expected.generation = got.generation;
  expected.newest_chunk = got.newest_chunk;
  expected.from_memory = got.from_memory;
  RC_ASSERT(got == expected);
}

void Trial::store(const Step& step) {
  const Place place{step.scope, step.question};
  CachedAnswer answer;
  answer.payload = "answer " + std::to_string(++n_stored_) + std::string(static_cast<size_t>(step.bits) * 4, '.');
  size_t n = 0;
  for (const auto& [path, document] : documents_.now) {
    if ((step.bits >> n++ & 1) == 0) continue;
    answer.dependencies.push_back({path, document.hash});
    answer.sources.push_back(document.chunk);
  }
  answer.negative = answer.sources.empty() || (step.bits & 192) == 192;
  if (answer.negative) answer.sources.clear();
  answer.generation = documents_.generation;
  answer.newest_chunk = documents_.newest_chunk;
  answer.created_unix_ms = now_;
  answer.cost_ms = 3;
  const AnswerScope scope = scope_of(step.scope);
  const std::vector<float> vector = direction_of(step.question);
  const auto id =
      cache(step.user).store(scope, {question_text(step.question, step.ms > 0), vector, "space"}, answer);
  RC_ASSERT(id.ok());
  answer.id = *id;
  entries_[place] = {.answer = std::move(answer), .tenant = scope.tenant};
}

EvidenceVerdict Trial::recheck(size_t user, const Place& place, const CachedAnswer& answer) {
  const std::vector<int64_t> chunks = documents_.chunks();
  return cache(user).revalidate(scope_of(place.first), question_text(place.second, false), answer,
                                documents_.generation, documents_.newest_chunk, retrieved(chunks),
                                documents_.hash_of());
}

// As the pipeline does: an exact repeat, checked where the store changed; else near ones.
void Trial::ask(size_t user, const Place& place, bool other_form) {
  Entry* const entry = entry_at(place);
  const auto found = cache(user).lookup(scope_of(place.first), question_text(place.second, other_form));
  RC_ASSERT(found || !must_be_there(entry));
  if (found) {
    expect_stored(*found, entry);
    if (check(*found, documents_.generation) == Freshness::kFresh) {
      RC_ASSERT(entry->holds(documents_));
      cache(user).note_served(*found, nullptr);
    } else {
      const bool fresh = recheck(user, place, *found).freshness == Freshness::kFresh;
      RC_ASSERT(fresh == (!found->negative && entry->holds(documents_)));
      if (fresh) {
        entry->answer.generation = documents_.generation;
        entry->answer.newest_chunk = documents_.newest_chunk;
      } else {
        entries_.erase(place);
      }
    }
  }
  expect_near(user, place, direction_of(place.second));
}

void Trial::expect_near(size_t user, const Place& place, const std::vector<float>& vector) {
  const std::string text = question_text(place.second, false);
  const auto nears = cache(user).near_answers(scope_of(place.first), {text, vector, "space"});
  const std::vector<int64_t> chunks = documents_.chunks();
  std::vector<size_t> seen;
  for (const NearAnswer& near : nears) {
    const size_t other = static_cast<size_t>(near.question.find_first_of("0123456789"));
    const size_t question = static_cast<size_t>(near.question[other] - '0');
    const Entry* const entry = entry_at({place.first, question});
    expect_stored(near.answer, entry);
    RC_ASSERT(are_near(place.second, question));
    RC_ASSERT(!near.answer.negative);
    const bool fresh = judge(near.answer, retrieved(chunks), documents_.hash_of()).freshness == Freshness::kFresh;
    RC_ASSERT(fresh == entry->holds(documents_));
    if (fresh) cache(user).note_served(near.answer, &near);
    seen.push_back(question);
  }
  for (size_t question = 0; question < kNQuestions; ++question) {
    const Entry* const entry = entry_at({place.first, question});
    const bool wanted = are_near(place.second, question) && must_be_there(entry) && !entry->answer.negative;
    RC_ASSERT(!wanted || std::count(seen.begin(), seen.end(), question) == 1);
  }
}

// Between the lookup and this the answer may have been erased or replaced by anybody: it must not come back.
void Trial::recheck_held() {
  if (!held_) return;
  const Held held = *std::exchange(held_, std::nullopt);
  Entry* const entry = entry_at(held.place);
  const bool same = entry != nullptr && entry->answer.id == held.answer.id;
  const bool fresh = recheck(held.user, held.place, held.answer).freshness == Freshness::kFresh;
  RC_ASSERT(fresh == (same && !held.answer.negative && entry->holds(documents_)));
  if (!same) return;
  if (!fresh) {
    entries_.erase(held.place);
  } else {
    entry->answer.generation = documents_.generation;
    entry->answer.newest_chunk = documents_.newest_chunk;
  }
}

void Trial::bad(const Step& step) {
  const Place place{step.scope, step.question};
  const Entry* const entry = entry_at(place);
  if (entry == nullptr) return;
  const std::string& tenant = entry->tenant;
  const bool stranger = step.kind == Step::Kind::kStranger;
  const Status judged = cache(step.user).feedback(stranger ? tenant + "x" : tenant, entry->answer.id, false);
  if (!judged.ok()) RC_ASSERT(judged.error().code == ErrorCode::kNotFound);
  RC_ASSERT(!judged.ok() || !stranger);
  RC_ASSERT(judged.ok() || stranger || !must_be_there(entry));
  if (judged.ok()) entries_.erase(place);
}

void Trial::invalidate(const Step& step) {
  AnswerFilter filter;
  if (step.bits & 1) filter.document = kPaths[step.document];
  if (step.bits & 2) filter.folder = step.bits & 4 ? "/d" : "/d/sub";
  if (step.bits & 8) filter.tenant = scope_of(step.scope).tenant;
  if (step.bits & 16) filter.created_before_unix_ms = now_ - step.ms;
  filter.negatives_only = (step.bits & 96) == 96;
  const auto n_removed = cache(step.user).invalidate(filter);
  RC_ASSERT(n_removed.ok());
  const auto n_matching = std::erase_if(entries_, [&](const auto& entry) { return matches(filter, entry.second); });
  RC_ASSERT(limited_ || !counts_agree_ || *n_removed == static_cast<int64_t>(n_matching));
}

void Trial::step(const Step& step) {
  const Place place{step.scope, step.question};
  const AnswerScope scope = scope_of(step.scope);
  switch (step.kind) {
    case Step::Kind::kStore: store(step); break;
    case Step::Kind::kAsk: ask(step.user, place, step.bits % 2 == 0); break;
    case Step::Kind::kHold: {
      const auto found = cache(step.user).lookup(scope, question_text(step.question, false));
      if (found) expect_stored(*found, entry_at(place));
      if (found) held_ = Held{step.user, place, *found};
      break;
    }
    case Step::Kind::kRecheckHeld: recheck_held(); break;
    case Step::Kind::kChange: documents_.change(kPaths[step.document]); break;
    case Step::Kind::kRemove: documents_.remove(kPaths[step.document]); break;
    case Step::Kind::kErase:
      RC_ASSERT(cache(step.user).erase(scope, question_text(step.question, true)).ok());
      entries_.erase(place);
      break;
    case Step::Kind::kBad:
    case Step::Kind::kStranger: bad(step); break;
    case Step::Kind::kInvalidate: invalidate(step); break;
    case Step::Kind::kClear:
      RC_ASSERT(cache(step.user).clear().ok());
      entries_.clear();
      break;
    case Step::Kind::kReopen: reopen(step.user); break;
    case Step::Kind::kClock: now_ += step.ms; break;
  }
  for (auto& [at, entry] : entries_) {
    if (!expired(entry)) continue;
    entry.may_be_gone = true;
    counts_agree_ = false;
  }
}

void run(bool limited, bool expires) {
  const std::vector<Step> steps = any_steps();
  Trial trial(limited, expires);
  for (const Step& step : steps) trial.step(step);
  trial.ask_everything(0);
  trial.ask_everything(1);
  trial.reopen(0);
  trial.ask_everything(0);
}

TEST(AnswerCacheProperty, WithRoomEverythingStoredIsServedWhileItHolds) {
  EXPECT_TRUE(rc::check("answer cache with room", [] { run(false, false); }));
}

TEST(AnswerCacheProperty, AtAnyClockNothingExpiredIsServed) {
  EXPECT_TRUE(rc::check("answer cache with a time to live", [] { run(false, true); }));
}

TEST(AnswerCacheProperty, WithoutRoomNothingWrongIsServed) {
  EXPECT_TRUE(rc::check("answer cache without room", [] { run(true, *rc::gen::arbitrary<bool>()); }));
}

}  // namespace
}  // namespace docmind::cache

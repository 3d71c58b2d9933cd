// Properties of the answer directory against a simple model: any sequence of calls, reopened at will.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <deque>
#include <list>
#include <string>
#include <vector>

#include "cache/answer_directory.h"
#include "support/temp_folder.h"

namespace docmind::cache {
namespace {

constexpr int64_t kMaxRecords = 12;
constexpr int64_t kMaxObservations = 9;

struct Step {
  enum class Kind { kInsert, kFind, kHit, kErase, kInvalidate, kClear, kObserve, kList, kReopen, kClock };
  Kind kind = Kind::kFind;
  int64_t key = 0;
  int64_t tenant = 0;
  std::vector<int64_t> documents;
  int64_t filter = 0;  // bits: document, folder, tenant, age, negatives
  int64_t ms = 0;
};

std::vector<Step> any_steps() {
  using rc::gen::inRange;
  const auto kind = rc::gen::weightedElement<Step::Kind>({{12, Step::Kind::kInsert},
                                                          {8, Step::Kind::kFind},
                                                          {5, Step::Kind::kHit},
                                                          {2, Step::Kind::kErase},
                                                          {3, Step::Kind::kInvalidate},
                                                          {1, Step::Kind::kClear},
                                                          {3, Step::Kind::kObserve},
                                                          {3, Step::Kind::kList},
                                                          {1, Step::Kind::kReopen},
                                                          {2, Step::Kind::kClock}});
  const auto step = rc::gen::build<Step>(
      rc::gen::set(&Step::kind, kind), rc::gen::set(&Step::key, inRange<int64_t>(0, 20)),
      rc::gen::set(&Step::tenant, inRange<int64_t>(0, 3)),
      rc::gen::set(&Step::documents, rc::gen::container<std::vector<int64_t>>(inRange<int64_t>(0, 8))),
      rc::gen::set(&Step::filter, inRange<int64_t>(1, 32)), rc::gen::set(&Step::ms, inRange<int64_t>(-50, 100)));
  return *rc::gen::container<std::vector<Step>>(step);
}

const std::vector<std::string> kPaths = {"a", "a/b", "a/b/c", "a-b", "a0", std::string("a\0/b", 4), "", "a/\xff"};
const std::vector<std::string> kTenants = {"", "x", std::string("x\0y", 3)};

CacheKey key_of(int64_t n) { return FieldHasher().add(n).finish(); }

// What a directory must hold: newest use last.
class Model {
 public:
  void insert(AnswerRecord record) {
    std::erase_if(records_, [&](const AnswerRecord& old) { return old.key == record.key; });
    records_.push_back(std::move(record));
    while (static_cast<int64_t>(records_.size()) > kMaxRecords) records_.pop_front();
  }
  const AnswerRecord* find(const CacheKey& key) const {
    const auto found = std::find_if(records_.begin(), records_.end(), [&](const auto& r) { return r.key == key; });
    return found == records_.end() ? nullptr : &*found;
  }
  void hit(int64_t id, int64_t now) {
    const auto found = std::find_if(records_.begin(), records_.end(), [&](const auto& r) { return r.id == id; });
    if (found == records_.end()) return;
    ++found->n_hits;
    found->used_unix_ms = std::max(found->used_unix_ms, now);
    records_.splice(records_.end(), records_, found);
  }
  template <typename Matches>
  std::vector<CacheKey> remove(Matches&& matches) {
    std::vector<CacheKey> keys;
    for (const AnswerRecord& record : records_) {
      if (matches(record)) keys.push_back(record.key);
    }
    std::erase_if(records_, matches);
    std::sort(keys.begin(), keys.end());
    return keys;
  }
  std::vector<AnswerRecord> list(const std::string& tenant) const {
    std::vector<AnswerRecord> listed;
    for (const AnswerRecord& record : records_) {
      if (record.tenant == tenant) listed.insert(listed.begin(), record);
    }
    return listed;
  }
  const std::list<AnswerRecord>& records() const { return records_; }

 private:
  std::list<AnswerRecord> records_;
};

bool matches(const AnswerFilter& filter, const AnswerRecord& record) {
  const auto depends = [&](auto&& on) {
    return std::any_of(record.dependencies.begin(), record.dependencies.end(),
                       [&](const Dependency& dependency) { return on(dependency.path); });
  };
  if (filter.document && !depends([&](const std::string& path) { return path == *filter.document; })) return false;
  if (filter.folder && !depends([&](const std::string& path) {
        return filter.folder->empty() || path == *filter.folder || path.starts_with(*filter.folder + "/");
      })) {
    return false;
  }
  if (filter.tenant && record.tenant != *filter.tenant) return false;
  if (filter.created_before_unix_ms && record.created_unix_ms >= *filter.created_before_unix_ms) return false;
  return !filter.negatives_only || record.negative;
}

class Trial {
 public:
  void reopen() {
    directory_.reset();
    auto opened = AnswerDirectory::open({.path = folder_.path("answers.db"),
                                         .max_records = kMaxRecords,
                                         .max_observations = kMaxObservations,
                                         .now = [this] { return now_; }});
    RC_ASSERT(opened.ok());
    directory_ = *std::move(opened);
  }
  void step(const Step& step);
  void expect_equal() {
    RC_ASSERT(directory_->take_warning().empty());
    const auto counts = directory_->counts();  // which writes what hits are noted
    for (int64_t n = 0; n < 20; ++n) expect_same(n, true);
    RC_ASSERT(counts.ok());
    RC_ASSERT(counts->n_records == static_cast<int64_t>(model_.records().size()));
    RC_ASSERT(counts->n_observations == static_cast<int64_t>(observations_.size()));
    const auto observations = directory_->observations();
    RC_ASSERT(observations.ok());
    RC_ASSERT(*observations == std::vector(observations_.begin(), observations_.end()));
  }

 private:
  void insert(const Step& step);
  void invalidate(const Step& step);
  void observe(const Step& step);
  void expect_same(int64_t n, bool with_hits) {
    const auto found = directory_->find(key_of(n));
    RC_ASSERT(found.ok());
    const AnswerRecord* expected = model_.find(key_of(n));
    RC_ASSERT(found->has_value() == (expected != nullptr));
    if (expected == nullptr) return;
    AnswerRecord got = **found;
    if (!with_hits) {
      got.n_hits = expected->n_hits;
      got.used_unix_ms = expected->used_unix_ms;
    }
    RC_ASSERT(got == *expected);
    RC_ASSERT(*directory_->find(got.id) == **found);
  }

  test::TempFolder folder_;
  int64_t now_ = 1'000;
  int64_t n_inserted_ = 0;
  int64_t last_id_ = 0;
  std::unique_ptr<AnswerDirectory> directory_;
  Model model_;
  std::deque<Observation> observations_;
};

void Trial::insert(const Step& step) {
  AnswerRecord record;
  record.key = key_of(step.key);
  record.scope = key_of(100 + step.tenant);
  record.tenant = kTenants[static_cast<size_t>(step.tenant)];
  record.question = "question " + std::to_string(++n_inserted_);
  record.vector = record.question;
  for (const int64_t n : step.documents) record.dependencies.push_back({kPaths[static_cast<size_t>(n)], "h"});
  record.negative = step.filter % 3 == 0;
  record.created_unix_ms = record.used_unix_ms = now_;
  record.cost_ms = 0.5;
  const auto id = directory_->insert(record);
  RC_ASSERT(id.ok());
  RC_ASSERT(*id > last_id_);
  last_id_ = record.id = *id;
  model_.insert(std::move(record));
}

void Trial::invalidate(const Step& step) {
  AnswerFilter filter;
  const std::string& path = kPaths[static_cast<size_t>(step.key) % kPaths.size()];
  if (step.filter & 1) filter.document = path;
  if (step.filter & 2) filter.folder = path;
  if (step.filter & 4) filter.tenant = kTenants[static_cast<size_t>(step.tenant)];
  if (step.filter & 8) filter.created_before_unix_ms = now_ - step.ms;
  filter.negatives_only = (step.filter & 16) != 0;
  auto keys = directory_->invalidate(filter);
  RC_ASSERT(keys.ok());
  std::sort(keys->begin(), keys->end());
  RC_ASSERT(*keys == model_.remove([&](const AnswerRecord& record) { return matches(filter, record); }));
}

void Trial::observe(const Step& step) {
  std::vector<Observation> added;
  for (const int64_t n : step.documents) {
    Observation observation;
    observation.entry_id = n;
    observation.features.similarity = static_cast<double>(step.key) / 20;
    observation.same = n % 2 == 0;
    added.push_back(observation);
  }
  RC_ASSERT(directory_->add_observations(added).ok());
  observations_.insert(observations_.end(), added.begin(), added.end());
  while (static_cast<int64_t>(observations_.size()) > kMaxObservations) observations_.pop_front();
}

void Trial::step(const Step& step) {
  switch (step.kind) {
    case Step::Kind::kInsert: insert(step); break;
    case Step::Kind::kFind: expect_same(step.key, false); break;
    case Step::Kind::kHit: {
      const AnswerRecord* record = model_.find(key_of(step.key));
      const int64_t id = record != nullptr ? record->id : step.key;
      directory_->note_hit(id);
      model_.hit(id, now_);
      break;
    }
    case Step::Kind::kErase: {
      const AnswerRecord* record = model_.find(key_of(step.key));
      const int64_t id = record != nullptr ? record->id : -1;
      RC_ASSERT(directory_->erase(id).ok());
      model_.remove([&](const AnswerRecord& r) { return r.id == id; });
      break;
    }
    case Step::Kind::kInvalidate: invalidate(step); break;
    case Step::Kind::kClear:
      RC_ASSERT(directory_->clear().ok());
      model_.remove([](const AnswerRecord&) { return true; });
      break;
    case Step::Kind::kObserve: observe(step); break;
    case Step::Kind::kList: {
      const std::string& tenant = kTenants[static_cast<size_t>(step.tenant)];
      const auto listed = directory_->list(tenant, 100);
      RC_ASSERT(listed.ok());
      RC_ASSERT(*listed == model_.list(tenant));
      break;
    }
    case Step::Kind::kReopen: reopen(); break;
    case Step::Kind::kClock: now_ += step.ms; break;
  }
}

TEST(AnswerDirectoryProperty, HoldsWhatTheModelHolds) {
  EXPECT_TRUE(rc::check("answer directory against the model", [] {
    Trial trial;
    trial.reopen();
    for (const Step& step : any_steps()) trial.step(step);
    trial.expect_equal();
    trial.reopen();
    trial.expect_equal();
  }));
}

}  // namespace
}  // namespace docmind::cache

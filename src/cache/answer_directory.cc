// AnswerDirectory: the questions whose answers are cached, what they depend on and what became of them.
// SPDX-License-Identifier: Apache-2.0
#include "cache/answer_directory.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "cache/directory_reader.h"
#include "cache/directory_schema.h"
#include "cache/directory_writer.h"
#include "cache/observation_codec.h"
#include "cache/pending_uses.h"

namespace docmind::cache {
namespace {

constexpr int64_t kVisitBatch = 512;  // between batches other threads get to read
constexpr int64_t kMostListed = 1'000'000;

}  // namespace

// Reading and writing have a connection and a lock each, so that a write that waits for another process
// holds no reader up. What readers would like to change is pending until the next write.
struct AnswerDirectory::Impl {
  explicit Impl(AnswerDirectoryOptions given)
      : options(std::move(given)),
        reader(options.path, "the answer directory", &DirectoryReader::open),
        writer(options.path, "the answer directory", &DirectoryWriter::open) {}

  template <typename Call>
  auto read(Call&& call) -> decltype(call(std::declval<DirectoryReader&>())) {
    std::lock_guard lock(read_mutex);
    auto result = reader.use(std::forward<Call>(call));
    keep_warning(reader.take_warning());
    return result;
  }

  // Runs `call` and writes what is pending in one transaction.
  template <typename Call>
  auto write(Call&& call) -> decltype(call(std::declval<DirectoryWriter&>())) {
    std::lock_guard lock(write_mutex);
    return write_locked(std::forward<Call>(call));
  }
  template <typename Call>
  auto write_locked(Call&& call) -> decltype(call(std::declval<DirectoryWriter&>()));
  Status write_pending_now();
  Result<std::optional<AnswerRecord>> take_sound(Result<FoundRecord> found);
  void keep_warning(std::string warning);

  const AnswerDirectoryOptions options;
  std::mutex read_mutex;  // never held together with write_mutex
  RepairableFile<DirectoryReader> reader;
  int64_t seen_connects = -1;  // this and the next three belong to foreign_version()
  int64_t seen_data = 0;
  int64_t seen_changes = 0;  // of others
  int64_t version = 0;
  std::atomic<int64_t> n_own_changes{0};
  std::mutex write_mutex;
  RepairableFile<DirectoryWriter> writer;
  PendingUses pending;
  std::mutex warning_mutex;
  std::string warning;
};

template <typename Call>
auto AnswerDirectory::Impl::write_locked(Call&& call) -> decltype(call(std::declval<DirectoryWriter&>())) {
  using Outcome = decltype(call(std::declval<DirectoryWriter&>()));
  Outcome outcome = writer.use([&](DirectoryWriter& to) -> Outcome {
    const auto run = [&]() -> Outcome {
      DM_ASSIGN(Transaction transaction, to.begin());
      DM_ASSIGN(const int64_t n_before, to.n_changes());
      DM_TRY(pending.write_to(to));
      Outcome result = call(to);
      if (!result.ok()) return result;
      DM_ASSIGN(const int64_t n_after, to.n_changes());
      DM_TRY(transaction.commit());
      n_own_changes += n_after - n_before;
      return result;
    };
    Outcome result = run();
    // What was given is within all limits and the SQL is right, so the file contradicts itself.
    const bool damaged = !result.ok() && (result.error().code == ErrorCode::kInternal ||
                                          result.error().code == ErrorCode::kLimit);
    if (damaged) return Error{ErrorCode::kMalformed, result.error().message};
    return result;
  });
  if (outcome.ok()) pending.forget_written();
  keep_warning(writer.take_warning());
  return outcome;
}

// Without waiting for another process or thread; nothing is lost if it does not succeed.
Status AnswerDirectory::Impl::write_pending_now() {
  std::unique_lock lock(write_mutex, std::try_to_lock);
  if (!lock.owns_lock() || pending.empty()) return {};
  DM_TRY(writer.use([](DirectoryWriter& to) -> Status {
    to.set_wait(false);
    return {};
  }));
  const Status written = write_locked([](DirectoryWriter&) -> Status { return {}; });
  DM_TRY(writer.use([](DirectoryWriter& to) -> Status {
    to.set_wait(true);
    return {};
  }));
  return written;
}

Result<std::optional<AnswerRecord>> AnswerDirectory::Impl::take_sound(Result<FoundRecord> found) {
  if (!found.ok()) return std::move(found).error();
  if (found->damaged_id != 0) pending.drop(found->damaged_id);
  return std::move(found->record);
}

void AnswerDirectory::Impl::keep_warning(std::string text) {
  if (text.empty()) return;
  std::lock_guard lock(warning_mutex);
  warning = std::move(text);
}

AnswerDirectory::AnswerDirectory(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

AnswerDirectory::~AnswerDirectory() {
  if (impl_->pending.empty()) return;
  // Hits that cannot be counted are no reason to fail.
  [[maybe_unused]] const Status ignored = impl_->write([](DirectoryWriter&) -> Status { return {}; });
}

Result<std::unique_ptr<AnswerDirectory>> AnswerDirectory::open(AnswerDirectoryOptions options) {
  if (options.max_records < 1 || options.max_observations < 0) {
    return Error{ErrorCode::kInvalidArgument,
                 "an answer directory needs room for one record or more and for no fewer than 0 "
                 "observations, not for " + std::to_string(options.max_records) + " and " +
                     std::to_string(options.max_observations)};
  }
  auto impl = std::make_unique<Impl>(std::move(options));
  DM_TRY(impl->reader.connect());
  impl->keep_warning(impl->reader.take_warning());
  DM_TRY(impl->writer.connect());
  impl->keep_warning(impl->writer.take_warning());
  return std::unique_ptr<AnswerDirectory>(new AnswerDirectory(std::move(impl)));
}

std::string AnswerDirectory::take_warning() {
  std::lock_guard lock(impl_->warning_mutex);
  return std::exchange(impl_->warning, {});
}

Result<int64_t> AnswerDirectory::insert(const AnswerRecord& record) {
  DM_TRY(check_record(record));
  AnswerRecord kept = record;
  const int64_t now = impl_->options.now();
  if (kept.created_unix_ms == 0) kept.created_unix_ms = now;
  if (kept.used_unix_ms == 0) kept.used_unix_ms = now;
  return impl_->write([&](DirectoryWriter& to) -> Result<int64_t> {
    DM_ASSIGN(const int64_t id, to.insert(kept));
    DM_TRY(to.keep_newest_records(impl_->options.max_records, id));
    return id;
  });
}

Result<std::optional<AnswerRecord>> AnswerDirectory::find(int64_t id) {
  return impl_->take_sound(impl_->read([&](DirectoryReader& from) { return from.find(id); }));
}

Result<std::optional<AnswerRecord>> AnswerDirectory::find(const CacheKey& key) {
  return impl_->take_sound(impl_->read([&](DirectoryReader& from) { return from.find(key); }));
}

Result<std::vector<AnswerRecord>> AnswerDirectory::list(std::string_view tenant, int64_t limit) {
  [[maybe_unused]] const Status written = impl_->write_pending_now();
  DM_ASSIGN(const std::vector<int64_t> ids, impl_->read([&](DirectoryReader& from) {
    return from.ids_of(tenant, std::min(limit, kMostListed));
  }));
  std::vector<AnswerRecord> records;
  for (const int64_t id : ids) {
    DM_ASSIGN(std::optional<AnswerRecord> record, find(id));
    if (record && record->tenant == tenant) records.push_back(*std::move(record));
  }
  return records;
}

Status AnswerDirectory::erase(int64_t id) {
  return impl_->write([&](DirectoryWriter& to) { return to.erase(id); });
}

Result<std::vector<CacheKey>> AnswerDirectory::invalidate(const AnswerFilter& filter) {
  return impl_->write([&](DirectoryWriter& to) { return to.invalidate(filter); });
}

Status AnswerDirectory::clear() {
  std::lock_guard lock(impl_->write_mutex);
  Status cleared = impl_->writer.use([](DirectoryWriter& to) { return to.clear_answers(); });
  impl_->keep_warning(impl_->writer.take_warning());
  return cleared;
}

Status AnswerDirectory::visit_vectors(const Digest& scope, int64_t after_id,
                                      const std::function<void(const AnswerVector&)>& visit) {
  int64_t last_id = std::max<int64_t>(after_id, 0);
  do {
    DM_ASSIGN(last_id, impl_->read([&](DirectoryReader& from) {
      return from.visit_vectors(scope, last_id, kVisitBatch, visit);
    }));
  } while (last_id != 0);
  return {};
}

Result<int64_t> AnswerDirectory::foreign_version() {
  return impl_->read([&](DirectoryReader& from) -> Result<int64_t> {
    Impl& impl = *impl_;
    DM_ASSIGN(const int64_t data, from.data_version());
    const int64_t n_connects = impl.reader.n_connects();
    if (n_connects == impl.seen_connects && data == impl.seen_data) return impl.version;
    DM_ASSIGN(const int64_t n_all_changes, from.n_changes());
    const int64_t n_changes = n_all_changes - impl.n_own_changes;
    const bool changed = n_connects != impl.seen_connects || n_changes != impl.seen_changes;
    impl.seen_connects = n_connects;
    impl.seen_data = data;
    impl.seen_changes = n_changes;
    return impl.version += changed ? 1 : 0;
  });
}

void AnswerDirectory::note_hit(int64_t id, bool may_write) {
  const bool many = impl_->pending.note_hit(id, impl_->options.now());
  if (!many || !may_write) return;
  [[maybe_unused]] const Status written = impl_->write_pending_now();
}

Status AnswerDirectory::add_observations(std::span<const Observation> observations) {
  const auto max_observations = static_cast<size_t>(impl_->options.max_observations);
  if (observations.size() > max_observations) observations = observations.last(max_observations);
  std::vector<std::string> rows;
  rows.reserve(observations.size());
  for (const Observation& observation : observations) {
    DM_ASSIGN(std::string row, encode_observation(observation));
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return {};
  return impl_->write([&](DirectoryWriter& to) -> Status {
    for (const std::string& row : rows) DM_TRY(to.add_observation(row));
    return to.keep_newest_observations(impl_->options.max_observations);
  });
}

Result<std::vector<Observation>> AnswerDirectory::observations() {
  return impl_->read([&](DirectoryReader& from) { return from.observations(impl_->options.max_observations); });
}

Status AnswerDirectory::clear_observations() {
  return impl_->write([](DirectoryWriter& to) { return to.clear_observations(); });
}

Result<DirectoryCounts> AnswerDirectory::counts() {
  [[maybe_unused]] const Status written = impl_->write_pending_now();
  return impl_->read([](DirectoryReader& from) { return from.counts(); });
}

}  // namespace docmind::cache

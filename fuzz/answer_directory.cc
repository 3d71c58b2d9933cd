// Fuzzes the answer directory: bytes of a judged hit, hostile rows, and a hostile database file.
// SPDX-License-Identifier: Apache-2.0
#include "cache/answer_directory.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>

#include "base/file.h"
#include "base/sqlite.h"
#include "cache/directory_schema.h"
#include "cache/observation_codec.h"
#include "fuzz/check.h"

namespace docmind::cache {
namespace {

void check_observation(std::string_view bytes) {
  const Result<Observation> observation = decode_observation(bytes);
  if (!observation.ok()) {
    fuzz::require(observation.error().code == ErrorCode::kMalformed, observation.error().message);
    return;
  }
  const Result<std::string> again = encode_observation(*observation);
  fuzz::require(again.ok() && *again == bytes, "a judged hit encodes to the same bytes");
}

// Calls everything; errors are allowed, wrong records are not.
void use(AnswerDirectory& directory) {
  for (int64_t id = 0; id < 4; ++id) {
    const auto record = directory.find(id);
    if (record.ok() && record->has_value()) {
      fuzz::require((*record)->id == id && check_record(**record).ok(), "a record that is found is sound");
    }
  }
  (void)directory.list("t", 10);
  (void)directory.visit_vectors(Digest{}, 0, [](const AnswerVector& row) {
    fuzz::require(row.id > 0 && !row.vector.empty() && row.vector.size() <= kMaxVectorBytes, "a vector is bounded");
  });
  (void)directory.observations();
  (void)directory.foreign_version();
  (void)directory.counts();
  (void)directory.invalidate({.folder = "docs"});
  bool works = false;
  for (int attempt = 0; attempt < 3 && !works; ++attempt) {
    AnswerRecord record;
    record.question = "q";
    works = directory.insert(record).ok();
  }
  fuzz::require(works, "after a repair a record can be inserted");
}

// A folder for the database of one input.
class Folder {
 public:
  Folder() { fuzz::require(::mkdtemp(path_.data()) != nullptr, "a temporary folder"); }
  ~Folder() {
    for (const char* suffix : {"", "-wal", "-shm", "-journal", ".corrupt"}) ::unlink((file() + suffix).c_str());
    ::rmdir(path_.c_str());
  }
  std::string file() const { return path_ + "/answers.db"; }

 private:
  std::string path_ = "/tmp/fuzz-directory-XXXXXX";
};

// The bytes of a sound directory with a few records.
std::string sound_file() {
  const Folder folder;
  {
    auto directory = AnswerDirectory::open({.path = folder.file()});
    fuzz::require(directory.ok(), "an empty directory opens");
    for (int64_t n = 0; n < 5; ++n) {
      AnswerRecord record;
      record.key = FieldHasher().add(n).finish();
      record.tenant = "t";
      record.question = std::string(static_cast<size_t>(n) * 1'500, 'q');
      record.vector = "vector";
      record.dependencies = {{"docs/a", "h"}};
      fuzz::require((*directory)->insert(record).ok(), "a record is inserted");
    }
  }
  return *read_file(folder.file(), 1 << 20);
}

// Every five bytes of the input damage a sound file: a place, a length and what is written there.
void check_file(std::string_view patches) {
  static const std::string sound = sound_file();
  std::string bytes = sound;
  const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<uint8_t>(patches[i])); };
  for (; patches.size() >= 5; patches.remove_prefix(5)) {
    const size_t at = (byte(0) | byte(1) << 8 | byte(2) << 16) % bytes.size();
    const size_t length = std::min(byte(3) % 32 + 1, bytes.size() - at);
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), length, patches[4]);
  }
  const Folder folder;
  std::ofstream(folder.file(), std::ios::binary) << bytes;
  auto directory = AnswerDirectory::open({.path = folder.file()});
  if (directory.ok()) use(**directory);
}

// Parts of the input become columns of a row, as blobs or as numbers.
void check_rows(std::string_view bytes) {
  const Folder folder;
  fuzz::require(AnswerDirectory::open({.path = folder.file()}).ok(), "an empty directory opens");
  {
    auto db = Database::open(folder.file(), Database::Mode::kReadWrite);
    fuzz::require(db.ok(), "the file is a database");
    auto parts = fuzz::split_parts(bytes, fuzz::kPartSeparator, 9);
    parts.resize(9);
    auto answer = db->prepare(
        "INSERT OR IGNORE INTO answers VALUES(1, ?1, ?2, ?3, 1, 1, 1, ?4, 0.5, 1, 1, ?5, ?6, ?7, ?8)");
    fuzz::require(answer.ok(), "the schema is known");
    for (int i = 0; i < 8; ++i) {
      const std::string_view part = parts[static_cast<size_t>(i)];
      if (!part.empty() && part[0] % 3 == 0) {
        answer->bind(i + 1, static_cast<int64_t>(part.size()) - 100);
      } else if (!part.empty() && part[0] % 3 == 1) {
        answer->bind(i + 1, part);
      } else {
        answer->bind_blob(i + 1, part);
      }
    }
    (void)answer->run();
    auto document = db->prepare("INSERT INTO answer_documents VALUES(1, 0, ?1, ?2)");
    (void)document->bind_blob(1, parts[8]).bind(2, parts[7]).run();
    auto observation = db->prepare("INSERT INTO observations(record) VALUES(?1)");
    (void)observation->bind_blob(1, parts[8]).run();
  }
  auto directory = AnswerDirectory::open({.path = folder.file()});
  fuzz::require(directory.ok(), "a directory with strange rows opens");
  use(**directory);
}

}  // namespace
}  // namespace docmind::cache

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace docmind;
  if (size == 0) return 0;
  const std::string_view rest = fuzz::as_text(data + 1, size - 1);
  switch (data[0] % 3) {
    case 0: cache::check_observation(rest); break;
    case 1: cache::check_rows(rest); break;
    default: cache::check_file(rest); break;
  }
  return 0;
}

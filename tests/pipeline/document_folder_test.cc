// Uploaded files: names from outside, what is stored, what is removed, what an earlier process left.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/document_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "index/store_writer.h"
#include "pipeline/service_test_support.h"

namespace docmind::pipeline {
namespace {

TEST(SafeFileName, KeepsWhatIsSafeAndReplacesTheRest) {
  EXPECT_EQ(must(safe_file_name("report.pdf")), "report.pdf");
  EXPECT_EQ(must(safe_file_name("My Report (final).PDF")), "My_Report_final_.PDF");
  EXPECT_EQ(must(safe_file_name("räksmörgås.md")), "r_ksm_rg_s.md");
  EXPECT_EQ(must(safe_file_name("\xff\xfe\x01.txt")), "_.txt");
}

TEST(SafeFileName, NeverKeepsAPath) {
  EXPECT_EQ(must(safe_file_name("../../etc/passwd.txt")), "passwd.txt");
  EXPECT_EQ(must(safe_file_name("/etc/shadow.md")), "shadow.md");
  EXPECT_EQ(must(safe_file_name("C:\\Users\\me\\notes.txt")), "notes.txt");
  EXPECT_EQ(must(safe_file_name("....hidden.txt")), "hidden.txt");
  EXPECT_EQ(must(safe_file_name(std::string("a\0b.txt", 7))), "a_b.txt");
}

TEST(SafeFileName, IsBoundedAndKeepsTheExtension) {
  const std::string name = must(safe_file_name(std::string(4096, 'x') + ".html"));
  EXPECT_EQ(name.size(), 100u);
  EXPECT_TRUE(name.ends_with(".html"));
}

TEST(SafeFileName, RefusesWhatNoReaderKnows) {
  for (const std::string name : {"../../etc/passwd", "", ".", "..", "program.exe", "x", ".md", "a.", "/", "a/.txt"}) {
    const Result<std::string> safe = safe_file_name(name);
    ASSERT_FALSE(safe.ok()) << name;
    EXPECT_EQ(safe.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(safe.error().message.find(".docx"), std::string::npos) << safe.error().message;
  }
  EXPECT_NE(safe_file_name("a.exe").error().message.find("'.exe'"), std::string::npos);
}

class DocumentFolderTest : public testing::Test {
 protected:
  std::string spool(std::string_view text) { return folder.write("spool", text); }
  test::TempFolder folder;
  DocumentFolder uploads{folder.path("uploads")};
};

TEST_F(DocumentFolderTest, MovesTheSpooledFile) {
  const std::string spooled = spool("hello");
  const auto stored = must(uploads.add("a/b/hello.txt", spooled, 100));
  EXPECT_TRUE(stored.is_new);
  EXPECT_EQ(stored.size_bytes, 5);
  EXPECT_FALSE(std::filesystem::exists(spooled));
  EXPECT_EQ(must(read_file(stored.path, 100)), "hello");
  EXPECT_TRUE(uploads.contains(stored.path));
  EXPECT_EQ(uploads.files(), (std::vector<std::string>{stored.path}));
}

TEST_F(DocumentFolderTest, TheSameBytesUnderTheSameNameAreTheSameFile) {
  const auto first = must(uploads.add("a.txt", spool("same"), 100));
  const auto again = must(uploads.add("a.txt", spool("same"), 100));
  EXPECT_EQ(again.path, first.path);
  EXPECT_FALSE(again.is_new);
  const auto renamed = must(uploads.add("b.txt", spool("same"), 100));
  const auto changed = must(uploads.add("a.txt", spool("other"), 100));
  EXPECT_NE(renamed.path, first.path);
  EXPECT_NE(changed.path, first.path);
  EXPECT_EQ(uploads.files().size(), 3u);
}

TEST_F(DocumentFolderTest, RefusesEmptyAndTooLargeFiles) {
  EXPECT_EQ(uploads.add("a.txt", spool(""), 100).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(uploads.add("a.txt", spool("123456"), 5).error().code, ErrorCode::kLimit);
}

TEST_F(DocumentFolderTest, FollowsNoLink) {
  const std::string secret = folder.write("secret.txt", "secret");
  const std::string link = folder.path("link");
  ASSERT_EQ(::symlink(secret.c_str(), link.c_str()), 0);
  EXPECT_FALSE(uploads.add("a.txt", link, 100).ok());
  const auto stored = must(uploads.add("a.txt", spool("mine"), 100));
  // A folder of the right name that leads elsewhere.
  const std::string hash_folder = std::filesystem::path(stored.path).parent_path().string();
  const std::string elsewhere = folder.mkdir("elsewhere");
  const std::string victim = folder.write("elsewhere/a.txt", "victim");
  std::filesystem::remove_all(hash_folder);
  ASSERT_EQ(::symlink(elsewhere.c_str(), hash_folder.c_str()), 0);
  EXPECT_FALSE(uploads.remove(stored.path).ok());
  EXPECT_FALSE(uploads.add("b.txt", spool("mine"), 100).ok());
  EXPECT_TRUE(std::filesystem::exists(victim));
  EXPECT_TRUE(uploads.files().empty());
}

TEST_F(DocumentFolderTest, RemovesOnlyItsOwn) {
  const std::string other = folder.write("other.txt", "x");
  const auto stored = must(uploads.add("a.txt", spool("mine"), 100));
  EXPECT_EQ(uploads.remove(other).error().code, ErrorCode::kPermission);
  EXPECT_EQ(uploads.remove(uploads.path() + "/../other.txt").error().code, ErrorCode::kPermission);
  EXPECT_EQ(uploads.remove(uploads.path() + "/0123456789abcdef/../../other.txt").error().code, ErrorCode::kPermission);
  must(uploads.remove(stored.path));
  must(uploads.remove(stored.path));
  EXPECT_TRUE(uploads.files().empty());
  EXPECT_TRUE(std::filesystem::exists(other));
}

TEST_F(ServiceTest, AnUploadThatAnEarlierProcessLeftIsIndexedAtTheStart) {
  start();
  collection();
  service.reset();
  // As after a crash between the rename and the indexing.
  const DocumentFolder uploads(folder.path("store/uploads"));
  must(uploads.add("harbour.md", folder.write("spooled", kHarbour), 1 << 20));
  start();
  const CollectionPtr documents = collection();
  settle(*documents);
  EXPECT_NE(ask(*documents, "Who is the harbour master of Vannholm?").text.find("Astrid"), std::string::npos);
  // Nothing is added again at the next start; a file as young as that may be looked at once more.
  service.reset();
  start();
  settle(*collection());
  const std::optional<IndexReport> report = collection()->job().report;
  EXPECT_EQ(report ? report->n_added : 0, 0);
  EXPECT_EQ(must(collection()->documents()).size(), 1u);
}

TEST_F(ServiceTest, StoppingWithinARunLosesNothing) {
  start();
  {
    const CollectionPtr documents = collection();
    for (int i = 0; i < 40; ++i) {
      upload(*documents, "note" + std::to_string(i) + ".txt", "Note " + std::to_string(i) + " of the harbour.");
    }
  }
  service.reset();
  start();
  const CollectionPtr documents = collection();
  settle(*documents);
  const std::vector<DocumentInfo> all = must(documents->documents());
  EXPECT_EQ(all.size(), 40u);
  for (const DocumentInfo& info : all) EXPECT_EQ(info.status, "indexed") << info.name;
}

TEST_F(ServiceTest, AFileThatCannotBeReadIsShownWithTheReason) {
  start();
  const CollectionPtr documents = collection();
  upload(*documents, "broken.pdf", "%PDF-1.7 this is no PDF");
  upload(*documents, "harbour.md", kHarbour);
  settle(*documents);
  const std::vector<DocumentInfo> all = must(documents->documents());
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].status, "failed");
  EXPECT_FALSE(all[0].error.empty());
  EXPECT_EQ(all[1].status, "indexed");
  must(documents->remove(all[0].id));
  settle(*documents);
  EXPECT_EQ(must(documents->documents()).size(), 1u);
}

TEST_F(ServiceTest, AFolderOfTheUserIsShownButNotRemoved) {
  folder.write("docs/harbour.md", kHarbour);
  start();
  const CollectionPtr documents = collection();
  {
    const index::StoreWriter writer = must(index::StoreWriter::open(folder.path("store"), {}));
    index::WriteBatch batch = must(writer.begin());
    must(batch.put_root({folder.path("docs"), {}, {}}));
    must(batch.commit());
  }
  documents->reindex();
  settle(*documents);
  const std::vector<DocumentInfo> all = must(documents->documents());
  ASSERT_EQ(all.size(), 1u);
  EXPECT_FALSE(all[0].uploaded);
  EXPECT_EQ(documents->remove(all[0].id).error().code, ErrorCode::kPermission);
  const Collection::SourceText source = must(documents->source(all[0].id));
  ASSERT_FALSE(source.passages.empty());
  EXPECT_EQ(source.passages[0].start_line, 1u);
}

}  // namespace
}  // namespace docmind::pipeline

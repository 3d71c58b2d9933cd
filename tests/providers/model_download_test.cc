// Downloads against a server that stops, moves, lies and is busy: what arrives is whole and checked.
// SPDX-License-Identifier: Apache-2.0
#include "providers/model_download.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/hash.h"
#include "providers/file_sha256.h"
#include "providers/http_get.h"
#include "support/docmind.h"
#include "support/file_server.h"

namespace docmind::providers {
namespace {

using test::contains;

class ModelDownload : public testing::Test {
 protected:
  void SetUp() override {
    content_ = test::filler_text(3, 250'000);
    folder_.write("served/f", content_);
    server_ = std::make_unique<test::FileServer>(folder_.path("served"));
  }
  DownloadRequest request(std::string_view mode) const {
    DownloadRequest request{.url = server_->url(mode, "f"), .path = folder_.path("models/m.gguf")};
    request.retry_delay_ms = 1;
    return request;
  }
  std::string digest() const { return to_hex(sha256(content_)); }
  // Downloads until half is there, then stops.
  void leave_half(DownloadRequest request) const {
    const int64_t half = static_cast<int64_t>(content_.size()) / 2;
    request.progress = [&, cancel = request.cancel](const DownloadProgress& progress) {
      if (progress.n_done_bytes >= half) cancel.cancel();
    };
    const Result<DownloadResult> result = download_file(request);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, ErrorCode::kCancelled) << result.error().message;
    EXPECT_GE(std::filesystem::file_size(part()), static_cast<uintmax_t>(half));
    EXPECT_LT(std::filesystem::file_size(part()), content_.size());
    EXPECT_FALSE(folder_.exists("models/m.gguf"));
  }
  void expect_done(const Result<DownloadResult>& result) const {
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_EQ(result->n_bytes, static_cast<int64_t>(content_.size()));
    EXPECT_EQ(result->sha256, digest());
    EXPECT_EQ(folder_.read("models/m.gguf"), content_);
    EXPECT_EQ(folder_.read("models/m.gguf.sha256"), digest() + "  m.gguf\n");
    EXPECT_EQ(*recorded_sha256(folder_.path("models/m.gguf")), digest());
    EXPECT_FALSE(folder_.exists("models/m.gguf.part"));
    EXPECT_FALSE(folder_.exists("models/m.gguf.part.json"));
  }
  void expect_refused(const DownloadRequest& request, ErrorCode code,
                      std::string_view part_of_sentence) const {
    const Result<DownloadResult> result = download_file(request);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, code) << result.error().message;
    EXPECT_TRUE(contains(result.error().message, part_of_sentence)) << result.error().message;
    EXPECT_FALSE(folder_.exists("models/m.gguf"));
  }
  std::string part() const { return folder_.path("models/m.gguf.part"); }

  test::TempFolder folder_;
  std::string content_;
  std::unique_ptr<test::FileServer> server_;
};

TEST_F(ModelDownload, ArrivesWholeAndIsRecorded) {
  std::vector<DownloadProgress> seen;
  DownloadRequest whole = request("good");
  whole.progress = [&](const DownloadProgress& progress) { seen.push_back(progress); };
  const auto result = download_file(whole);
  expect_done(result);
  EXPECT_EQ(result->checked, DownloadResult::Checked::kNobody);
  EXPECT_EQ(result->n_resumed_bytes, 0);
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.back().n_done_bytes, static_cast<int64_t>(content_.size()));
  EXPECT_EQ(seen.back().n_total_bytes, static_cast<int64_t>(content_.size()));
}

TEST_F(ModelDownload, GoesOnWhereItStopped) {
  leave_half(request("good"));
  const auto had = static_cast<int64_t>(std::filesystem::file_size(part()));
  const auto result = download_file(request("good"));
  expect_done(result);
  EXPECT_EQ(result->n_resumed_bytes, had);
  EXPECT_TRUE(contains(server_->log().back(), "bytes=" + std::to_string(had) + "- \"" + digest() + "\""))
      << server_->log().back();
}

TEST_F(ModelDownload, BeginsAnewWhenTheFileHasChanged) {
  leave_half(request("good"));
  content_[0] = '?';
  folder_.write("served/f", content_);
  const auto result = download_file(request("good"));
  expect_done(result);
  EXPECT_EQ(result->n_resumed_bytes, 0);
}

TEST_F(ModelDownload, BeginsAnewWithoutRangesOrWithAnotherUrl) {
  DownloadRequest plain = request("plain");
  plain.sha256 = digest();
  leave_half(plain);
  plain.cancel = {};
  const auto result = download_file(plain);
  expect_done(result);
  EXPECT_EQ(result->n_resumed_bytes, 0);
  folder_.remove("models");
  leave_half(request("good"));
  EXPECT_EQ(download_file(request("moving"))->n_resumed_bytes, 0);
}

TEST_F(ModelDownload, APartWithoutATagIsOnlyContinuedWhenTheHashIsKnown) {
  leave_half(request("notag"));
  EXPECT_EQ(download_file(request("notag"))->n_resumed_bytes, 0);
  folder_.remove("models");
  DownloadRequest known = request("notag");
  known.sha256 = digest();
  leave_half(known);
  known.cancel = {};
  const auto result = download_file(known);
  expect_done(result);
  EXPECT_GT(result->n_resumed_bytes, 0);
  EXPECT_EQ(result->checked, DownloadResult::Checked::kCatalogue);
}

TEST_F(ModelDownload, ADamagedPartIsFoundByTheHash) {
  DownloadRequest known = request("good");
  known.sha256 = digest();
  leave_half(known);
  known.cancel = {};
  std::string half = folder_.read("models/m.gguf.part");
  half[100] = static_cast<char>(half[100] ^ 1);
  folder_.write("models/m.gguf.part", half);
  expect_refused(known, ErrorCode::kMismatch, "expected is " + digest());
  EXPECT_FALSE(folder_.exists("models/m.gguf.part"));
  expect_done(download_file(known));
}

TEST_F(ModelDownload, APartThatLacksNothingIsTakenAsItIs) {
  leave_half(request("good"));
  folder_.write("models/m.gguf.part", content_);
  folder_.write("models/m.gguf.part.json", "{\"url\": \"" + request("good").url + "\", \"etag\": \"\\\"" +
                                               digest() + "\\\"\", \"total_bytes\": 0}");
  const auto result = download_file(request("good"));
  expect_done(result);
  EXPECT_EQ(result->n_resumed_bytes, static_cast<int64_t>(content_.size()));
}

TEST_F(ModelDownload, APartLongerThanTheFileIsGivenUp) {
  leave_half(request("good"));
  folder_.write("models/m.gguf.part", content_ + "and more");
  expect_done(download_file(request("good")));
}

TEST_F(ModelDownload, SurvivesConnectionsThatBreakAndServersThatAreBusy) {
  const auto cut = download_file(request("cut"));
  expect_done(cut);
  EXPECT_GT(server_->log().size(), 3U);
  expect_done(download_file(request("busy-2")));
}

TEST_F(ModelDownload, GivesUpAfterSomeFailuresAndKeepsWhatCame) {
  DownloadRequest few = request("busy-9");
  few.n_retries = 2;
  expect_refused(few, ErrorCode::kIo, "with 503");
  EXPECT_EQ(server_->log().size(), 3U);
  EXPECT_FALSE(folder_.exists("models/m.gguf.part"));
  DownloadRequest stuck = request("stuck");
  stuck.n_retries = 1;
  expect_refused(stuck, ErrorCode::kIo, "are kept, the same command goes on");
  EXPECT_EQ(std::filesystem::file_size(part()), content_.size() / 2);
}

TEST_F(ModelDownload, TheServersHashIsUsedWhenThereIsNoOther) {
  const auto result = download_file(request("hop"));
  expect_done(result);
  EXPECT_EQ(result->checked, DownloadResult::Checked::kServer);
  folder_.remove("models");
  expect_refused(request("lie"), ErrorCode::kMismatch, "expected is 0000000000");
  DownloadRequest known = request("lie");
  known.sha256 = digest();
  expect_refused(known, ErrorCode::kMismatch, "the server says");
  EXPECT_FALSE(folder_.exists("models/m.gguf.part")) << "nothing was fetched";
}

TEST_F(ModelDownload, TheServersHashIsRememberedWithThePart) {
  leave_half(request("hop"));
  const auto result = download_file(request("hop"));
  expect_done(result);
  EXPECT_EQ(result->checked, DownloadResult::Checked::kServer);
  EXPECT_GT(result->n_resumed_bytes, 0);
}

TEST_F(ModelDownload, RefusesWhatIsNotExpected) {
  DownloadRequest wrong = request("good");
  wrong.sha256 = std::string(64, 'a');
  expect_refused(wrong, ErrorCode::kMismatch, "expected is aaaa");
  wrong = request("good");
  wrong.n_bytes = 5;
  expect_refused(wrong, ErrorCode::kMismatch, "bytes on the server, expected are 5");
  wrong = request("good");
  wrong.check = [](const std::string& path) {
    return Status(Error{ErrorCode::kMalformed, "'" + path + "' is no model"});
  };
  expect_refused(wrong, ErrorCode::kMalformed, "is no model");
  EXPECT_FALSE(folder_.exists("models/m.gguf.part"));
  wrong.sha256 = "short";
  expect_refused(wrong, ErrorCode::kInvalidArgument, "'short' is no SHA-256");
}

TEST_F(ModelDownload, NamesWhatTheServerAnswers) {
  expect_refused(request("status-404"), ErrorCode::kNotFound, "with 404: there is no such file");
  expect_refused(request("status-401"), ErrorCode::kPermission, "with 401");
  expect_refused(request("status-403"), ErrorCode::kPermission, "with 403");
  expect_refused(request("status-418"), ErrorCode::kIo, "with 418");
  EXPECT_EQ(server_->log().size(), 4U) << "none of them is tried again";
  EXPECT_FALSE(folder_.exists("models/m.gguf.part"));
}

TEST_F(ModelDownload, FollowsOnlyFewAndSafeRedirects) {
  expect_refused(request("loop"), ErrorCode::kLimit, "more than 5 redirects");
  expect_refused(request("away"), ErrorCode::kInvalidArgument, "'http://example.com/x' is refused");
}

TEST_F(ModelDownload, NeedsRoomBeforeItBegins) {
  expect_refused(request("length-4000000000000000"), ErrorCode::kLimit, "the disk has too little room");
  EXPECT_FALSE(folder_.exists("models/m.gguf.part"));
}

TEST_F(ModelDownload, TwoAtOnceAreRefused) {
  DownloadRequest first = request("good");
  Status second;
  first.progress = [&](const DownloadProgress&) {
    const auto result = download_file(request("good"));
    second = result.ok() ? Status() : Status(result.error());
  };
  expect_done(download_file(first));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kBusy) << second.error().message;
}

TEST_F(ModelDownload, AServerThatHangsIsLeft) {
  DownloadRequest slow = request("hang");
  slow.stall_timeout_s = 1;
  const auto result = download_file(slow);
  expect_done(result);
  EXPECT_EQ(server_->log().size(), 2U);
}

TEST_F(ModelDownload, NobodyThereIsAnError) {
  DownloadRequest nobody = request("good");
  nobody.url = "http://127.0.0.1:1/f";
  nobody.n_retries = 1;
  expect_refused(nobody, ErrorCode::kIo, "cannot fetch 'http://127.0.0.1:1/f'");
}

TEST(CheckUrl, OnlyHttpsLeavesTheMachine) {
  for (const char* good : {"https://example.com/a", "http://127.0.0.1:80/x", "http://localhost/x", "http://[::1]:8/x"}) {
    EXPECT_TRUE(check_url(good).ok()) << good;
  }
  for (const char* bad : {"http://example.com/a", "http://127.evil.example/x", "file:///etc/passwd",
                          "ftp://localhost/x", "http://localhost.example/", "", "models/x"}) {
    EXPECT_FALSE(check_url(bad).ok()) << bad;
  }
}

TEST(RecordedSha256, IsReadFromBesideTheFile) {
  const test::TempFolder folder;
  EXPECT_EQ(*recorded_sha256(folder.path("f")), "");
  folder.write("f.sha256", "not a hash\n");
  EXPECT_EQ(recorded_sha256(folder.path("f")).error().code, ErrorCode::kMalformed);
  folder.write("f.sha256", std::string(64, 'b') + "  f\n");
  EXPECT_EQ(*recorded_sha256(folder.path("f")), std::string(64, 'b'));
  folder.write("f", "abc");
  EXPECT_EQ(*sha256_of_file(folder.path("f"), {}, {}), to_hex(sha256("abc")));
}

}  // namespace
}  // namespace docmind::providers

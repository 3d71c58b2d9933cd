// Downloads one large file: resumes, checks, and puts it into place whole or not at all.
// SPDX-License-Identifier: Apache-2.0
#include "providers/model_download.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <thread>

#include <fmt/format.h>

#include "base/file.h"
#include "base/text.h"
#include "providers/file_sha256.h"
#include "providers/http_get.h"
#include "providers/part_file.h"

namespace docmind::providers {
namespace {

constexpr int kOk = 200, kPartial = 206, kRangeNotSatisfiable = 416;

std::optional<int64_t> whole_number(std::string_view text) {
  int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

// "bytes 100-199/200": where the body begins and how long the whole is.
struct ContentRange {
  int64_t begin = 0;
  int64_t total = 0;
};
std::optional<ContentRange> parse_content_range(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  const size_t dash = text.find('-');
  const size_t slash = text.find('/');
  if (!text.starts_with(kUnit) || dash == std::string_view::npos || slash == std::string_view::npos ||
      dash > slash) {
    return std::nullopt;
  }
  const auto begin = whole_number(text.substr(kUnit.size(), dash - kUnit.size()));
  const auto total = whole_number(text.substr(slash + 1));
  if (!begin || !total) return std::nullopt;
  return ContentRange{*begin, *total};
}

// An entity tag that stands for exact bytes; weak ones do not.
std::string strong_etag(const HttpHead& head) {
  const std::string_view tag = head.header("etag");
  return tag.starts_with('"') ? std::string(tag) : std::string();
}

// The SHA-256 that some servers of model files send with a redirect.
std::string server_sha256(const HttpHead& head) {
  std::string_view tag = head.header("x-linked-etag");
  if (tag.size() >= 2 && tag.starts_with('"') && tag.ends_with('"')) tag = tag.substr(1, tag.size() - 2);
  return is_sha256(tag) ? std::string(tag) : std::string();
}

class Download {
 public:
  Download(const DownloadRequest& request, PartFile part) : request_(request), part_(std::move(part)) {}

  Result<DownloadResult> run() {
    Result<DownloadResult> result = fetch();
    if (!result.ok() && part_.size() == 0) part_.discard();  // of no use to anybody
    return result;
  }

 private:
  Result<DownloadResult> fetch() {
    DM_TRY(prepare());
    int n_failed = 0;
    while (!complete_) {
      const int64_t before = part_.size();
      Result<HttpHead> head = attempt();
      if (complete_) break;
      if (!head.ok() && !transient_) return std::move(head).error();
      n_failed = part_.size() > before ? 0 : n_failed + 1;
      if (n_failed > request_.n_retries) return give_up(head);
      DM_TRY(wait(request_.retry_delay_ms << std::min(n_failed, 6)));
    }
    return finish();
  }

  // Only a part of the same file is of use: same URL, and either the server's tag or our hash will
  // show whether it still is the same.
  Status prepare() {
    const PartOrigin& origin = part_.origin();
    const bool usable = part_.size() > 0 && origin.url == request_.url &&
                        (!origin.etag.empty() || !request_.sha256.empty());
    if (!usable) return part_.restart();
    total_ = origin.n_total;
    server_sha256_ = origin.sha256;
    n_resumed_ = part_.size();
    DM_TRY(part_.hash_existing(request_.cancel, [&](int64_t done) {
      show({DownloadProgress::Phase::kCheckPart, done, part_.size()});
    }));
    complete_ = total_ > 0 && part_.size() == total_;
    return {};
  }

  Result<HttpHead> attempt() {
    transient_ = false;
    body_failed_ = false;
    HttpGetRequest get{.url = request_.url,
                       .stall_timeout_s = request_.stall_timeout_s,
                       .cancel = request_.cancel,
                       .on_head = {},
                       .on_body = {}};
    if (part_.size() > 0) {
      get.headers.push_back(fmt::format("Range: bytes={}-", part_.size()));
      // Without a tag the file's hash decides at the end.
      if (!part_.origin().etag.empty()) get.headers.push_back("If-Range: " + part_.origin().etag);
    }
    get.on_head = [&](const HttpHead& head) { return noted(take_head(head)); };
    get.on_body = [&](std::string_view piece) { return noted(take_body(piece)); };
    Result<HttpHead> head = http_get(get);
    if (head.ok()) {
      complete_ = complete_ || (head->status / 100 == 2 && (total_ == 0 || part_.size() == total_));
      transient_ = true;
    } else {
      transient_ = transient_ || (!body_failed_ && head.error().code == ErrorCode::kIo);
    }
    return head;
  }

  Status noted(Status status) {
    body_failed_ = body_failed_ || !status.ok();
    return status;
  }

  Status take_head(const HttpHead& head) {
    if (head.status == kRangeNotSatisfiable && part_.size() > 0) {
      complete_ = head.header("content-range") == fmt::format("bytes */{}", part_.size());
      if (complete_) return {};  // nothing was missing
      // The file has become shorter, or the part was longer than it ever was.
      n_resumed_ = 0;
      return part_.restart();
    }
    if (head.status != kOk && head.status != kPartial) return refuse(head);
    server_sha256_ = server_sha256(head);
    if (!server_sha256_.empty() && !request_.sha256.empty() && server_sha256_ != request_.sha256) {
      return Error{ErrorCode::kMismatch,
                   fmt::format("the server says that '{}' has the SHA-256 {}, expected is {}",
                               printable(request_.url), server_sha256_, request_.sha256)};
    }
    total_ = whole_number(head.header("content-length")).value_or(0);
    if (head.status == kPartial) {
      const auto range = parse_content_range(head.header("content-range"));
      if (!range || range->begin != part_.size()) {
        return Error{
            ErrorCode::kMalformed,
            fmt::format("'{}' was asked for the bytes from {} on and sent '{}'", printable(request_.url),
                        part_.size(), printable(head.header("content-range")))};
      }
      total_ = range->total;
    } else {
      n_resumed_ = 0;
      DM_TRY(part_.restart());
    }
    DM_TRY(check_total());
    return part_.set_origin({request_.url, strong_etag(head), server_sha256_, total_});
  }

  Status refuse(const HttpHead& head) {
    const std::string what =
        fmt::format("the server answered '{}' with {}", printable(request_.url), head.status);
    switch (head.status) {
      case 401:
      case 403: return Error{ErrorCode::kPermission, what + ": it wants an account or does not allow this"};
      case 404:
      case 410: return Error{ErrorCode::kNotFound, what + ": there is no such file"};
      default: transient_ = head.status >= 500 || head.status == 429 || head.status == 408;
    }
    return Error{ErrorCode::kIo, what};
  }

  Status check_total() {
    if (total_ == 0) return {};
    if (request_.n_bytes && *request_.n_bytes != total_) {
      return Error{ErrorCode::kMismatch, fmt::format("'{}' has {} bytes on the server, expected are {}",
                                                     printable(request_.url), total_, *request_.n_bytes)};
    }
    const std::string folder = std::filesystem::path(request_.path).parent_path().string();
    struct statvfs space {};
    if (::statvfs(folder.empty() ? "." : folder.c_str(), &space) != 0) {
      return errno_error("read the free space of", folder, errno);
    }
    const auto n_free = static_cast<int64_t>(space.f_bavail * space.f_frsize);
    if (n_free >= total_ - part_.size()) return {};
    return Error{ErrorCode::kLimit,
                 fmt::format("the disk has too little room at '{}': {} free, {} needed", printable(folder),
                             format_bytes(n_free), format_bytes(total_ - part_.size()))};
  }

  Status take_body(std::string_view piece) {
    if (total_ > 0 && part_.size() + static_cast<int64_t>(piece.size()) > total_) {
      return Error{ErrorCode::kMismatch, fmt::format("'{}' sends more than the {} bytes it announced",
                                                     printable(request_.url), total_)};
    }
    if (request_.cancel.cancelled()) return stopped();
    DM_TRY(part_.append(piece));
    show({DownloadProgress::Phase::kFetch, part_.size(), total_});
    return {};
  }

  static Error stopped() {
    return Error{ErrorCode::kCancelled, "the download was stopped; the same command goes on from there"};
  }

  void show(const DownloadProgress& progress) const {
    if (request_.progress) request_.progress(progress);
  }

  Status wait(int64_t ms) const {
    constexpr int64_t kStepMs = 50;
    for (; ms > 0; ms -= kStepMs) {
      if (request_.cancel.cancelled()) return stopped();
      std::this_thread::sleep_for(std::chrono::milliseconds(std::min(ms, kStepMs)));
    }
    return {};
  }

  Error give_up(const Result<HttpHead>& head) const {
    const std::string place = total_ > 0
                                  ? fmt::format("{} of {}", format_bytes(part_.size()), format_bytes(total_))
                                  : format_bytes(part_.size());
    const std::string why = head.ok()
                                ? fmt::format("the connection to '{}' ended early", printable(request_.url))
                                : head.error().message;
    return Error{ErrorCode::kIo,
                 fmt::format("{}; {} are kept, the same command goes on from there", why, place)};
  }

  Result<DownloadResult> finish() {
    DownloadResult result{
        .n_bytes = part_.size(), .n_resumed_bytes = n_resumed_, .sha256 = part_.take_sha256()};
    if (request_.n_bytes && *request_.n_bytes != result.n_bytes) {
      part_.discard();
      return Error{ErrorCode::kMismatch,
                   fmt::format("'{}' has {} bytes, expected are {}", printable(request_.url), result.n_bytes,
                               *request_.n_bytes)};
    }
    const std::string& expected = request_.sha256.empty() ? server_sha256_ : request_.sha256;
    if (!expected.empty() && result.sha256 != expected) {
      part_.discard();
      return Error{ErrorCode::kMismatch,
                   fmt::format("what '{}' sent has the SHA-256 {}, expected is {}; it was removed",
                               printable(request_.url), result.sha256, expected)};
    }
    using Checked = DownloadResult::Checked;
    result.checked = !request_.sha256.empty() ? Checked::kCatalogue
                     : !server_sha256_.empty() ? Checked::kServer
                                               : Checked::kNobody;
    if (request_.check) {
      if (Status sound = request_.check(part_.path()); !sound.ok()) {
        part_.discard();
        return std::move(sound).error().with_context(
            fmt::format("what '{}' sent is refused", printable(request_.url)));
      }
    }
    DM_TRY(record_sha256(request_.path, result.sha256));
    DM_TRY(part_.move_to(request_.path));
    return result;
  }

  const DownloadRequest& request_;
  PartFile part_;
  int64_t total_ = 0;      // 0: unknown
  int64_t n_resumed_ = 0;
  std::string server_sha256_;
  bool complete_ = false;
  bool transient_ = false;    // the last failure may pass
  bool body_failed_ = false;  // the last failure was ours (disk, refusal), not the network's
};

}  // namespace

Result<DownloadResult> download_file(const DownloadRequest& request) {
  DM_TRY(check_url(request.url));
  if (!request.sha256.empty() && !is_sha256(request.sha256)) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("'{}' is no SHA-256", printable(request.sha256))};
  }
  const std::string folder = std::filesystem::path(request.path).parent_path().string();
  if (!folder.empty()) DM_TRY(make_folders(folder));
  DM_ASSIGN(PartFile part, PartFile::open(request.path + ".part"));
  return Download(request, std::move(part)).run();
}

}  // namespace docmind::providers

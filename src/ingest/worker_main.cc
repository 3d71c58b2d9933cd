// The child's side of the parse worker: limits itself, then answers requests until its input closes.
// SPDX-License-Identifier: Apache-2.0
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <exception>
#include <new>
#include <optional>

#include "ingest/reader.h"
#include "ingest/sanitizer.h"
#include "ingest/wire.h"
#include "ingest/worker.h"

namespace docmind::ingest {
namespace {

enum class ReadOutcome { kDone, kClosed, kFailed };

// Fills `out`; kClosed only when the input ends before the first byte.
ReadOutcome read_exactly(int fd, char* out, size_t n_bytes) {
  size_t got = 0;
  while (got < n_bytes) {
    const ssize_t n = ::read(fd, out + got, n_bytes - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ReadOutcome::kFailed;
    if (n == 0) return got == 0 ? ReadOutcome::kClosed : ReadOutcome::kFailed;
    got += static_cast<size_t>(n);
  }
  return ReadOutcome::kDone;
}

bool write_exactly(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

void limit(int resource, rlim_t value) {
  rlimit current{};
  if (::getrlimit(resource, &current) != 0) return;
  // Only ever downwards: a raised hard limit would be refused.
  current.rlim_cur = current.rlim_max == RLIM_INFINITY ? value : std::min(value, current.rlim_max);
  current.rlim_max = current.rlim_cur;
  ::setrlimit(static_cast<__rlimit_resource_t>(resource), &current);
}

void confine_process() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
}

// The sanitizers reserve terabytes of address space, which the limit would refuse.
void limit_memory(int64_t bytes) {
  if (!kBuiltWithSanitizer && bytes > 0) limit(RLIMIT_AS, static_cast<rlim_t>(bytes));
}

std::string answer(std::string_view payload) {
  Result<Document> document = Error{ErrorCode::kInternal, "not read"};
  try {
    Result<ParseRequest> request = decode_request(payload);
    if (request.ok()) {
      limit_memory(request->limits.worker_memory_bytes);
      document = read_document(request->path, request->bytes, request->limits);
      if (document.ok()) {
        const std::string body = encode_document(*document);
        return encode_frame({FrameKind::kDocument, body.size()}) + body;
      }
    } else {
      document = std::move(request).error();
    }
  } catch (const std::bad_alloc&) {
    document = Error{ErrorCode::kLimit, "parsing it needs more memory than the worker may use"};
  } catch (const std::exception& e) {
    document = Error{ErrorCode::kInternal, e.what()};
  }
  const std::string body = encode_error(document.error());
  return encode_frame({FrameKind::kError, body.size()}) + body;
}

std::optional<std::string> read_payload(int fd, uint64_t n_bytes) {
  try {
    std::string payload(n_bytes, '\0');
    if (read_exactly(fd, payload.data(), payload.size()) != ReadOutcome::kDone) return std::nullopt;
    return payload;
  } catch (const std::bad_alloc&) {
    return std::nullopt;
  }
}

}  // namespace

int worker_main(int in_fd, int out_fd) {
  constexpr int kProtocolFailure = 3;
  constexpr uint64_t kMaxRequestBytes = 8ULL << 30;
  confine_process();
  while (true) {
    char header[kFrameBytes];
    const ReadOutcome got = read_exactly(in_fd, header, sizeof(header));
    if (got == ReadOutcome::kClosed) return 0;
    if (got == ReadOutcome::kFailed) return kProtocolFailure;
    const Result<Frame> frame = decode_frame({header, sizeof(header)}, kMaxRequestBytes);
    if (!frame.ok() || frame->kind != FrameKind::kRequest) return kProtocolFailure;
    const std::optional<std::string> payload = read_payload(in_fd, frame->n_bytes);
    if (!payload || !write_exactly(out_fd, answer(*payload))) return kProtocolFailure;
  }
}

}  // namespace docmind::ingest

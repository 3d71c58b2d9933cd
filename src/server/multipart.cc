// MultipartReader: the parts of a multipart/form-data body that lies in a file (RFC 7578, RFC 2046 section 5.1).
// SPDX-License-Identifier: Apache-2.0
#include "server/multipart.h"

#include <algorithm>
#include <functional>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::server {
namespace {

constexpr size_t kMaxBoundaryBytes = 70;
constexpr size_t kShownBytes = 60;

Error malformed_body(std::string sentence) {
  return Error{ErrorCode::kMalformed, "the multipart body is malformed: " + std::move(sentence)};
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

// A header's value and its parameters: form-data; name="a"; filename="b".
class HeaderValue {
 public:
  explicit HeaderValue(std::string_view text) : rest_(text) { type_ = trim(take_until(';')); }

  [[nodiscard]] std::string_view type() const { return type_; }
  // The first parameter of that name, quotes and their escapes taken off.
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const {
    HeaderValue copy(*this);
    while (!copy.rest_.empty()) {
      const std::string_view key = trim(copy.take_until('='));
      std::string value = copy.take_value();
      if (same_word(key, name)) return value;
    }
    return std::nullopt;
  }

 private:
  std::string_view take_until(char end) {
    const size_t at = std::min(rest_.find(end), rest_.size());
    const std::string_view taken = rest_.substr(0, at);
    rest_.remove_prefix(std::min(at + 1, rest_.size()));
    return taken;
  }

  std::string take_value() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
    if (rest_.empty() || rest_.front() != '"') return std::string(trim(take_until(';')));
    rest_.remove_prefix(1);
    std::string value;
    while (!rest_.empty() && rest_.front() != '"') {
      // Browsers send a backslash in a file name as it is, so only a quote and a backslash are escaped by it.
      const bool escaped = rest_.size() > 1 && rest_[0] == '\\' && (rest_[1] == '"' || rest_[1] == '\\');
      if (escaped) rest_.remove_prefix(1);
      value.push_back(rest_.front());
      rest_.remove_prefix(1);
    }
    take_until(';');
    return value;
  }

  std::string_view type_;
  std::string_view rest_;
};

std::string keep_end(std::string text, size_t max_bytes) {
  return text.size() <= max_bytes ? std::move(text) : text.substr(text.size() - max_bytes);
}

Status read_disposition(std::string_view value, const MultipartLimits& limits, MultipartPart& part) {
  const HeaderValue disposition(value);
  if (!same_word(disposition.type(), "form-data")) {
    return malformed_body(fmt::format("a part's Content-Disposition is '{}', not form-data",
                                      ellipsize(printable(disposition.type()), kShownBytes)));
  }
  std::optional<std::string> name = disposition.parameter("name");
  if (!name) return malformed_body("a part has no name");
  part.name = keep_end(*std::move(name), limits.max_name_bytes);
  if (std::optional<std::string> filename = disposition.parameter("filename")) {
    part.is_file = true;
    part.filename = keep_end(*std::move(filename), limits.max_name_bytes);
  }
  return {};
}

// Lines of a part's head, each ended by CR LF.
Status read_part_head(std::string_view head, const MultipartLimits& limits, MultipartPart& part) {
  bool has_disposition = false;
  while (!head.empty()) {
    const size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 2, head.size()));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      return malformed_body(fmt::format("'{}' is no header line", ellipsize(printable(line), kShownBytes)));
    }
    const std::string_view name = trim(line.substr(0, colon));
    const std::string_view value = trim(line.substr(colon + 1));
    if (same_word(name, "Content-Disposition") && !has_disposition) {
      DM_TRY(read_disposition(value, limits, part));
      has_disposition = true;
    } else if (same_word(name, "Content-Type")) {
      part.content_type = keep_end(std::string(value), limits.max_name_bytes);
    } else if (same_word(name, "Content-Transfer-Encoding")) {
      const bool is_plain = same_word(value, "binary") || same_word(value, "8bit") || same_word(value, "7bit");
      if (!is_plain) {
        return malformed_body("parts with a Content-Transfer-Encoding are not taken; send the bytes as they are");
      }
    }
  }
  return has_disposition ? Status() : Status(malformed_body("a part has no Content-Disposition"));
}

// Finds "CR LF -- boundary" line by line.
class BodyCursor {
 public:
  BodyCursor(std::string_view body, std::string_view boundary) : body_(body), mark_("\r\n--" + std::string(boundary)) {}

  // The first delimiter may stand at the very beginning; what comes before it is nobody's.
  Status skip_preamble() {
    const std::string_view first = std::string_view(mark_).substr(2);
    if (body_.starts_with(first)) at_ = first.size();
    else if (const size_t found = body_.find(mark_); found != std::string_view::npos) at_ = found + mark_.size();
    else return malformed_body("its boundary does not occur in it");
    return {};
  }
  // After a delimiter: true at the closing one.
  Result<bool> at_end() {
    if (body_.substr(at_, 2) == "--") return true;
    while (at_ < body_.size() && (body_[at_] == ' ' || body_[at_] == '\t')) ++at_;
    if (body_.substr(at_, 2) != "\r\n") return malformed_body("a boundary is not followed by a line end");
    at_ += 2;
    return false;
  }
  Result<std::string_view> take_head(size_t max_bytes) {
    const std::string_view window = body_.substr(at_, max_bytes + 4);
    // A part without any header begins with an empty line.
    const size_t end = window.starts_with("\r\n") ? 0 : window.find("\r\n\r\n");
    if (end == std::string_view::npos) {
      if (window.size() < max_bytes + 4) return malformed_body("it ends within the headers of a part");
      return Error{ErrorCode::kLimit, fmt::format("the headers of a part have more than {} bytes", max_bytes)};
    }
    at_ += end + (window.starts_with("\r\n") ? 2 : 4);
    return window.substr(0, end);
  }
  // The content up to the next delimiter, which is passed.
  Status take_content(MultipartPart& part) {
    part.begin = at_;
    // The line end that closes the head is also the one of a delimiter that follows at once.
    const size_t found = find_mark(at_ - 2);
    if (found == std::string_view::npos) return malformed_body("its closing boundary is missing; was it cut off?");
    part.end = std::max(found, part.begin);
    at_ = found + mark_.size();
    return {};
  }

 private:
  [[nodiscard]] size_t find_mark(size_t from) const {
    const std::boyer_moore_horspool_searcher searcher(mark_.begin(), mark_.end());
    const auto found = std::search(body_.begin() + static_cast<ptrdiff_t>(from), body_.end(), searcher);
    return found == body_.end() ? std::string_view::npos : static_cast<size_t>(found - body_.begin());
  }

  const std::string_view body_;
  const std::string mark_;
  size_t at_ = 0;
};

}  // namespace

Result<std::string> multipart_boundary(std::string_view content_type) {
  const HeaderValue value(content_type);
  if (!same_word(value.type(), "multipart/form-data")) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the Content-Type is '{}'; documents come as multipart/form-data with a part named 'file'",
                             ellipsize(printable(content_type), kShownBytes))};
  }
  std::optional<std::string> boundary = value.parameter("boundary");
  if (!boundary || boundary->empty() || boundary->size() > kMaxBoundaryBytes) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the Content-Type must name a boundary of 1 to {} characters", kMaxBoundaryBytes)};
  }
  return *std::move(boundary);
}

Result<std::vector<MultipartPart>> parse_multipart(std::string_view body, std::string_view boundary,
                                                   const MultipartLimits& limits) {
  std::vector<MultipartPart> parts;
  BodyCursor cursor(body, boundary);
  DM_TRY(cursor.skip_preamble());
  while (true) {
    DM_ASSIGN(const bool done, cursor.at_end());
    if (done) return parts;
    if (parts.size() == limits.max_parts) {
      return Error{ErrorCode::kLimit, fmt::format("the body has more than {} parts", limits.max_parts)};
    }
    MultipartPart part;
    DM_ASSIGN(const std::string_view head, cursor.take_head(limits.max_header_bytes));
    DM_TRY(read_part_head(head, limits, part));
    DM_TRY(cursor.take_content(part));
    parts.push_back(std::move(part));
  }
}

}  // namespace docmind::server
